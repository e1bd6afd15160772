"""Kernels in CUDA C: compiled once for each GPU and driver, loaded, and launched cheaply."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from cuda.bindings import driver

from touchline.cuda.cache import CodeCache
from touchline.cuda.compiler import compile_cubin, compiler_version
from touchline.cuda.device import Device, Stream
from touchline.cuda.driver import check, fail
from touchline.errors import CudaError, TouchlineError

if TYPE_CHECKING:
    from importlib.abc import Traversable

_ALWAYS_SHARED = 48 * 1024  # bytes of shared memory that every kernel may ask for
_address = ctypes.addressof
_SCALARS: dict[str, Any] = {
    "b": ctypes.c_int8,
    "B": ctypes.c_uint8,
    "h": ctypes.c_int16,
    "H": ctypes.c_uint16,
    "i": ctypes.c_int32,
    "I": ctypes.c_uint32,
    "l": ctypes.c_long,
    "L": ctypes.c_ulong,
    "q": ctypes.c_int64,
    "Q": ctypes.c_uint64,
    "f": ctypes.c_float,
    "d": ctypes.c_double,
}
_SHARED = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES


class Kernels:
    """The kernels of one source file.

    Args:
        device: where they run.
        source: the text, or a file of the package; kernels are ``extern "C" __global__``.
        name: of the file, for messages and for the cache.
        options: of NVRTC: ``--use_fast_math``, ``-DSIZE=3``.
        code_cache: by default the user's.

    Attributes:
        from_cache: True if nothing had to be compiled.

    Raises:
        TouchlineError: if the text does not compile; the error's cause holds the compiler's log.
        MissingCudaError: if there is no NVRTC.
    """

    def __init__(
        self,
        device: Device,
        source: str | Traversable,
        name: str,
        options: Sequence[str] = (),
        code_cache: CodeCache | None = None,
    ) -> None:
        self._device = device
        self._current = device.current()
        self._name = name
        text = source if isinstance(source, str) else source.read_text(encoding="utf-8")
        stored = code_cache or CodeCache()
        arch = "sm_{}{}".format(*device.capability)
        key = stored.key([text, *options, arch, device.driver, compiler_version()])
        found = stored.read(name, key)
        self._module = self._load(found) if found else None
        self.from_cache = self._module is not None
        if self._module is None:
            code = compile_cubin(text, name, device.capability, options)
            self._module = self._load(code)
            if self._module is None:
                raise CudaError(f"the driver refuses the kernels of {name}, compiled for {arch}")
            stored.write(name, key, code)
        self._functions: dict[str, Any] = {}
        self._enlarged: dict[str, int] = {}

    def launch(
        self,
        kernel: str,
        grid: tuple[int, ...],
        block: tuple[int, ...],
        stream: Stream,
        *args: Any,
        shared: int = 0,
    ) -> None:
        """Queues a kernel. Some microseconds.

        Args:
            kernel: its name.
            grid: blocks along x, y, z.
            block: threads along x, y, z.
            stream: in whose order.
            args: the kernel's arguments, each of exactly the kernel's type: a ctypes scalar or structure, or a NumPy
                scalar or 0-d (structured) array, which takes a microsecond more. Copied before this returns.
            shared: bytes of dynamic shared memory.

        Raises:
            TouchlineError: for an argument of no type, as plain Python numbers are, or an unknown kernel.
            CudaError: if the driver refuses the launch, or an earlier kernel failed.
        """
        function = self._functions.get(kernel) or self._find(kernel)
        try:
            addresses = [*map(_address, args)]
        except TypeError:  # not all of them are ctypes' own
            args = tuple(map(_typed, args))
            addresses = [*map(_address, args)]
        pointers = _pointers(len(args))(*addresses)
        gx, gy, gz = grid if len(grid) == 3 else (*grid, 1, 1)[:3]
        bx, by, bz = block if len(block) == 3 else (*block, 1, 1)[:3]
        if shared > _ALWAYS_SHARED:
            self._enlarge(kernel, function, shared)
        with self._current:
            status = driver.cuLaunchKernel(
                function, gx, gy, gz, bx, by, bz, shared, stream.native, _address(pointers), 0
            )[0]
        if status != 0:
            fail(int(status), f"launch {kernel} of {self._name} on {grid} blocks of {block}")

    def figures(self, kernel: str) -> dict[str, int]:
        """Registers of a thread, and bytes of local and static shared memory that a kernel uses."""
        kinds = driver.CUfunction_attribute
        asked = {
            "registers": kinds.CU_FUNC_ATTRIBUTE_NUM_REGS,
            "local_bytes": kinds.CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES,
            "shared_bytes": kinds.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES,
        }
        function = self._functions.get(kernel) or self._find(kernel)
        with self._device.current():
            return {
                name: int(check(driver.cuFuncGetAttribute(kind, function), f"tell the {name} of {kernel}"))
                for name, kind in asked.items()
            }

    def close(self) -> None:
        """Unloads the kernels; none may be queued still. May be called again."""
        if self._module is not None:
            with self._device.current():
                driver.cuModuleUnload(self._module)
            self._module = None
            self._functions.clear()

    def __enter__(self) -> Kernels:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _load(self, code: bytes) -> Any | None:
        with self._device.current():
            status, module = driver.cuModuleLoadData(code)
        return module if status == 0 else None

    def _find(self, kernel: str) -> Any:
        with self._device.current():
            status, function = driver.cuModuleGetFunction(self._module, kernel.encode())
        if status != 0:
            raise TouchlineError(f'{self._name} has no kernel {kernel}; is it extern "C"?')
        self._functions[kernel] = function
        return function

    def _enlarge(self, kernel: str, function: Any, shared: int) -> None:
        """Asks for more shared memory than every kernel may have."""
        if shared > self._enlarged.get(kernel, 0):
            with self._device.current():
                check(driver.cuFuncSetAttribute(function, _SHARED, shared), f"give {kernel} {shared} bytes")
            self._enlarged[kernel] = shared


@cache
def _pointers(count: int) -> Any:
    """The type of the block that a launch takes: making it anew costs more than filling it."""
    return ctypes.c_void_p * count


def _typed(arg: Any) -> Any:
    """An argument as something that has an address."""
    if isinstance(arg, np.generic | np.ndarray):
        kind = _SCALARS.get(arg.dtype.char)
        if kind is not None and arg.ndim == 0:
            return kind(arg.item())
        data = arg.tobytes()
        return (ctypes.c_char * len(data)).from_buffer_copy(data)
    try:
        _address(arg)
    except TypeError as error:
        raise TouchlineError(
            f"a kernel's argument has a type: ctypes or NumPy's, not {type(arg).__name__} ({arg!r})"
        ) from error
    return arg
