"""What a deployed local stage takes: P15, the start of a job, and every example beside its naive baseline.

    python -m benchmarks.training.stage [--rounds N]

A stage of its own is brought up and warmed by one pipeline from upload to prediction; then the same is timed.
"""

import argparse
import csv
import io
import random
import statistics
import tarfile
import tempfile
import time
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from benchmarks.measure import report
from tests.e2e.test_examples import EXAMPLES, read_ratings, read_reviews
from tests.stage import Stage, eventually, make_stage

ROWS = 30_000
P15_GATE_S, START_GATE_S = 8.0, 2.0
PREFIX = "headrace-local-"
# It says when it begins and ends, so that what is left is what a job costs before and after it.
TRIVIAL = "import time; began = time.time(); print('own', time.time() - began)\n"
UPLOADS = {
    "airtime": "airtime.csv",
    "digits": "digits.zip",
    "flights": "2013-01.csv",
    "weather": "2013-q2.csv",
}


def main(arguments: list[str] | None = None) -> None:
    """Bring a stage up, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=3, help="how often an upload is followed and a job started"
    )
    rounds = parser.parse_args(arguments).rounds
    with tempfile.TemporaryDirectory() as folder:
        stage = make_stage(Path(folder))
        try:
            stage.up()
            first_prediction(stage, "warmup")
            report_predictions([first_prediction(stage, f"bench-{number}") for number in range(rounds)])
            report_start([start_job(stage, f"{PREFIX}bench-{number}") for number in range(rounds)])
            report_quality(stage, Path(folder))
        finally:
            stage.down()


def first_prediction(stage: Stage, name: str) -> dict[str, float]:
    """Upload a table of deliveries and return when each step was done, in seconds since the upload."""
    body = deliveries(name)
    stage.put_pipeline(name, target="late", gate=["roc_auc >= 0.6"])
    began = time.time()
    stage.put_object(name, "deliveries.csv", body)
    record = {"distance_km": 80.0, "hour": 17, "carrier": "van"}

    def predict() -> bool:
        return stage.request("POST", f"/v1/predictions/{name}", {"records": [record]})[0] == 200

    eventually(predict, within_s=120, every_s=0.05)
    ended = time.time()
    (job,) = stage.get(f"/v1/training-jobs?pipeline={name}")["jobs"]
    told = describe(stage, f"{PREFIX}{job['job_id']}-a1")
    sagemaker = stage.aws("sagemaker")
    (endpoint,) = sagemaker.list_endpoints(NameContains=f"{PREFIX}{name}")["Endpoints"]
    marks = {
        "prepared, job asked for": seconds(told["CreationTime"]),
        "script started": seconds(told["TrainingStartTime"]),
        "script ended": seconds(told["TrainingEndTime"]),
        "model registered": seconds(stage.get(f"/v1/models/{name}/v1")["created_at"]),
        "endpoint asked for": seconds(endpoint["CreationTime"]),
        "endpoint in service": seconds(endpoint["LastModifiedTime"]),
        "first prediction": ended,
    }
    return {what: at - began for what, at in marks.items()}


def deliveries(seed: str) -> bytes:
    """Return a CSV whose last column follows from the others, plus noise."""
    draw, out = random.Random(seed), io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["distance_km", "hour", "carrier", "late"])
    for _ in range(ROWS):
        distance, hour = draw.uniform(1, 100), draw.randrange(24)
        late = (distance / 100 + (0.4 if 16 <= hour <= 19 else 0) > 0.55) != (draw.random() < 0.15)
        writer.writerow([f"{distance:.2f}", hour, draw.choice(["post", "bike", "van"]), int(late)])
    return out.getvalue().encode()


def describe(stage: Stage, job: str) -> dict[str, Any]:
    """Return what SageMaker says of a job."""
    told: dict[str, Any] = stage.aws("sagemaker").describe_training_job(TrainingJobName=job)
    return told


def seconds(at: Any) -> float:
    """Return a time as seconds since 1970."""
    return float((datetime.fromisoformat(at) if isinstance(at, str) else at).timestamp())


def start_job(stage: Stage, name: str) -> float:
    """Run a job whose script does nothing, as the stage runs its own; return the seconds from the request to its end."""
    sagemaker = stage.aws("sagemaker")
    newest = sagemaker.list_training_jobs(NameContains=PREFIX)["TrainingJobSummaries"][0]["TrainingJobName"]
    like = describe(stage, newest)
    code = next(one for one in like["InputDataConfig"] if one["ChannelName"] == "code")
    source = code["DataSource"]["S3DataSource"]
    bucket, _, _ = source["S3Uri"].removeprefix("s3://").partition("/")
    key = "code/trivial/sourcedir.tar.gz"
    stage.aws("s3").put_object(Bucket=bucket, Key=key, Body=pack(TRIVIAL))
    channel = code | {"DataSource": {"S3DataSource": source | {"S3Uri": f"s3://{bucket}/{key}"}}}
    same = ("AlgorithmSpecification", "RoleArn", "OutputDataConfig", "ResourceConfig", "StoppingCondition")
    request = {member: like[member] for member in (*same, "HyperParameters", "EnableNetworkIsolation")}
    began = time.monotonic()
    sagemaker.create_training_job(TrainingJobName=name, InputDataConfig=[channel], **request)
    eventually(lambda: describe(stage, name)["TrainingJobStatus"] != "InProgress", every_s=0.02)
    took_s = time.monotonic() - began
    ended = describe(stage, name)
    if ended["TrainingJobStatus"] != "Completed":
        raise RuntimeError(f"the job failed: {ended.get('FailureReason')}")
    return took_s


def pack(script: str) -> bytes:
    """Return a sourcedir.tar.gz with the script as train.py."""
    out, body = io.BytesIO(), script.encode()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        member = tarfile.TarInfo("train.py")
        member.size = len(body)
        archive.addfile(member, io.BytesIO(body))
    return out.getvalue()


def report_predictions(rounds: list[dict[str, float]]) -> None:
    """Print P15 with the medians of its steps."""
    at = {what: round(statistics.median(told[what] for told in rounds), 2) for what in rounds[0]}
    whole_s = at["first prediction"]
    begins = [0.0, *at.values()][: len(at)]
    taken = {what: round(end - begin, 2) for (what, end), begin in zip(at.items(), begins, strict=True)}
    met = whole_s <= P15_GATE_S
    report(
        f"P15 upload to first prediction, {ROWS} rows",
        whole_s,
        "s",
        gate=f"<= {P15_GATE_S:g}",
        met=met,
        at=at,
        took=taken,
    )


def report_start(took_s: list[float]) -> None:
    """Print what a job costs that does nothing."""
    median_s = statistics.median(took_s)
    rounds = [round(one, 2) for one in took_s]
    met = median_s <= START_GATE_S
    report("a job that does nothing", median_s, "s", gate=f"<= {START_GATE_S:g}", met=met, rounds=rounds)


def report_quality(stage: Stage, folder: Path) -> None:
    """Print each example's primary metric beside its naive baseline's, with the pessimistic end of the difference."""
    files = {name: EXAMPLES / name / file for name, file in UPLOADS.items()}
    bought = {"lectures": read_ratings(folder), "reviews": read_reviews(folder)}
    files |= {name: file for name, file in bought.items() if file}
    for name, file in files.items():
        definition = yaml.safe_load((EXAMPLES / name / "pipeline.yaml").read_text(encoding="utf-8"))
        stage.put_pipeline(**definition)
        stage.put_object(name, file.name, file.read_bytes())
    for name in files:
        report_example(name, eventually(partial(evaluation_of, stage, name), within_s=300))


def evaluation_of(stage: Stage, name: str) -> Any:
    """Return the evaluation of the first version, None while there is none."""
    status, _, told = stage.request("GET", f"/v1/models/{name}/v1/evaluation")
    return told if status == 200 else None


def report_example(name: str, told: dict[str, Any]) -> None:
    """Print one line of the table."""
    primary = told["primary"]
    between = told["differences"]["baseline"][primary]
    is_higher = told["higher_is_better"][primary]
    worst = between["low" if is_higher else "high"]
    values = {who: round(told["metrics"][who][primary], 4) for who in ("challenger", "baseline")}
    met = worst > 0 if is_higher else worst < 0
    report(
        f"example {name}: {primary} over the naive baseline, pessimistic end",
        worst,
        "",
        gate="better than the baseline",
        met=met,
        rows=told["rows"],
        model=values["challenger"],
        baseline=values["baseline"],
    )


if __name__ == "__main__":
    main()
