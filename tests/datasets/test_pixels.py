"""What `[pixels]` of a card and the range of a dataset make of images of more than 8 bits."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workbench.datasets import card_to_toml, check_dataset, open_card, parse_card
from workbench.datasets.card_pixels import CT_WINDOWS, Pixels
from workbench.datasets.images import decode_image
from workbench.errors import CardError
from workbench.features.unlabelled import ImageFiles

TISSUE = 600
CARD = 'name = "scans"\n[source]\ntype = "folder"\npath = "scans"\n[columns]\nlabel = "label"\n'


def scan(brightest: int, seed: int = 0) -> np.ndarray:
    """Tissue of one value with a little that is darker, and one bright pixel."""
    values = np.full((12, 12), TISSUE, dtype=np.uint16)
    values[0, :4] = np.random.default_rng(seed).integers(0, 50, 4)
    values[0, 0] = 0
    values[-1, -1] = brightest
    return values


@pytest.fixture
def scans(tmp_path):
    """Two classes of two 16-bit scans each; one pixel of one of them is one brighter than in all others."""
    for i, brightest in enumerate((1023, 1023, 1024, 1023)):
        save(tmp_path / "scans" / ("ill" if i % 2 else "well") / f"{i}.png", scan(brightest, seed=i))
    return tmp_path / "scans"


def save(path: Path, values: np.ndarray, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path, **options)
    return path


def opened(folder, settings, extra=""):
    return open_card(parse_card(CARD + extra, "x.toml"), folder.parent, settings)


def greys(dataset):
    """By id, the grey values that reach a model."""
    rows = range(len(dataset))
    return {name: np.asarray(dataset.decode(row))[..., 0] for name, row in zip(dataset.ids(rows), rows, strict=True)}


def test_one_brighter_pixel_leaves_all_tissue_as_it_is(scans, settings):
    dataset = opened(scans, settings)
    assert {int(grey[5, 5]) for grey in greys(dataset).values()} == {round(TISSUE / 1024 * 255)}
    assert dataset.card.pixels.range == (0, 1024)
    assert any("more than 8 bits (16 bits)" in note and "0 to 1024" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("said", "low", "high", "inverted"),
    [
        ("window = [100, 900]", 100, 900, False),
        ('window = "soft"', *CT_WINDOWS["soft"], False),
        ("range = [0, 2000]", 0, 2000, False),
        ('range = "dtype"', 0, 65535, False),
        ("invert = true", 0, 1024, True),
    ],
)
def test_pixels_are_the_plain_computation(scans, settings, said, low, high, inverted):
    found = greys(opened(scans, settings, f"[pixels]\n{said}\n"))["well/2.png"]
    values = scan(1024, seed=2).astype(float)
    expected = np.rint(np.clip((values - low) / (high - low), 0, 1) * 255)
    assert np.array_equal(found, 255 - expected if inverted else expected)


def test_ct_windows_are_widths_about_levels():
    widths = {name: (high - low, (low + high) / 2) for name, (low, high) in CT_WINDOWS.items()}
    assert widths == {"lung": (1500, -600), "bone": (1800, 400), "brain": (80, 40), "soft": (400, 50)}


def test_settings_are_in_the_keys_of_images_that_depend_on_them_alone(scans, settings):
    small = np.arange(144, dtype=np.uint8).reshape(12, 12)
    save(scans / "well" / "small.png", small)
    plain, other = opened(scans, settings), opened(scans, settings, "[pixels]\nwindow = [0, 900]\n")
    content = plain.manifest.hashes
    assert np.array_equal(content, other.manifest.hashes)
    (eight,) = np.flatnonzero((plain.hashes(range(5)) == content).all(axis=1))
    assert plain.ids([eight]) == ["well/small.png"]
    assert (plain.hashes(range(5)) == other.hashes(range(5))).all(axis=1).sum() == 1
    assert plain.fingerprint != other.fingerprint
    assert np.array_equal(greys(other)["well/small.png"], small)


def test_a_card_as_recorded_gives_the_same_pixels_to_other_files(scans, settings):
    dataset = opened(scans, settings)
    again = open_card(parse_card(card_to_toml(dataset.card), "y.toml"), scans.parent, settings)
    assert again.fingerprint == dataset.fingerprint
    (scans.parent / "new").mkdir()
    (scans / "well" / "0.png").rename(scans.parent / "new" / "0.png")
    files = ImageFiles(scans.parent / "new", ["0.png"], again.card.pixels)
    row = dataset.ids(range(4)).index("well/0.png")
    assert np.array_equal(files.hashes(np.array([0])), dataset.hashes([row]))
    assert np.asarray(files.decode(0))[5, 5, 0] == round(TISSUE / 1024 * 255)


def test_files_without_a_dataset_share_a_range(scans):
    files = ImageFiles(scans, ["well/0.png", "well/2.png", "none.png"])
    assert files.hashes(np.arange(3)).any(axis=1).tolist() == [True, True, False]
    assert np.asarray(files.decode(0))[5, 5, 0] == np.asarray(files.decode(1))[5, 5, 0]


def test_8_bits_keep_their_keys_and_cards(class_folders, settings):
    card = parse_card(CARD.replace("scans", "flora"), "x.toml")
    dataset = open_card(card, class_folders.parent, settings)
    assert np.array_equal(dataset.hashes(range(60)), dataset.manifest.hashes)
    assert "pixels" not in card_to_toml(dataset.card)
    assert not any("bits" in note for note in dataset.notes)


def test_a_warm_open_reads_no_image_and_a_changed_one_is_measured_alone(scans, settings, monkeypatch):
    measured = []
    extrema = "workbench.datasets.depths.read_extrema"
    from workbench.datasets.headers import read_extrema

    monkeypatch.setattr(extrema, lambda data: measured.append(len(data)) or read_extrema(data))
    assert opened(scans, settings).card.pixels.range == (0, 1024)
    assert len(measured) == 4
    with monkeypatch.context() as patch:
        patch.setattr("workbench.datasets.sources.FileSource.read", None)
        assert opened(scans, settings).card.pixels.range == (0, 1024)
    save(scans / "well" / "2.png", scan(3000))
    assert opened(scans, settings).card.pixels.range == (0, 3000)
    assert len(measured) == 5


@pytest.mark.parametrize("suffix", [".headers", ".extrema"])
@pytest.mark.parametrize("harm", ["flipped", "cut", "gone"])
def test_what_is_kept_is_made_anew_where_it_is_damaged(scans, settings, suffix, harm):
    before = opened(scans, settings)
    (path,) = settings.cache.rglob(f"*{suffix}")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data if harm == "flipped" else data[:20])
    if harm == "gone":
        path.unlink()
    after = opened(scans, settings)
    assert (after.fingerprint, after.notes) == (before.fingerprint, before.notes)


def test_whole_numbers_that_fit_8_bits_and_floats_of_0_to_1_are_taken_as_they_are(tmp_path, settings):
    for name, values in {"a/0.png": scan(200) // 4, "b/1.png": scan(1000) // 5}.items():
        save(tmp_path / "scans" / name, values.astype(np.uint16))
    assert opened(tmp_path / "scans", settings).card.pixels.range == (0, 255)
    for name, top in {"a/0.tif": 0.5, "b/1.tif": 0.9}.items():
        save(tmp_path / "floats" / "scans" / name, np.linspace(0.1, top, 100, dtype=np.float32).reshape(10, 10))
    dataset = opened(tmp_path / "floats" / "scans", settings)
    assert dataset.card.pixels.range == (0, 1)
    assert greys(dataset)["a/0.tif"].max() == 128


def test_zero_is_white_where_a_deep_tiff_says_so(tmp_path, settings):
    for name, tag in (("a/black.tif", 1), ("b/white.tif", 0)):
        save(tmp_path / "scans" / name, scan(1000), tiffinfo={262: tag})
    found = greys(opened(tmp_path / "scans", settings))
    assert np.array_equal(found["b/white.tif"], 255 - found["a/black.tif"])


def test_a_page_is_read_and_a_missing_one_is_named(tmp_path, settings):
    pages = [Image.fromarray(np.full((4, 4), level, np.uint16)) for level in (10, 500, 900)]
    for name in ("a/0.tif", "b/1.tif"):
        path = save(tmp_path / "scans" / name, scan(1023))
        pages[0].save(path, save_all=True, append_images=pages[1:])
    first, second = (opened(tmp_path / "scans", settings, extra) for extra in ("", "[pixels]\npage = 2\n"))
    assert any("2 of 2 files hold several pages or frames (up to 3" in note for note in first.notes)
    assert [int(greys(own)["a/0.tif"][0, 0]) for own in (first, second)] == [0, round(490 / 890 * 255)]
    beyond = check_dataset(opened(tmp_path / "scans", settings, "[pixels]\npage = 4\n"))
    assert {bad.reason for bad in beyond.unreadable} == {"has 3 pages, and pixels.page of the card is 4"}


def test_a_check_counts_depths_and_names_blank_and_other_images(scans, settings):
    save(scans / "ill" / "blank.png", np.full((9, 9), 77, np.uint16))
    save(scans / "well" / "small.png", np.arange(144, dtype=np.uint8).reshape(12, 12))
    report = check_dataset(opened(scans, settings))
    assert report.depths == {"16 bits": 5, "8 bits": 1}
    assert report.blank == ("ill/blank.png",)
    assert report.other_depths == ("well/small.png: 8 bits, most have 16 bits",)
    assert report.grey_range == (0, 1024)
    for said in (
        "Depths: 5 of 16 bits, 1 of 8 bits.",
        "0 to 1024",
        "1 images are blank, of one colour: ill/blank.png.",
    ):
        assert said in str(report)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('window = "lungs"', "pixels.window: expected [low, high] or one of lung, bone, brain, soft, got 'lungs'"),
        ("window = [5, 5]", "low < high, got [5, 5]"),
        ("window = [1]", "expected [low, high]"),
        ("window = [nan, 4]", "expected [low, high]"),
        ('window = ["a", "b"]', "expected [low, high]"),
        ("range = 4095", "pixels.range: expected [low, high] or one of dataset, dtype, got 4095"),
        ("page = 0", "pixels.page"),
        ('invert = "very"', "pixels.invert"),
        ("windw = [0, 1]", "unknown key 'pixels.windw'. Did you mean 'window'?"),
    ],
)
def test_a_bad_table_is_refused_in_a_sentence(said, words):
    with pytest.raises(CardError, match=r"x\.toml") as raised:
        parse_card(f"{CARD}[pixels]\n{said}\n", "x.toml")
    assert words in str(raised.value)


def test_an_image_by_itself_is_as_it_was():
    data = BytesIO()
    Image.fromarray(scan(4095)).save(data, "PNG")
    alone = np.asarray(decode_image(data.getvalue()))
    assert np.array_equal(alone, np.asarray(decode_image(data.getvalue(), Pixels(range=(0, 4095)))))
