"""The score against the formula, one region and one pair at a time."""

import math

import numpy as np
import pytest
import torch

from adapters.relation_head.network import RelationNetwork, Shape

N, D, W, T = 4, 6, 9, 3


@pytest.fixture
def network():
    """All parameters away from their beginnings."""
    torch.manual_seed(0)
    made = RelationNetwork(Shape(D, W, 5, "sentence"), 4.0).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return made


def unit(*shape):
    return torch.nn.functional.normalize(torch.randn(*shape), dim=-1)


def described(place):
    left, top, right, bottom = place
    width, height = right - left, bottom - top
    size = 0.5 * math.log(width * height)
    return [left + right - 1, 2 * top - 1, 2 * bottom - 1, size + 1.5, math.log(width / height)], size


def between(one, other):
    across = (one[0] + one[2] - other[0] - other[2]) / 2
    tops, feet = one[1] - other[1], one[3] - other[3]
    sizes = described(one)[1] - described(other)[1]
    distance = math.sqrt(across**2 + feet**2 + 1e-6)
    return [
        3 * across, 3 * tops, 3 * feet, math.tanh(6 * across), math.tanh(6 * tops), math.tanh(6 * feet), 2 * sizes,
        3 * distance - 1,
    ]  # fmt: skip


def by_hand(network, regions, places, roles, sentence):
    values = {name: p.detach().double().numpy() for name, p in network.named_parameters()}
    scale, found = math.exp(values["log_scale"]), []
    for i in range(len(regions)):
        subject = scale * regions[i] @ roles[0] + np.array(described(places[i])[0]) @ (10 * sentence @ values["place"])
        joined = sum(
            math.exp(
                scale * regions[j] @ roles[1]
                + np.array(between(places[i], places[j])) @ (10 * sentence @ values["relation"])
            )
            for j in range(len(regions))
            if j != i
        )
        found.append(subject + math.log(joined))
    return np.array(found), values


def test_scores_of_regions_and_of_the_whole(network):
    regions, roles, sentence = unit(T, N, D), unit(T, 2, D), 0.3 * torch.randn(T, D)
    corners = torch.rand(T, N, 2) * 0.5
    places = torch.cat([corners, corners + 0.1 + 0.3 * torch.rand(T, N, 2)], dim=-1)
    there = torch.ones(T, N, dtype=torch.bool)
    there[1, 3] = False
    with torch.no_grad():
        order = torch.arange(T)
        each = network(regions, places, there, roles, sentence, order, order, whole=False).numpy()
        whole = network(regions, places, there, roles, sentence, order, order, whole=True).numpy()
        crossed = network(regions, places, there, roles, sentence, order, order.flip(0), whole=True).numpy()
        turned = network(regions, places, there, roles.flip(0), sentence.flip(0), order, order, whole=True).numpy()
    np.testing.assert_allclose(crossed, turned, rtol=1e-5)
    for t in range(T):
        n = int(there[t].sum())
        own = [part[t, :n].double().numpy() for part in (regions, places)]
        expected, values = by_hand(network, *own, roles[t].double().numpy(), sentence[t].double().numpy())
        np.testing.assert_allclose(each[t, :n], expected, rtol=1e-4, atol=1e-4)
        presence = np.log(np.exp(expected).sum() / (n * (n - 1)))
        sign = 1 + sentence[t].double().numpy() @ values["sign"]
        assert whole[t] == pytest.approx(sign * (presence - values["threshold"]), rel=1e-4, abs=1e-4)
    assert each[1, 3] < each[:, :3].min() - 1000


def test_before_training_a_region_is_its_own_centred_embedding():
    fresh = RelationNetwork(Shape(D, W, 5, "phrases"), 4.0).eval()
    rows = unit(20, D)
    fresh.fit_means("unit", rows)
    centred = rows - rows.mean(dim=0)
    with torch.no_grad():
        found = fresh.regions(rows, unit(20, W))
    torch.testing.assert_close(found, torch.nn.functional.normalize(centred, dim=1))


def test_the_subject_is_sought_among_the_first_phrases_and_the_object_among_the_last():
    fresh = RelationNetwork(Shape(D, W, 5, "phrases"), 4.0).eval()
    phrases, sentences = unit(1, 5, D), unit(1, D)
    there = torch.tensor([[True, True, True, False, False]])
    with torch.no_grad():
        roles, _ = fresh.texts(sentences, phrases, there)
        weight = torch.tensor([-1.0, 0.0, 1.0])
        for role, order in zip(roles[0], (-2.0, 2.0), strict=True):
            expected = (order * weight).softmax(0) @ phrases[0, :3]
            torch.testing.assert_close(role, torch.nn.functional.normalize(expected, dim=0))
