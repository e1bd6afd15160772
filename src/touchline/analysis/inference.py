"""A batch of tiles through a detector's network, TorchScript or ONNX: on the GPU without leaving it, or on the host.

A batch is what :class:`touchline.analysis.cuda_tiles.CudaTiles` or :class:`touchline.analysis.tiles.CpuTiles` makes.
On a GPU the network reads it where it is, in the order of the stream that the tiles are cut on. What the numbers that
come out mean is the detector's affair, not ours.

PyTorch and ONNX Runtime are imported when a model of theirs is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.tiles import BatchFormat
from touchline.errors import ConfigurationError

_ONNX_TYPES = {"tensor(float16)": "float16", "tensor(float)": "float32"}


class Model(Protocol):
    """A network for batches of one shape."""

    def queue(self, batch: Any) -> tuple[Any, ...]:
        """Has a batch computed, in the order of the stream that the model was given; nobody waits on a GPU.

        Args:
            batch: on a GPU anything with DLPack of that GPU, on the processor a NumPy array.

        Returns:
            what the network gives, in its order: arrays where the model is, with DLPack.

        Raises:
            ConfigurationError: for a batch that the network does not take, in one line.
        """

    def run(self, batch: Any) -> tuple[NDArray[Any], ...]:
        """The same, waited for and brought to the host."""

    def close(self) -> None:
        """Lets go of the network."""


def open_model(path: Path, batch: BatchFormat, tiles: int, stream: Any = None, device: int = 0) -> Model:
    """Opens a network by its file: ``.onnx``, or TorchScript for ``.pt``, ``.pth``, ``.ts`` and ``.torchscript``.

    Args:
        path: the file.
        batch, tiles: what it will be given.
        stream: a :class:`touchline.cuda.device.Stream`, for a network on a GPU; None: on the processor.
        device: the GPU's index.

    Raises:
        ConfigurationError: for a file that is not there or of another kind, a missing library, or a network for
            batches of another shape or type.
    """
    if not path.is_file():
        raise ConfigurationError(f"there is no model {path}")
    if path.suffix == ".onnx":
        return OnnxModel(path, batch, tiles, stream, device)
    if path.suffix in (".pt", ".pth", ".ts", ".torchscript"):
        return TorchModel(path, batch, tiles, stream, device)
    raise ConfigurationError(f"{path.name} is no model that is known here: .onnx or TorchScript (.pt)")


def why_no_torch_cuda() -> str | None:
    """Why no TorchScript network can run on a GPU here, in a few words; None if one can."""
    if find_spec("torch") is None:
        return "it is not installed"
    return None if library("torch", "PyTorch", "torch").cuda.is_available() else "this one has no CUDA"


class TorchModel:
    """A TorchScript network.

    Args: see :func:`open_model`.

    Raises:
        ConfigurationError: without PyTorch, without its CUDA where a stream is given, or for a file that it can't
            load.
    """

    def __init__(
        self, path: Path, batch: BatchFormat, tiles: int, stream: Any = None, device: int = 0
    ) -> None:
        self._torch = torch = library("torch", "PyTorch", "torch")
        self._path, self._shape, self._number = path, batch.shape(tiles), batch.number
        self._stream = stream
        if stream is not None and not torch.cuda.is_available():
            raise ConfigurationError(
                "this PyTorch has no CUDA: install one that has, or run the model on the processor"
            )
        self._where = torch.device("cpu") if stream is None else torch.device("cuda", device)
        self._order = None if stream is None else torch.cuda.ExternalStream(stream.handle, self._where)
        try:
            with self._in_order():
                self._network = torch.jit.load(str(path), map_location=self._where).eval()
                # A saved network keeps the type of its weights; the batch decides.
                self._network = self._network.to(dtype=getattr(torch, batch.number))
        except (RuntimeError, ValueError) as error:
            raise ConfigurationError(f"{path.name} is no TorchScript model: {first_line(error)}") from error

    def queue(self, batch: Any) -> tuple[Any, ...]:
        """See :class:`Model`. Gives tensors."""
        _check(self._path, batch, self._shape, self._number, self._stream is not None)
        torch = self._torch
        try:
            with torch.inference_mode(), self._in_order():
                taken = torch.from_numpy(batch) if self._stream is None else torch.from_dlpack(batch)
                made = self._network(taken)
        except (RuntimeError, TypeError) as error:
            raise ConfigurationError(
                f"{self._path.name} does not take a batch of {_written(self._shape, self._number)}: "
                f"{first_line(error)}"
            ) from error
        return tuple(_flat(made))

    def run(self, batch: Any) -> tuple[NDArray[Any], ...]:
        """See :class:`Model`."""
        made = self.queue(batch)
        if self._stream is not None:
            self._stream.wait()  # asleep; a copy would wait awake
            with self._in_order():
                made = tuple(one.cpu() for one in made)
        return tuple(one.numpy() for one in made)

    def close(self) -> None:
        """See :class:`Model`. PyTorch keeps what was computed in, stream by stream: nobody will ask for ours again."""
        self._network = None
        if self._stream is not None:
            self._torch.cuda.empty_cache()

    def _in_order(self) -> AbstractContextManager[Any]:
        return nullcontext() if self._order is None else self._torch.cuda.stream(self._order)


class OnnxModel:
    """A network for ONNX Runtime: its CUDA provider or, where there is a stream, TensorRT before it.

    Args: see :func:`open_model`; and ``tensorrt``: whether to try TensorRT, which takes minutes to prepare a network.

    Raises:
        ConfigurationError: without ONNX Runtime, without its CUDA provider where a stream is given, for a file that it
            can't load, or for batches that the network's input does not take.
    """

    def __init__(
        self,
        path: Path,
        batch: BatchFormat,
        tiles: int,
        stream: Any = None,
        device: int = 0,
        *,
        tensorrt: bool = False,
    ) -> None:
        self._runtime = runtime = library("onnxruntime", "ONNX Runtime", "onnxruntime or onnxruntime-gpu")
        self._path, self._shape, self._number = path, batch.shape(tiles), batch.number
        self._stream, self._device = stream, device
        providers = (
            [("CPUExecutionProvider", {})] if stream is None else _on_gpu(runtime, stream, device, tensorrt)
        )
        try:
            self._session = runtime.InferenceSession(str(path), providers=providers)
        # Its errors share no base but Exception.
        except Exception as error:
            raise ConfigurationError(
                f"{path.name} is no model that ONNX Runtime can load: {first_line(error)}"
            ) from error
        if stream is not None and "CUDAExecutionProvider" not in self._session.get_providers():
            raise ConfigurationError(
                "ONNX Runtime's CUDA provider can't start here; its own message says why"
            )
        self._check_input()
        self._options = runtime.RunOptions()
        if stream is not None:
            # The stream is waited for once, by whoever wants the results.
            self._options.add_run_config_entry("disable_synchronize_execution_providers", "1")

    def queue(self, batch: Any) -> tuple[Any, ...]:
        """See :class:`Model`. Gives ``OrtValue`` on a GPU, arrays on the processor."""
        _check(self._path, batch, self._shape, self._number, self._stream is not None)
        name, outputs = self._session.get_inputs()[0].name, self._session.get_outputs()
        if self._stream is None:
            return tuple(self._session.run([one.name for one in outputs], {name: batch}, self._options))
        binding, index = self._session.io_binding(), self._device
        pointer = batch.__cuda_array_interface__["data"][0]
        binding.bind_input(name, "cuda", index, np.dtype(self._number), self._shape, pointer)
        for one in outputs:
            binding.bind_output(one.name, "cuda", index)
        self._session.run_with_iobinding(binding, self._options)
        return tuple(binding.get_outputs())

    def run(self, batch: Any) -> tuple[NDArray[Any], ...]:
        """See :class:`Model`."""
        made = self.queue(batch)
        if self._stream is None:
            return made
        self._stream.wait()
        return tuple(one.numpy() for one in made)

    def close(self) -> None:
        """See :class:`Model`."""
        self._session = None

    def _check_input(self) -> None:
        """Raises ConfigurationError unless the network has one input, and that takes the batch."""
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise ConfigurationError(f"{self._path.name} takes {len(inputs)} inputs, not one batch of tiles")
        wanted, number = inputs[0].shape, _ONNX_TYPES.get(inputs[0].type, inputs[0].type)
        fits = len(wanted) == len(self._shape) and all(
            not isinstance(size, int) or size == own for size, own in zip(wanted, self._shape, strict=True)
        )
        if not fits or number != self._number:
            raise ConfigurationError(
                f"{self._path.name} takes {_written(wanted, number)}, "
                f"and the batch is {_written(self._shape, self._number)}"
            )


def library(module: str, name: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigurationError(
            f"this model needs {name}, which is not installed: pip install {package}"
        ) from error


def _on_gpu(runtime: Any, stream: Any, device: int, tensorrt: bool) -> list[tuple[str, dict[str, str]]]:
    """The providers that work in the stream's order, the best first."""
    here = runtime.get_available_providers()
    if "CUDAExecutionProvider" not in here:
        raise ConfigurationError(
            "this ONNX Runtime has no CUDA: install onnxruntime-gpu, or run the model on the processor"
        )
    wanted = ["TensorrtExecutionProvider"] if tensorrt else []
    options = {"device_id": str(device), "user_compute_stream": str(stream.handle)}
    return [(name, options) for name in [*wanted, "CUDAExecutionProvider"] if name in here]


def _check(path: Path, batch: Any, shape: Sequence[int], number: str, on_gpu: bool) -> None:
    """Raises ConfigurationError for another batch than was announced, or one that is elsewhere."""
    if hasattr(batch, "__cuda_array_interface__") != on_gpu:
        places = ("a GPU", "the processor") if on_gpu else ("the processor", "a GPU")
        raise ConfigurationError(f"{path.name} was opened on {places[0]}, and the batch is on {places[1]}")
    given, kind = tuple(batch.shape), np.dtype(batch.dtype).name
    if given != tuple(shape) or kind != number:
        raise ConfigurationError(
            f"{path.name} was opened for {_written(shape, number)}, not for {_written(given, kind)}"
        )


def _flat(made: Any) -> list[Any]:
    """A network gives a tensor, or tensors in tuples, lists and dictionaries."""
    if isinstance(made, dict):
        made = list(made.values())
    if isinstance(made, (tuple, list)):
        return [one for part in made for one in _flat(part)]
    return [made]


def first_line(error: Exception) -> str:
    """What a library's error says, without its traceback."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("RuntimeError:", "TypeError:"))]
    return (told or lines or [type(error).__name__])[-1 if told else 0]


def _written(shape: Sequence[Any], number: str) -> str:
    return f"{' x '.join(str(size) for size in shape)} of {number}"
