import pytest
import torch
from PIL import Image

from workbench.captioning import Decoding, write_captions
from workbench.errors import RecipeError
from workbench.images import ImageSet
from workbench.models.checkpoints import build
from workbench.models.spec import parse_model


@pytest.fixture(scope="module")
def coca(tiny_coca):
    return build(parse_model(tiny_coca))


@pytest.fixture(scope="module")
def pictures():
    colours = [(200, 30, 30), (20, 180, 40), (30, 30, 220), (250, 250, 240), (5, 5, 5)]
    images = [Image.new("RGB", (40, 32), colour) for colour in colours]
    for i, image in enumerate(images):
        image.paste((120, 10 * i, 60), (4, 4, 10 + 4 * i, 20))
    return ImageSet(len(images), lambda: pytest.fail("features are not needed"), images.__getitem__)


def test_one_beam_is_what_open_clip_generates(coca, pictures, monkeypatch):
    """open_clip 3.3 switches generation off where one class of transformers is missing, which top-k does not use."""
    import open_clip.coca_model as theirs
    import transformers

    for name in (
        "LogitsProcessorList", "TopKLogitsWarper", "RepetitionPenaltyLogitsProcessor", "MinLengthLogitsProcessor",
        "MaxLengthCriteria", "StoppingCriteriaList",
    ):  # fmt: skip
        monkeypatch.setattr(theirs, name, getattr(transformers, name), raising=False)
    monkeypatch.setattr(theirs, "_has_transformers", True)
    monkeypatch.setitem(theirs.GENERATION_TYPES, "top_k", transformers.TopKLogitsWarper)
    pixels = torch.stack([coca.preprocess(pictures.decode(i)) for i in range(len(pictures))])
    made = coca.network.generate(pixels, generation_type="top_k", top_k=1, seq_len=12, min_seq_len=5)
    expected = []
    for row in made.tolist():
        end = row.index(49407) if 49407 in row else len(row)
        expected.append(" ".join(coca.tokenizer.decode(row[1:end]).split()))
    found = write_captions(coca, pictures, Decoding(beams=1, min_length=5, max_length=12))
    assert found == expected
    assert len(set(found)) > 1


@pytest.mark.parametrize("beams", [1, 3])
def test_captions_do_not_depend_on_batches(coca, pictures, beams):
    decoding = Decoding(beams=beams, max_length=10)
    whole = write_captions(coca, pictures, decoding)
    assert write_captions(coca, pictures, decoding, batch_size=2) == whole
    assert write_captions(coca, pictures.subset([3, 1]), decoding) == [whole[3], whole[1]]
    assert write_captions(coca, pictures.subset([]), decoding) == []


def test_a_model_without_a_decoder_is_refused(tiny_model, pictures):
    with pytest.raises(RecipeError, match=r"coca_\*"):
        write_captions(build(parse_model(tiny_model)), pictures, Decoding())


def test_captions_may_fill_the_context_and_not_more(coca, pictures):
    # None may end before, so that the longest prefix is read.
    assert write_captions(coca, pictures, Decoding(beams=1, min_length=30, max_length=31))
    with pytest.raises(RecipeError, match=r"max_length 32 is beyond the context.*set it to 31 or less"):
        write_captions(coca, pictures, Decoding(max_length=32))
