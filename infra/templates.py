"""Read CloudFormation templates and fill in what is known before anything is deployed."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

Template = dict[str, Any]

INFRA = Path(__file__).parent
_REFERENCE = re.compile(r"\$\{([A-Za-z0-9:.]+)\}")
# What `Ref` gives for most types is the name, which one of these properties holds.
NAME_PROPERTIES = (
    *("BucketName", "TableName", "QueueName", "TopicName", "RoleName", "FunctionName", "AliasName"),
    *("AlarmName", "DashboardName", "LogGroupName", "FilterName", "Name"),
)
_ARNS = {
    "AWS::S3::Bucket": "arn:{partition}:s3:::{name}",
    "AWS::DynamoDB::Table": "arn:{partition}:dynamodb:{region}:{account}:table/{name}",
    "AWS::SQS::Queue": "arn:{partition}:sqs:{region}:{account}:{name}",
    "AWS::SNS::Topic": "arn:{partition}:sns:{region}:{account}:{name}",
    "AWS::IAM::Role": "arn:{partition}:iam::{account}:role/{name}",
    "AWS::KMS::Key": "arn:{partition}:kms:{region}:{account}:key/<{logical}>",
    "AWS::SecretsManager::Secret": "arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-??????",
}


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as the long ones."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt":
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


def load(name: str) -> Template:
    """Return the template of that file name in `infra/`, its short forms written out."""
    template: Template = yaml.load((INFRA / name).read_text(), _Loader)  # noqa: S506 - a SafeLoader
    return template


class Resolver:
    """Fills in a template: parameters, names, ARNs; what only a deployment knows stays `<Name>`."""

    def __init__(self, template: Template, parameters: Mapping[str, str], place: Mapping[str, str]) -> None:
        """Take the *place*: `partition`, `region`, `account`."""
        self._template, self._place = template, place
        defaults = {
            name: str(told["Default"])
            for name, told in template.get("Parameters", {}).items()
            if "Default" in told
        }
        self._parameters = {**defaults, **parameters}

    def resources(self) -> dict[str, dict[str, Any]]:
        """Return the resources that would be made, filled in; those under a false condition are left out."""
        return {
            name: {**resource, "Properties": self.fill(resource.get("Properties", {}))}
            for name, resource in self._template["Resources"].items()
            if "Condition" not in resource or self._holds(resource["Condition"])
        }

    def outputs(self) -> dict[str, str]:
        """Return the outputs as far as they are known."""
        return {name: str(self.fill(told["Value"])) for name, told in self._template["Outputs"].items()}

    def fill(self, value: Any) -> Any:
        """Return *value* with every function of CloudFormation carried out."""
        if isinstance(value, list):
            return [one for one in map(self.fill, value) if one is not None]
        return self._fill_map(value) if isinstance(value, dict) else value

    def _fill_map(self, value: dict[str, Any]) -> Any:
        function = next(iter(value)) if len(value) == 1 else ""
        if function == "Ref" or function.startswith("Fn::"):
            return self._call(function.removeprefix("Fn::"), value[function])
        filled = {key: self.fill(one) for key, one in value.items()}
        return {key: one for key, one in filled.items() if one is not None}

    def _call(self, function: str, argument: Any) -> Any:
        known: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Sub": self._sub,
            "GetAtt": lambda place: self._attribute(*place),
            "If": lambda choice: self.fill(choice[1 if self._holds(choice[0]) else 2]),
            "Join": lambda parts: parts[0].join(str(self.fill(one)) for one in parts[1]),
        }
        return known[function](argument) if function in known else f"<{function}>"

    def _sub(self, argument: Any) -> str:
        text, more = (argument, {}) if isinstance(argument, str) else argument
        given = {name: str(self.fill(one)) for name, one in more.items()}
        return _REFERENCE.sub(lambda found: given.get(found[1]) or self._named(found[1]), text)

    def _holds(self, condition: str) -> bool:
        return self._test(self._template["Conditions"][condition])

    def _test(self, test: dict[str, Any]) -> bool:
        ((function, argument),) = test.items()
        if function == "Condition":
            return self._holds(argument)
        if function == "Fn::Equals":
            first, second = map(self.fill, argument)
            return bool(first == second)
        results = [self._test(one) for one in argument]
        return {"Fn::Not": not results[0], "Fn::And": all(results), "Fn::Or": any(results)}[function]

    def _named(self, name: str) -> str:
        logical, _, attribute = name.partition(".")
        return str(self._attribute(logical, attribute) if attribute else self._ref(name))

    def _ref(self, name: str) -> Any:
        pseudo = {
            "AWS::AccountId": self._place["account"],
            "AWS::Region": self._place["region"],
            "AWS::Partition": self._place["partition"],
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NoValue": None,
        }
        if name in pseudo:
            return pseudo[name]
        if name in self._parameters:
            return self._parameters[name]
        resource = self._template["Resources"].get(name)
        if resource is None:
            return f"<{name}>"
        return self._arn(name) if resource["Type"] == "AWS::SNS::Topic" else self._name(name)

    def _attribute(self, logical: str, attribute: str) -> str:
        if attribute in {"Arn", "Id"} and logical in self._template["Resources"]:
            return self._arn(logical)
        return f"<{logical}.{attribute}>"

    def _arn(self, logical: str) -> str:
        kind = self._template["Resources"][logical]["Type"]
        pattern = _ARNS.get(kind, "<{logical}>")
        return pattern.format(name=self._name(logical), logical=logical, **self._place)

    def _name(self, logical: str) -> str:
        properties = self._template["Resources"][logical].get("Properties", {})
        named = next((properties[one] for one in NAME_PROPERTIES if one in properties), None)
        return f"<{logical}>" if named is None else str(self.fill(named))
