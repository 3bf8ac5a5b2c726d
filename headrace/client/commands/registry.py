"""`headrace models card|lineage|compare|reproduce`: what is on record of a model version."""

import click

from headrace.client.api import Json
from headrace.failures import Failure
from headrace.options import command
from headrace.session import Session

_CHECKS = ("what", "holds", "detail")
_COMPARED = ("about", "name", "old", "new", "difference", "old_over_baseline", "new_over_baseline")


@command("card")
@click.argument("pipeline")
@click.argument("version")
def show_card(session: Session, pipeline: str, version: str) -> None:
    """Print the model card, as Markdown."""
    from headrace.output import write_lines

    markdown = session.api.get("models", pipeline, version, "card")["markdown"]
    write_lines(markdown.splitlines(), session.output)


@command("lineage")
@click.argument("pipeline")
@click.argument("version", required=False)
@click.option("--prediction", metavar="ID", help="Begin at a prediction: the version that answered it.")
def show_lineage(session: Session, pipeline: str, version: str | None, prediction: str | None) -> None:
    """Show where a model version comes from, down to the uploads, and whether each link holds.

    Ends with 1 where one does not. JSON has everything; the table shows the checks.
    """
    asked = session.api.get("predictions", pipeline, prediction) if prediction else None
    name = _version_meant(version, asked)
    lineage = session.api.get("models", pipeline, name, "lineage")
    if session.output == "table":
        _show_checks(session, name, lineage)
    else:
        session.show({"prediction": asked, **lineage} if asked else lineage)
    if not lineage["verified"]:
        broken = ", ".join(check["what"] for check in lineage["checks"] if not check["holds"])
        raise Failure(f"the lineage of {pipeline} {name} does not hold at: {broken}")


def _version_meant(version: str | None, prediction: Json | None) -> str:
    """Return the version that is named, or the one that answered the prediction; both must agree."""
    name = version or (prediction or {}).get("model_version")
    if not name or (prediction and name != prediction["model_version"]):
        raise click.UsageError("name a version, or one of its predictions with --prediction")
    return name


def _show_checks(session: Session, version: str, lineage: Json) -> None:
    for dataset in lineage["datasets"]:
        raw = dataset["raw"]
        session.progress.note(f"{version} ← {dataset['version']} ← {raw['uri']} (sha256 {raw['sha256']})")
    session.show(lineage["checks"], _CHECKS)


@command("compare")
@click.argument("pipeline")
@click.argument("v1")
@click.argument("v2")
def compare_models(session: Session, pipeline: str, v1: str, v2: str) -> None:
    """Show how model version V2 differs from V1: metrics, slices, data, parameters, libraries.

    Metrics are those each version was judged by, on the rows of its own time.
    """
    from headrace.client.registry import compare, compared_rows

    found = compare(session.api, pipeline, v1, v2)
    if session.output == "json":
        session.show(found)
        return
    if session.output == "table" and found["judged_on"][0] != found["judged_on"][1]:
        session.progress.note(
            "the two were judged on different rows: differences of metrics mix model and data"
        )
    session.show(compared_rows(found), _COMPARED)


@command("reproduce")
@click.argument("pipeline")
@click.argument("version")
@click.option("--no-wait", is_flag=True, help="Return once the training has started.")
def reproduce(session: Session, pipeline: str, version: str, no_wait: bool) -> None:
    """Train a model version again from exactly its recorded inputs, and say whether the same comes out.

    The repetition is never released. Ends with 0 when metrics and predictions agree within the tolerance that the
    report states, 1 when they differ or an input is gone.
    """
    from headrace.client.registry import POLL_S, wait_for_reproduction
    from headrace.progress import following

    api = session.api
    started = api.post("models", pipeline, version, "reproduce")
    if no_wait:
        session.show(started)
        return
    session.progress.note(f"{version} is trained again by job {started['job_id']}")
    with following(session.progress):
        report = wait_for_reproduction(
            api, pipeline, version, started["job_id"], pause=lambda: session.sleep(POLL_S)
        )
    session.show(report)
    if report["outcome"] == "different":
        raise Failure(f"{pipeline} {version} came out otherwise: {'; '.join(report['reasons'])}")
