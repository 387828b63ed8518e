import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
from workbench.models.memory import keep_freed_memory
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


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc's allocator is told")
def test_large_blocks_are_mapped_once():
    # 64 MiB are 16,384 pages of 4 KiB; a few faults belong to the interpreter.
    assert page_faults("keep") < 1000 < page_faults("leave")
