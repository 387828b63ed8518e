"""Errors that a user sees as one sentence instead of a traceback."""

from workbench.masking import masked


class WorkbenchError(Exception):
    """Wrong usage or input. The message names the file, key or flag, what was expected, and what to do.

    The command line prints the message alone and exits with 2. Passwords and tokens in it are masked.
    """

    def __str__(self) -> str:
        return masked(super().__str__())


class UnknownNameError(WorkbenchError):
    """A name that no registry has."""


class CardError(WorkbenchError):
    """A dataset card or suite file that cannot be used as it is written."""


class DataError(WorkbenchError):
    """Data that is missing, unreadable or contradicts its card."""


class MissingDataError(DataError):
    """Data that is not on this machine."""


class UnknownMetricError(WorkbenchError):
    """A metric that some data do not have, or by which runs on them cannot be compared."""


class ModelError(WorkbenchError):
    """A model that cannot be found, loaded or safely used."""


class MissingModelError(ModelError):
    """A model that is not on this machine, or needs a package that is not."""


class RecipeError(WorkbenchError):
    """A recipe that cannot be used on this task, or whose configuration is wrong."""
