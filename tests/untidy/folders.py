"""Untidy folders."""

import shutil

from tests.untidy.untidy import Untidy, card, class_folders, paint, pictures, table


def _with(extra):
    def make(root):
        argument = class_folders(root)
        extra(root / "data")
        return argument

    return make


def _split_with(extra):
    def make(root):
        argument = class_folders(root, "train", "test")
        extra(root / "data")
        return argument

    return make


def _text(*names):
    def write(data):
        for name in names:
            (data / name).parent.mkdir(parents=True, exist_ok=True)
            (data / name).write_text("x")

    return write


def _loose(data):
    for i in range(3):
        paint(data / f"loose{i}.png", 200 + i)


def _thumbnails(data):
    for i in range(4):
        paint(data / "red" / "@eaDir" / f"{i}.png" / "SYNOPHOTO_THUMB.jpg", 210 + i)
    paint(data / "__MACOSX" / "red" / "0.png", 220)
    _text(".DS_Store", "red/Thumbs.db", "red/._0.png", "desktop.ini")(data)


def _beside(data):
    for i in range(5):
        paint(data / "extra" / "red" / f"{i}.png", 230 + i)


def _two_levels(*pairs, direct=False):
    def make(root):
        for p, pair in enumerate(pairs):
            for i in range(4):
                paint(root / "data" / pair / f"{i}.png", 20 * p + i)
        if direct:
            paint(root / "data" / pairs[0].split("/")[0] / "own.png", 240)
        return str(root / "data")

    return make


def _levels_card(way):
    def make(root):
        _two_levels("Rosa/canina", "Rosa/gallica", "Acer/campestre")(root)
        return card(root, f"type = 'folder'\npath = 'data'\nclass_folder = '{way}'")

    return make


def _class_called_train(root):
    return class_folders(root, classes=("train", "bus"))


def _splits_below(root):
    return _two_levels("red/train", "red/test", "blue/train", "blue/test")(root)


def _metadata(name, *, rows=None, header="file_name,label", where="data"):
    def make(root):
        names = pictures(root / "data")
        table(root / where / name, header, rows or [f"{n},{'red' if i % 2 else 'blue'}" for i, n in enumerate(names)])
        return str(root / "data")

    return make


def _metadata_tsv(root):
    names = pictures(root / "data")
    table(root / "data" / "metadata.tsv", "file_name\tlabel", [f"{n}\t{i % 2}" for i, n in enumerate(names)])
    return str(root / "data")


def _only_some_have_metadata(root):
    argument = class_folders(root, "train", "test")
    table(root / "data" / "train" / "metadata.csv", "file_name,label", ["red/0.png,red"])
    return argument


def _link_back(root):
    argument = class_folders(root)
    (root / "data" / "red" / "again").symlink_to(root / "data")
    return argument


def _dangling(root):
    argument = class_folders(root)
    (root / "data" / "red" / "gone.png").symlink_to(root / "nowhere.png")
    return argument


def _empty_class(data):
    (data / "green").mkdir()


def _empty_files(data):
    for i in range(2):
        (data / "red" / f"empty{i}.png").write_bytes(b"")


def _nothing(root):
    (root / "data" / "red").mkdir(parents=True)
    (root / "data" / "red" / "scan.dcm0").write_text("x")
    return str(root / "data")


def _capital_suffix(root):
    argument = class_folders(root)
    for path in sorted((root / "data" / "red").iterdir()):
        path.rename(path.with_suffix(".PNG"))
    return argument


def _repeated(data):
    shutil.copy(data / "train" / "red" / "0.png", data / "test" / "red" / "copy.png")


FOLDERS = [
    Untidy("a tidy folder of class folders", class_folders, images=12, classes=("blue", "red")),
    Untidy(
        "files of other types among the images",
        _with(_text("red/a.heic0", "red/b.heic0", "blue/c.raw")),
        r"3 files of types that are not read: 2 \.heic0, 1 \.raw",
        images=12,
    ),
    Untidy(
        "a text file and a spreadsheet in the folder",
        _with(_text("README.md", "labels.xlsx")),
        r"Not read: labels\.xlsx\. A table is read where it is called metadata\.csv",
        images=12,
    ),
    Untidy(
        "images beside the class folders",
        _with(_loose),
        r"Left out: 3 images beside the class folders \(loose0\.png",
        images=12,
    ),
    Untidy(
        "thumbnails and leftovers of macOS, Windows and file servers",
        _with(_thumbnails),
        images=12,
        classes=("blue", "red"),
    ),
    Untidy(
        "a folder beside train/ and test/",
        _split_with(_beside),
        r"Left out: 5 images in folders beside the splits \(extra\)",
        images=24,
    ),
    Untidy(
        "images in train/ beside its class folders",
        _split_with(lambda data: paint(data / "train" / "a.png", 250)),
        r"Left out: 1 image beside the class folders \(train/a\.png",
        images=24,
    ),
    Untidy("a class called train", _class_called_train, images=12, classes=("bus", "train")),
    Untidy(
        "two levels of folders, genus and species",
        _two_levels("Rosa/canina", "Rosa/gallica", "Acer/campestre"),
        r"two levels deep \(Rosa/canina\), and which is the class is not clear.*class_folder",
        refused=True,
    ),
    Untidy('the same with class_folder = "upper"', _levels_card("upper"), classes=("Acer", "Rosa")),
    Untidy('the same with class_folder = "lower"', _levels_card("lower"), classes=("campestre", "canina", "gallica")),
    Untidy(
        'the same with class_folder = "path"',
        _levels_card("path"),
        classes=("Acer campestre", "Rosa canina", "Rosa gallica"),
    ),
    Untidy(
        "folders inside class folders that have images of their own",
        _two_levels("red/a", "red/b", "blue/a", direct=True),
        images=13,
        classes=("blue", "red"),
    ),
    Untidy("splits below the class folders", _splits_below, images=16, splits=(8, 8)),
    Untidy("Metadata.CSV in capitals", _metadata("Metadata.CSV"), images=12, classes=("blue", "red")),
    Untidy("metadata.tsv", _metadata_tsv, images=12, classes=("0", "1")),
    Untidy("metadata.xlsx", _with(_text("metadata.xlsx")), r"metadata\.xlsx: is not read", refused=True),
    Untidy("metadata.json", _with(_text("metadata.json")), r"metadata\.json: is not read", refused=True),
    Untidy(
        "metadata.csv in a class folder",
        _with(_text("red/metadata.csv")),
        r"red/metadata\.csv: is not read",
        refused=True,
    ),
    Untidy(
        "labels.csv beside images without folders",
        _metadata("labels.csv"),
        r"labels\.csv is there: call it metadata\.csv",
        refused=True,
    ),
    Untidy(
        "metadata in train/ and none in test/", _only_some_have_metadata, r"test: has no metadata\.csv", refused=True
    ),
    Untidy("a link back to the folder above", _link_back, images=12, classes=("blue", "red")),
    Untidy("a dangling link", _dangling, images=12),
    Untidy("a class folder without images", _with(_empty_class), r"1 of 3 classes have no image: green", images=12),
    Untidy("empty files", _with(_empty_files), r"2 of 14 images are missing, empty or cannot be read"),
    Untidy("no image at all", _nothing, r"no images found|only one class|no image", refused=True),
    Untidy("suffixes in capitals", _capital_suffix, images=12),
    Untidy("the same picture in train/ and test/", _split_with(_repeated), images=25),
]
