"""Many heads trained at once, against PyTorch's optimiser on each alone."""

import torch

from adapters._heads.training import Adam, columns, cross_entropy, descend


def parabola(target):
    return lambda parameters: (parameters[0] - target).square().sum(dim=2)


def test_steps_are_those_of_pytorchs_adam_with_cosine_annealing():
    torch.manual_seed(0)
    target, start = torch.randn(2, 3, 4, dtype=torch.float64), torch.randn(2, 3, 4, dtype=torch.float64)
    step = Adam(parabola(target), learning_rate=0.1, steps=10, epsilon=1e-6)
    ours = (start,)
    for t in range(10):
        ours = step(ours, t)
    for i in range(2):
        for j in range(3):
            alone = start[i, j].clone().requires_grad_()
            optimiser = torch.optim.Adam([alone], lr=0.1, eps=1e-6)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 10)
            for _ in range(10):
                optimiser.zero_grad()
                (alone - target[i, j]).square().sum().backward()
                optimiser.step()
                schedule.step()
            torch.testing.assert_close(ours[0][i, j], alone.detach())


def counting(parameters, t):
    return (parameters[0] + 1,)


def test_each_head_is_kept_at_its_own_best_state():
    """Parameters count steps; head 0 is best at step 3, head 1 at the start."""

    def assess(parameters):
        steps = parameters[0][..., 0]
        return torch.where(torch.tensor([[True, False]]), -(steps - 3).abs(), -steps), torch.zeros_like(steps)

    found = descend((torch.zeros(1, 2, 1),), counting, assess, steps=8, every=1)
    assert found.parameters[0][0, :, 0].tolist() == found.steps[0].tolist() == [3, 0]
    assert found.accuracy[0].tolist() == [0, 0]


def test_equal_accuracy_is_decided_by_likelihood_and_equal_likelihood_by_fewer_steps():
    def assess(parameters):
        steps = parameters[0][..., 0]
        return torch.ones_like(steps), torch.where(steps >= 4, 1.0, 2.0)

    assert descend((torch.zeros(1, 1, 1),), counting, assess, steps=9, every=2).steps.tolist() == [[4]]


def test_a_given_number_of_steps_is_taken_without_a_choice():
    def assess(parameters):
        return parameters[0][..., 0], parameters[0][..., 0]

    stop_at = torch.tensor([[2.0], [5.0], [0.0]])
    found = descend((torch.zeros(3, 1, 1),), counting, assess, steps=9, every=1, stop_at=stop_at)
    assert found.parameters[0].flatten().tolist() == found.steps.flatten().tolist() == [2, 5, 0]


def test_cross_entropy_is_pytorchs_and_ignores_padding():
    torch.manual_seed(0)
    logits, labels = torch.randn(1, 2, 5, 3, dtype=torch.float64), torch.tensor([0, 2, 1])
    target = torch.zeros(1, 5, 3, dtype=torch.float64)
    target[0, :3] = torch.nn.functional.one_hot(labels, 3)
    found = cross_entropy(logits, target, torch.tensor([3.0]))
    for h in range(2):
        torch.testing.assert_close(found[0, h], torch.nn.functional.cross_entropy(logits[0, h, :3], labels))


def test_columns_are_products_head_by_head():
    x, weight = torch.randn(2, 5, 4), torch.randn(2, 3, 6, 4)
    found = columns(x, weight)
    for i in range(2):
        for j in range(3):
            torch.testing.assert_close(found[i, j], x[i] @ weight[i, j].T)
