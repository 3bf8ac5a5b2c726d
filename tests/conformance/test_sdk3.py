"""The SageMaker SDK 3, unmodified (conformance items 21 to 25, and 21 again for 28)."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import values
from infra.values import training_image_uri
from tests.conformance.scripts import INFER, PROCESS, TRAIN
from tests.conformance.sdk import Sdk
from tests.integration.sagemaker.harness import BUCKET, Cloud, Server, new_cloud, tar, untar


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "train.py").write_text(TRAIN)
    (folder / "inference.py").write_text(INFER)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.csv").write_text("1,2\n")
    return folder


@pytest.fixture(scope="module")
def without_namespaces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A SageMaker on a machine that forbids user namespaces."""
    server = Server(tmp_path_factory.mktemp("bare"), LOCALCLOUD_SAGEMAKER_NAMESPACES="off")
    yield new_cloud(server.url)
    server.stop()


@pytest.mark.parametrize("where", ["cloud", "without_namespaces"])
def test_model_trainer_trains_shows_the_log_and_has_the_metrics(
    request: pytest.FixtureRequest, tmp_path: Path, code: Path, data: Path, where: str
) -> None:
    cloud: Cloud = request.getfixturevalue(where)
    told, printed = Sdk("sagemaker3", cloud.url, tmp_path).run("train.py", code, data)
    assert told["status"] == "Completed"
    assert told["metrics"] == {"loss": 0.25}
    assert "loss: 0.25 ['a.csv'] 0.5 1" in printed
    key = told["model"].removeprefix(f"s3://{BUCKET}/")
    assert untar(cloud.get(key))["factor.txt"] == "3"


def test_model_builder_packs_code_into_a_model_deploys_it_and_its_endpoint_answers(
    cloud: Cloud, sdk3: Sdk, code: Path
) -> None:
    archive = cloud.put("plain/model.tar.gz", tar({"factor.txt": "3"}))
    told, _ = sdk3.run("deploy.py", code, archive)
    assert told == {"status": "InService", "model": "built", "reply": [12.0]}


def test_core_resources_get_wait_refresh_and_list(cloud: Cloud, sdk3: Sdk) -> None:
    cloud.put("core-code/sourcedir.tar.gz", tar({"train.py": "print('trained')"}))
    archive = cloud.put("core/model.tar.gz", tar({"factor.txt": "3", "code/inference.py": INFER}))
    told, _ = sdk3.run("resources.py", f"s3://{BUCKET}/core-code/", archive)
    assert (told["job"], told["jobs"]) == ("Completed", ["core-job"])
    assert told["endpoint"] == "InService"
    assert "core" in told["endpoints"]
    assert told["reply"] == [12.0]
    assert 'Could not find endpoint "arn:aws:sagemaker:' in told["afterwards"]


def test_transformer_and_script_processor_run_to_their_ends_and_show_their_logs(
    cloud: Cloud, sdk3: Sdk, tmp_path: Path
) -> None:
    cloud.create_model("batch-model", INFER, {"factor.txt": "3"})
    cloud.put("batch/in/a.csv", "1\n2\n")
    script = tmp_path / "process.py"
    script.write_text(PROCESS)
    told, printed = sdk3.run("batch.py", "batch-model", f"s3://{BUCKET}/batch/in/", script)
    assert told == {"transform": "Completed", "processing": "Completed", "message": "done"}
    assert json.loads(cloud.get("transformer/a.csv.out")) == [3.0, 6.0]
    assert cloud.get("processor/seen.txt") == b"['a.csv'] ['--word', 'hello']"
    assert "a line of the processing job" in printed


def test_the_sdks_table_of_images_is_ours(sdk3: Sdk) -> None:
    told, _ = sdk3.run("images.py")
    # China and the isolated regions are partitions of their own, where nothing of ours is deployed.
    theirs = {region: uri for region, uri in told.items() if not region.startswith(("cn-", "us-iso"))}
    assert {region: training_image_uri(region) for region in theirs} == theirs
    assert set(values._ACCOUNTS) == set(theirs)
