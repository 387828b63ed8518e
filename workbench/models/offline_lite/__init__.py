"""The embedded models: pretrained towers from the package index, aligned in closed form. Not CLIP-pretrained.

EfficientNet-Lite0 (ImageNet) and all-MiniLM-L6-v2 (sentences) each come as a Python package. `offline-lite` joins
them by a linear projection and is a genuine open_clip model; `offline-lite-conse` reads the classifier's
probabilities instead (ConSE), which ranks unseen names better but has no head that could be trained or exported.
`offline-lite-multilingual` has the universal sentence encoder in MiniLM's place, which reads fifteen languages.
"""

from workbench.models.offline_lite.plugins import OfflineLite, OfflineLiteConse, OfflineLiteMultilingual

__all__ = ["OfflineLite", "OfflineLiteConse", "OfflineLiteMultilingual"]
