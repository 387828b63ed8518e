import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
from workbench.memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
bytearray(64 * 2**20)
before = faults()
for _ in range(5):
    bytearray(64 * 2**20)
print(faults() - before)
"""


def page_faults(mode: str) -> int:
    return int(subprocess.run([sys.executable, "-c", PROGRAM, mode], check=True, capture_output=True).stdout)


def test_only_what_starts_a_process_throws_the_switch():
    """Moving a network, which a library may do in anybody's process, must not."""
    program = (
        "import workbench.memory, torch\n"
        "workbench.memory.keep_freed_memory = lambda: print('thrown')\n"
        "from workbench.models import to_device\nto_device(torch.nn.Linear(2, 2), 'cpu')\nprint('moved')\n"
        "from workbench.cli import main\nmain(['--version'])\n"
    )
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert said.splitlines()[:2] == ["moved", "thrown"]


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc's allocator is told")
def test_large_blocks_are_mapped_once():
    # 64 MiB are 16,384 pages of 4 KiB; a few faults belong to the interpreter.
    assert page_faults("keep") < 1000 < page_faults("leave")
