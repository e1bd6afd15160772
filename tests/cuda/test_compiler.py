"""CUDA C through NVRTC, which needs no GPU."""

from __future__ import annotations

import pytest

pytest.importorskip("cuda.bindings.nvrtc", reason="touchline[cuda] is not installed")

from touchline.cuda.compiler import compile_cubin
from touchline.errors import TouchlineError

GOOD = 'extern "C" __global__ void fill(float* to, float value) { to[threadIdx.x] = value * SCALE; }'
GPU = (9, 0)


def test_good_code_becomes_machine_code() -> None:
    code = compile_cubin(GOOD, "good.cu", GPU, ["-DSCALE=2"])
    assert code.startswith(b"\x7fELF")
    assert b"fill" in code


def test_what_does_not_compile_is_one_line_and_the_whole_log_behind_it() -> None:
    with pytest.raises(TouchlineError) as caught:
        compile_cubin(GOOD, "bad.cu", GPU)
    assert "\n" not in str(caught.value)
    assert 'bad.cu(1): error: identifier "SCALE" is undefined' in str(caught.value)
    assert "1 error detected" in str(caught.value.__cause__)


def test_an_option_that_nvrtc_does_not_know_is_named() -> None:
    with pytest.raises(TouchlineError) as caught:
        compile_cubin(GOOD, "good.cu", GPU, ["--no-such-thing"])
    assert "no-such-thing" in f"{caught.value} {caught.value.__cause__}"
