"""Adapt a model to a field."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from workbench.api.arguments import PathText, as_path, read_settings
from workbench.errors import WorkbenchError
from workbench.memory import keep_freed_memory
from workbench.validation import explain

if TYPE_CHECKING:
    import pandas as pd


def adapt(adaptation: PathText | Mapping[str, Any], *, fresh: bool = False, **settings: Any) -> "pd.DataFrame":
    """Adapt a model to a field by contrastive training on images and texts, or find the run that has done so.

    Args:
        adaptation: A TOML file as `workbench adapt` takes it (`docs/adapting.md`), or the same as a mapping.
        fresh: Begin again, and replace the run that is there.
        settings: Fields of `workbench.Settings`, such as `device` or `precision`.

    Returns:
        One row for each measured dataset and state (`before`, `after`, `chosen`): metric on test, interval, difference
        to before with its Holm-corrected p-value. `run_id` is the run's; the model argument `run:RUN_ID` takes its
        network.

    Raises:
        WorkbenchError: The file, a name or a setting cannot be used, or training failed.
    """
    import pandas as pd

    from workbench.adaptation.adapt import adapt as make
    from workbench.adaptation.config import Adaptation, read_adaptation

    keep_freed_memory()
    if isinstance(adaptation, Mapping):
        try:
            chosen = Adaptation.model_validate(dict(adaptation))
        except ValidationError as error:
            raise WorkbenchError(explain(error, Adaptation)) from error
    else:
        chosen = read_adaptation(Path(as_path(adaptation)))
    made = make(chosen, read_settings(adapt, settings), fresh=fresh)
    return pd.DataFrame([{"run_id": made.run.run_id, **row} for row in made.rows])
