"""Protocols of a model and a dataset for features; `workbench.models.Encoder` and `workbench.datasets.Dataset` fit."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from workbench.arrays import AnyArray, FloatArray
from workbench.images import Features

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from workbench.models import LoadedModel


T = TypeVar("T")


class ModelIdentity(Protocol):
    """The identity of a model that is not loaded.

    Attributes:
        name: The model argument.
        fingerprint: Hex digest of weights, preprocessing and precision.
        precision: `fp32`, `bf16` or `fp16`.
        embed_dim: Width of the joint space.
        pooled_dim: Width of pooled features.
    """

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def precision(self) -> str: ...
    @property
    def embed_dim(self) -> int: ...
    @property
    def pooled_dim(self) -> int: ...


class TextEncoder(ModelIdentity, Protocol):
    """A model that embeds texts."""

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Projected features, float32 (len(texts), embed_dim), not normalised."""
        ...


class ImageEncoder(ModelIdentity, Protocol):
    """A model that embeds images.

    Attributes:
        device: `cpu` or `cuda:n`.
    """

    @property
    def device(self) -> str: ...

    @property
    def batch_size(self) -> int:
        """Number of images in a forward pass that suits the device and its free memory."""
        ...

    @property
    def pixel_transform(self) -> "Callable[[AnyArray], Tensor] | None":
        """Pixels, uint8 (h, w, 3), to those of the network's input; called from several threads.

        None where `preprocess` must do.
        """
        ...

    @property
    def samples_needed(self) -> int:
        """Number of images to `compare` before features are computed; 0 once that has been done."""
        ...

    def preprocess(self, image: "Image") -> "Tensor":
        """RGB image to the network's input, float32 (3, h, w); called from several threads."""
        ...

    def compare(self, pixels: "Tensor", reference: "Tensor") -> None:
        """Measure what precision and fast preprocessing cost.

        Args:
            pixels: Of some images, as `encode_images` takes them.
            reference: The same images by `preprocess`.
        """
        ...

    def encode_images(self, pixels: "Tensor") -> Features:
        """Float32 features, on the CPU; called from several threads where the device is a GPU.

        Args:
            pixels: (n, 3, h, w), float32 of `preprocess`, or uint8 of `pixel_transform`.
        """
        ...


class DualEncoder(ImageEncoder, TextEncoder, Protocol):
    """A CLIP-like model.

    Attributes:
        logit_scale: Multiplier of cosine similarities.
        logit_bias: Added after scaling.
    """

    @property
    def logit_scale(self) -> float: ...
    @property
    def logit_bias(self) -> float: ...

    def load(self) -> "LoadedModel":
        """A private fp32 copy of the network."""
        ...


class ImageSource(Protocol):
    """Images by row: whole ones, or cut-outs."""

    def hashes(self, rows: AnyArray) -> AnyArray:
        """uint8 (n, 32): what each image's pixels are known by; zeros where they could not be read."""
        ...

    def read(self, row: int) -> bytes:
        """Bytes of one image; called from several threads."""
        ...

    def with_picture(self, row: int, use: "Callable[[Image], T]") -> T:
        """Apply a function to an image, RGB, which is dropped afterwards; called from several threads.

        Raises:
            UnreadableImageError: The bytes cannot be decoded.
            DataError: They cannot be read now, or differ from `hashes`.
        """
        ...

    def with_pixels(self, row: int, use: Callable[[AnyArray], T]) -> T:
        """Apply a function to an image's pixels, uint8 (h, w, 3), those that `with_picture` gives; raises likewise."""
        ...

    def ids(self, rows: AnyArray) -> list[str]:
        """Names of the images, for messages."""
        ...


class WholeImages(ImageSource, Protocol):
    """Images that can be cut; `workbench.datasets.pictures.Pictures` fits."""

    def size(self, row: int) -> tuple[int, int]:
        """Width and height of one image; raises as `with_picture`."""
        ...
