"""Repositories of datasets on the Hub, as folders of the local cache."""

import re
from collections.abc import Sequence
from pathlib import Path

from workbench.errors import DataError, MissingDataError

_COMMIT = re.compile(r"[0-9a-f]{40}")
TEXT_FILES = ("*.txt",)


def snapshot_of(repository: str, revision: str | None, patterns: Sequence[str], dataset: str) -> Path:
    """The folder that holds a repository's files at a commit; its name is the commit.

    A pinned commit that is complete in the cache is taken from there, and nothing is asked. Otherwise what is missing
    is downloaded.

    Args:
        repository: `org/name`.
        revision: Commit, tag or branch; None is the newest.
        patterns: The files that are needed, with `*`.
        dataset: The dataset's name, for messages.

    Raises:
        DataError: It cannot be had; says where its files are to be put.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    wanted = [*patterns, *TEXT_FILES]

    def had(*, local: bool) -> Path:
        folder = snapshot_download(
            repository, repo_type="dataset", revision=revision, allow_patterns=wanted, local_files_only=local
        )
        return Path(folder)

    if _COMMIT.fullmatch(revision or "") or (why := _unreachable()):
        try:
            return had(local=True)
        except LocalEntryNotFoundError as error:
            if why := _unreachable():
                raise MissingDataError(_advice(repository, dataset, why)) from error
    try:
        return had(local=False)
    except Exception as error:  # The Hub's client raises many kinds; each is the user's to see as one sentence.
        reason = next(iter(str(error).splitlines()), "")
        raise DataError(
            f"dataset {dataset!r}: Hub repository {repository!r} could not be loaded ({type(error).__name__}: "
            f"{reason}). Check the id, the revision and the network, and for gated data `hf auth login`."
        ) from error


def _unreachable() -> str:
    from workbench.models.reachability import why_unreachable

    return why_unreachable()


def _advice(repository: str, dataset: str, why: str) -> str:
    from workbench.models.reachability import hub_cache

    folder = f"datasets--{repository.replace('/', '--')}"
    return (
        f"dataset {dataset!r}: Hub repository {repository!r} is not whole in the local cache and the hub cannot be "
        f"reached ({why}). Where there is internet, `workbench fetch --dataset {dataset}` fetches it; copy its folder "
        f"{folder} from the cache there to {hub_cache() / folder}, or its files anywhere, and name that folder in "
        "source.path of a card in place of source.id."
    )
