from pathlib import Path

import pytest
import torch

from workbench.errors import ModelError
from workbench.models import native_bf16, precision, resolve_device, resolve_precision


@pytest.fixture(autouse=True)
def _forget() -> None:
    for function in (resolve_device, resolve_precision, native_bf16):
        function.cache_clear()


needs_no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")


@needs_no_cuda
def test_auto_is_the_cpu_and_cuda_is_refused_where_there_is_none() -> None:
    assert resolve_device("auto") == "cpu"
    with pytest.raises(ModelError, match="--device cuda:1: torch sees no CUDA device here; use --device cpu"):
        resolve_device("cuda:1")


@pytest.mark.parametrize(
    ("flags", "native"),
    [
        ("flags : fpu avx2 avx512f", False),
        ("flags : fpu avx512f avx512_bf16 avx512_vnni", True),
        ("flags : amx_bf16 amx_tile", True),
        ("Features : fp asimd bf16 i8mm", True),
        ("flags : fpu avx512_bf16x", False),
    ],
)
def test_bf16_is_taken_only_where_the_processor_computes_it(
    flags: str, native: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor : 0\n{flags}\n")
    monkeypatch.setattr(precision, "CPUINFO", tmp_path / "cpuinfo")
    assert native_bf16("cpu") is native
    assert resolve_precision("auto", "cpu") == ("bf16" if native else "fp32")
    assert resolve_precision("bf16", "cpu") == "bf16", "what is asked for is done"


def test_without_a_processor_description_fp32_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "CPUINFO", tmp_path / "missing")
    assert resolve_precision("auto", "cpu") == "fp32"


def test_fp16_needs_cuda() -> None:
    with pytest.raises(ModelError, match="--precision fp16 needs a CUDA device"):
        resolve_precision("fp16", "cpu")
    assert resolve_precision("fp16", "cuda:0") == "fp16"
