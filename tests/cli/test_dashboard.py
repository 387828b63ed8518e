"""`workbench dashboard` as a person starts it who has never run Streamlit: on a terminal, in a fresh home."""

import contextlib
import os
import pty
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-c", "from workbench.cli import main; main()", "dashboard"]


@contextlib.contextmanager
def on_a_terminal(command, environment):
    """The process, and a function that gives all that the terminal has shown so far."""
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    process = subprocess.Popen(
        command, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    shown = bytearray()

    def screen():
        with contextlib.suppress(OSError):  # Nothing new, or the process has ended.
            while more := os.read(master, 4096):
                shown.extend(more)
        return shown.decode(errors="replace")

    try:
        yield process, screen
    finally:
        process.terminate()
        process.wait(timeout=30)
        os.close(master)


def test_it_asks_nothing_and_opens_a_browser_in_a_fresh_home(tmp_path):
    home, tools = tmp_path / "home", tmp_path / "tools"
    home.mkdir()
    tools.mkdir()
    # What a desktop opens an address with; this one writes it down.
    opener = tools / "xdg-open"
    opener.write_text(
        f'#!/bin/sh\necho "$1" > "{tmp_path}/opened.part"\nmv "{tmp_path}/opened.part" "{tmp_path}/opened"\n'
    )
    opener.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")},
        "HOME": str(home),
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "DISPLAY": ":0",
        "WORKBENCH_RUNS": str(tmp_path / "runs"),
        "WORKBENCH_CACHE": str(tmp_path / "cache"),
    }
    address, opened = f"http://127.0.0.1:{port}", tmp_path / "opened"
    with on_a_terminal([*COMMAND, "--port", str(port)], environment) as (process, screen):
        for _ in range(600):
            answers = False
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).close()
                answers = True
            if (answers and opened.exists() and address in screen()) or process.poll() is not None:
                break
            assert "mail" not in screen()
            time.sleep(0.2)
        assert process.poll() is None, screen()
        assert answers, screen()
        assert address in screen()
        assert opened.read_text().strip() == address
        assert "mail" not in screen()
