"""A dashboard as its command starts it."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

from workbench.settings import Settings


@contextlib.contextmanager
def dashboard(settings: Settings, **environment: str) -> Iterator[str]:
    """`workbench dashboard` on a free port of 127.0.0.1; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from workbench.cli import main; main()", "dashboard", "--port", str(port)]
    variables = {**os.environ, "WORKBENCH_CACHE": str(settings.cache), "WORKBENCH_RUNS": str(settings.runs),
                 "STREAMLIT_SERVER_HEADLESS": "true", **environment}  # fmt: skip
    log = settings.cache / f"dashboard-{port}.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, env=variables, stdout=out, stderr=out)
    try:
        for _ in range(300):
            time.sleep(0.2)
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health").close()
                break
            assert process.poll() is None, log.read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)
