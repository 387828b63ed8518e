"""Compare published numbers with those of this machine."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from workbench.api.arguments import PathText, as_list, as_path, read_settings
from workbench.memory import keep_freed_memory

if TYPE_CHECKING:
    import pandas as pd


def verify(
    models: PathText | Iterable[PathText] = (),
    *,
    datasets: PathText | Iterable[PathText] = (),
    expected: PathText | Iterable[PathText] = (),
    fresh: bool = False,
    **settings: Any,
) -> "pd.DataFrame":
    """Compare published numbers with those of this machine; runs that are missing are made, and nothing is downloaded.

    Args:
        models: Only numbers of these models.
        datasets: Only numbers of these datasets.
        expected: Files, or folders of files, of published numbers in place of those that installed packages list.
        fresh: Run finished runs again, too.
        settings: Fields of `workbench.Settings`, such as `device` or `precision`.

    Returns:
        One row for each number: `model`, `dataset`, `recipe`, `shots`, `metric`, `theirs`, `ours`, `difference`,
        `tolerance`, `verdict` (`pass`, `fail`, `not here`, `other protocol`), `reason`, `source` and more.

    Raises:
        WorkbenchError: A list is damaged, or there is no number of a model or dataset.
    """
    import pandas as pd

    from workbench.verification import choose, installed_expected, read_places
    from workbench.verification import verify as checks_of

    keep_freed_memory()
    places = [as_path(place) for place in as_list(expected)]
    listed = read_places(places) if places else installed_expected()
    chosen = choose(listed, as_list(models), as_list(datasets))
    checks = checks_of(chosen, read_settings(verify, settings), fresh=fresh)
    return pd.DataFrame([check.to_dict() for check in checks])
