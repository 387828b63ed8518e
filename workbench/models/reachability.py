"""Whether a model of the hub is here, or can be had, asked before anything heavy is loaded."""

import os
import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

from workbench.errors import MissingModelError
from workbench.models.spec import ModelSpec

_SECONDS = 1.5
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


def check_reachable(spec: ModelSpec, repository: str) -> None:
    """Refuse a repository that is not in the local cache while the hub cannot be reached.

    Args:
        spec: The model argument, taken apart.
        repository: `ORG/REPO`, with or without a file behind it; nothing is asked about anything else.

    Raises:
        MissingModelError: It says where its files are to be put.
    """
    folder = _cached(repository)
    if folder is None or is_cached(repository, spec.revision):
        return
    why = why_unreachable()
    if why:
        parts = repository.strip("/").split("/")
        at = f" --revision {spec.revision}" if spec.revision else ""
        raise MissingModelError(
            f"model {spec.argument!r}: it is not in the local cache and the hub cannot be reached ({why}). "
            f"Where there is internet, `hf download {parts[0]}/{parts[1]}{at}` fetches it; copy its folder "
            f"{folder.name} from the cache there to {folder}, or its files anywhere, and name them local-dir:PATH."
        )


def is_cached(repository: str, revision: str = "") -> bool:
    """Whether the local cache has files of a repository of the hub.

    Args:
        repository: `ORG/REPO`, with or without a file behind it.
        revision: Commit, tag or branch; empty for any.
    """
    folder = _cached(repository)
    if folder is None or not revision:
        return folder is not None and any(folder.glob("snapshots/*/*"))
    name = folder / "refs" / revision
    commit = name.read_text(encoding="utf-8").strip() if name.is_file() else revision
    return any((folder / "snapshots" / commit).glob("*"))


def _cached(repository: str) -> Path | None:
    """The folder of a repository in the cache, which need not be there; None for what names no repository."""
    parts = repository.strip("/").split("/")
    return None if len(parts) < 2 else hub_cache() / f"models--{parts[0]}--{parts[1].partition('@')[0]}"


def hub_cache() -> Path:
    """The folder in which huggingface_hub keeps repositories."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def why_unreachable() -> str:
    """Why the hub cannot be reached; empty where it answers, or only a proxy knows."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    if any(os.environ.get(name) for name in _PROXIES):
        return ""
    address = urlsplit(constants.ENDPOINT)
    answers = threading.Event()

    def connect() -> None:
        place = (address.hostname or "", address.port or (80 if address.scheme == "http" else 443))
        try:
            socket.create_connection(place, timeout=_SECONDS).close()
            answers.set()
        except OSError:
            pass

    # Looking a name up has no time limit of its own.
    asking = threading.Thread(target=connect, daemon=True)
    asking.start()
    asking.join(_SECONDS)
    return "" if answers.is_set() else f"{address.hostname} does not answer"
