import pytest

from adapters.coca import CocaCaptioner, CocaConfig
from workbench.errors import RecipeError
from workbench.features import CachedModel, FeatureStore
from workbench.models import open_model


def test_a_length_beyond_the_decoder_is_said_before_any_caption(tiny_coca, settings):
    model = CachedModel(open_model(tiny_coca, settings), FeatureStore(settings.cache))
    with pytest.raises(RecipeError, match=r"coca: max_length 32 .*31 or less"):
        CocaCaptioner(model, "cpu", CocaConfig(max_length=32))
