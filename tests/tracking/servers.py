"""A small MLflow server on loopback, in memory, that can be told to fail in the ways that servers do."""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class FakeMlflow:
    """What an MLflow server keeps, and how it behaves.

    Attributes:
        runs: By id: `info`, `params`, `tags` and `metrics` (a list of calls).
        files: Artifacts by path.
        fault: `""`, `500`, `hang`, or `close`: what happens to every request.
        artifact_fault: A status that every PUT of a file ending in `artifact_suffix` gets; 0 for none.
        calls: How many requests came.
    """

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}
        self.experiments: dict[str, str] = {}
        self.files: dict[str, bytes] = {}
        self.fault = ""
        self.artifact_fault = 0
        self.artifact_suffix = ""
        self.calls = 0
        self.port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def _handle(self) -> None:
                fake.calls += 1
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers.get("Transfer-Encoding") == "chunked":
                    body = b"chunked"
                if fake.fault == "hang":
                    time.sleep(3)
                if fake.fault in {"hang", "close"}:
                    self.close_connection = True
                    return
                parts = urlsplit(self.path)
                if fake.fault:
                    status, answer = int(fake.fault), {"error_code": "INTERNAL_ERROR", "message": "broken"}
                elif self.command == "PUT":
                    bad = fake.artifact_fault and parts.path.endswith(fake.artifact_suffix)
                    status, answer = (fake.artifact_fault, {}) if bad else (200, {})
                    if not bad:
                        fake.files[parts.path.partition("/artifacts/")[2]] = body
                else:
                    asked = json.loads(body or b"{}") | {k: v[0] for k, v in parse_qs(parts.query).items()}
                    status, answer = fake.answer(parts.path.rpartition("/mlflow/")[2], asked)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_: Any) -> None:
                pass

        self._server = Quiet(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Die: new connections are refused, and old ones are answered no more."""
        if self._server is not None:
            self.fault = "close"
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def again(self) -> None:
        """Come back on the same port with everything that was kept."""
        self.fault = ""
        self.start()

    def finished(self) -> list[dict[str, Any]]:
        return [run for run in self.runs.values() if run["info"]["status"] == "FINISHED" and self.is_active(run)]

    @staticmethod
    def is_active(run: dict[str, Any]) -> bool:
        return bool(run["info"]["lifecycle_stage"] == "active")

    def answer(self, path: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        missing = 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such thing"}
        if path.startswith("experiments/"):
            return self._answer_experiments(path, asked) or missing
        if path == "runs/create":
            return 200, {"run": self._as_json(self._create(asked))}
        if path == "runs/search":
            key = asked.get("filter", "").partition("LIKE '")[2].rstrip("'").rstrip("%")
            found = [
                run for run in self.runs.values()
                if self.is_active(run) and run["tags"].get("workbench.run_key", "").startswith(key)
                and run["info"]["experiment_id"] in asked["experiment_ids"]
            ]  # fmt: skip
            return 200, {"runs": [self._as_json(run) for run in reversed(found)]}
        run = self.runs.get(asked.get("run_id", ""))
        if run is None:
            return missing
        if path == "runs/get":
            return 200, {"run": self._as_json(run)}
        if path == "runs/log-batch":
            run["params"] |= {each["key"]: each["value"] for each in asked.get("params", [])}
            run["tags"] |= {each["key"]: each["value"] for each in asked.get("tags", [])}
            run["metrics"] |= {(e["key"], e.get("step", 0)): e["value"] for e in asked.get("metrics", [])}
        elif path == "runs/log-inputs":
            run.setdefault("inputs", []).extend(asked.get("datasets", []))
        elif path == "runs/update":
            run["info"] |= {key: asked[key] for key in ("status", "end_time") if key in asked}
        elif path == "runs/set-tag":
            run["tags"][asked["key"]] = asked["value"]
        elif path == "runs/delete-tag":
            run["tags"].pop(asked["key"], None)
        elif path == "runs/delete":
            run["info"]["lifecycle_stage"] = "deleted"
        else:
            return 404, {"error_code": "ENDPOINT_NOT_FOUND", "message": path}
        return 200, {}

    def _answer_experiments(self, path: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        if path == "experiments/search":
            return 200, {"experiments": [self._experiment(name) for name in self.experiments]}
        if path == "experiments/create":
            self.experiments[asked["name"]] = str(len(self.experiments) + 1)
            return 200, {"experiment_id": self.experiments[asked["name"]]}
        name = asked["experiment_name"]
        return (200, {"experiment": self._experiment(name)}) if name in self.experiments else None

    def _create(self, asked: dict[str, Any]) -> dict[str, Any]:
        run_id = uuid.uuid4().hex  # MLflow keeps what it knows of a run by its id, whatever the server.
        info = {
            "run_id": run_id, "run_uuid": run_id, "experiment_id": asked["experiment_id"], "status": "RUNNING",
            "start_time": asked["start_time"], "lifecycle_stage": "active",
            "artifact_uri": f"mlflow-artifacts:/{run_id}", "run_name": asked.get("run_name", ""),
        }  # fmt: skip
        tags = {each["key"]: each["value"] for each in asked.get("tags", [])}
        self.runs[run_id] = {"info": info, "params": {}, "tags": tags, "metrics": {}}
        return self.runs[run_id]

    def _experiment(self, name: str) -> dict[str, Any]:
        return {"experiment_id": self.experiments[name], "name": name, "lifecycle_stage": "active"}

    @staticmethod
    def _as_json(run: dict[str, Any]) -> dict[str, Any]:
        pairs = {kind: [{"key": k, "value": v} for k, v in run[kind].items()] for kind in ("params", "tags")}
        last = [{"key": k, "value": v, "timestamp": 1, "step": s} for (k, s), v in run["metrics"].items() if s == 0]
        return {"info": run["info"], "data": {**pairs, "metrics": last}}


@contextmanager
def serving() -> Iterator[FakeMlflow]:
    """A fresh server, stopped after the block."""
    server = FakeMlflow()
    server.start()
    try:
        yield server
    finally:
        server.stop()
