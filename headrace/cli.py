"""The table of commands. Each line is what `--help` prints; a test keeps it equal to the command's own."""

import click

from headrace.lazy import Entry, LazyGroup
from headrace.options import common_options

_C = "headrace.client.commands"
_O = "headrace.operate.commands"

SECTIONS: dict[str, dict[str, Entry]] = {
    "From data to a live model": {
        "init": Entry(
            f"{_C}.init:init",
            "Write pipeline.yaml and schema.json for a data file, or a recipe to begin with.",
        ),
        "validate": Entry(
            f"{_C}.validate:validate", "Check the pipeline that a file defines, changing nothing."
        ),
        "apply": Entry(f"{_C}.apply:apply", "Create or update the pipeline that a file defines."),
        "recipes": Entry(
            f"{_C}.recipes:recipes", "Push a recipe folder of your own, for pipelines to train with."
        ),
        "upload": Entry(f"{_C}.upload:upload", "Upload a data file, or a folder of pictures, to a pipeline."),
        "train": Entry(f"{_C}.train:train", "Train a model from data that is there."),
        "watch": Entry(f"{_C}.watch:watch", "Follow a dataset version until its model is live."),
        "predict": Entry(f"{_C}.predict:predict", "Predict with the live model."),
        "batch": Entry(f"{_C}.batch:batch", "Predict all records of a file on the stage."),
        "truth": Entry(f"{_C}.truth:truth", "Tell the truth about predictions, by their ids."),
    },
    "Look": {
        "pipelines": Entry(f"{_C}.pipelines:pipelines", "Show the pipelines."),
        "datasets": Entry(
            f"{_C}.datasets:datasets",
            "Show dataset versions, their profile, their bad rows and how they differ.",
        ),
        "jobs": Entry(f"{_C}.jobs:jobs", "Show, stop and retry training jobs."),
        "models": Entry(
            f"{_C}.models:models",
            "Show model versions: what their gate said, where they come from, how they compare.",
        ),
        "drift": Entry(
            f"{_C}.drift:drift", "Show how far requests and answers of what is live are from training."
        ),
        "metrics": Entry(
            f"{_C}.truth:metrics", "Show requests, errors, latency and quality of each version in a window."
        ),
        "history": Entry(f"{_C}.releases:history", "Show every change of what is live, by whom and why."),
    },
    "Decide": {
        "promote": Entry(f"{_C}.releases:promote", "Make a model version the live one."),
        "rollback": Entry(f"{_C}.releases:rollback", "Go back to the model version that was live before."),
        "delete": Entry(
            f"{_C}.delete:delete",
            "Delete a pipeline: its jobs and batches are stopped, its endpoints deleted.",
        ),
    },
    "Operate a stage": {
        "up": Entry(f"{_O}.up:up", "Start the local cloud and deploy Headrace on it."),
        "down": Entry(f"{_O}.local:down", "Stop the local cloud; what it keeps stays."),
        "reset": Entry(f"{_O}.local:reset", "Stop the local cloud and remove all it keeps."),
        "doctor": Entry(
            f"{_O}.local:doctor", "Find what stands in the way of a local cloud, or of a stage on AWS."
        ),
        "env": Entry(f"{_O}.env:env", "Print the shell exports of a stage."),
        "deploy": Entry(f"{_O}.deploy:deploy", "Deploy Headrace to a stage."),
        "destroy": Entry(f"{_O}.destroy:destroy", "Remove a stage from its cloud."),
        "tokens": Entry(f"{_O}.tokens:tokens", "Create, list and revoke the tokens of a stage."),
        "rotate": Entry(
            f"{_O}.rotate:rotate", "Give CloudFront and the services of a stage a new origin secret."
        ),
        "status": Entry(f"{_O}.status:status", "Show whether a stage is up and what is live on it."),
        "rebuild": Entry(f"{_O}.rebuild:rebuild", "Write lost rows of datasets, models and jobs again."),
        "dlq": Entry(f"{_O}.dlq:dlq", "Show dead letters, send them again, drop them."),
        "alarms": Entry(
            f"{_O}.alarms:alarms", "Show how the alarms of a stage stand, those that fire first."
        ),
        "logs": Entry(f"{_O}.logs:logs", "Show what the functions of a stage log."),
        "cost": Entry(f"{_O}.cost:cost", "Estimate what a stage has cost."),
    },
}


@click.group(
    cls=LazyGroup,
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 gate refused, 5 cloud unreachable, 6 bad data.",
)
@click.version_option(package_name="headrace")
@common_options
def cli() -> None:
    """From an uploaded data file to a tested, versioned model behind REST.

    Data goes to stdout, progress to stderr. Start with `headrace up --demo`.
    """
