"""The flights example, from its first month of data to a live prediction for the second."""

from pathlib import Path
from typing import Any

from headrace.client.api import Api
from headrace.client.commands.predict import ask, model_inputs
from headrace.client.commands.upload import upload_file, version_of
from headrace.client.commands.watch import eyes_of
from headrace.client.definitions import DEFINITION, load_definition
from headrace.client.following import follow
from headrace.client.records import read_records
from headrace.failures import Failure
from headrace.operate.project import Project
from headrace.session import Session

FLIGHTS = "flights"
NEXT_COMMANDS = (
    (
        f"headrace upload {FLIGHTS} examples/flights/2013-02.csv --watch",
        "a second month: a second model version",
    ),
    (f"headrace models ls {FLIGHTS}", "what was trained, and what the gate said"),
    (f"headrace rollback {FLIGHTS}", "back to the version before, within seconds"),
    (f"headrace predict {FLIGHTS} examples/flights/2013-03.csv", "a whole month of predictions"),
    ("headrace logs training -f", "what the functions log"),
    ("headrace down", "stop the local cloud; what it keeps stays"),
)


def run_demo(session: Session, project: Project) -> bool:
    """Bring the flights pipeline to a live prediction; return whether anything had to be made.

    Raises
    ------
    Failure
        The pipeline did not become live; the message says at which step.
    """
    api = session.api
    months = sorted(project.example.glob("2*.csv"))
    if len(months) < 2:
        raise Failure(f"the example's data is missing under {project.example}")
    applied = _apply(session, api, project.example / DEFINITION)
    release = api.find("endpoints", FLIGHTS) or {}
    live = release.get("live")
    if live:
        session.progress.done("live", f"in place: {live}, since {release.get('live_since')}")
    else:
        _first_month(session, api, months[0])
    _predict_one(session, api, months[1])
    return applied or not live


def _apply(session: Session, api: Api, file: Path) -> bool:
    if api.find("pipelines", FLIGHTS) is not None:
        session.progress.done("pipeline", f"in place: {FLIGHTS}")
        return False
    began = session.monotonic()
    api.put("pipelines", FLIGHTS, body=load_definition(file))
    session.progress.done(
        "pipeline", f"{FLIGHTS} from examples/flights/{DEFINITION}", session.monotonic() - began
    )
    return True


def _first_month(session: Session, api: Api, file: Path) -> None:
    """Upload the file and follow it; a demo that was interrupted is followed, not begun again."""
    eyes = eyes_of(session)
    rows = (api.find("datasets", FLIGHTS, limit=20) or {}).get("versions", [])
    under_way = [
        row for row in rows if not row.get("duplicate_of") and row["state"] not in {"REJECTED", "FAILED"}
    ]
    if under_way:
        version = str(max(under_way, key=lambda row: row["ordinal"])["version"])
    else:
        arrived = upload_file(session, FLIGHTS, file)
        version = version_of(eyes, arrived)
    ending = follow(eyes, FLIGHTS, version)
    if ending.live is None:
        raise Failure(f"the demo ended without a live model: {ending.outcome}")


def _predict_one(session: Session, api: Api, file: Path) -> None:
    """Predict the first flight of a month the model has not seen, and say what really happened."""
    # The first record has no quoted line break in these files, so two lines hold it whole.
    lines = file.read_text(encoding="utf-8").splitlines()[:2]
    record = read_records("\n".join(lines).encode(), ".csv", model_inputs(api, FLIGHTS))[0]
    truth = dict(zip(lines[0].split(","), lines[1].split(","), strict=True)).get("late")
    began = session.monotonic()
    answer: dict[str, Any] = ask(session, FLIGHTS, [record], None)[0]
    score = f" (score {answer['score']:.2f})" if "score" in answer else ""
    told = (
        f"{record.get('carrier')} {record.get('origin')}-{record.get('dest')} late? "
        f"{answer['model_version']} says {str(answer['value']).lower()}{score}; in truth {truth}"
    )
    session.progress.done("predict", told, session.monotonic() - began)
