"""Tables whose file names are not those on the disk."""

from tests.untidy.row_tables import colour
from tests.untidy.untidy import Untidy, card, paint, pictures, table


def _named(change, suffix=".png"):
    def make(root):
        names = pictures(root / "data", suffix=suffix)
        rows = [f"{change(n)},{colour(i)}" for i, n in enumerate(names)]
        table(root / "data" / "metadata.csv", "file_name,label", rows)
        return str(root / "data")

    return make


def _decomposed(root):
    for i in range(12):
        paint(root / "data" / f"e\u0301{i}.png", i, colour(i))
    table(root / "data" / "metadata.csv", "file_name,label", [f"\u00e9{i}.png,{colour(i)}" for i in range(12)])
    return str(root / "data")


def _one_missing(root):
    argument = _named(lambda n: n)(root)
    (root / "data" / "03.png").rename(root / "data" / "03.PNG")
    return argument


def _frames(pattern, columns="label = 'label'"):
    def make(root):
        for i in range(24):
            name = "poster" if i == 23 else f"clip{i // 4}_{i:04}"
            paint(root / "data" / colour(i // 4) / f"{name}.png", i, colour(i // 4))
        return card(root, f"type = 'folder'\npath = 'data'\n[splits]\ngroup_pattern = '{pattern}'", columns=columns)

    return make


FILE_NAMES = [
    Untidy("one file of another case", _one_missing, r"1 of 12 images.*capital letters differ: there is '03\.PNG'"),
    Untidy(
        "names without their suffix",
        _named(lambda n: n[:-4]),
        r"the extension is missing: there is '00\.png'",
        refused=True,
    ),
    Untidy(
        "names with another suffix",
        _named(lambda n: n[:-4] + ".jpg"),
        r"the extension differs: there is '00\.png'",
        refused=True,
    ),
    Untidy(
        "names in another case",
        _named(lambda n: n.upper()),
        r"capital letters differ: there is '00\.png'",
        refused=True,
    ),
    Untidy("decomposed letters on disk", _decomposed, r"the Unicode form differs", refused=True),
    Untidy(
        "addresses instead of files",
        _named(lambda n: f"https://example.org/{n}"),
        r"is an address; download the images",
        refused=True,
    ),
    Untidy(
        "paths of a Windows drive", _named(lambda n: "D:\\data\\" + n), r"is a path of a Windows drive", refused=True
    ),
    Untidy(
        "absolute paths of another machine",
        _named(lambda n: f"/mnt/data/{n}"),
        r"absolute path of another machine",
        refused=True,
    ),
    Untidy("backslashes between folders", _named(lambda n: ".\\" + n), images=12),
    Untidy(
        "a folder that is not there",
        _named(lambda n: f"images/{n}"),
        r"there is no folder 'images', but '00\.png' lies",
        refused=True,
    ),
    Untidy(
        "frames of videos, one of another name, with splits.group_pattern",
        _frames(r"(clip\d+)_"),
        r"1 of 24 names do not match splits\.group_pattern \(blue/poster\.png\)",
        images=24,
    ),
    Untidy(
        "frames of videos and a splits.group_pattern of others",
        _frames(r"(ride\d+)_"),
        r"splits\.group_pattern '\(ride.*finds a group in none of the 24 names",
        refused=True,
    ),
]
