"""Untidy files of detection datasets."""

from tests.datasets.coco_files import COLOURS, instances, refs, write
from tests.untidy.untidy import Untidy, paint

COLUMNS = "boxes = 'boxes'\ninstruction = 'instructions'"


def one_colour(i):
    return (tuple(COLOURS)[i % 3],)


def coco(change=lambda _: None, source="", rest="", colours=one_colour, columns="", task="classification"):
    """Twelve pictures with COCO's JSON, which `change` changes."""

    def make(root):
        content = instances(root / "img", 12, colours)
        write(root / "coco.json", change(content) or content)
        source_table = f"[source]\ntype = 'coco'\npath = 'coco.json'\nroot = 'img'\n{source}"
        (root / "card.toml").write_text(
            f"name = 'mine'\ntask = '{task}'\n{rest}\n{source_table}\n[columns]\n{columns}\n", encoding="utf-8"
        )
        return str(root / "card.toml")

    return make


def referring(change):
    """Six pictures with expressions, which `change` changes."""

    def make(root):
        entries = refs()
        change(entries)
        write(root / "refs.json", entries)
        everything = coco(lambda _: None, "refs = 'refs.json'", "", lambda _: tuple(COLOURS), COLUMNS, "grounding")
        return everything(root)

    return make


def _unknown(content):
    content["annotations"] += [
        {"id": 900 + i, "image_id": 500 + i, "category_id": 7, "bbox": [1, 1, 4, 4]} for i in range(3)
    ]
    content["annotations"][0]["category_id"] = 70


def _boxes(content):
    for i, box in enumerate([[40, 2, 5, 5], [4, 4, 0.2, 5], [1, 2, None, 4], [0.1, 0.2, 0.3, 0.4]]):
        content["annotations"][i]["bbox"] = box
    content["annotations"][4]["iscrowd"] = 1


def _bare(content):
    content["annotations"] = content["annotations"][3:]


def _several(entries):
    entries[0]["ann_id"] = [0, 1]
    entries[1].update(ann_id=[-1], no_target=True)
    entries[2]["image_id"] = 900


def _beside(root):
    argument = coco()(root)
    for i in range(2):
        paint(root / "img" / f"more{i}.png", 200 + i)
    return argument


def _no_pictures(content):
    for image in content["images"]:
        image["file_name"] = f"train2017/{image['file_name']}"


FIELD_DATA = [
    Untidy("COCO's JSON with one category an image", coco(), images=12, classes=("red", "blue", "green")),
    Untidy(
        "images of several categories in COCO's JSON",
        coco(colours=lambda _: tuple(COLOURS)),
        r"3 labels \(red, blue, green, \.\.\.\) where the card 'mine' promises one; set multi_label = true",
        refused=True,
    ),
    Untidy(
        "the same with multi_label = true", coco(colours=lambda _: tuple(COLOURS), rest="multi_label = true"), images=12
    ),
    Untidy(
        "annotations of images and categories that COCO's JSON does not list",
        coco(_unknown),
        r"not read: 3 annotations of images that it does not list \(image_id 500",
        images=11,
    ),
    Untidy(
        "boxes outside, without an area, in shares of the image, about crowds, with source.crops",
        coco(_boxes, "crops = true"),
        r"not read: 2 boxes without an area",
        images=7,
    ),
    Untidy("images without an annotation", coco(_bare), r"not read: 3 images without a category", images=9),
    Untidy(
        "images that COCO's JSON does not list",
        _beside,
        r"Left out: 2 images that coco\.json does not name \(more0\.png, more1\.png\)",
        images=12,
    ),
    Untidy(
        "folders in the file names of COCO's JSON that are not there",
        coco(_no_pictures),
        r"there is no folder 'train2017', but 'COCO_000000000000\.png' lies in img",
        refused=True,
    ),
    Untidy("another program's JSON", coco(lambda _: {"shapes": []}), r"expected COCO's JSON", refused=True),
    Untidy(
        "expressions that mean several boxes, none, or are about an unknown image",
        referring(_several),
        r"not read: 2 expressions that mean several objects together",
        images=5,
    ),
]
