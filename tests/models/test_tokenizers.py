import open_clip

from workbench.models import open_model
from workbench.models._tokenizers import digest_of, tokenizer_of
from workbench.models.probe import tokenizer_digest

TEXT = {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}


def test_open_clips_own_tokenizer_is_built_once_and_each_length_has_its_own(tiny_model):
    one, same = (tokenizer_of(tiny_model, TEXT) for _ in range(2))
    assert one is same
    longer = tokenizer_of("ViT-B-32", {**TEXT, "context_length": 77})
    assert (one(["a fern"]).shape[1], longer(["a fern"]).shape[1]) == (16, 77)
    theirs = open_clip.get_tokenizer(tiny_model)
    assert (one(["a fern", "ein Farn"]) == theirs(["a fern", "ein Farn"])).all()
    assert digest_of(one) == digest_of(theirs) == tokenizer_digest(theirs) != digest_of(longer)


def test_models_of_equal_settings_share_it(tiny_model, settings):
    loaded = [open_model(tiny_model, settings).load() for _ in range(2)]
    assert loaded[0].tokenizer is loaded[1].tokenizer
