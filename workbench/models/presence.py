"""Whether a model is on this machine, so that nothing has to be downloaded for it."""

from workbench.errors import MissingModelError
from workbench.models.catalogue import check_model, hub_repository
from workbench.models.reachability import is_cached
from workbench.models.spec import parse_model


def check_present(argument: str) -> None:
    """Refuse a model whose files would have to be downloaded.

    Args:
        argument: A model argument. What a registered model or scheme may download is left to it.

    Raises:
        MissingModelError: It is not here; says what brings it.
        ModelError: The argument is wrong, see `check_model`.
    """
    repository = hub_repository(argument)
    try:
        check_model(argument)
    except MissingModelError:
        if not repository:
            raise
    revision = parse_model(argument).revision
    if repository and not is_cached(repository, revision):
        raise MissingModelError(
            f"model {argument!r}: it is not on this machine; `workbench fetch --model {argument}` brings it."
        )
