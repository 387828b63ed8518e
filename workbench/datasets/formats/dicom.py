"""DICOM images: stored values to grey, as their tags and the card say."""

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.arrays import AnyArray
from workbench.datasets.formats._base import Format, Header
from workbench.datasets.formats._pydicom import is_dicom, pydicom, read_dicom
from workbench.datasets.grey import finite_extrema, grey
from workbench.datasets.unreadable import MissingExtraError, UnreadableImageError, check_size

if TYPE_CHECKING:
    from PIL.Image import Image

    from workbench.datasets.card_pixels import Limits, Pixels

_GREY = ("MONOCHROME1", "MONOCHROME2")
_SAMPLES = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_FAR = 1e12  # Beyond every window.
# In files of the enhanced kinds these stand in a frame's functional groups, or in those that all frames share.
_OF_FRAMES = {
    "PixelValueTransformationSequence": ("RescaleIntercept", "RescaleSlope"),
    "FrameVOILUTSequence": ("WindowCenter", "WindowWidth", "VOILUTFunction"),
}


class Dicom(Format):
    """One frame of a DICOM file, the middle one if nothing else is said.

    Stored values are rescaled (or go through the modality table), then windowed: by the card, else by the file's VOI
    table or first window, else by the range of the dataset; up to 8 bits without a window are taken as they are.
    MONOCHROME1 is inverted. Colours are converted to RGB.
    """

    name: ClassVar[str] = "DICOM"

    def recognises(self, data: bytes) -> bool:
        """See `Format.recognises`."""
        return is_dicom(data)

    def header(self, data: bytes) -> Header:
        """See `Format.header`."""
        ds = _described(data)
        frames, bits = _frames(ds), int(ds.get("BitsStored", 8))
        mapped = ds.get("PhotometricInterpretation") in _GREY
        floating = "PixelData" not in ds
        depth = "floating point" if floating else f"{bits} bit{'s' if bits > 1 else ''}"
        return Header(
            depth=depth if mapped or bits <= 8 else f"{depth} in colour",
            mapped=mapped,
            whole=not floating and float(ds.get("RescaleSlope") or 1).is_integer(),
            pages=frames,
            windowed=mapped and _is_windowed(_of_frame(ds, _index(frames, None))),
            usual_page="middle",
            burned_in=str(ds.get("BurnedInAnnotation", "")).upper() == "YES",
        )

    def extrema(self, data: bytes) -> "Limits | None":
        """See `Format.extrema`; the value that pads an image does not count."""
        ds = read_dicom(data)
        found = []
        for index in range(_frames(ds)):
            values = _stored(ds, index)
            padding = ds.get("PixelPaddingValue")
            kept = values if padding is None else values[values != padding]
            own = finite_extrema(_rescaled(kept, _of_frame(ds, index)))
            found += [own] if own is not None else []
        return (min(low for low, _ in found), max(high for _, high in found)) if found else None

    def image(self, data: bytes, pixels: "Pixels") -> "Image":
        """See `Format.image`."""
        from PIL import Image

        try:
            ds = read_dicom(data)
            if not any(name in ds for name in _SAMPLES):
                raise UnreadableImageError(f"the DICOM file holds no image (modality {_code(ds, 'Modality')})")
            check_size(int(ds.Columns), int(ds.Rows))
            index = _index(_frames(ds), pixels.page)
            values = _stored(ds, index)
            is_grey = ds.PhotometricInterpretation in _GREY
            shown = _grey_of(values, _of_frame(ds, index), pixels) if is_grey else _colour_of(values, ds)
            return Image.fromarray(shown).convert("RGB")
        except (UnreadableImageError, MissingExtraError):
            raise
        except Exception as error:  # What it says may quote what is in the file.
            raise UnreadableImageError(_reason(data, error)) from error

    def size(self, data: bytes, pixels: "Pixels") -> tuple[int, int]:  # noqa: ARG002
        """See `Format.size`."""
        try:
            ds = _described(data)
            return int(ds.Columns), int(ds.Rows)
        except MissingExtraError:
            raise
        except Exception as error:
            raise UnreadableImageError("the DICOM file says no size: it holds no image, or is damaged") from error

    def kind(self, data: bytes) -> str:
        """See `Format.kind`."""
        ds = _described(data)
        return f"DICOM {_code(ds, 'Modality')} {_code(ds, 'PhotometricInterpretation')}"


def _described(data: bytes) -> Any:
    return read_dicom(data, defer_size="64 KB")


def _code(ds: Any, name: str) -> str:
    """A tag that holds a code, never free text."""
    value = str(ds.get(name, ""))
    return value if value.replace("_", "").replace(" ", "").isalnum() and len(value) <= 16 else "unknown"


def _frames(ds: Any) -> int:
    return max(1, int(ds.get("NumberOfFrames") or 1))


def _index(frames: int, page: int | None) -> int:
    """The frame that is read, from 0."""
    if page is not None and page > frames:
        count = "one frame" if frames == 1 else f"{frames} frames"
        raise UnreadableImageError(f"has {count}, and pixels.page of the card is {page}")
    return frames // 2 if page is None else page - 1


def _stored(ds: Any, index: int) -> AnyArray:
    """Stored values of one frame, (rows, columns) or (rows, columns, 3) in RGB."""
    one = {} if _frames(ds) == 1 else {"index": index}
    values: AnyArray = pydicom().pixels.pixel_array(ds, **one)
    return values


def _of_frame(ds: Any, index: int) -> Any:
    """The dataset with the rescaling and window of a frame."""
    groups = [
        sequence[index if name.startswith("PerFrame") and index < len(sequence) else 0]
        for name in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence")
        if (sequence := ds.get(name))
    ]
    if not groups:
        return ds
    own = pydicom().Dataset()
    own.update({element.tag: element for element in ds if element.tag.group == 0x0028})
    for group in groups:
        for sequence, names in _OF_FRAMES.items():
            item: Any = next(iter(group.get(sequence) or ()), {})
            for name in names:
                if name in item and name not in own:
                    own[name] = item[name]
    return own


def _rescaled(values: AnyArray, ds: Any) -> AnyArray:
    rescaled: AnyArray = pydicom().pixels.apply_modality_lut(values, ds)
    return rescaled


def _own_limits(ds: Any) -> "Limits | None":
    """Of up to 8 bits that are neither rescaled nor windowed: all that they can store."""
    bits = int(ds.get("BitsStored", 16))
    plain = bits <= 8 and not ds.get("PixelRepresentation") and "ModalityLUTSequence" not in ds
    unscaled = float(ds.get("RescaleSlope") or 1) == 1 and float(ds.get("RescaleIntercept") or 0) == 0
    return (0.0, 2.0**bits - 1) if plain and unscaled else None


def _is_windowed(ds: Any) -> bool:
    """Whether the file says by itself what becomes black and white."""
    return bool(ds.get("VOILUTSequence")) or _has_center(ds) or _own_limits(ds) is not None


def _has_center(ds: Any) -> bool:
    """Whether there is a window that can be applied."""
    center, width = ds.get("WindowCenter"), ds.get("WindowWidth")
    if center in (None, "") or width in (None, ""):
        return False
    first = float(width if isinstance(width, int | float) else width[0])
    return first >= 1 if str(ds.get("VOILUTFunction") or "LINEAR").upper() == "LINEAR" else first > 0


def _grey_of(values: AnyArray, ds: Any, pixels: "Pixels") -> AnyArray:
    """A frame as uint8, from its stored values."""
    rescaled, inverted = _rescaled(values, ds), ds.PhotometricInterpretation == "MONOCHROME1"
    if pixels.limits is not None:
        return grey(rescaled, *pixels.limits, inverted=inverted)
    if ds.get("VOILUTSequence"):
        bits = int(ds.VOILUTSequence[0].LUTDescriptor[2])
        whole = np.rint(rescaled).astype(np.int64)
        return grey(pydicom().pixels.apply_voi(whole, ds), 0, 2.0**bits - 1, inverted=inverted)
    if _has_center(ds):
        # What lies beyond the window on both sides shows how black and white are written.
        with np.errstate(over="ignore"):
            shown = pydicom().pixels.apply_windowing(np.append(rescaled.ravel(), [-_FAR, _FAR]), ds)
        return grey(shown[:-2].reshape(rescaled.shape), *sorted(shown[-2:]), inverted=inverted)
    limits = _own_limits(ds)
    if limits is None:
        limits = pixels.range if isinstance(pixels.range, tuple) else None
    if limits is None:
        limits = _dtype_limits(ds) if pixels.range == "dtype" else (finite_extrema(rescaled) or (0.0, 1.0))
    return grey(rescaled, *limits, inverted=inverted)


def _dtype_limits(ds: Any) -> "Limits":
    """Lowest and highest value that can be stored, rescaled; 0 and 1 for floating point."""
    if "BitsStored" not in ds:
        return 0.0, 1.0
    bits = int(ds.BitsStored)
    stored = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if ds.get("PixelRepresentation") else (0, 2**bits - 1)
    low, high = sorted(_rescaled(np.array(stored, dtype=np.int64), ds).astype(float).tolist())
    return low, high


def _colour_of(values: AnyArray, ds: Any) -> AnyArray:
    """A frame of colours as uint8 RGB; of more than 8 bits the upper ones."""
    bits = int(ds.BitsStored)
    if ds.PhotometricInterpretation == "PALETTE COLOR":
        values, bits = pydicom().pixels.apply_color_lut(values, ds), int(ds.RedPaletteColorLookupTableDescriptor[2])
    return (values >> max(0, bits - 8)).astype(np.uint8)


def _reason(data: bytes, error: Exception) -> str:
    """Why a file cannot be decoded, without quoting it."""
    try:
        syntax = read_dicom(data, stop_before_pixels=True).file_meta.TransferSyntaxUID.name
    except Exception:
        return f"is a damaged DICOM file ({type(error).__name__})"
    if "plugins are missing" in str(error) or isinstance(error, NotImplementedError):
        return f"is DICOM in transfer syntax {syntax!r}, which none of the installed decoders reads"
    return f"its pixels, DICOM in transfer syntax {syntax!r}, cannot be decoded ({type(error).__name__})"
