"""Writes a repository in the layout of `clip-benchmark/wds_*`, and serves one as the Hub does."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path

COMMIT = "3" * 40


def write_repository(
    root: Path, splits: Mapping[str, Sequence[tuple[bytes, int]]], names: Sequence[str], templates: Sequence[str],
    *, shard: int = 5, image: str = "webp",
) -> Path:  # fmt: skip
    """As `clip_benchmark_export_wds` writes it: `test/0.tar`, ..., `test/nshards.txt`, and two lists of texts."""
    for split, items in splits.items():
        (root / split).mkdir(parents=True)
        starts = range(0, len(items), shard)
        for number, start in enumerate(starts):
            with tarfile.open(root / split / f"{number}.tar", "w") as tar:
                for index in range(start, min(start + shard, len(items))):
                    data, label = items[index]
                    for extension, content in ((image, data), ("cls", str(label).encode())):
                        member = tarfile.TarInfo(f"s{index:07d}.{extension}")
                        member.size = len(content)
                        tar.addfile(member, io.BytesIO(content))
        (root / split / "nshards.txt").write_text(f"{len(starts)}\n")
    (root / "classnames.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    texts = "".join(f"{template}\n" for template in templates)
    (root / "zeroshot_classification_templates.txt").write_text(texts, encoding="utf-8")
    return root


class DatasetHub(BaseHTTPRequestHandler):
    """What huggingface_hub asks of the Hub about the dataset repositories below `root`."""

    protocol_version = "HTTP/1.1"
    root: Path
    requests: list[str]

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        self.requests.append(path)
        if path.startswith("/api/datasets/"):
            organisation, name, *rest = path.removeprefix("/api/datasets/").split("/")
            folder = self.root / organisation / name
            if not folder.is_dir():
                return self.reply(404, {"X-Error-Code": "RepoNotFound"}, b"")
            paths = sorted(path for path in folder.rglob("*") if path.is_file())
            names = [(path.relative_to(folder).as_posix(), path) for path in paths]
            files = [
                {"type": "file", "path": name, "size": path.stat().st_size, "oid": _digest(path)[:40]}
                for name, path in names
            ]
            about = {"id": f"{organisation}/{name}", "sha": COMMIT, "siblings": [{"rfilename": n} for n, _ in names]}
            content = json.dumps(files if rest[:1] == ["tree"] else about).encode()
            return self.reply(200, {"Content-Type": "application/json"}, content)
        repository, _, rest_path = path.removeprefix("/datasets/").partition("/resolve/")
        file = self.root / repository / rest_path.partition("/")[2]
        if not file.is_file():
            return self.reply(404, {"X-Error-Code": "EntryNotFound"}, b"")
        content = file.read_bytes()
        headers = {"ETag": f'"{_digest(file)[:40]}"', "X-Repo-Commit": COMMIT}
        return self.reply(200, headers, content if with_body else b"", len(content))

    def reply(self, status: int, headers: Mapping[str, str], body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body) if length is None else length)}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
