"""Every recipe that trains through the network runs where classes have one image or none."""

import numpy as np
import pytest

from adapters.bias_norm_tuning import BiasNormTuning
from adapters.clip_lora import ClipLora
from adapters.coop import Coop
from adapters.full_fine_tune import FullFineTune
from adapters.lora import Lora


@pytest.mark.parametrize("counts", [(9, 1, 0), (2, 1, 1)])
@pytest.mark.parametrize("recipe", [BiasNormTuning, ClipLora, Coop, FullFineTune, Lora])
def test_runs_on_a_long_tail(model, colour_task, recipe, counts):
    task, test = colour_task(model("vit"), train=counts)
    # The tiny model reads 16 tokens, CoOp's 16 learned ones are too many.
    settings = {"n_context": 4} if recipe is Coop else {}
    scores = recipe(recipe.Config(epochs=2, **settings)).fit(task).scores(test.images)
    assert scores.shape == (len(test), 3)
    assert np.isfinite(scores).all()
