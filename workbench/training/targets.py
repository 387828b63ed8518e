"""What a classifier in training is held against: logits and labels of the classes that have images."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.arrays import FloatArray, normalise
from workbench.tasks import ClassificationTask, LabelledImages
from workbench.training.objective import frequency_offset


class Targets:
    """Logits `scale * cos(image, class) + bias`, and the labels that go with them, without classes that have no image.

    Args:
        task: The task.
        classes: (n_classes, d) class embeddings of unit norm before training.
        scale: Multiplier of the cosines; None takes the model's.
        device: Of the logits.

    Attributes:
        scale: Multiplier of the cosines.
        bias: float32 (n_classes,); zeros but where multi-label, see `frequency_offset`.
    """

    def __init__(self, task: ClassificationTask, classes: FloatArray, scale: float | None, device: str) -> None:
        self.scale = scale or task.model.logit_scale
        self.bias = np.zeros(task.n_classes, dtype=np.float32)
        if task.multi_label:
            logits = normalise(task.train.images.features.projected) @ (self.scale * classes).T
            self.bias = frequency_offset(task.train.labels, logits)
        self._device = device
        self._offset = torch.from_numpy(self.bias).to(device)
        self._numbers = task.seen if task.unseen else None
        self._seen = torch.from_numpy(task.seen).to(device) if task.unseen else None

    def logits(self, embedded: Tensor, classes: Tensor) -> Tensor:
        """(n, classes that have images) of images (n, d) and all classes (n_classes, d)."""
        offset = self._offset
        if self._seen is not None:
            classes, offset = classes[self._seen], offset[self._seen]
        return self.scale * F.normalize(embedded.float(), dim=1) @ classes.T + offset

    def labels(self, data: LabelledImages) -> Tensor:
        """Numbers of classes among those of `logits`, (n,); a matrix where multi-label, see `classification_loss`."""
        labels = np.asarray(data.labels)
        if self._numbers is not None:
            labels = np.searchsorted(self._numbers, labels)
        return torch.from_numpy(labels).to(self._device)
