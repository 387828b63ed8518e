"""The point on the line that is chosen, and the line itself."""

import pytest
import torch

from workbench.adaptation.config import Training
from workbench.adaptation.curve import CurvePoint, WeightLine, choose
from workbench.training import Compute


def point(alpha, in_domain, retention=None):
    return CurvePoint(alpha, {}, in_domain, retention)


CURVE = [point(0, 0.30, 0.70), point(0.3, 0.50, 0.71), point(0.6, 0.60, 0.69), point(1, 0.65, 0.50)]


@pytest.mark.parametrize(("tolerance", "alpha"), [(0.0, 0.3), (0.01, 0.6), (0.19, 0.6), (0.2, 1), (1, 1)])
def test_the_best_of_what_is_tolerated(tolerance, alpha):
    assert choose(CURVE, tolerance).alpha == alpha


def test_of_equals_the_one_that_forgets_least_then_the_nearest_to_before():
    equal = [point(0, 0.3, 0.7), point(0.5, 0.6, 0.69), point(0.7, 0.6, 0.695), point(1, 0.6, 0.695)]
    assert choose(equal, 0.05).alpha == 0.7
    assert choose([point(0, 0.3), point(0.5, 0.6), point(1, 0.6)], 0.0).alpha == 0.5


def test_where_all_is_forgotten_the_model_stays():
    assert choose([point(0, 0.3, 0.7), point(0.5, 0.9, 0.1), point(1, 0.9, 0.0)], 0.01).alpha == 0


def test_the_line_is_straight_and_ends_at_both_weights_to_the_bit(adaptation):
    setup = adaptation(Training(steps=1, batch_size=12, method="full"))
    rng = torch.Generator().manual_seed(0)
    before = setup.model.load()
    state = dict(before.network.named_parameters())
    after = {
        name: state[name].detach() + torch.randn(state[name].shape, generator=rng)
        for name in ("visual.proj", "text_projection", "logit_scale")
    }
    kept = {name: state[name].detach().clone() for name in after}
    line = WeightLine(before, after, Compute("cpu", "fp32"))
    for alpha, expected in (
        (1.0, after), (0.0, kept), (0.25, {name: 0.75 * kept[name] + 0.25 * after[name] for name in after}),
    ):  # fmt: skip
        network = line.at(alpha)
        for name, value in expected.items():
            tolerance = 0.0 if alpha in {0, 1} else 1e-6
            torch.testing.assert_close(state[name].detach(), value, rtol=0, atol=tolerance)
        assert network.scale == pytest.approx(float(expected["logit_scale"].exp()), rel=1e-5)
