"""A local store after kills, full disks and beside other processes."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time

import pytest

from workbench.errors import WorkbenchError
from workbench.tracking import Store, read_runs
from workbench.tracking._sqlite_file import is_whole, make, reading


def table(uri):
    with sqlite3.connect(uri.removeprefix("sqlite:///")) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('a')")
    connection.close()


def killed_inside_a_commit(file):
    """Leave a hot journal: a process that has written half of a transaction to the file, and is killed."""
    code = f"""
        import os, signal, sqlite3
        connection = sqlite3.connect({str(file)!r})
        connection.execute("PRAGMA cache_size = 1")  # spills to the file before the commit
        connection.execute("CREATE TABLE IF NOT EXISTS filling (text TEXT)")
        connection.executemany("INSERT INTO filling VALUES (?)", [("x" * 900,)] * 400)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert file.with_name(f"{file.name}-journal").stat().st_size > 0


def test_a_kill_inside_a_commit_is_rolled_back_by_the_next_reader(tmp_path):
    file = tmp_path / "mlflow.db"
    make(file, table)
    killed_inside_a_commit(file)
    with reading(file) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("a",)]
        assert connection.execute("SELECT count(*) FROM filling").fetchone() == (0,)
    assert read_runs(Store(f"sqlite:///{file}")) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_who_may_not_roll_back_is_told_who_can(tmp_path):
    file = tmp_path / "mlflow.db"
    make(file, table)
    killed_inside_a_commit(file)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(WorkbenchError, match="as a user who may write there"), reading(file):
            pass
    finally:
        tmp_path.chmod(0o700)


def test_what_is_no_store_is_said(tmp_path):
    file = tmp_path / "mlflow.db"
    file.write_bytes(b"no database" * 500)
    with pytest.raises(WorkbenchError, match=r"mlflow.db: cannot be read as an MLflow store"), reading(file):
        pass


def test_a_store_that_was_never_finished_is_made_anew(tmp_path):
    file = tmp_path / "mlflow.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE datasets (name TEXT)")
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    connection.close()
    assert not is_whole(file)
    make(file, table)
    assert is_whole(file)
    assert (tmp_path / "mlflow.db.incomplete").is_file()


def test_a_store_with_runs_is_never_replaced(tmp_path):
    file = tmp_path / "mlflow.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE runs (run_uuid TEXT)")
        connection.execute("INSERT INTO runs VALUES ('1')")
    connection.close()
    make(file, table)
    with reading(file) as connection:
        assert connection.execute("SELECT * FROM runs").fetchall() == [("1",)]


def test_a_build_that_fails_leaves_nothing(tmp_path):
    def full(uri):
        table(uri)
        raise OSError(28, "No space left on device")

    file = tmp_path / "runs" / "mlflow.db"
    with pytest.raises(WorkbenchError, match="No space left on device"):
        make(file, full)
    assert [path.name for path in file.parent.iterdir() if "lock" not in path.name] == []
    make(file, table)
    assert is_whole(file)


def test_processes_that_make_a_store_together_share_one(tmp_path):
    code = textwrap.dedent(f"""
        from pathlib import Path
        from workbench.tracking import Store
        store = Store("sqlite:///{tmp_path / "mlflow.db"}", Path({str(tmp_path / "artifacts")!r}))
        print(store.experiment("shared"))
    """)
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    answers = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], answers
    assert len({out for out, _ in answers}) == 1


def test_a_store_killed_while_mlflow_makes_it_opens_the_next_time(tmp_path):
    code = f"from workbench.tracking import Store; Store('sqlite:///{tmp_path / 'mlflow.db'}').client"
    process = subprocess.Popen([sys.executable, "-c", code])
    while process.poll() is None and not list(tmp_path.glob(".mlflow.db-*/*")):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    again = Store(f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert again.client.search_experiments()
    assert is_whole(tmp_path / "mlflow.db")


def test_a_schema_that_is_no_text_is_one_sentence(tmp_path):
    file = tmp_path / "mlflow.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE runs (name TEXT)")
        connection.execute("INSERT INTO runs VALUES (CAST(x'c4ff' AS TEXT))")
    connection.close()
    file.write_bytes(file.read_bytes().replace(b"CREATE TABLE runs", b"CREATE TABL\xc4 runs"))
    with pytest.raises(WorkbenchError, match=r"mlflow.db: cannot be read as an MLflow store"), reading(file) as found:
        found.execute("SELECT * FROM runs").fetchall()
