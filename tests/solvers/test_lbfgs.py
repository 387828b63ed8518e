"""Known minima, problem by problem."""

import torch

from workbench.solvers import minimise


def test_quadratics_of_very_different_condition_end_at_their_minima():
    scales = torch.tensor([[1.0, 1.0, 1.0], [1.0, 100.0, 1e4], [1e-2, 1.0, 1e2]], dtype=torch.float64)
    targets = torch.tensor([[1.0, 2.0, 3.0], [-1.0, 0.5, 2.0], [4.0, -4.0, 0.0]], dtype=torch.float64)

    def objective(x, index):
        error = x - targets[index]
        return (scales[index] * error**2).sum(1) / 2, scales[index] * error

    found = minimise(objective, torch.zeros(3, 3, dtype=torch.float64), tolerance=1e-8)
    torch.testing.assert_close(found.x, targets, atol=1e-5, rtol=0)
    assert found.converged.all()


def test_a_problem_that_runs_out_of_iterations_says_so():
    def rosenbrock(x, index):
        a, b = x[:, 0], x[:, 1]
        gradient = torch.stack([-2 * (1 - a) - 400 * a * (b - a**2), 200 * (b - a**2)], dim=1)
        return (1 - a) ** 2 + 100 * (b - a**2) ** 2, gradient

    start = torch.tensor([[-1.2, 1.0]], dtype=torch.float64)
    assert not minimise(rosenbrock, start, max_iterations=3).converged.any()
    found = minimise(rosenbrock, start, tolerance=1e-9)
    torch.testing.assert_close(found.x, torch.ones(1, 2, dtype=torch.float64), atol=1e-6, rtol=0)
