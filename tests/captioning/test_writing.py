import json

import pytest
import torch
from PIL import Image

from workbench.captioning import Decoding, write_captions
from workbench.errors import RecipeError
from workbench.models.checkpoints import build
from workbench.models.spec import parse_model
from workbench.tasks import ImageSet

CONFIG = {
    "embed_dim": 32,
    "vision_cfg": {
        "image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16, "attentional_pool": True,
        "attn_pooler_heads": 2, "output_tokens": True,
    },
    "text_cfg": {
        "context_length": 30, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1, "embed_cls": True,
        "output_tokens": True,
    },
    "multimodal_cfg": {"context_length": 30, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    "custom_text": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def coca(tmp_path_factory):
    from open_clip.coca_model import CoCa
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("coca")
    torch.manual_seed(0)
    network = CoCa(**{key: value for key, value in CONFIG.items() if key != "custom_text"})
    torch.nn.init.normal_(network.text_decoder.text_projection)
    # The end must not be as unlikely as one in 49408.
    network.text_decoder.text_projection.data[:, 49407] *= 4
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, folder / "open_clip_model.safetensors")
    content = {"model_cfg": CONFIG, "preprocess_cfg": {"size": 32}}
    (folder / "open_clip_config.json").write_text(json.dumps(content))
    return build(parse_model(f"local-dir:{folder}"))


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
