"""Calls of the CUDA driver, whose answers are checked in one place."""

from __future__ import annotations

from typing import Any

from cuda.bindings import driver

from touchline.errors import CudaError

OUT_OF_MEMORY = int(driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY)


def check(answer: tuple[Any, ...], what: str) -> Any:
    """What a call of the driver gave besides its status: nothing, one value, or several as a tuple.

    Args:
        answer: as ``cuda.bindings.driver`` gives it, the status first.
        what: was tried, for the message: "allocate 3 MB of GPU memory".

    Raises:
        CudaError: if the status is not success.
    """
    if answer[0] != 0:
        fail(int(answer[0]), what)
    if len(answer) == 2:
        return answer[1]
    return answer[1:] or None


def fail(code: int, what: str) -> None:
    """Raises CudaError for a status of the driver."""
    named, name = driver.cuGetErrorName(code_of(code))
    worded, words = driver.cuGetErrorString(code_of(code))
    known = named == 0 and worded == 0
    reason = f"{words.decode()} ({name.decode()})" if known else f"status {code}"
    raise CudaError(f"the GPU could not {what}: {reason}", code)


def code_of(code: int) -> Any:
    """A status as the driver's own type."""
    try:
        return driver.CUresult(code)
    except ValueError:  # newer than the binding
        return driver.CUresult.CUDA_ERROR_UNKNOWN
