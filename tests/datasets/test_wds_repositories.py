"""The layout of `clip-benchmark/wds_*`: shards, class names and templates, from a folder and from the Hub."""

import io
import threading
from http.server import ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

import workbench
from tests.datasets.wds_files import COMMIT, DatasetHub, write_repository
from workbench.datasets import open_card, open_dataset, parse_card
from workbench.datasets.card_writing import card_to_toml
from workbench.datasets.prompts import class_prompts
from workbench.datasets.sources.hub import HubReader
from workbench.errors import CardError, DataError
from workbench.runs import fetching
from workbench.tasks.classification.predictions import ClassPredictions

# As in ImageNet's and CLEVR's lists: two classes of one name, and one without.
NAMES = ["missile", "oak tree", "missile", "", "pier"]
TEMPLATES = ["a photo of a {c}.", "a bad photo of the {c}.", "{c}"]
CARD = """
name = "wds-test"
[source]
type = "webdataset"
{source}
[columns]
label = "cls"
[prompts]
from = "repository"
"""


def picture(seed, label):
    rng = np.random.default_rng(seed)
    pixels = np.clip(40 * label + rng.normal(60, 40, (32, 32, 3)), 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(data := io.BytesIO(), "WEBP", lossless=True)
    return data.getvalue()


@pytest.fixture(scope="module")
def items():
    """Of each split, images and labels; the test split needs eleven shards, so that 10.tar comes after 9.tar."""
    counts = {"train": 10, "test": 55}
    return {s: [(picture(1000 * k + i, i % 5), i % 5) for i in range(n)] for k, (s, n) in enumerate(counts.items())}


@pytest.fixture
def repository(tmp_path, items):
    return write_repository(tmp_path / "hub" / "clip-benchmark" / "wds_test", items, NAMES, TEMPLATES)


@pytest.fixture
def hub(tmp_path, repository, monkeypatch):
    """A local server in the Hub's place, and a cache of its own."""
    handler = type("OwnHub", (DatasetHub,), {"root": tmp_path / "hub", "requests": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield handler
        server.shutdown()


def card(source='path = "wds_test"', more=""):
    return parse_card(CARD.format(source=source) + more, "x")


def test_a_folder_gives_its_names_and_templates(repository, settings, items):
    dataset = open_card(card(), repository.parent, settings)
    assert dataset.class_names == ("missile (0)", "oak tree", "missile (2)", "class 3", "pier")
    assert dataset.prompts.templates == ("a photo of a {}.", "a bad photo of the {}.", "{}")
    assert [texts[0] for texts in dataset.prompts.sentences("single")] == [f"a photo of a {name}." for name in NAMES]
    rows = dataset.rows("test")
    found = {dataset.read(row): int(label) for row, label in zip(rows.tolist(), dataset.labels(rows), strict=True)}
    assert found == dict(items["test"])
    shards = [record.location.file for record in dataset.manifest.records if record.split == "test"]
    assert list(dict.fromkeys(shards)) == [f"test/{i}.tar" for i in range(11)]
    assert dataset.made_splits == ("val",)


def test_a_folder_without_a_card_is_taken_for_what_it_is(repository, settings):
    dataset = open_dataset(str(repository), settings)
    assert dataset.prompts.templates[1] == "a bad photo of the {}."
    assert len(dataset.rows("test")) == 55


def test_zero_shot_is_that_of_clip_benchmark_to_one_image(repository, tmp_path, tiny_model, items):
    """`zero_shot_classifier` and `run_classification` of clip_benchmark/metrics/zeroshot_classification.py."""
    import open_clip
    import torch
    import torch.nn.functional as F

    network, preprocess = open_clip.create_model_from_pretrained(tiny_model)
    tokenizer = open_clip.get_tokenizer(tiny_model)
    lines = (repository / "classnames.txt").read_text().splitlines()
    with torch.no_grad():
        classes = []
        for name in lines:
            texts = [t.format(c=name) for t in TEMPLATES]
            embedded = F.normalize(network.encode_text(tokenizer(texts)), dim=-1).mean(dim=0)
            classes.append(embedded / embedded.norm())
        images = torch.stack([preprocess(Image.open(io.BytesIO(data))) for data, _ in items["test"]])
        features = F.normalize(network.encode_image(images), dim=-1)
        logits = (100 * features @ torch.stack(classes, dim=1)).numpy()
    theirs = logits.argmax(axis=1).tolist()

    (tmp_path / "card.toml").write_text(CARD.format(source=f"path = {str(repository)!r}"))
    settings = {"runs": tmp_path / "runs", "cache": tmp_path / "cache", "device": "cpu"}
    frame = workbench.run(
        models=tiny_model,
        datasets=tmp_path / "card.toml",
        recipes="zero-shot",
        name="wds",
        precision="fp32",
        **settings,
    )
    run = frame[frame["recipe"] == "zero-shot"].iloc[0]
    assert run["accuracy"] == np.mean([guess == label for guess, (_, label) in zip(theirs, items["test"], strict=True)])
    (file,) = tmp_path.rglob(f"{run['run_id']}/artifacts/predictions.parquet")
    ours = ClassPredictions.read(file)
    assert dict(zip(ours.ids, ours.scores.argmax(axis=1).tolist(), strict=True)) == {
        f"test/{i // 5}.tar/s{i:07d}": guess for i, guess in enumerate(theirs)
    }
    # Random weights may give all images one class, so that the logits themselves are compared, too.
    number = [int(name[-7:]) for name in ours.ids]
    scale = network.logit_scale.exp().item()
    np.testing.assert_allclose(ours.scores * 100 / scale, logits[number], atol=1e-3)
    assert logits.std(axis=0).min() > 0.02


@pytest.mark.parametrize("revision", [None, COMMIT], ids=["newest", "pinned"])
def test_a_repository_of_the_hub_is_read_and_then_needs_no_network(hub, settings, monkeypatch, revision):
    pinned = f'\nrevision = "{revision}"' if revision else ""
    asked = card('id = "clip-benchmark/wds_test"' + pinned)
    dataset = open_card(asked, None, settings)
    assert dataset.manifest.revision == COMMIT
    assert dataset.prompts.templates[2] == "{}"
    assert [len(dataset.rows(split)) for split in ("all", "test")] == [65, 55]
    (place,) = fetching._places(str(dataset.root))
    assert place.name == "datasets--clip-benchmark--wds_test"
    hub.requests.clear()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    again = open_card(asked, None, settings)
    assert again.fingerprint == dataset.fingerprint
    assert not hub.requests


def test_texts_beside_shards_in_an_object_store(repository, settings):
    import fsspec

    store = fsspec.filesystem("memory")
    for path in repository.rglob("*.t*"):
        store.pipe_file(f"/wds-of-test/{path.relative_to(repository)}", path.read_bytes())
    paths = '{ train = "memory://wds-of-test/train/*.tar", test = "memory://wds-of-test/test/{0..2}.tar" }'
    whole = open_card(card(f"path = {paths}"), None, settings)
    assert whole.prompts.templates == ("a photo of a {}.", "a bad photo of the {}.", "{}")
    one_split = open_card(card('path = "memory://wds-of-test/test/0.tar"'), None, settings)
    assert one_split.class_names == whole.class_names, "the texts lie in the folder above"
    store.pipe_file("/wds-of-test/classnames.txt", b"\xff")
    with pytest.raises(DataError, match=r"classnames\.txt: is not UTF-8"):
        open_card(card('path = "memory://wds-of-test/test/0.tar"'), None, settings)
    store.rm("/wds-of-test", recursive=True)


def test_texts_of_a_dataset_that_the_hubs_library_reads(hub, monkeypatch):
    text = 'name = "x"\n[source]\ntype = "hub"\nid = "clip-benchmark/wds_test"\n[prompts]\nfrom = "repository"\n'
    source = HubReader(parse_card(text, "x"))
    assert source.text_file("classnames.txt").splitlines() == NAMES
    assert source.text_file("none.txt") is None
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert source.text_file("classnames.txt").splitlines() == NAMES
    with pytest.raises(
        DataError, match=r"zeroshot_classification_templates\.txt of Hub dataset .* not in the local cache"
    ):
        source.text_file("zeroshot_classification_templates.txt")


def test_a_path_in_a_repository_downloads_no_more_than_that(hub, settings, repository):
    dataset = open_card(card('id = "clip-benchmark/wds_test"\npath = "test/{0..2}.tar"'), None, settings)
    assert len(dataset) == 15
    shards = [path for path in hub.requests if path.endswith(".tar")]
    assert {path.rpartition("/resolve/")[2].partition("/")[2] for path in shards} == {f"test/{i}.tar" for i in range(3)}
    by_split = card('id = "clip-benchmark/wds_test"\npath = { train = "test/0.tar", test = "test/10.tar" }')
    assert [len(open_card(by_split, None, settings).rows(split)) for split in ("all", "test")] == [10, 5]


def test_a_repository_that_cannot_be_had_is_said_at_once(hub, settings, monkeypatch):
    with pytest.raises(DataError, match=r"Hub repository 'clip-benchmark/none' could not be loaded"):
        open_card(card('id = "clip-benchmark/none"'), None, settings)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for revision in ("", f'\nrevision = "{COMMIT}"'):
        with pytest.raises(
            DataError, match=r"HF_HUB_OFFLINE is set.*copy its folder datasets--clip-benchmark--wds_test"
        ):
            open_card(card(f'id = "clip-benchmark/wds_test"{revision}'), None, settings)


def test_what_the_card_says_itself_holds(repository, settings):
    more = 'templates = ["{} alone"]\n[prompts.names]\n"oak tree" = "Quercus"\n'
    dataset = open_card(card(more=more), repository.parent, settings)
    assert [texts[0] for texts in dataset.prompts.sentences("ensemble")] == [
        "missile alone", "Quercus alone", "missile alone", " alone", "pier alone",
    ]  # fmt: skip
    other = open_card(card(), repository.parent, settings)
    assert dataset.fingerprint != other.fingerprint
    own = {str(i): f"thing {i}" for i in range(5)}
    table = "[classes]\n" + "".join(f'"{key}" = "{name}"\n' for key, name in own.items())
    named = open_card(card(more=table), repository.parent, settings)
    assert (named.class_names, named.prompts.templates) == (tuple(own.values()), other.prompts.templates)


def test_a_card_is_written_and_read_back(repository, settings):
    assert "templates" not in card_to_toml(card()), "or the default would stand for those of the repository"
    dataset = open_card(card(), repository.parent, settings)
    again = parse_card(card_to_toml(dataset.card), "x")
    assert again == dataset.card
    assert open_card(again, repository.parent, settings).fingerprint == dataset.fingerprint


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (
            "classnames.txt",
            None,
            r"prompts\.from = 'repository'.*has no classnames\.txt; write the names in \[classes\]",
        ),
        ("classnames.txt", "", "has an empty classnames"),
        ("classnames.txt", "oak\npine\n", r"has the label '2'"),
        ("zeroshot_classification_templates.txt", None, "has no zeroshot_classification_templates.*prompts.templates"),
        ("zeroshot_classification_templates.txt", "{c}\na photo\n", r"line 2: expected the class name's place \{c\}"),
        ("zeroshot_classification_templates.txt", "{c} and {c}\n", "exactly once"),
        ("test/nshards.txt", "12\n", r"has 11 shards, and its nshards\.txt says 12"),
        ("classnames.txt", b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_a_repository_that_is_not_as_it_should_be(repository, settings, file, content, message):
    path = repository / file
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=message):
        open_card(card(), repository.parent, settings)


def test_cards_that_contradict_themselves():
    for source, message in (
        ("", "name the shards in path, or a repository on the Hub in id"),
        ('id = "no-slash"', r"source\.id"),
        ('path = "x"\nrevision = "y"', "revision is of a repository on the Hub"),
    ):
        with pytest.raises(CardError, match=message):
            card(source)
    with pytest.raises(CardError, match=r"unknown key 'prompts\.names_from'. Did you mean|Known: from, templates"):
        card(more='names_from = "x"')
    with pytest.raises(CardError, match=r"prompts\.names has 'elm', which is no class"):
        class_prompts(card(more='[prompts.names]\nelm = "x"\n'), ["0", "1"], ["oak", "ash"], {})
