"""Small datasets in COCO's JSON: pictures with plain squares, whose boxes and colours are known."""

import json
from pathlib import Path

from PIL import Image, ImageDraw

COLOURS = {"red": (200, 30, 30), "blue": (30, 40, 200), "green": (30, 170, 40)}
BOXES = [(2, 3, 10, 8), (14, 3, 9, 12), (4, 16, 12, 7)]
"""Left, top, width, height of the squares of a picture, in the order of `COLOURS`."""
CATEGORIES = [{"id": 7 + i, "name": name} for i, name in enumerate(COLOURS)]


def picture(path: Path, seed: int, colours: tuple[str, ...] = tuple(COLOURS)) -> None:
    """A grey picture of 32 x 28 pixels with a square of each colour; its corner makes it another for each seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (32, 28), (120, 120, 120))
    draw = ImageDraw.Draw(image)
    for name, (left, top, width, height) in zip(COLOURS, BOXES, strict=True):
        if name in colours:
            draw.rectangle((left, top, left + width - 1, top + height - 1), COLOURS[name])
    image.putpixel((31, 27), (seed % 256, seed // 256, 9))
    image.save(path)


def instances(folder: Path, count: int = 6, colours=lambda _: tuple(COLOURS), first: int = 0) -> dict:
    """COCO's JSON of pictures that are written into a folder; annotation `10 i + c` is square c of picture i."""
    content: dict = {"images": [], "annotations": [], "categories": [*CATEGORIES]}
    for i in range(first, first + count):
        name = f"COCO_{i:012}.png"
        picture(folder / name, i, colours(i))
        content["images"].append({"id": i, "file_name": name, "width": 32, "height": 28, "location": f"site{i // 2}"})
        for c, colour in enumerate(COLOURS):
            if colour in colours(i):
                content["annotations"].append(
                    {
                        "id": 10 * i + c,
                        "image_id": i,
                        "category_id": 7 + c,
                        "bbox": list(BOXES[c]),
                        "iscrowd": 0,
                        "segmentation": [[1, 2, 3]],
                    }
                )
    return content


def refs(count: int = 6, splits=("train", "train", "train", "val", "testA", "testB"), first: int = 0) -> list[dict]:
    """Expressions as RefCOCO has them: two sentences for each square."""
    return [
        {
            "ref_id": 3 * i + c, "ann_id": 10 * i + c, "image_id": i, "category_id": 7 + c,
            "file_name": f"COCO_{i:012}_{c}.png", "split": splits[i % len(splits)], "sent_ids": [0, 1],
            "sentences": [
                {"raw": f"THE {name} one", "sent": f"the {name} one", "tokens": ["the", name, "one"], "sent_id": 0},
                {"raw": f"{name}!", "sent": name, "tokens": [name], "sent_id": 1},
            ],
        }
        for i in range(first, first + count)
        for c, name in enumerate(COLOURS)
    ]  # fmt: skip


def write(path: Path, content) -> Path:
    """Write JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
