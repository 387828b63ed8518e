"""Tasks on datasets: their cards, the data that recipes get, and the predictors that these return.

Importing this package imports no task.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
