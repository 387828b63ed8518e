"""Is a password ever shown? Commands with one in the store's address, and then a look through all that they left."""

from pathlib import Path

from tests.faults.site import Findings, Site, check_text

PASSWORD = "kirschbaum-4711"
# Nothing listens there, so that every command has something to say about the address.
ADDRESSES = (
    f"http://anna:{PASSWORD}@127.0.0.1:9",
    f"postgresql://anna:{PASSWORD}@127.0.0.1:9/mlflow",
    f"mysql+pymysql://anna:{PASSWORD}@127.0.0.1:9/mlflow",
    f"http://127.0.0.1:9/?token={PASSWORD}",
)


def look_for_secrets(folder: Path, found: Findings) -> int:
    """Run every command that speaks with the store.

    Returns:
        How many commands were run.
    """
    site = Site.build(folder / "site")
    commands = [
        site.command(), ["results"], ["results", "--json"], ["doctor"], ["doctor", "--json"], ["compare", "a", "b"],
        ["compare", "--suite", "trial"], ["report", "trial", "--to", "report"], ["predict", "a", "new"],
        ["show", "run", "a"], ["sync"],
    ]  # fmt: skip
    for i, address in enumerate(ADDRESSES):
        for j, arguments in enumerate(commands):
            what = f"{arguments[0]} with {address.partition(':')[0]}"
            process = site.start(arguments, output=f"said-{i}-{j}.txt", more={"MLFLOW_TRACKING_URI": address})
            if process.wait(60) is None:
                found.add("hang", what)
            check_text(process, found, what)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and PASSWORD.encode() in path.read_bytes():
            found.add("secret", f"in {path.relative_to(folder)}: {_around(path)}")
    return len(ADDRESSES) * len(commands)


def _around(path: Path) -> str:
    text = path.read_bytes().decode("utf-8", "replace")
    at = text.find(PASSWORD)
    return " ".join(text[max(0, at - 80) : at].split())
