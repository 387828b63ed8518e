"""A server answers as the run does that it serves, to several clients at a time."""

import json
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
import requests
from PIL import Image


def files(folder, names, field="images"):
    return [(field, (name, (folder / name).read_bytes(), "image/png")) for name in names]


def test_it_is_up_and_says_what_it_serves(ground_url, grounding):
    run, _ = grounding
    health = requests.get(f"{ground_url}/health", timeout=60).json()
    assert health["status"] == "ok"
    assert health["run"] == run.result.run_id
    about = requests.get(f"{ground_url}/run", timeout=60).json()
    assert (about["task"], about["picks_boxes"], about["takes_texts"]) == ("grounding", True, False)
    schema = requests.get(f"{ground_url}/openapi.json", timeout=60).json()
    assert {"/health", "/run", "/predict", "/ground", "/heat-map", "/embed", "/search"} == set(schema["paths"])
    body = schema["paths"]["/ground"]["post"]["requestBody"]["content"]
    assert set(body) == {"multipart/form-data"}


def test_boxes_are_picked_as_by_the_run(ground_url, grounding):
    run, folder = grounding
    name, boxes = "test-0.png", [[0, 0, 16, 32], [16, 0, 32, 32]]
    said = ["take the left one", "take the right one"]
    sent = {"texts": said, "boxes": json.dumps(boxes)}
    answer = requests.post(f"{ground_url}/ground", data=sent, files=files(folder, [name], "image"), timeout=60).json()
    for given, expected in zip(answer["answers"], run.ground(folder / name, boxes, said), strict=True):
        assert set(given) == set(expected)
        assert (given["text"], given["box"], given["place"]) == (
            expected["text"],
            expected["box"],
            list(expected["place"]),
        )
        assert given["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-5)
    assert answer["seconds"] > 0
    pointed = requests.post(
        f"{ground_url}/ground", data={"texts": said[0]}, files=files(folder, [name], "image"), timeout=60
    ).json()["answers"]
    assert pointed[0]["point"] == list(run.ground(folder / name, None, said[0])[0]["point"])
    picture = requests.post(
        f"{ground_url}/heat-map", data={"text": said[0]}, files=files(folder, [name], "image"), timeout=60
    )
    assert picture.headers["content-type"] == "image/png"
    assert Image.open(BytesIO(picture.content)).size == (32, 32)


def test_classes_are_those_of_the_run_and_so_are_embeddings(class_url, classification):
    run, folder = classification
    names = ["test-0.png", "test-1.png", "test-2.png"]
    answer = requests.post(f"{class_url}/predict", data={"top": 2}, files=files(folder, names), timeout=60).json()
    for given, expected in zip(answer["answers"], run.predict([folder / n for n in names], top=2), strict=True):
        assert given["classes"] == list(expected["classes"])
        assert given["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-5)
    found = requests.post(f"{class_url}/embed", files=files(folder, names), timeout=60).json()["embeddings"]
    np.testing.assert_allclose(found, run.embed([folder / name for name in names]), atol=1e-5)


def test_the_run_s_own_images_are_found(class_url, classification):
    run, _ = classification
    hits = requests.get(f"{class_url}/search", params={"text": ["red", "blue"], "top": 3}, timeout=120).json()["hits"]
    assert [hit["id"] for hit in hits] == [hit["id"] for hit in run.search(["red", "blue"], top=3)]


def test_many_clients_at_a_time_get_their_own_answers(ground_url, grounding):
    run, folder = grounding
    names = [f"test-{i}.png" for i in range(12)]
    boxes = [[0, 0, 16, 32], [16, 0, 32, 32]]
    expected = [run.ground(folder / name, boxes, "take the left one")[0] for name in names]

    def ask(name):
        sent = {"texts": "take the left one", "boxes": json.dumps(boxes)}
        return requests.post(
            f"{ground_url}/ground", data=sent, files=files(folder, [name], "image"), timeout=120
        ).json()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, names))
    for answer, own in zip(answers, expected, strict=True):
        assert answer["answers"][0]["probabilities"] == pytest.approx(own["probabilities"], abs=1e-5)
