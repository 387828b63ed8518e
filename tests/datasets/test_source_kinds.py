"""Kinds of source over entry points: what a card may say of them, and what a plug-in may do wrong."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from workbench.datasets import check_dataset, open_card, parse_card
from workbench.datasets.reading import ChosenImages
from workbench.datasets.sources import sources
from workbench.datasets.unreadable import MAX_PIXELS, UnreadableImageError
from workbench.errors import CardError, DataError
from workbench.features import FeatureStore, extract
from workbench.features.regions import Regions

MODULE = '''
import struct
from typing import Literal
from PIL import Image
from workbench.plugin import FileSource, Source, SourceTable, table_records

class Dots(FileSource):
    """Files of one grey value: width, height, value."""

    class Table(SourceTable):
        type: Literal["dots"]
        path: str
        gain: float = 1.0

    tells_size, claimed = True, None

    @classmethod
    def open(cls, card, place):
        if card.source.gain < 0:
            raise ZeroDivisionError("less than nothing")
        found = place.find(card.source.path)
        own = cls(found.parent, [found])
        own.card, own.list = card, found
        return own

    def records(self):
        return list(table_records(self.card, self.list, None))

    def read(self, location):
        if location.file == "locked.dot":
            raise KeyError("no key")
        if location.file == "gone.dot":
            raise FileNotFoundError("the archive has no such member")
        return super().read(location)

    def size(self, data, location):
        return self.claimed or struct.unpack("<II", data[:8]) if self.tells_size else None

    def decode(self, data, location):
        width, height, value = struct.unpack("<III", data[:12])
        if value == 13:
            raise RuntimeError("thirteen is not drawn")
        if value == 14:
            return "fourteen"
        return Image.new("L", (width, height), int(value * self.card.source.gain))

class Unsaid(FileSource):
    Table = None

class Half(Source):
    class Table(SourceTable):
        pass

def nothing(): pass
'''


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a module that offers sources."""

    def make(module, entries):
        name = f"dots_{tmp_path.name.replace('-', '_')}"  # Modules stay imported.
        info = tmp_path / "site" / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (tmp_path / "site" / f"{name}.py").write_text(module, encoding="utf-8")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = "\n".join(f"{key} = {name}:{value}" for key, value in entries.items())
        (info / "entry_points.txt").write_text(f"[workbench.sources]\n{lines}\n")
        monkeypatch.syspath_prepend(tmp_path / "site")
        monkeypatch.delitem(sources.__dict__, "_points", raising=False)  # What was found before is remembered.

    yield make
    sources.__dict__.pop("_points", None)


@pytest.fixture
def dots(install):
    """Installs the sources above, and gives the class `Dots`."""
    names = {"dots": "Dots", "unsaid": "Unsaid", "half": "Half", "function": "nothing", "gone": "NotThere"}
    install(MODULE, names)
    return lambda: sources.get("dots")


def card(source):
    return parse_card(f'name = "x"\n[source]\n{source}\n[columns]\nlabel = "label"\nsplit = "split"\n', "card.toml")


@pytest.fixture
def opened(dots, tmp_path, settings):
    """Opens dots: one for each of some grey values, or for (width, height, value)."""

    def make(*values, more="", names=None):
        lines = ["file_name,label,split"]
        for i, value in enumerate(values):
            size = value if isinstance(value, tuple) else (6, 4, value)
            name = names[i] if names else f"{i}.dot"
            content = b"" if value is None else np.array(size, dtype="<u4").tobytes() + bytes([i])
            (tmp_path / name).write_bytes(content)
            lines.append(f"{name},{'ab'[i % 2]},test")
        (tmp_path / "dots.csv").write_text("\n".join(lines), encoding="utf-8")
        return open_card(card(f'type = "dots"\npath = "dots.csv"\n{more}'), tmp_path, settings)

    return make


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('type = "foldr"\npath = "x"', r"source\.type: no kind of source is called 'foldr'\. Did you mean 'folder'\?"),
        (
            'type = "zzzzz"',
            r"source\.type: no kind of source is called 'zzzzz'\. Installed are: coco, csv, darwin-core, dots, folder,",
        ),
        ('path = "x"', r"source\.type: expected a kind of source, one of: coco, csv, darwin-core, dots,"),
        ("type = 3", r"source\.type: expected a kind of source, one of: coco, csv"),
        ('type = "folder"', r"card\.toml: source\.path: Field required\."),
        ('type = "folder"\npth = "x"', r"unknown key 'source\.pth'\. Did you mean 'path'\?"),
        ('type = "dots"\npath = "x"\ngian = 2', r"unknown key 'source\.gian'\. Did you mean 'gain'\?"),
        ('type = "dots"\npath = "x"\ngain = "much"', r"source\.gain: Input should be a valid number"),
        ('type = "unsaid"', r"source\.type: source 'unsaid': .* needs a class variable Table"),
        ('type = "half"', r"source\.type: source 'half': .* lacks open, read, records, state"),
        ('type = "function"', r"source\.type: source 'function': .* is not a subclass of workbench\.plugin\.Source"),
        ('type = "gone"', r"source\.type: source 'gone' of dots_.* 1\.0 cannot be loaded: AttributeError"),
    ],
)
def test_a_card_is_as_strict_with_plugged_in_sources_as_with_built_in_ones(dots, source, said):
    with pytest.raises(CardError, match=said):
        card(source)


def test_no_table_at_all_is_said():
    with pytest.raises(CardError, match=r"card\.toml: source: Input should be a valid table\."):
        parse_card('name = "x"\nsource = "folder"\n', "card.toml")


def test_a_second_image_is_for_sources_that_read_it(dots):
    columns = '[columns]\ncaption = "c"\npair = "p"\nsecond_image = "i"\nsecond_caption = "d"\n'
    text = 'name = "x"\ntask = "matching"\n[source]\n{}\n' + columns
    assert parse_card(text.format('type = "hub"\nid = "a/b"'), "card.toml").columns.second_image == "i"
    with pytest.raises(CardError, match="source that reads two images of a row"):
        parse_card(text.format('type = "dots"\npath = "x"'), "card.toml")


def test_an_own_format_is_decoded_by_its_source_everywhere(opened):
    dataset = opened(40, 80)
    chosen = ChosenImages(dataset, [1])
    assert np.asarray(dataset.decode(0)).tolist() == [[[40] * 3] * 6] * 4
    assert np.asarray(chosen.decode(0)).max() == 80
    assert (dataset.size(0), chosen.size(0)) == ((6, 4), (6, 4))
    regions = Regions(chosen, [0], [(0, 0, 3, 2)], "crop", 0.0)
    assert np.asarray(regions.decode(0)).tolist() == [[[80] * 3] * 3] * 2
    assert regions.places().tolist() == [[0, 0, 0.5, 0.5]]
    assert dataset.with_picture(1, lambda image: image.getpixel((0, 0))) == (80, 80, 80)
    report = check_dataset(dataset)
    assert (dict(report.formats), report.widths, report.heights) == ({"DOT": 2}, (6, 6, 6), (4, 4, 4))


def test_what_decoding_raises_makes_one_image_unreadable(opened, dots):
    dataset = opened(13, 14, None, (20_000, 20_000, 1), 40, 80)
    reasons = {bad.id: bad.reason for bad in check_dataset(dataset).unreadable}
    assert reasons["0.dot"] == "thirteen is not drawn"
    assert reasons["1.dot"] == "its source decodes it to a str, where a PIL image is expected"
    assert "unpack requires" in reasons["2.dot"]
    assert f"20000 x 20000 pixels are more than {MAX_PIXELS:,}" in reasons["3.dot"]
    assert set(reasons) == {"0.dot", "1.dot", "2.dot", "3.dot"}
    dots().tells_size = False
    assert {bad.id: bad.reason for bad in check_dataset(dataset).unreadable}["2.dot"] == "the file is empty"
    with pytest.raises(UnreadableImageError, match="thirteen"):
        dataset.decode(0)


def test_what_reading_or_opening_raises_is_one_sentence(opened):
    dataset = opened(40, 80, 50, names=["locked.dot", "gone.dot", "2.dot"])
    locked, gone = sorted(check_dataset(dataset).unreadable, key=lambda bad: bad.id, reverse=True)
    assert (locked.id, gone.id) == ("locked.dot", "gone.dot")
    assert "failed to read (KeyError: 'no key')" in locked.reason
    assert gone.reason == "gone.dot: cannot be read (the archive has no such member)."
    with pytest.raises(DataError, match=r"Dots failed to open dataset 'x' \(ZeroDivisionError: less than nothing\)"):
        opened(40, more="gain = -1")


def test_features_are_kept_by_what_decides_the_pixels(opened, dots, tmp_path, settings):
    class Mean:
        name, fingerprint, precision, device, embed_dim, pooled_dim = "mean", "f" * 64, "fp32", "cpu", 3, 3
        batch_size, pixel_transform, samples_needed = 64, None, 0

        def preprocess(self, image):
            import torch

            return torch.from_numpy(np.asarray(image, dtype=np.float32).transpose(2, 0, 1) / 255)

        def encode_images(self, pixels):
            from workbench.images import Features

            found = pixels.mean(dim=(2, 3)).numpy() + np.arange(3, dtype=np.float32)
            return Features(found, found)

    def extracted(dataset):
        return extract(dataset, dataset.rows("test"), Mean(), FeatureStore(settings.cache), workers=1)

    plain = opened(40, 80)
    first, again = extracted(plain), extracted(plain)
    assert (first.computed, again.computed, int(again.readable.sum())) == (2, 0, 2)
    brighter = opened(40, 80, more="gain = 2")
    assert brighter.fingerprint != plain.fingerprint
    assert brighter.rows("test").tolist() == plain.rows("test").tolist()
    found = extracted(brighter)
    assert found.computed == 2
    np.testing.assert_allclose(found.features.pooled[:, 0], 2 * first.features.pooled[:, 0], rtol=1e-6)
    (tmp_path / "dots.csv").rename(tmp_path / "moved.csv")
    moved = open_card(card('type = "dots"\npath = "moved.csv"'), tmp_path, settings)
    assert moved.fingerprint == plain.fingerprint
    dots().version = "2"
    assert opened(40, 80).fingerprint != plain.fingerprint


def test_bytes_that_changed_since_they_were_listed_are_refused(opened, tmp_path):
    dataset = opened(40, 80)
    (tmp_path / "0.dot").write_bytes((tmp_path / "1.dot").read_bytes())
    for images in (dataset, ChosenImages(dataset, [0])):
        with pytest.raises(DataError, match="contents changed after the dataset was listed"):
            images.with_picture(0, lambda image: image.size)


def test_large_images_of_an_own_format_wait_for_one_another(opened, dots):
    inside, most = [], []

    def use(image):
        inside.append(image)
        time.sleep(0.02)
        most.append(len(inside))
        inside.pop()

    dataset = opened(1, 2, 3, 4)
    dots().claimed = (12_000, 12_000)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda row: dataset.with_picture(row, use), range(4)))
    assert most == [1] * 4
    dots().claimed = None
    met = threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda row: dataset.with_picture(row, lambda _: met.wait(timeout=20)), range(4)))


def test_the_example_of_the_documentation_works(install, tmp_path, settings):
    text = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
    section = text.partition("## A new kind of source")[2].partition("\n## ")[0]
    code, written = re.findall(r"```(?:python|toml)\n(.*?)```", section, re.DOTALL)
    install(code, {"npy-stack": "NpyStack"})
    for i, value in enumerate((-160, 240)):
        np.save(tmp_path / f"{i}.npy", np.full((4, 6), value, dtype=np.int16))
    (tmp_path / "slices.csv").write_text("file_name,label,split\n0.npy,a,test\n1.npy,b,test\n", encoding="utf-8")
    source = written.partition("[source]\n")[2]
    dataset = open_card(card(source), tmp_path, settings)
    assert [np.unique(dataset.decode(row)).tolist() for row in range(2)] == [[0], [255]]
