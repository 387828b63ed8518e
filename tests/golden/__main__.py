"""Write the golden numbers anew: `python -m tests.golden`; `--show` prints them as JSON instead."""

import json
import os
import sys

# MKL takes another path on each kind of processor, unless it is told before torch loads it.
os.environ["MKL_CBWR"] = "COMPATIBLE"
os.environ["OMP_NUM_THREADS"] = "1"

from tests.golden.file import FILE, complaint, parts, read, write


def main() -> None:
    """Numbers that moved under the same version are refused, unless `--unversioned` says that no run is out yet."""
    if "--show" in sys.argv:
        print(json.dumps({name: compute() for name, (_, compute) in parts().items()}))  # noqa: T201
        return
    golden = read() if FILE.is_file() else {}
    found, refused = {}, []
    for name, (version, compute) in parts().items():
        numbers = compute()
        said = complaint(name, version, numbers, golden)
        if "under the same version" in said and "--unversioned" not in sys.argv:
            refused.append(said)
        found[name] = {"version": version, "numbers": numbers}
    if refused:
        sys.exit("\n\n".join([*refused, "Nothing was written; --unversioned writes it all the same."]))
    write(found)
    print(f"{FILE.name}: {len(found)} parts, {sum(len(part['numbers']) for part in found.values())} numbers")  # noqa: T201


if __name__ == "__main__":
    main()
