"""Values of a deployment that no CloudFormation stack knows: image, recipes, code version."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from infra.errors import DeployError
from infra.fingerprint import digest_of
from infra.stage import Stage

IMAGE = "sagemaker-scikit-learn:1.9-0-cpu-py3"
# Everything whose change is a change of the deployed product.
DEPLOYED = ("shared", "ingest_service", "training_service", "inference_service")
# AWS's account for the image per region, from the public table of the SageMaker Python SDK (sklearn.json).
_ACCOUNTS = {
    "af-south-1": "510948584623",
    "ap-east-1": "651117190479",
    "ap-northeast-1": "354813040037",
    "ap-northeast-2": "366743142698",
    "ap-northeast-3": "867004704886",
    "ap-south-1": "720646828776",
    "ap-south-2": "628508329040",
    "ap-southeast-1": "121021644041",
    "ap-southeast-2": "783357654285",
    "ap-southeast-3": "951798379941",
    "ap-southeast-4": "106583098589",
    "ca-central-1": "341280168497",
    "ca-west-1": "190319476487",
    "eu-central-1": "492215442770",
    "eu-central-2": "680994064768",
    "eu-north-1": "662702820516",
    "eu-south-1": "978288397137",
    "eu-south-2": "104374241257",
    "eu-west-1": "141502667606",
    "eu-west-2": "764974769150",
    "eu-west-3": "659782779980",
    "il-central-1": "898809789911",
    "me-central-1": "272398656194",
    "me-south-1": "801668240914",
    "sa-east-1": "737474898029",
    "us-east-1": "683313688378",
    "us-east-2": "257758044811",
    "us-gov-east-1": "237065988967",
    "us-gov-west-1": "414596584902",
    "us-west-1": "746614075791",
    "us-west-2": "246618743249",
}


def training_image_uri(region: str) -> str:
    """Return the full URI of AWS's scikit-learn image in *region*.

    Raises
    ------
    DeployError
        AWS publishes no such image there, as far as we know.
    """
    account = _ACCOUNTS.get(region)
    if account is None:
        raise DeployError(
            f"region {region}: no {IMAGE} is known there; deploy to one of {', '.join(_ACCOUNTS)}"
        )
    return f"{account}.dkr.ecr.{region}.amazonaws.com/{IMAGE}"


def code_version(root: Path) -> str:
    """Return the commit that last changed the deployed code, with `-dirty` when files differ from it.

    Without git: a digest of the files. Commits that touch only documents change nothing, so they deploy nothing.
    """
    commit = _git(root, "log", "-1", "--format=%h", "--abbrev=12", "--", *DEPLOYED)
    if not commit:
        return f"tree-{digest_of(*(root / name for name in DEPLOYED))[:12]}"
    changes = _git(root, "status", "--porcelain", "--", *DEPLOYED)
    if not changes:
        return commit
    return f"{commit}-dirty-{digest_of(*(root / name for name in DEPLOYED))[:8]}"


def stage_values(
    stage: Stage, recipes: Mapping[str, str], root: Path, ingest_code_uri: str
) -> dict[str, str]:
    """Return the placeholders beyond the foundation's outputs; `Recipes` is JSON: family to sha256."""
    return {
        "Stage": stage.name,
        "Region": stage.region,
        "Account": stage.account,
        "Partition": stage.partition,
        "Recipes": json.dumps(dict(sorted(recipes.items()))),
        "TrainingImageUri": training_image_uri(stage.region),
        "IngestCodeUri": ingest_code_uri,
        "CodeVersion": code_version(root),
    }


def _git(root: Path, *arguments: str) -> str:
    """Return git's answer, empty where there is no git or no repository."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
