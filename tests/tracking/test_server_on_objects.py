"""A real MLflow server whose artifacts lie in an object store: everything goes through the server."""

import json

import pytest
from click.testing import CliRunner

from tests.mlflow_servers import serving
from workbench.cli._group import cli

pytest_plugins = ("tests.object_stores",)


@pytest.mark.slow
def test_runs_are_written_and_read_through_a_server_on_an_object_store(
    s3, tiny_model, make_colours, tmp_path, monkeypatch
):
    data = make_colours()
    with serving(tmp_path, "s3://study/artifacts") as address:
        for key in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(key)  # The server alone knows the object store.
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("WORKBENCH_PRECISION", "fp32")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)

        def said(*arguments: object) -> str:
            result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
            assert result.exit_code == 0, (result.output, result.exception)
            return result.stdout

        asked = ("run", "--model", tiny_model, "--dataset", data, "--recipe", "zero-shot", "--device", "cpu")
        said(*asked)
        runs = {run["recipe"]: run for run in json.loads(said("results", "--json"))}
        assert {run["status"] for run in runs.values()} == {"finished"}
        stored = [name for name in s3.find("study/artifacts", refresh=True) if name.endswith("/predictions.parquet")]
        assert len(stored) == len(runs) > 1
        ids = [run["run_id"] for run in runs.values()][:2]
        compared = json.loads(said("compare", *ids, "--json"))
        assert compared
        (suite,) = {run["suite"] for run in runs.values()}
        said("report", suite, "--to", tmp_path / "report")
        assert "zero-shot" in (tmp_path / "report" / "report.html").read_text()
        assert {run["run_id"] for run in json.loads(said(*asked, "--json"))} == {r["run_id"] for r in runs.values()}
    assert not (tmp_path / "runs" / "artifacts").exists()
