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


def test_a_problem_that_no_step_improves_is_not_called_solved_and_leaves_its_neighbour_alone():
    def objective(x, index):
        """The first problem's gradient is wrong: whichever way it points, the loss rises."""
        wrong = (index == 0)[:, None]
        return (x**2).sum(1), torch.where(wrong, -2 * x - 1, 2 * x)

    found = minimise(objective, torch.ones(2, 3, dtype=torch.float64), tolerance=1e-9)
    assert found.converged.tolist() == [False, True]
    assert found.iterations[0] < 100


def test_tolerances_may_differ():
    def objective(x, index):
        return (torch.tensor([1.0, 10.0, 100.0]).double() * x**2).sum(1) / 2, torch.tensor(
            [1.0, 10.0, 100.0]
        ).double() * x

    found = minimise(objective, torch.ones(2, 3, dtype=torch.float64), tolerance=torch.tensor([1e-1, 1e-10]))
    assert found.converged.all()
    assert found.iterations[0] < found.iterations[1]


def test_a_minimum_is_found_as_closely_as_the_precision_allows():
    """Losses near 1e3 differ by rounding long before the gradient is small: it must be asked instead."""

    def objective(x, index):
        return 1e3 + (x**4 / 4 + x**2 / 2).sum(1), x**3 + x

    found = minimise(objective, torch.full((1, 4), 3.0, dtype=torch.float64), tolerance=1e-11)
    assert found.converged.all()
    torch.testing.assert_close(found.x, torch.zeros(1, 4, dtype=torch.float64), atol=1e-11, rtol=0)
