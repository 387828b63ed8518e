"""Untidy tables."""

import json

from tests.untidy.untidy import COLOURS, Untidy, card, paint, pictures, table


def metadata(header, row, name="metadata.csv", count=12):
    """A folder with a metadata file; `row` gives a line for an image's number and name."""

    def make(root):
        names = pictures(root / "data", count)
        table(root / "data" / name, header, [row(i, n) for i, n in enumerate(names)])
        return str(root / "data")

    return make


def lines(entries, name="metadata.jsonl"):
    """A folder with JSON lines."""

    def make(root):
        names = pictures(root / "data")
        rows = [json.dumps(entries(i, n), ensure_ascii=False) for i, n in enumerate(names)]
        (root / "data" / name).write_text("\n".join(rows) + "\n")
        return str(root / "data")

    return make


def colour(i):
    return COLOURS[i % 2]


def with_card(header, row, rest="", columns="label = 'label'", text=None):
    """A CSV table with a card."""

    def make(root):
        names = pictures(root / "img")
        table(root / "t.csv", header, [row(i, n) for i, n in enumerate(names)])
        if text:
            text(root)
        return card(root, "type = 'csv'\npath = 't.csv'\nroot = 'img'", rest, columns)

    return make


def _split(i):
    return ["train", "train", "test", "Train", "holdout", ""][i % 6]


def _unlisted(root):
    argument = metadata("file_name,label", lambda i, n: f"{n},{colour(i)}")(root)
    for i in range(5):
        paint(root / "data" / f"more{i}.png", 200 + i)
    return argument


def _in_folders(header, row):
    def make(root):
        names = []
        for s, split in enumerate(("train", "test")):
            for i in range(6):
                paint(root / "data" / split / f"{i}.png", 50 * s + i, colour(i))
                names.append(f"{split}/{i}.png")
        table(root / "data" / "metadata.csv", header, [row(i, n) for i, n in enumerate(names)])
        return str(root / "data")

    return make


def _two_tables(root):
    names = pictures(root / "img")
    table(root / "a.csv", "image,label", [f"{n},{i % 2}" for i, n in enumerate(names[:6])])
    table(root / "b.csv", "image,label", [f"{n},{i % 2}.0" for i, n in enumerate(names[6:])])
    return card(root, "type = 'csv'\npath = {train = 'a.csv', test = 'b.csv'}\nroot = 'img'")


def _latin1(root):
    pictures(root / "data")
    (root / "data" / "metadata.csv").write_bytes("file_name,label\n00.png,Gänseblümchen\n".encode("latin-1"))
    return str(root / "data")


def _excel(root):
    names = pictures(root / "data")
    text = "\n".join(["file_name;label", *(f"{n};{colour(i)}" for i, n in enumerate(names))])
    (root / "data" / "metadata.csv").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    return str(root / "data")


def _descriptions(root):
    table(root / "img" / "about.csv", "label,text", ["red,all red", "blue,all blue", "green,not there"])


def _labels(names, rest=""):
    return with_card("image,label", lambda i, n: f"{n},{names[i % len(names)]}", rest)


TABLES = [
    Untidy(
        "rows in unknown and empty splits",
        metadata("file_name,label,split", lambda i, n: f"{n},{colour(i)},{_split(i)}"),
        r"6 of 12 images are left out: 2 in split 'Train', 2 in split 'holdout'.*2 in no split",
        images=6,
    ),
    Untidy(
        "no split of a usual name",
        metadata("file_name,label,split", lambda i, n: f"{n},{colour(i)},fold{i % 2}"),
        r"no image is in a split that the card names.*'fold0', 'fold1'",
        refused=True,
    ),
    Untidy(
        "images that no row names",
        _unlisted,
        r"Left out: 5 images that metadata\.csv does not name \(more0",
        images=12,
    ),
    Untidy(
        "rows without an image",
        metadata("file_name,label", lambda i, n: f"{'no' if i < 2 else ''}{n},{colour(i)}"),
        r"2 of 12 images are missing, empty or cannot be read",
    ),
    Untidy(
        "splits as folders in file_name",
        _in_folders("file_name,label", lambda i, n: f"{n},{colour(i)}"),
        r"they are taken from the folders of the images: test, train",
        splits=(6, 6),
    ),
    Untidy(
        "the same with a split column",
        _in_folders("file_name,label,split", lambda i, n: f"{n},{colour(i)},{'test' if i % 3 else 'train'}"),
        splits=(4, 8),
    ),
    Untidy(
        "spaces around column names",
        metadata("file_name, label ,  split", lambda i, n: f"{n},{colour(i)},{'test' if i % 2 else 'train'}"),
        splits=(6, 6),
    ),
    Untidy(
        "column names in capitals",
        metadata("File_Name,LABEL,Group", lambda i, n: f"{n},{colour(i)},g{i % 4}"),
        images=12,
        classes=("blue", "red"),
    ),
    Untidy(
        "a column twice",
        metadata("file_name,label,label", lambda i, n: f"{n},{colour(i)},{i}"),
        r"names column 'label' 2 times",
        refused=True,
    ),
    Untidy(
        "keys that only some JSON lines have",
        lines(
            lambda i, n: {"file_name": n, "label": colour(i), **({"split": "test" if i % 2 else "train"} if i else {})}
        ),
        r"1 of 12 images is left out: 1 in no split",
        splits=(5, 6),
    ),
    Untidy("labels 1 and 1.0 in two tables", _two_tables, r"differ in capitals, spaces or marks alone.*'0' and '0\.0'"),
    Untidy(
        "an object as a label",
        lines(lambda i, n: {"file_name": n, "label": {"name": colour(i)}}),
        r"column 'label' holds an object",
        refused=True,
    ),
    Untidy(
        "a list of labels where one is promised",
        lines(lambda _, n: {"file_name": n, "label": ["red", "round"]}),
        r"2 labels \(red, round, \.\.\.\)",
        refused=True,
    ),
    Untidy(
        "lists of labels, as Python prints them",
        with_card("image,label", lambda i, n: f"{n},\"['{colour(i)}', 'round']\"", "multi_label = true"),
        classes=("blue", "red", "round"),
    ),
    Untidy(
        "lists of labels in JSON",
        with_card("image,label", lambda i, n: f'{n},"[""{colour(i)}"", ""round""]"', "multi_label = true"),
        classes=("blue", "red", "round"),
    ),
    Untidy(
        "another separator between labels",
        with_card("image,label", lambda i, n: f"{n},{colour(i)};round", "multi_label = true"),
        r"no image has several labels separated by .* but 12 have ';'",
        refused=True,
    ),
    Untidy(
        "groups for half of the images",
        metadata("file_name,label,group", lambda i, n: f"{n},{colour(i)},{'g' + str(i % 3) if i % 2 else ''}"),
        r"6 of 12 images have no group; each of them counts as a group of its own",
    ),
    Untidy(
        "a group column that the card does not name",
        with_card("image,label,Group", lambda i, n: f"{n},{colour(i)},g{i % 3}"),
        r"column 'Group' is not read; columns\.group of a card names it",
    ),
    Untidy(
        "a column that the card names and the table lacks",
        with_card("image,label", lambda i, n: f"{n},{colour(i)}", columns="label = 'labels'"),
        r"no column 'labels', which columns\.label of the card",
        refused=True,
    ),
    Untidy("class names that differ in capitals", _labels(["Ash", "ash"]), r"'Ash' and 'ash'"),
    Untidy(
        "class names that differ in spaces",
        _labels(["Acer campestre", "Acer_campestre"]),
        r"'Acer campestre' and 'Acer_campestre'",
    ),
    Untidy(
        "a hybrid's cross in one of two names",
        _labels(["Quercus × robur", "Quercus robur"]),
        r"'Quercus robur' and 'Quercus × robur'",
    ),
    Untidy(
        "a label in one row only",
        metadata("file_name,label", lambda i, n: f"{n},{colour(i) if i else 'green'}"),
        r"green",
    ),
    Untidy(
        "an empty label",
        metadata("file_name,label", lambda i, n: f"{n},{colour(i) if i else ''}"),
        r"label",
        refused=True,
    ),
    Untidy("a table in Latin-1", _latin1, r"is not UTF-8", refused=True),
    Untidy(
        "a table of a spreadsheet, with semicolons and a byte-order mark", _excel, images=12, classes=("blue", "red")
    ),
    Untidy(
        "a row with a field more",
        metadata("file_name,label", lambda i, n: f"{n},{colour(i)}" + ("" if i else ",x")),
        r"line 2: more or fewer fields",
        refused=True,
    ),
    Untidy(
        "descriptions of a class that is none",
        with_card(
            "image,label",
            lambda i, n: f"{n},{colour(i)}",
            text=_descriptions,
            columns="label = 'label'\n[prompts]\ndescriptions_file = 'about.csv'",
        ),
        r"1 of the names in about\.csv are of no class.*green",
    ),
]
