"""The hub path for real: a local server in the hub's layout, a fresh process, and the call that a user makes."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.models.tiny_foreign import write_siglip
from workbench.models import open_model
from workbench.settings import Settings

CLIENT = """
import json, sys
from workbench.errors import WorkbenchError
from workbench.models import open_model
from workbench.settings import Settings
settings, out = Settings(cache=sys.argv[1], device="cpu", precision="fp32"), {}
for repo in sys.argv[2:]:
    try:
        encoder = open_model(f"hf-hub:{repo}", settings)
        out[repo] = [encoder.fingerprint, encoder.embed_dim, encoder._loaded is not None]
    except WorkbenchError as error:
        out[repo] = str(error)
print(json.dumps([out, "torch" in sys.modules]))
"""


NEWEST, EARLIER = "1" * 40, "0" * 40


class Hub(BaseHTTPRequestHandler):
    """What huggingface_hub asks of the hub to download files: `GET` and `HEAD` of `/ORG/REPO/resolve/REVISION/FILE`."""

    protocol_version = "HTTP/1.1"
    root: Path
    requests: list[str]

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, with_body: bool) -> None:
        self.requests.append(self.path)
        if self.path.startswith("/api/models/org/"):
            return self.describe()
        repo, _, rest = self.path.strip("/").partition("/resolve/")
        revision, _, name = rest.partition("/")
        folder, commit = self.state(repo, revision)
        file = folder / name
        if repo == "org/gated":
            return self.reply(403, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted."}, b"")
        if not (self.root / repo).is_dir():
            return self.reply(404, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}, b"")
        if not commit:
            return self.reply(404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"}, b"")
        if not file.is_file():
            return self.reply(404, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}, b"")
        content = file.read_bytes()
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Repo-Commit": commit}
        return self.reply(200, headers, content if with_body else b"", len(content))

    def state(self, repo: str, revision: str) -> tuple[Path, str]:
        """A repository's files at a revision, and the commit, which is empty for an unknown one.

        An earlier one, `REPO@v1`, lies beside `REPO`.
        """
        if revision in {"", "main", NEWEST}:
            return self.root / repo, NEWEST
        earlier = self.root / f"{repo}@v1"
        return earlier, EARLIER if revision in {"v1", EARLIER} and earlier.is_dir() else ""

    def describe(self) -> None:
        """What a repository is, or its files: `/api/models/ORG/REPO[/revision/REVISION]`, `.../tree/REVISION`."""
        path = self.path.partition("?")[0]
        name, _, rest = path.removeprefix("/api/models/org/").partition("/")
        if not (self.root / "org" / name).is_dir():
            return self.reply(404, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}, b"")
        folder, commit = self.state(f"org/{name}", rest.partition("/")[2])
        if not commit:
            return self.reply(404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"}, b"")
        paths = sorted(folder.iterdir())
        files = [{"type": "file", "path": path.name, "size": path.stat().st_size, "oid": "2" * 40} for path in paths]
        siblings = [{"rfilename": path.name} for path in paths]
        about = {"id": f"org/{name}", "sha": commit, "siblings": siblings}
        content = json.dumps(files if rest.startswith("tree/") else about).encode()
        return self.reply(200, {"Content-Type": "application/json"}, content)

    def reply(self, status: int, headers: dict[str, str], body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body) if length is None else length)}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def hub(tmp_path: Path, tiny: Callable[[str], Path]) -> Iterator[ThreadingHTTPServer]:
    root = tmp_path / "hub"
    shutil.copytree(tiny("vit"), root / "org" / "tiny")
    write_siglip(root / "org" / "siglip")
    # Their first versions, with other weights.
    shutil.copytree(tiny("vit-avg"), root / "org" / "tiny@v1")
    write_siglip(root / "org" / "siglip@v1", seed=7)
    (root / "org" / "other").mkdir()
    (root / "org" / "other" / "config.json").write_text("{}")
    handler = type("OwnHub", (Hub,), {"root": root, "requests": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def ask(
    server: ThreadingHTTPServer, tmp_path: Path, *repos: str, offline: bool = False
) -> tuple[dict[str, object], bool]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    environment |= {
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1",
    }  # fmt: skip
    if offline:  # Otherwise huggingface_hub tries an unreachable hub for half a minute.
        environment["HF_HUB_OFFLINE"] = "1"
    command = [sys.executable, "-c", CLIENT, str(tmp_path / "cache-hub"), *repos]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    out, heavy = json.loads(done.stdout.splitlines()[-1])
    return out, heavy


@pytest.mark.slow
def test_a_model_of_the_hub_loads_and_what_goes_wrong_is_said(
    hub: ThreadingHTTPServer, tmp_path: Path, tiny: Callable[[str], Path], settings: Settings
) -> None:
    out, _ = ask(hub, tmp_path, "org/tiny", "org/missing", "org/gated", "org/other", "org/siglip")
    local = open_model(f"local-dir:{tiny('vit')}", settings)
    assert out["org/tiny"] == [local.fingerprint, 24, True], "the same model, wherever it comes from"
    assert "no such repository" in str(out["org/missing"])
    assert "it is gated: accept its terms" in str(out["org/gated"])
    assert "holds no model that is known (it holds config.json)" in str(out["org/other"])
    siglip = open_model(f"local-dir:{hub.RequestHandlerClass.root / 'org' / 'siglip'}", settings)  # type: ignore[attr-defined]
    assert out["org/siglip"] == [siglip.fingerprint, 32, True]

    requests: list[str] = hub.RequestHandlerClass.requests  # type: ignore[attr-defined]
    assert any("open_clip_model.safetensors" in path for path in requests)
    requests.clear()
    out, heavy = ask(hub, tmp_path, "org/tiny", "org/siglip")
    assert out["org/tiny"] == [local.fingerprint, 24, False]
    assert out["org/siglip"] == [siglip.fingerprint, 32, False]
    assert not heavy
    assert requests == [], "a known model asks the network nothing"

    hub.shutdown()
    hub.server_close()
    out, _ = ask(hub, tmp_path, "org/tiny", "org/unknown", offline=True)
    assert out["org/tiny"] == [local.fingerprint, 24, False]
    assert "the hub cannot be reached" in str(out["org/unknown"])


@pytest.mark.slow
def test_a_model_of_the_hub_at_a_revision(
    hub: ThreadingHTTPServer, tmp_path: Path, tiny: Callable[[str], Path], settings: Settings
) -> None:
    root: Path = hub.RequestHandlerClass.root  # type: ignore[attr-defined]
    requests: list[str] = hub.RequestHandlerClass.requests  # type: ignore[attr-defined]
    places = {"org/tiny@v1": tiny("vit-avg"), "org/siglip@v1": root / "org" / "siglip@v1"}
    earlier = {repo: open_model(f"local-dir:{folder}", settings).fingerprint for repo, folder in places.items()}
    repos = ["org/tiny@v1", f"org/siglip@{EARLIER}", "org/tiny@v9", "org/siglip", "org/tiny@"]
    out, _ = ask(hub, tmp_path, *repos)
    assert out["org/tiny@v1"] == [earlier["org/tiny@v1"], 24, True]
    assert out[f"org/siglip@{EARLIER}"] == [earlier["org/siglip@v1"], 32, True]
    assert out["org/siglip"][0] != earlier["org/siglip@v1"]  # type: ignore[index]
    assert "v9" in str(out["org/tiny@v9"])
    assert "expected hf-hub:ORG/REPO@REVISION" in str(out["org/tiny@"])

    requests.clear()
    out, heavy = ask(hub, tmp_path, "org/tiny@v1", f"org/siglip@{EARLIER}")
    assert out["org/tiny@v1"] == [earlier["org/tiny@v1"], 24, False]
    assert not heavy
    assert requests == [], "what is in the cache is not asked for"
    out, _ = ask(hub, tmp_path, "org/tiny@v1", "org/tiny@v2", offline=True)
    assert out["org/tiny@v1"] == [earlier["org/tiny@v1"], 24, False]
    assert "hf download org/tiny --revision v2" in str(out["org/tiny@v2"])
