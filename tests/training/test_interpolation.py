import pytest
import torch
from torch import nn

from workbench.training import Quality
from workbench.training.interpolation import choose_alpha, interpolate


def values(**numbers):
    return {name: torch.tensor(value) for name, value in numbers.items()}


@pytest.fixture
def parameters():
    return {"a": nn.Parameter(torch.zeros(2)), "b": nn.Parameter(torch.zeros(1))}


BEFORE, AFTER = values(a=[0.1, 1.0], b=[3.0]), values(a=[0.7, -1.0], b=[3.3])


@pytest.mark.parametrize(("alpha", "expected"), [(0.0, BEFORE), (1.0, AFTER)])
def test_the_ends_are_exact(parameters, alpha, expected):
    interpolate(parameters, BEFORE, AFTER, alpha)
    assert all(torch.equal(parameters[name], value) for name, value in expected.items())


def test_between_is_the_weighted_mean(parameters):
    interpolate(parameters, BEFORE, AFTER, 0.25)
    torch.testing.assert_close(parameters["a"].detach(), torch.tensor([0.75 * 0.1 + 0.25 * 0.7, 0.5]))


def test_the_best_alpha_is_kept_and_of_equals_the_largest(parameters):
    wanted = {0.0: 0.2, 0.25: 0.9, 0.5: 0.9, 1.0: 0.4}

    def validate():
        alpha = round((1.0 - parameters["a"][1].item()) / 2, 6)
        return Quality(wanted[alpha], {"accuracy": wanted[alpha]})

    best, tried = choose_alpha(parameters, BEFORE, AFTER, list(wanted), validate)
    assert best == 0.5
    assert {alpha: quality.score for alpha, quality in tried.items()} == wanted
    torch.testing.assert_close(parameters["a"].detach(), torch.tensor([0.4, 0.0]))
