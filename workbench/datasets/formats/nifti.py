"""NIfTI volumes: each chosen slice is an image, whose bytes are the slice's values as NumPy writes them."""

import gzip
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from workbench.arrays import AnyArray
from workbench.datasets.formats._base import Format, Header
from workbench.datasets.grey import finite_extrema, grey
from workbench.datasets.unreadable import MissingExtraError, UnreadableImageError, check_size

if TYPE_CHECKING:
    from PIL.Image import Image

    from workbench.datasets.card_pixels import Limits, Pixels

Axis = Literal["sagittal", "coronal", "axial"]
AXES: tuple[Axis, ...] = ("sagittal", "coronal", "axial")
"""What slices are perpendicular to, in the order of the axes of a volume turned to right, anterior, superior."""

NIFTI_SUFFIXES = (".nii", ".nii.gz")

_SLICE = b"\x93NUMPY"
_GZIP = b"\x1f\x8b"
_MAGIC = {b"n+1\0": 344, b"n+2\0": 4}
_LARGEST = 4 * 2**30


class NiftiSlice(Format):
    """A slice of a volume, as `slice_bytes` writes it."""

    name: ClassVar[str] = "NIfTI"

    def recognises(self, data: bytes) -> bool:
        """See `Format.recognises`."""
        return data.startswith(_SLICE)

    def header(self, data: bytes) -> Header:
        """See `Format.header`."""
        values = _read(data)
        whole = values.dtype.kind in "iu"
        return Header(f"{8 * values.dtype.itemsize} bits" if whole else "floating point", True, whole)

    def extrema(self, data: bytes) -> "Limits | None":
        """See `Format.extrema`."""
        return finite_extrema(_read(data))

    def image(self, data: bytes, pixels: "Pixels") -> "Image":
        """See `Format.image`."""
        from PIL import Image

        try:
            values = _read(data)
            check_size(values.shape[1], values.shape[0])
        except (ValueError, EOFError) as error:
            raise UnreadableImageError("the slice of a volume is damaged") from error
        limits = pixels.limits
        if limits is None and isinstance(pixels.range, tuple):
            limits = pixels.range
        if limits is None and pixels.range == "dtype":
            limits = _dtype_limits(values.dtype)
        return Image.fromarray(grey(values, *(limits or finite_extrema(values) or (0.0, 1.0)))).convert("RGB")

    def size(self, data: bytes, pixels: "Pixels") -> tuple[int, int]:  # noqa: ARG002
        """See `Format.size`."""
        try:
            height, width = _read(data).shape
        except (ValueError, EOFError) as error:
            raise UnreadableImageError("the slice of a volume is damaged") from error
        return width, height

    def kind(self, data: bytes) -> str:
        """See `Format.kind`."""
        return f"NIfTI {_read(data).dtype}"


class NiftiVolume(Format):
    """A whole volume, which is no image: one that could not be cut into slices, or where no slices are taken."""

    name: ClassVar[str] = "NIfTI"

    def recognises(self, data: bytes) -> bool:
        """See `Format.recognises`."""
        if data.startswith(_GZIP):
            try:
                with gzip.open(BytesIO(data)) as file:
                    data = file.read(352)
            except (OSError, EOFError):
                return False
        return any(data[start : start + 4] == magic for magic, start in _MAGIC.items())

    def header(self, data: bytes) -> Header:  # noqa: ARG002
        """See `Format.header`."""
        _nibabel()
        return Header()

    def extrema(self, data: bytes) -> "Limits | None":  # noqa: ARG002
        """See `Format.extrema`."""
        return None

    def image(self, data: bytes, pixels: "Pixels") -> "Image":  # noqa: ARG002
        """See `Format.image`: it is none, and this says why."""
        raise UnreadableImageError(_why_not(data))

    def size(self, data: bytes, pixels: "Pixels") -> tuple[int, int]:  # noqa: ARG002
        """See `Format.size`."""
        raise UnreadableImageError(_why_not(data))

    def kind(self, data: bytes) -> str:  # noqa: ARG002
        """See `Format.kind`."""
        return "NIfTI volume"


def is_nifti_name(name: str) -> bool:
    """Whether a file's name ends as those of NIfTI volumes do."""
    return name.lower().endswith(NIFTI_SUFFIXES)


def shape_of(data: bytes) -> tuple[int, int, int]:
    """Number of slices along the three axes of a volume turned to right, anterior, superior.

    Raises:
        MissingExtraError: nibabel is not installed.
        UnreadableImageError: It is no volume of three dimensions.
    """
    _nibabel()
    first, second, third = _volume(data).shape
    return first, second, third


def slice_bytes(data: bytes, axis: int, index: int) -> bytes:
    """One slice as an encoded image: values after the file's own scaling, as radiologists look at it.

    Rows go from superior (or anterior) to inferior (posterior); columns from the patient's right to the left, or from
    anterior to posterior.

    Args:
        data: The volume's file.
        axis: Position in `AXES`.
        index: Slice along it, from 0.

    Raises:
        MissingExtraError: nibabel is not installed.
        UnreadableImageError: It is no volume of three dimensions, or has no such slice.
    """
    volume = _volume(data)
    if not 0 <= index < volume.shape[axis]:
        raise UnreadableImageError(f"has no slice {index}: there are {volume.shape[axis]} along the {AXES[axis]} axis")
    buffer = BytesIO()
    np.save(buffer, np.ascontiguousarray(np.take(volume, index, axis=axis).T[::-1, ::-1]), allow_pickle=False)
    return buffer.getvalue()


def slice_row(axis: int, index: int) -> int:
    """How a manifest keeps which slice of a volume an image is."""
    return len(AXES) * index + axis


def axis_and_index(row: int) -> tuple[int, int]:
    """The inverse of `slice_row`."""
    index, axis = divmod(row, len(AXES))
    return axis, index


@lru_cache(maxsize=2)  # The slices of one volume are read one after the other.
def _volume(data: bytes) -> AnyArray:
    """Values turned to right, anterior, superior."""
    nibabel = _nibabel()
    try:
        if data.startswith(_GZIP):
            with gzip.open(BytesIO(data)) as file:
                data = file.read(_LARGEST + 1)
            if len(data) > _LARGEST:
                raise UnreadableImageError(f"has more than {_LARGEST:,} bytes unpacked")
        kind = nibabel.Nifti2Image if data[4:8] == b"n+2\0" else nibabel.Nifti1Image
        image = kind.from_bytes(data)
        shape = image.shape
        if len(shape) > 3 and set(shape[3:]) == {1}:
            image = image.slicer[(..., *([0] * (len(shape) - 3)))]
        if len(image.shape) != 3 or 0 in image.shape:
            raise UnreadableImageError(f"has the shape {shape}: a volume of three dimensions is expected; split it up")
        values = np.asarray(nibabel.as_closest_canonical(image).dataobj)
        if values.dtype.kind not in "iuf":
            raise UnreadableImageError(f"has values of type {values.dtype}: numbers are expected")
        return values.astype(np.float32) if values.dtype.kind == "f" else values
    except UnreadableImageError:
        raise
    except Exception as error:
        raise UnreadableImageError(f"is no NIfTI volume that can be read ({type(error).__name__})") from error


def _why_not(data: bytes) -> str:
    try:
        _volume(data)
    except UnreadableImageError as error:
        return str(error)
    return "is a whole volume: slices are taken of files that end in .nii or .nii.gz in folders and tables"


def _read(data: bytes) -> AnyArray:
    values: AnyArray = np.load(BytesIO(data), allow_pickle=False)
    if values.ndim != 2 or values.dtype.kind not in "iuf":
        raise ValueError("no slice of a volume")
    return values


def _dtype_limits(dtype: "np.dtype[Any]") -> "Limits":
    return (0.0, 1.0) if dtype.kind == "f" else (float(np.iinfo(dtype).min), float(np.iinfo(dtype).max))


def _nibabel() -> Any:
    try:
        import nibabel
    except ImportError as error:
        raise MissingExtraError("a NIfTI volume", "medical") from error
    return nibabel
