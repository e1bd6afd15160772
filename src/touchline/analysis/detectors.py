"""Detectors by name."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from touchline.analysis.blob_detector import BlobDetector
from touchline.analysis.detection_file import NoDetector, ReplayDetector
from touchline.analysis.detections import Detector
from touchline.analysis.isolated import PATIENCE_S, IsolatedDetector
from touchline.analysis.network import Device
from touchline.errors import ConfigurationError
from touchline.geometry import FieldOutline, Panorama

OWN = "own"
KNOWN = "motion, own, none, onnx:FILE (or a path that ends in .onnx), or a file of detections (.jsonl)"


def own_model(suffix: str = ".onnx") -> Path:
    """The network of our own, see docs/detector.md: for ONNX Runtime, or ``.pt`` as TorchScript."""
    return Path(str(files(__package__).joinpath("models/touchline-ball"))).with_suffix(suffix)


def build_detector(
    name: str,
    panorama: Panorama,
    field: FieldOutline | None = None,
    *,
    height_m: float | None = None,
    length_m: float | None = None,
    device: Device = "auto",
    zoom: float = 1.0,
    patience_s: float = PATIENCE_S,
) -> Detector:
    """Makes the detector of that name, see :data:`KNOWN`.

    Args:
        name: which.
        panorama: what is observed.
        field: where the field is, if that is known.
        height_m: of the cameras above the ground; None: learnt, or taken from ``field`` and ``length_m``.
        length_m: of the field's longest side.
        device: where a network runs.
        zoom: a network's samples for one pixel of the panorama.
        patience_s: how long a network may take for one frame.

    Raises:
        ConfigurationError: for an unknown name, a file that can't be read, or a model that can't be used.
        DetectorError: if a network's process does not come up.
    """
    if name == "none":
        return NoDetector()
    if name == "motion":
        try:
            return BlobDetector(panorama, field, height_m=height_m, length_m=length_m)
        except ValueError as error:
            raise ConfigurationError(f"movement can't be looked for: {error}") from error
    path = own_model() if name == OWN else Path(name.removeprefix("onnx:")).expanduser()
    if name.startswith("onnx:") or path.suffix == ".onnx":
        if not path.is_file():
            raise ConfigurationError(f"there is no model {path}")
        return IsolatedDetector(
            path, panorama, field, device=device, zoom=zoom, height_m=height_m, patience_s=patience_s
        )
    if path.suffix == ".jsonl":
        return ReplayDetector(path, panorama)
    raise ConfigurationError(f"unknown detector {name!r}; known are {KNOWN}")
