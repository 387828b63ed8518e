"""Training a network on a task: images read ahead and kept, a schedule, mixed precision, the best epoch by validation.

`fine_tune` puts the pieces together for classification; a recipe says which parameters are trained. Importing this
package imports no torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
