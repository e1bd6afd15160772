"""An ONNX detection network: what it takes and gives, and running it, on the processor or through a GPU's providers.

ONNX Runtime is imported when a network is opened.
"""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.detections import Kind
from touchline.analysis.heads import Head
from touchline.analysis.inference import first_line, library
from touchline.analysis.labels import coco_names, kinds_of, names_in
from touchline.analysis.tiles import BatchFormat, Number, Triple
from touchline.errors import ConfigurationError

Device = Literal["auto", "cpu", "cuda", "tensorrt"]

_TYPES: dict[str, Number] = {"tensor(float16)": "float16", "tensor(float)": "float32"}
_IMAGENET: tuple[Triple, Triple] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_PLAIN: tuple[Triple, Triple] = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
_USUAL = 640  # samples, where neither the input nor the metadata say
_TASKS = ("detect", "")
_PROVIDERS = {
    "cpu": ["CPUExecutionProvider"],
    "cuda": ["CUDAExecutionProvider", "CPUExecutionProvider"],
    "tensorrt": ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"],
}


@dataclass(frozen=True)
class Facts:
    """What a network says of itself.

    Attributes:
        batch: the size and type of its input, and how colours are normalised.
        tiles: how many tiles it takes at once; None: any number.
        names: of its classes; None if it does not say.
    """

    batch: BatchFormat
    tiles: int | None
    names: dict[int, str] | None


class Network:
    """Opened, tried on nothing, and understood.

    Args:
        path: an ``.onnx`` file.
        device: ``auto``: a GPU's provider if ONNX Runtime has one, but not TensorRT, which takes minutes to prepare.
        threads: of the processor, for one batch.

    Attributes:
        facts, head: what it takes, and what it gives.
        kinds: by class number: what is a ball and what a player.

    Raises:
        ConfigurationError: for no ONNX Runtime, no such file or provider, or a network that is no detector of balls or
            players; in one line, with what was expected.
    """

    def __init__(self, path: Path, device: Device = "auto", threads: int = 1) -> None:
        if not path.is_file():
            raise ConfigurationError(f"there is no model {path}")
        self._path = path
        self._session = _open(path, device, threads)
        try:
            self.facts = _facts(self._session)
            outputs = self.run(
                np.zeros(self.facts.batch.shape(self.facts.tiles or 1), self.facts.batch.number)
            )
            names = self.facts.names
            classes = None if not names else max(names) + 1
            size = self.facts.batch.width, self.facts.batch.height
            self.head = Head.of([one.shape for one in outputs], size, classes)
            self.kinds = self._kinds(names)
        except ConfigurationError as error:
            raise ConfigurationError(f"{path.name} is no detector that can be used: {error}") from error

    def run(self, batch: NDArray[Any]) -> list[NDArray[Any]]:
        """Its outputs, in its order. Raises ConfigurationError if it fails."""
        try:
            return [
                np.asarray(one)
                for one in self._session.run(None, {self._session.get_inputs()[0].name: batch})
            ]
        # ONNX Runtime's errors share no base but Exception.
        except Exception as error:
            raise ConfigurationError(f"it does not run: {first_line(error)}") from error

    def close(self) -> None:
        """Lets go of the network."""
        self._session = None

    def _kinds(self, names: dict[int, str] | None) -> dict[int, Kind]:
        if names is None:
            names = None if self.head.classes is None else coco_names(self.head.classes)
            if names is None:
                raise ConfigurationError(
                    "its metadata has no names for its classes, and they are not COCO's 80; "
                    "expected is an entry names such as {0: 'ball', 1: 'player'}"
                )
        kinds = kinds_of(names)
        if not kinds:
            told = ", ".join(list(names.values())[:6]) or "nothing that can be read"
            raise ConfigurationError(
                f"its classes are {told}; expected is a ball or a player (person) among them"
            )
        return kinds


def _open(path: Path, device: Device, threads: int) -> Any:
    runtime = library("onnxruntime", "ONNX Runtime", "onnxruntime or onnxruntime-gpu")
    here = runtime.get_available_providers()
    if device == "auto":
        device = "cuda" if "CUDAExecutionProvider" in here else "cpu"
    if _PROVIDERS[device][0] not in here:
        raise ConfigurationError(
            f"this ONNX Runtime has no {_PROVIDERS[device][0]}: install onnxruntime-gpu, or use the processor"
        )
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    # Threads that wait awake would take the time of those who capture and render.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return runtime.InferenceSession(
            str(path), options, providers=[p for p in _PROVIDERS[device] if p in here]
        )
    except Exception as error:
        raise ConfigurationError(
            f"{path.name} is no model that ONNX Runtime can load: {first_line(error)}"
        ) from error


def _facts(session: Any) -> Facts:
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise ConfigurationError(f"it takes {len(inputs)} inputs; expected is one batch of pictures")
    shape, kind = list(inputs[0].shape), inputs[0].type
    metadata = {str(k): str(v) for k, v in session.get_modelmeta().custom_metadata_map.items()}
    if metadata.get("task", "") not in _TASKS:
        raise ConfigurationError(f"it is made for the task {metadata['task']!r}; expected is detect")
    if len(shape) != 4 or (isinstance(shape[1], int) and shape[1] != 3) or kind not in _TYPES:
        told = " x ".join(str(n) for n in shape)
        raise ConfigurationError(
            f"it takes {told} of {kind}; expected is batch x 3 x height x width of float32 or float16"
        )
    tall, wide = _size(shape[2:], metadata)
    mean, std = _normalisation(metadata, [one.name for one in session.get_outputs()])
    batch = BatchFormat(wide, tall, _TYPES[kind], mean=mean, std=std)
    return Facts(batch, shape[0] if isinstance(shape[0], int) and shape[0] > 0 else None, names_in(metadata))


def _size(shape: list[Any], metadata: dict[str, str]) -> tuple[int, int]:
    """Height and width of the input."""
    told: Any = None
    try:
        told = ast.literal_eval(metadata.get("imgsz", "None"))
    except (ValueError, SyntaxError):
        told = None
    told = [told, told] if isinstance(told, int) else told
    if not (
        isinstance(told, (list, tuple)) and len(told) == 2 and all(isinstance(n, int) and n > 0 for n in told)
    ):
        told = [_USUAL, _USUAL]
    tall, wide = (own if isinstance(own, int) and own > 0 else n for own, n in zip(shape, told, strict=True))
    return int(tall), int(wide)


def _normalisation(metadata: dict[str, str], outputs: list[str]) -> tuple[Triple, Triple]:
    """From the metadata's ``mean`` and ``std`` (0 .. 1), or as those train who name their outputs so."""
    if "mean" in metadata or "std" in metadata:
        mean, std = _triple(metadata.get("mean", "[0, 0, 0]")), _triple(metadata.get("std", "[1, 1, 1]"))
        if mean is None or std is None or min(std) <= 0:
            raise ConfigurationError(
                "its metadata's mean and std can't be read; expected are three numbers, 0 .. 1"
            )
        return mean, std
    return _IMAGENET if {"dets", "labels"} <= set(outputs) else _PLAIN  # RF-DETR


def _triple(text: str) -> Triple | None:
    try:
        told = ast.literal_eval(text)
        red, green, blue = (float(n) for n in told)
    except (ValueError, SyntaxError, TypeError):
        return None
    return (red, green, blue) if all(math.isfinite(n) for n in (red, green, blue)) else None
