"""Untidy files of detection datasets, and downloads of biodiversity data."""

from tests.datasets.coco_files import COLOURS, instances, refs, write
from tests.datasets.dwc_files import archive, observations, packed, photo, photos
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


def _as_it_is(core, media):
    pass


def download(change=_as_it_is, kept=range(48), columns="", members=None, names=lambda n: f"{70000 + n}.jpg"):
    """24 observations of four species with two photos each, of which those of `kept` are there."""

    def make(root):
        core, media = observations(), photos()
        change(core, media)
        packed(root / "download.zip", members or archive(core, media))
        (root / "photos").mkdir()
        for n in kept:
            photo(root / "photos" / names(n), n)
        source = "[source]\ntype = 'darwin-core'\npath = 'download.zip'\nroot = 'photos'"
        (root / "card.toml").write_text(f"name = 'mine'\n{source}\n[columns]\n{columns}\n", encoding="utf-8")
        return str(root / "card.toml")

    return make


def _genus_alone(core, media):
    for row in core[:2]:
        row.update(species="", scientificName=f"{row['genus']} L.", taxonRank="GENUS")


def _of_two(core, media):
    media[0]["identifier"] = media[2]["identifier"]


def _other_media(core, media):
    media += [{**media[0], "type": "Sound", "format": "audio/mp4"}, {**media[0], "gbifID": "77"}]
    core[5]["occurrenceStatus"] = "ABSENT"


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
    Untidy("a download of GBIF, photos called by their numbers", download(), images=48),
    Untidy(
        "the same, called by the observation's id and a number",
        download(names=lambda n: f"{4000 + n // 2}_{n % 2}.jpg", columns="label = 'family'"),
        images=48,
        classes=("Fagaceae", "Rosaceae", "Salticidae"),
    ),
    Untidy(
        "photos that were not downloaded",
        download(kept=range(5, 48)),
        r"5 photos of 48 that the tables name are not in photos \(the first: https://.*/photos/70000/original\.jpg\)",
        images=43,
    ),
    Untidy(
        "photos of no observation",
        download(kept=range(50)),
        r"Left out: 2 images of no observation of occurrence\.txt \(70048\.jpg, 70049\.jpg\)",
        images=48,
    ),
    Untidy(
        "observations that are known to the genus alone, where species are the labels",
        download(_genus_alone),
        r"not read: 4 photos without a species \(70000\.jpg",
        images=44,
    ),
    Untidy(
        "a photo of observations of two species",
        download(_of_two),
        r"not read: 1 photo of several observations that say different things \(70002\.jpg\)",
        images=46,
    ),
    Untidy(
        "sounds, photos of unknown observations, observations of absence",
        download(_other_media),
        r"not read: 1 medium of the type Sound \(4000\)",
        images=46,
    ),
    Untidy(
        "a download without any of its photos",
        download(kept=()),
        r"no photo is left .*Nothing is downloaded",
        refused=True,
    ),
    Untidy(
        "a rank that the download lacks",
        download(columns="label = 'tribe'"),
        r"no column 'tribe'.*There are",
        refused=True,
    ),
    Untidy(
        "a zip archive of something else",
        download(members={"a.doc": "x"}),
        r"has no meta\.xml.*it holds a\.doc",
        refused=True,
    ),
]
