"""`python -m localcloud`: one local cloud in the foreground."""

import argparse
import logging
import sys
from pathlib import Path

from localcloud.errors import LocalCloudError, RuntimeMissing
from localcloud.home import Home
from localcloud.settings import DEFAULT_PORT, Settings, file_named, install_environment


def main() -> int:
    """Read the arguments, serve, and end with 0 after a graceful stop or 1 with one line of why."""
    settings = _settings(_parser().parse_args())
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", level=logging.INFO)
    try:
        if not settings.lambda_runtime.exists():
            raise RuntimeMissing(f"no Lambda interpreter at {settings.lambda_runtime}: give --lambda-runtime")
        settings.home.create()
        install_environment(settings)
        # MiniStack reads its environment while it is imported: not before this line.
        from localcloud import server

        server.run(settings)
    except LocalCloudError as error:
        print(f"localcloud: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localcloud", description="AWS on 127.0.0.1, one port.")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--home", type=Path, default=Path(".headrace"), help="folder for all state")
    parser.add_argument("--lambda-runtime", type=Path, required=True, help="Python of the Lambda runtime")
    parser.add_argument(
        "--images", type=Path, required=True, help="folder of the SageMaker image environments"
    )
    parser.add_argument("--async-concurrency", type=int, default=3, help="asynchronous invocations at a time")
    parser.add_argument(
        "--async-retry-base", type=float, default=1.0, help="pause before the first retry, seconds"
    )
    return parser


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(
        home=Home(root=options.home.absolute()),
        port=options.port,
        # Not resolved: a virtual environment's python is a link, and only the link knows its packages.
        lambda_runtime=options.lambda_runtime.absolute(),
        images=options.images.absolute(),
        async_concurrency=options.async_concurrency,
        async_retry_base_s=options.async_retry_base,
        iam_ledger=file_named("LOCALCLOUD_IAM_LEDGER"),
        delivery_faults=file_named("LOCALCLOUD_DELIVERY_FAULTS"),
    )


if __name__ == "__main__":
    sys.exit(main())
