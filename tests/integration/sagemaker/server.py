"""MiniStack with nothing but the local SageMaker in it, on one port: server.py HOME PORT IMAGES."""

import asyncio
import os
import signal
import sys
from pathlib import Path


def main(home: Path, port: int, images: Path) -> None:
    url = f"http://127.0.0.1:{port}"
    state = home / "ministack"
    os.environ |= {
        "AUTH": "true",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(home / "objects"),
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "localhost",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
    }
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack import app as ministack

    from localcloud.sagemaker.plugin import install

    sagemaker = install(images=images, home=home, endpoint_url=url)
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.graceful_timeout = 1

    async def run() -> None:
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        await serve(ministack.app, config, shutdown_trigger=stopped.wait)

    asyncio.run(run())
    sagemaker.shut_down()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
