from pathlib import Path

import open_clip
import pytest

from workbench.errors import ModelError, WorkbenchError
from workbench.models import open_model
from workbench.models.catalogue import pretrained_models, right_architecture, usual_preprocessing
from workbench.models.spec import parse_model
from workbench.settings import Settings


@pytest.mark.parametrize(
    ("argument", "kind", "architecture", "source"),
    [
        ("offline-lite", "plugin", "", "offline-lite"),
        ("ViT-B-32/laion2b_s34b_b79k", "tag", "ViT-B-32", "laion2b_s34b_b79k"),
        ("hf-hub:org/repo", "hub", "", "org/repo"),
        ("ViT-B-32@/data/my weights.pt", "file", "ViT-B-32", "/data/my weights.pt"),
        ("local-dir:/data/ä b", "directory", "", "/data/ä b"),
    ],
)
def test_every_form_is_taken_apart(argument: str, kind: str, architecture: str, source: str) -> None:
    spec = parse_model(argument)
    assert (spec.argument, spec.kind, spec.architecture, spec.source) == (argument, kind, architecture, source)


def test_relative_paths_are_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_model("local-dir:here").source == str(tmp_path / "here")
    assert parse_model("ViT-B-32@here.pt").source == str(tmp_path / "here.pt")


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("ofline-lite", ["ofline-lite", "Did you mean 'offline-lite'?"]),
        ("ViT-B-32", ["ViT-B-32", "name its weights too: ViT-B-32/"]),
        ("ViT-B32/laion2b_s34b_b79k", ["ViT-B32", "Did you mean 'ViT-B-32'?"]),
        ("ViT-B-32/laion2b_s34b", ["laion2b_s34b", "Did you mean 'laion2b_s34b_b79k'?"]),
        ("ViT-B-32/weights.pt", ["weights.pt", "ViT-B-32@FILE"]),
        ("ViT-B-32/openai", ["QuickGELU", "'ViT-B-32-quickgelu/openai'"]),
        ("ViT-L-14-quickgelu/laion2b_s32b_b82k", ["has no pretrained tag"]),
        ("ViT-B-32@missing.pt", ["missing.pt is not a file"]),
        ("hf-hub:", ["something must follow 'hf-hub:'"]),
        ("local-dir:nowhere", ["there is nothing at", "nowhere"]),
        ("", ["local-dir:PATH"]),
    ],
)
def test_a_wrong_argument_is_answered_by_what_to_write(argument: str, words: list[str], settings: Settings) -> None:
    with pytest.raises(ModelError) as caught:
        open_model(argument, settings)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_must_say_its_activation(tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "weights.pt"
    file.touch()
    with pytest.raises(ModelError, match=f"'ViT-B-32-quickgelu@{file}'.*'ViT-B-32-gelu@{file}'"):
        open_model(f"ViT-B-32@{file}", settings)


def test_every_tag_of_open_clip_leads_to_a_name_that_is_accepted() -> None:
    for architecture, tag in open_clip.list_pretrained():
        right = right_architecture(architecture, tag)
        assert right_architecture(right, tag) == right
        assert tag in open_clip.list_pretrained_tags_by_model(right)


def test_openai_weights_are_always_sent_to_quickgelu() -> None:
    named = [a for a, tag in open_clip.list_pretrained() if tag == "openai"]
    assert len(named) > 10
    assert all(right_architecture(a, "openai").endswith("-quickgelu") for a in named)


def test_lists_leave_out_what_would_be_refused() -> None:
    assert "ViT-B-32-quickgelu/openai" in pretrained_models()
    assert "ViT-B-32/openai" not in pretrained_models()


def test_a_bare_file_gets_the_preprocessing_of_its_architecture() -> None:
    assert usual_preprocessing("ViT-B-16-SigLIP")["mean"] == (0.5, 0.5, 0.5)
    assert usual_preprocessing("ViT-B-16-SigLIP")["resize_mode"] == "squash"
    assert usual_preprocessing("ViT-L-14") == {}, "its tags differ, so that none of them may be assumed"
    assert usual_preprocessing("ViT-B-32-quickgelu")["mean"] == open_clip.OPENAI_DATASET_MEAN


def test_errors_of_models_are_errors_of_the_workbench() -> None:
    assert issubclass(ModelError, WorkbenchError)
