"""TPT against a plain computation: views, one step on the context, the evaluation view with the tuned prompt."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from adapters._unlabelled.views import Views
from adapters.tpt import Tpt
from tests.adapters.without_labels import fitted
from workbench.plugin import Compute

CPU = Compute("cpu", "fp32")


def published(network, picture, names, *, views, kept, rate, steps, seed):
    """Logits of the evaluation view. The context replaces the embeddings of the words "a photo of a"."""
    loaded = network.load()
    net = loaded.network.eval()
    pixels = Views(loaded, CPU, views, seed)(picture)
    with torch.no_grad():
        x = F.normalize(loaded.image_features(pixels)[1], dim=1)
    tokens = loaded.tokenizer([f"a photo of a {name}." for name in names])
    table = net.token_embedding
    context = table.weight[tokens[0, 1:5]].detach().clone().requires_grad_()

    def embedded():
        def replaced(*called):
            looked_up = called[2]
            return torch.cat([looked_up[:, :1], context.expand(len(looked_up), -1, -1), looked_up[:, 5:]], dim=1)

        handle = table.register_forward_hook(replaced)
        try:
            return F.normalize(net.encode_text(tokens), dim=1)
        finally:
            handle.remove()

    scale, optimiser, chosen = float(net.logit_scale.exp()), torch.optim.AdamW([context], lr=rate), None
    for _ in range(steps):
        logits = scale * x @ embedded().T
        if chosen is None:
            entropy = -(logits.softmax(1) * logits.log_softmax(1)).sum(1)
            chosen = entropy.argsort()[: int(views * kept)]
        mean = logits[chosen].softmax(1).mean(0)
        optimiser.zero_grad()
        (-(mean * mean.log()).sum()).backward()
        optimiser.step()
    with torch.no_grad():
        return (scale * x[0] @ embedded().T).numpy()


@pytest.mark.parametrize("steps", [1, 3])
def test_scores_are_those_of_the_paper(model, colour_task, steps):
    network = model("vit")
    task, test = colour_task(network)
    settings = {"views": 10, "kept": 0.3, "steps": steps}
    predictor = fitted(Tpt, task, learning_rate=5e-2, **settings)
    rows = [0, 10, 20]
    scores = predictor.scores(test.images.subset(rows))
    for own, row in zip(scores, rows, strict=True):
        expected = published(
            network, test.images.decode(row), task.class_names, rate=5e-2, seed=task.seed, **settings
        )  # fmt: skip
        np.testing.assert_allclose(own, expected, atol=1e-3)


def test_an_answer_depends_on_no_other_image(model, colour_task, tmp_path):
    task, test = colour_task(model("vit"))
    predictor = fitted(Tpt, task, views=6, kept=0.5, learning_rate=5e-2)
    rows = [17, 3, 11]
    whole = predictor.scores(test.images.subset(rows))
    alone = np.concatenate([predictor.scores(test.images.subset([row])) for row in rows])
    np.testing.assert_array_equal(alone, whole)
    predictor.save(tmp_path)
    np.testing.assert_array_equal(Tpt.restore(tmp_path, task.model, "cpu").scores(test.images.subset(rows)), whole)
    assert predictor.scores(test.images.subset([])).shape == (0, task.n_classes)


def test_tuning_makes_the_mean_prediction_surer(model, colour_task):
    """Over many steps the evaluation view, which all views share, gets surer."""
    task, test = colour_task(model("vit"))
    some = test.images.subset(range(0, 24, 4))

    def entropy(steps, rate):
        scores = fitted(Tpt, task, views=4, kept=1.0, steps=steps, learning_rate=rate).scores(some)
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return -(p * np.log(p + 1e-30)).sum(axis=1).mean()

    assert entropy(20, 2e-2) < entropy(1, 1e-9)
