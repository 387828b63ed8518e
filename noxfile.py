"""Sessions on uv: `eval` runs the main job, `tests` the tests; each installs what it needs."""

import nox

nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "tests"]
PACKAGES = ("workbench", "adapters", "benchmarks", "dashboards")


def _install(session: nox.Session, *extras: str) -> None:
    session.install("-e", f".[{','.join(extras)}]")


@nox.session(name="eval")
def evaluate(session: nox.Session) -> None:
    """Run a suite: `nox -s eval` runs quickstart, `nox -s eval -- SUITE [OPTIONS]` another one."""
    _install(session, "quickstart")
    session.run("workbench", "run", *(session.posargs or ["quickstart"]))


@nox.session
def verify(session: nox.Session) -> None:
    """Compare published numbers with those of this machine: `nox -s verify -- MODEL [OPTIONS]`."""
    _install(session, "quickstart")
    session.run("workbench", "verify", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests: `nox -s tests -- -k store` passes options on to pytest."""
    # Hundreds of processes are started, and each would compile what it imports where bytecode is not written.
    session.env["UV_COMPILE_BYTECODE"] = "1"
    _install(session, "quickstart", "dev")
    session.run("python", "-m", "compileall", "-q", *PACKAGES)
    # By file: tests that share a server or a store that took minutes to fill run in one process.
    if session.posargs:
        session.run("pytest", *session.posargs)
    else:  # One thread a process: two processes with two threads each wait for one another on two cores.
        session.run("pytest", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", env={"OMP_NUM_THREADS": "1"})


@nox.session
def calibration(session: nox.Session) -> None:
    """Check tests and intervals by simulation, and write the tables of docs/numbers.md."""
    _install(session, "dev")
    session.run("python", "-m", "tests.calibration.bench", *(session.posargs or ["--to", "docs/numbers.md"]))


@nox.session
def faults(session: nox.Session) -> None:
    """Kill and damage real processes and files, and write the table of docs/reliability.md; `-- --long` takes hours."""
    _install(session, "quickstart", "dev")
    options = session.posargs or ["--to", "docs/reliability.md"]
    session.run("python", "-m", "tests.faults.campaign", *options, env={"OMP_NUM_THREADS": "1"})


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed and memory against other programs and bare loops, and write docs/performance.md."""
    _install(session, "quickstart", "dev")
    session.install("clip-benchmark")
    options = session.posargs or ["--to", "docs/performance.md"]
    session.run("python", "tests/performance/report.py", *options)


@nox.session
def mutation(session: nox.Session) -> None:
    """Change the program a little, again and again, and list what no test notices; see docs/reliability.md."""
    _install(session, "dev")
    session.run("python", "-m", "tests.mutation.bench", *session.posargs, env={"OMP_NUM_THREADS": "1"})


@nox.session
def stores(session: nox.Session) -> None:
    """Try the dashboard in Chromium on stores of hundreds and thousands of runs."""
    _install(session, "quickstart", "dev")
    options = session.posargs or ["tests/dashboards/browser/test_stores.py"]
    session.run("pytest", *options, env={"WORKBENCH_LARGE_STORES": "1"})


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install("ruff>=0.14")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    _install(session, "quickstart", "dev")
    session.run("mypy")


@nox.session
def dashboard(session: nox.Session) -> None:
    """Open the dashboard on the runs in ./runs."""
    _install(session, "quickstart")
    session.run("workbench", "dashboard", *session.posargs)


@nox.session
def pictures(session: nox.Session) -> None:
    """Take the pictures in docs/images anew, of the suite quickstart as it is and a few-shot one; needs `chromium`."""
    _install(session, "quickstart", "dev")
    taken = "overview_shows or compare_shows or take_a_picture"
    session.run("pytest", "tests/dashboards/browser", "-k", taken, env={"WORKBENCH_SCREENSHOTS": "docs/images"})
