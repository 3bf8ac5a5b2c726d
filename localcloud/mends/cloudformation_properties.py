"""CloudFormation: properties MiniStack says it created, and does not."""

import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

from ministack.services import dynamodb, s3, secretsmanager
from ministack.services.cloudformation import provisioners

from localcloud.mends.patch_points import require
from localcloud.settings import Settings

MEND = "cloudformation_properties"
Properties = dict[str, Any]
Extra = Callable[[str, Properties], None]


def mend(settings: Settings) -> None:
    """Apply TTL, recovery, encryption, lifecycle and password rules of a template.

    AWS: `AWS::DynamoDB::Table` sets TimeToLiveSpecification, PointInTimeRecoverySpecification and
    SSESpecification, `AWS::S3::Bucket` LifecycleConfiguration (CloudFormation template reference);
    GenerateSecretString leaves out what its Exclude* flags name; Ref of a secret is its ARN.
    MiniStack 1.5.33: CREATE_COMPLETE, and Describe shows none of them; a secret with
    ExcludePunctuation has punctuation, which breaks it as an HTTP header; Ref of a secret is its
    name, which no IAM policy accepts as a resource (tried).
    """
    del settings
    require(MEND, provisioners, "_ddb_create", '"SSEDescription": None')
    require(MEND, provisioners, "_s3_create", "_s3_apply_configurations(name, props)")
    require(MEND, provisioners, "_sm_secret_string", 'exclude = gen.get("ExcludeCharacters", "")')
    require(MEND, dynamodb, "_update_ttl", "_ttl_settings[name] = {")
    require(MEND, dynamodb, "_update_continuous_backups", "_pitr_settings[name] = enabled")
    require(MEND, s3, "_put_bucket_lifecycle", "name: str, body: bytes")
    require(MEND, provisioners, "_sm_secret_create", 'return name, {"Id": arn, "Arn": arn}')
    require(MEND, secretsmanager, "_resolve", "Returns (storage_key, record)")
    require(MEND, secretsmanager, "_get_random_password", 'data.get("ExcludePunctuation", False)')
    handlers = require(MEND, provisioners, "_RESOURCE_HANDLERS")
    _extend(handlers["AWS::DynamoDB::Table"], _complete_table)
    _extend(handlers["AWS::S3::Bucket"], _complete_bucket)
    _identify_by_arn(handlers["AWS::SecretsManager::Secret"])
    provisioners._sm_secret_string = _secret_string


def _extend(handler: dict[str, Any], complete: Extra) -> None:
    """Run `complete` with the physical id after a resource is created or updated."""
    create, update = handler["create"], handler["update"]

    def create_whole(logical_id: str, properties: Properties, stack_name: str) -> Any:
        made = create(logical_id, properties, stack_name)
        complete(made[0], properties)
        return made

    def update_whole(physical_id: str, old: Properties, new: Properties, *rest: Any, **options: Any) -> Any:
        made = update(physical_id, old, new, *rest, **options)
        complete(made[0], new)
        return made

    handler["create"], handler["update"] = create_whole, update_whole


def _identify_by_arn(handler: dict[str, Any]) -> None:
    """Make the ARN the physical id of a secret, and find the secret by it again."""
    create, update, delete = handler["create"], handler["update"], handler["delete"]

    def create_secret(logical_id: str, properties: Properties, stack_name: str) -> Any:
        name, attributes = create(logical_id, properties, stack_name)
        return secretsmanager._secrets[name]["ARN"], attributes

    def update_secret(physical_id: str, *rest: Any, **options: Any) -> Any:
        name, attributes = update(_secret_name(physical_id), *rest, **options)
        return secretsmanager._secrets[name]["ARN"], attributes

    def delete_secret(physical_id: str, properties: Properties) -> Any:
        return delete(_secret_name(physical_id), properties)

    handler.update(create=create_secret, update=update_secret, delete=delete_secret)


def _secret_name(physical_id: str) -> str:
    name, _secret = secretsmanager._resolve(physical_id)
    return name or physical_id


def _complete_table(name: str, properties: Properties) -> None:
    ttl = properties.get("TimeToLiveSpecification")
    if ttl:
        _require_success(dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": _flags(ttl)}))
    recovery = properties.get("PointInTimeRecoverySpecification")
    if recovery:
        request = {"TableName": name, "PointInTimeRecoverySpecification": _flags(recovery)}
        _require_success(dynamodb._update_continuous_backups(request))
    encryption = properties.get("SSESpecification")
    if encryption:
        # The template says SSEEnabled where the API says Enabled.
        fields = _flags(encryption)
        request = {
            "TableName": name,
            "SSESpecification": {**fields, "Enabled": fields.get("SSEEnabled", False)},
        }
        _require_success(dynamodb._update_table(request))


def _complete_bucket(name: str, properties: Properties) -> None:
    lifecycle = properties.get("LifecycleConfiguration")
    if lifecycle:
        _require_success(s3._put_bucket_lifecycle(name, lifecycle_xml(lifecycle)))


def lifecycle_xml(lifecycle: Properties) -> bytes:
    """Return PutBucketLifecycleConfiguration's XML for the template's rules."""
    root = ET.Element("LifecycleConfiguration")
    for rule in lifecycle.get("Rules", []):
        element = ET.SubElement(root, "Rule")
        for name, value in _rule_fields(rule).items():
            _append(element, name, value)
    return ET.tostring(root)


def _rule_fields(rule: Properties) -> Properties:
    """Translate one rule from the template's spelling into the API's."""
    fields: Properties = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if "Id" in rule:
        fields["ID"] = rule["Id"]
    if "ExpirationInDays" in rule:
        fields["Expiration"] = {"Days": rule["ExpirationInDays"]}
    elif "ExpiredObjectDeleteMarker" in rule:
        fields["Expiration"] = {"ExpiredObjectDeleteMarker": rule["ExpiredObjectDeleteMarker"]}
    if "NoncurrentVersionExpiration" in rule:
        fields["NoncurrentVersionExpiration"] = rule["NoncurrentVersionExpiration"]
    elif "NoncurrentVersionExpirationInDays" in rule:
        fields["NoncurrentVersionExpiration"] = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    if "AbortIncompleteMultipartUpload" in rule:
        fields["AbortIncompleteMultipartUpload"] = rule["AbortIncompleteMultipartUpload"]
    fields["Transition"] = [
        {"Days": move["TransitionInDays"], "StorageClass": move["StorageClass"]}
        for move in rule.get("Transitions", [])
    ]
    return fields


def _append(parent: ET.Element, name: str, value: Any) -> None:
    for item in value if isinstance(value, list) else [value]:
        element = ET.SubElement(parent, name)
        if isinstance(item, dict):
            for child, content in item.items():
                _append(element, child, content)
        else:
            element.text = str(item).lower() if isinstance(item, bool) else str(item)


def _secret_string(properties: Properties) -> str:
    """Return the value of a secret: given, or generated by GetRandomPassword's own rules."""
    given: str = properties.get("SecretString", "")
    rules = properties.get("GenerateSecretString")
    if given or not rules:
        return given
    request = _flags(rules) | {"PasswordLength": int(rules.get("PasswordLength", 32))}
    password: str = json.loads(_require_success(secretsmanager._get_random_password(request)))[
        "RandomPassword"
    ]
    template = rules.get("SecretStringTemplate")
    if not template:
        return password
    return json.dumps(json.loads(template) | {rules.get("GenerateStringKey", "password"): password})


def _flags(fields: Properties) -> Properties:
    """Read "true" and "false" as what they are: a template's booleans may be text."""
    words = {"true": True, "false": False}
    return {
        name: words.get(value, value) if isinstance(value, str) else value for name, value in fields.items()
    }


def _require_success(answer: tuple[int, Any, bytes]) -> bytes:
    status, _headers, body = answer
    if status >= 400:
        raise ValueError(body.decode(errors="replace") if isinstance(body, bytes) else str(body))
    return body
