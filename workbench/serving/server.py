"""Start the server of a finished run."""

import ipaddress
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import WorkbenchError
from workbench.runs.usable import UsableRun
from workbench.serving.guard import LOOPBACK
from workbench.serving.limits import Limits

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - only compared with
_WARM = np.zeros((64, 64, 3), np.uint8)


def is_loopback(address: str) -> bool:
    """Whether only programs on this machine reach an address."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


class Server:
    """A server that listens, and answers once `run` is called.

    Args:
        app: What answers.
        listening: A socket that listens.

    Attributes:
        url: Where it is.
    """

    def __init__(self, app: "ASGIApp", listening: socket.socket) -> None:
        import uvicorn

        host, port = listening.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._listening = listening
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, timeout_keep_alive=5, lifespan="off",
            timeout_graceful_shutdown=5, ws="none",
        )  # fmt: skip
        self._server = uvicorn.Server(config)

    def run(self) -> None:
        """Answer until the process is told to end, or `stop` is called."""
        with self._listening:
            self._server.run(sockets=[self._listening])

    def stop(self) -> None:
        """Let `run` return, from another thread."""
        self._server.should_exit = True


def open_server(
    run: UsableRun,
    *,
    address: str = "127.0.0.1",
    port: int = 8700,
    hosts: Sequence[str] = (),
    origins: Sequence[str] = (),
    limits: Limits | None = None,
) -> Server:
    """A server of a run.

    Args:
        run: The run; it is loaded, and asked once, before the port opens.
        address: The address to listen on.
        port: The port; 0 takes a free one.
        hosts: Names, besides those of this machine's loopback, by which it may be called.
        origins: Pages whose scripts may ask: `http://127.0.0.1:8000`.
        limits: Of requests.

    Raises:
        WorkbenchError: The packages of the extra are not installed, the port is taken, or the run cannot be applied.
    """
    try:
        import uvicorn  # noqa: F401

        from workbench.serving.app import make_app
    except ImportError as error:
        raise WorkbenchError(
            f"serve: needs packages that are not installed ({error.name}): pip install 'clip-workbench[serve]'."
        ) from error
    listening = _listen(address, port)
    try:
        warm(run)
    except BaseException:
        listening.close()
        raise
    names = (*LOOPBACK, *hosts) if address in _EVERYWHERE else (*LOOPBACK, address, *hosts)
    app = make_app(
        run, limits or Limits(), hosts=names, origins=origins, any_address=not is_loopback(address)
    )  # fmt: skip
    return Server(app, listening)


def warm(run: UsableRun) -> None:
    """Load all that answers, and let it answer once.

    Raises:
        WorkbenchError: The run cannot be applied to images.
    """
    task = run.task
    if task.answers:
        run.predict(_WARM)
    elif task.answers_texts:
        run.predict(_WARM, "warm")
    elif task.answers_boxes:
        run.ground(_WARM, [[0, 0, 32, 32], [32, 32, 64, 64]], "warm")
    else:
        raise WorkbenchError(
            f"run {run.result.run_id} is for {run.result.task}, which answers for no image, so that there is nothing "
            "to serve."
        )


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise WorkbenchError(
            f"serve: cannot listen on {address}, port {port} ({error.strerror}); give another --port (0 takes a free "
            "one)."
        ) from error
    return listening
