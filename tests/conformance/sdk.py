"""Programs of the SageMaker SDKs, run in an environment that holds nothing but the SDK."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.clouds import CREDENTIALS, RUNTIMES
from tests.integration.sagemaker.harness import BUCKET, IMAGE

HERE = Path(__file__).parent
# Opting out of telemetry is possible only here; there is no variable for it.
_CONFIGURATION = """
SchemaVersion: '1.0'
SageMaker:
  PythonSDK:
    Modules:
      TelemetryOptOut: true
"""


class Sdk:
    """One SDK, whose programs talk to one cloud."""

    def __init__(self, name: str, url: str, folder: Path) -> None:
        self.python = RUNTIMES / name / "bin" / "python"
        self.programs = HERE / name.replace("sagemaker", "sdk")
        (folder / "config.yaml").write_text(_CONFIGURATION)
        self._environment = CREDENTIALS | {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "AWS_ENDPOINT_URL": url,
            "AWS_REGION": "us-east-1",
            "SAGEMAKER_USER_CONFIG_OVERRIDE": str(folder / "config.yaml"),
            # The SDK would look the role up in IAM and simulate its policies.
            "SAGEMAKER_VALIDATE_ROLE": "false",
            # Whatever is not sent to the cloud's address ends here: the SDKs reach nothing else.
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "NO_PROXY": "127.0.0.1",
            # One line of a log is one line of what they print.
            "COLUMNS": "400",
            "BUCKET": BUCKET,
            "IMAGE": IMAGE,
            "ROLE": "arn:aws:iam::000000000000:role/sagemaker",
        }

    def run(self, program: str, *arguments: object) -> tuple[dict[str, Any], str]:
        """Run a program to its end; return what it tells in its last line, and all it printed before."""
        command = [str(self.python), str(self.programs / program), *map(str, arguments)]
        done = subprocess.run(
            command,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, said[-4000:]
        printed, _, told = done.stdout.rpartition("told ")
        return json.loads(told), printed + done.stderr
