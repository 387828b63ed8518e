"""Small real things to extract features from and with; test processes import this too."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from workbench.arrays import AnyArray, FloatArray
from workbench.datasets.pictures import Pictures
from workbench.errors import DataError
from workbench.images import Features

UNREAD = bytes(32)


class TinyEncoder:
    """A two-layer convolutional network with fixed random weights, and a bag-of-bytes text tower."""

    device = "cpu"
    batch_size = 64
    embed_dim = 5
    pooled_dim = 8
    logit_scale = 20.0
    logit_bias = -1.5
    pixel_transform = None
    samples_needed = 0

    def __init__(self, precision: str = "fp32", size: int = 16, name: str = "tiny") -> None:
        self.name = name
        self.precision = precision
        self.size = size
        self.fingerprint = hashlib.sha256(f"{name} {precision} {size}".encode()).hexdigest()
        generator = torch.Generator().manual_seed(7)
        self._conv = torch.randn(self.pooled_dim, 3, 3, 3, generator=generator)
        self._project = torch.randn(self.pooled_dim, self.embed_dim, generator=generator)
        self._bytes = np.random.default_rng(7).normal(size=(256, self.embed_dim)).astype(np.float32)
        self.images_seen = 0
        self.texts_seen: list[str] = []

    def preprocess(self, image: Image.Image) -> torch.Tensor:
        pixels = np.asarray(image.resize((self.size, self.size), Image.Resampling.BICUBIC), dtype=np.float32)
        return torch.from_numpy(pixels / 127.5 - 1).permute(2, 0, 1)

    def encode_images(self, pixels: torch.Tensor) -> Features:
        self.images_seen += len(pixels)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bf16"):
            pooled = torch.nn.functional.conv2d(pixels, self._conv).relu().mean(dim=(2, 3))
            projected = pooled @ self._project
        return Features(pooled.float().numpy(), projected.float().numpy())

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        self.texts_seen += texts
        return np.stack([self._bytes[list(text.encode())].sum(axis=0) for text in texts])

    def load(self) -> object:
        raise NotImplementedError


class UnloadableEncoder(TinyEncoder):
    """Known, but its weights cannot be had: whatever works with it did not need them."""

    def preprocess(self, image: Image.Image) -> torch.Tensor:
        raise AssertionError("the model was loaded")

    def encode_images(self, pixels: torch.Tensor) -> Features:
        raise AssertionError("the model was loaded")

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        raise AssertionError("the model was loaded")


class Folder(Pictures):
    """The files of a folder as a dataset, listed anew at each construction."""

    def __init__(self, root: Path) -> None:
        self.paths = sorted(path for path in root.iterdir() if path.is_file())
        self._hashes = [self._hash(path) for path in self.paths]

    @staticmethod
    def _hash(path: Path) -> bytes:
        try:
            return hashlib.blake2b(path.read_bytes(), digest_size=32).digest()
        except OSError:
            return UNREAD

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def rows(self) -> AnyArray:
        return np.arange(len(self.paths))

    def hashes(self, rows: AnyArray) -> AnyArray:
        return np.frombuffer(b"".join(self._hashes[row] for row in rows), dtype=np.uint8).reshape(-1, 32)

    def read(self, row: int) -> bytes:
        try:
            return self.paths[row].read_bytes()
        except FileNotFoundError as error:
            raise DataError(f"{self.paths[row]}: not found.") from error

    def ids(self, rows: AnyArray) -> list[str]:
        return [self.paths[row].name for row in rows]


def add_photos(root: Path, count: int, first: int = 0) -> None:
    """Write distinct JPEG and PNG files, `NNNN.jpg` or `.png`."""
    root.mkdir(exist_ok=True)
    for i in range(first, first + count):
        coarse = np.random.default_rng(i).integers(0, 256, (4, 6, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((48, 32), Image.Resampling.BICUBIC)
        image.save(root / f"{i:04d}.{'png' if i % 3 == 0 else 'jpg'}")
