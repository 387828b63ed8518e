"""Make the runs that published numbers ask for, as far as models and data are here, and compare."""

from collections.abc import Sequence

from pydantic import ValidationError

from workbench.errors import CardError, MissingModelError, WorkbenchError
from workbench.recipes import RunSpec
from workbench.runs import Suite
from workbench.runs.execute import run_suite
from workbench.runs.planned import PlannedRun, prepare_runs
from workbench.runs.planning import plan
from workbench.runs.reporter import Reporter, Silent
from workbench.runs.suite import RecipeEntry
from workbench.settings import Settings
from workbench.tracking import RunResult, open_store, read_runs
from workbench.validation import explain
from workbench.verification.check import Check, Verdict
from workbench.verification.expected import Expected
from workbench.verification.places import Places
from workbench.verification.results import of_runs

Identity = tuple[str, ...]

SUITE = "verify"
"""The MLflow experiment of runs that are made for this."""


def verify(
    expected: Sequence[Expected],
    settings: Settings,
    *,
    name: str = SUITE,
    fresh: bool = False,
    reporter: Reporter | None = None,
) -> list[Check]:
    """Compare published numbers with those of this machine. Nothing is downloaded.

    Finished runs of the same key are taken from the store, whatever suite made them; what is missing is run.

    Args:
        expected: The published numbers.
        settings: Cache, device, precision, store.
        name: The suite of runs that are made.
        fresh: Make finished runs again, too.
        reporter: Gets messages and progress.

    Returns:
        One check for each number, in their order.

    Raises:
        WorkbenchError: A number names a recipe that does not exist, or settings that it does not have.
    """
    reporter = reporter or Silent()
    numbers = _Numbers(expected, name, settings, fresh, reporter)
    places = Places(settings, reporter)
    checks: dict[int, Check] = {}
    together: dict[tuple[str, bool], list[int]] = {}
    for index, each in enumerate(expected):
        check = places.why_not(each)
        if check is None:
            together.setdefault((each.model, each.refit), []).append(index)
        else:
            checks[index] = check
    for indices in together.values():
        checks |= numbers.check(indices)
    return [checks[index] for index in range(len(expected))]


def _suite_of(expected: Expected, name: str) -> Suite:
    """The suite of one number's runs."""
    try:
        return Suite(
            name=name,
            models=(expected.model,),
            datasets=(expected.dataset,),
            recipes=(RecipeEntry(recipe=expected.recipe, config=expected.config),),
            shots=(expected.shots,),
            seeds=expected.seeds,
            refit=expected.refit,
            baseline=False,
            figures=False,
        )
    except ValidationError as error:
        raise CardError(f"{expected.file}: {expected.name}: {explain(error, Suite)}") from error


def _specs(expected: Expected, suite: Suite) -> list[RunSpec]:
    try:
        return plan(suite)
    except WorkbenchError as error:
        raise CardError(f"{expected.file}: {expected.name}: {error}") from error


class _Numbers:
    """Published numbers with the runs that each asks for.

    Args:
        expected: The numbers.
        name: The suite of runs that are made.
        settings: Cache, device, precision, store.
        fresh: Make finished runs again, too.
        reporter: Gets messages and progress.

    Raises:
        CardError: A number names a recipe that does not exist, or settings that it does not have.
    """

    def __init__(
        self, expected: Sequence[Expected], name: str, settings: Settings, fresh: bool, reporter: Reporter
    ) -> None:
        self._expected, self._settings, self._fresh, self._reporter = expected, settings, fresh, reporter
        self._suites = [_suite_of(each, name) for each in expected]
        self._runs = [
            [_identity(spec) for spec in _specs(each, suite)]
            for each, suite in zip(expected, self._suites, strict=True)
        ]

    def check(self, indices: Sequence[int]) -> dict[int, Check]:
        """Checks of numbers of one model, whose runs are prepared and made together; by index."""
        try:
            runs = self._made(indices)
        except WorkbenchError as error:
            if len(indices) > 1:  # One of them is wrong, and must not stop the others.
                return {index: check for each in indices for index, check in self.check([each]).items()}
            verdict: Verdict = "not here" if isinstance(error, MissingModelError) else "fail"
            return {indices[0]: Check(self._expected[indices[0]], verdict, reason=str(error))}
        return {
            index: of_runs(self._expected[index], [runs.get(key) for key in self._runs[index]]) for index in indices
        }

    def _made(self, indices: Sequence[int]) -> dict[Identity, RunResult]:
        """The numbers' runs: from the store, or made."""
        planned = prepare_runs(_joined([self._suites[index] for index in indices]), self._settings, self._reporter)
        runs = {} if self._fresh else _finished(planned, self._settings)
        missing = {_identity(each.spec) for each in planned if each.key not in runs}
        wanted = [self._suites[index] for index in indices if missing & set(self._runs[index])]
        if wanted:
            made = run_suite(_joined(wanted), self._settings, fresh=self._fresh, reporter=self._reporter)
            runs |= {run.key: run for run in made}
        return {_identity(each.spec): runs[each.key] for each in planned if each.key in runs}


def _joined(suites: Sequence[Suite]) -> Suite:
    """One suite of all runs: a recipe's entry runs on its own number's dataset alone."""
    entries = [
        entry.model_copy(update={"datasets": suite.datasets, "shots": suite.shots, "seeds": suite.seeds})
        for suite in suites
        for entry in suite.recipes
    ]
    datasets = tuple(dict.fromkeys(argument for suite in suites for argument in suite.datasets))
    return suites[0].model_copy(update={"datasets": datasets, "recipes": tuple(entries)})


def _identity(spec: RunSpec) -> Identity:
    """Equal for the runs of two suites that are the same run."""
    return (spec.model, spec.dataset, spec.recipe, spec.config.model_dump_json(), spec.shots_text, str(spec.seed))


def _finished(planned: Sequence[PlannedRun], settings: Settings) -> dict[str, RunResult]:
    """The newest finished run of each key, of whatever suite."""
    store = open_store(settings)
    store.link.check()
    by_key = {each.key: each for each in planned}
    runs = [run for run in read_runs(store) if run.key in by_key and by_key[run.key].is_answered_by(run)]
    return {run.key: run for run in reversed(runs)}
