"""What a run over odd items says of them."""

from workbench.runs import RecipeEntry, Suite, run_suite


def run(card, settings, model, **values):
    suite = Suite(
        name="s", models=(model,), datasets=(str(card),), recipes=(RecipeEntry(recipe="zero-shot"),), figures=False,
        **values,
    )  # fmt: skip
    (found,) = run_suite(suite, settings)
    return found


def boxes(*listed):
    return lambda *_: {"boxes": list(listed), "said": "take it", "answer": 0}


def test_boxes_beyond_their_image_are_counted(write, settings, tiny_model):
    columns = {"boxes": "boxes", "instruction": "said", "answer": "answer"}
    # Meant as left, top, width, height, in images of 32 x 32 pixels.
    card = write("grounding", columns, boxes([0, 0, 16, 32], [16, 0, 33, 32]))
    found = run(card, settings, tiny_model)
    assert "24 of 48 boxes reach outside their image" in found.tags["notes"]
    assert "is regions.format = 'xyxy' right?" in found.tags["notes"]


def test_a_box_outside_its_image_fails_the_run(write, settings, tiny_model):
    columns = {"boxes": "boxes", "instruction": "said", "answer": "answer"}
    found = run(write("grounding", columns, boxes([0, 0, 16, 32], [32, 0, 48, 32])), settings, tiny_model)
    assert found.status == "failed"
    assert "column 'boxes' must hold boxes (regions.format = 'xyxy') within the image" in found.tags["workbench.error"]
    assert "but has [32, 0, 48, 32]" in found.tags["workbench.error"]


def test_wrong_texts_that_are_right_are_counted(write, settings, tiny_model):
    columns = {"caption": "said", "negatives": "wrong"}
    number = iter(range(100))
    card = write(
        "matching", columns, lambda *_: {"said": "red", "wrong": ["blue", "red" if next(number) % 2 else "green"]}
    )
    found = run(card, settings, tiny_model)
    assert "12 of 24 test items have a wrong text that is also the right one" in found.tags["notes"]
