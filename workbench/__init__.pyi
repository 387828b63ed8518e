from ._version import __version__ as __version__
from .api import results as results
from .api import run as run
from .errors import WorkbenchError as WorkbenchError
from .settings import Settings as Settings
