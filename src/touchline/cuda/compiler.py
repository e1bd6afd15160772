"""CUDA C to machine code through NVRTC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cuda.bindings import nvrtc

from touchline.errors import MissingCudaError, TouchlineError


class CompilerError(Exception):
    """What the compiler said, whole: the cause of the error that names the first line of it."""


def compiler_version() -> str:
    """NVRTC's version. Raises MissingCudaError if it can't be loaded."""
    try:
        status, major, minor = nvrtc.nvrtcVersion()
    except (RuntimeError, OSError) as error:  # the binding's words for no library
        raise MissingCudaError(
            "NVRTC, which compiles the kernels, can't be loaded: install touchline[cuda]"
        ) from error
    if status != 0:
        raise MissingCudaError(f"NVRTC, which compiles the kernels, does not answer: {status.name}")
    return f"{major}.{minor}"


def compile_cubin(text: str, name: str, capability: tuple[int, int], options: Sequence[str] = ()) -> bytes:
    """Machine code for one kind of GPU.

    Args:
        text: CUDA C++; kernels are ``extern "C" __global__``.
        name: of the file, for messages.
        capability: of the GPU, major and minor.
        options: of NVRTC, besides the architecture and the language's standard.

    Raises:
        TouchlineError: if the text does not compile; its cause holds the compiler's log.
        MissingCudaError: if there is no NVRTC.
    """
    version = compiler_version()
    program = _done(nvrtc.nvrtcCreateProgram(text.encode(), name.encode(), 0, [], []), name)
    flags = [f"--gpu-architecture=sm_{capability[0]}{capability[1]}", "--std=c++17", *options]
    try:
        status = nvrtc.nvrtcCompileProgram(program, len(flags), [flag.encode() for flag in flags])[0]
        if status != 0:
            log = _log_of(program)
            first = next((line for line in log.splitlines() if "error" in line), status.name)
            raise TouchlineError(
                f"the CUDA kernels of {name} do not compile (NVRTC {version}): {first}"
            ) from CompilerError(log)
        code = bytes(_done(nvrtc.nvrtcGetCUBINSize(program), name))  # the binding fills it
        _done(nvrtc.nvrtcGetCUBIN(program, code), name)
    finally:
        nvrtc.nvrtcDestroyProgram(program)
    return code


def _log_of(program: Any) -> str:
    size = _done(nvrtc.nvrtcGetProgramLogSize(program), "the log")
    log = bytes(size)
    _done(nvrtc.nvrtcGetProgramLog(program, log), "the log")
    return log.rstrip(b"\0").decode(errors="replace").strip()


def _done(answer: tuple[Any, ...], name: str) -> Any:
    if answer[0] != 0:
        raise TouchlineError(f"NVRTC failed on {name}: {answer[0].name}")
    return answer[1] if len(answer) > 1 else None
