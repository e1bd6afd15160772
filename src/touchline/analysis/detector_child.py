"""The other end of :class:`touchline.analysis.isolated.IsolatedDetector`: a process that holds a network.

``python -m touchline.analysis.detector_child CONNECTION MEMORY``: two file descriptors that it was given.
"""

from __future__ import annotations

import mmap
import os
import sys
from dataclasses import astuple, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from touchline.analysis.network import Device
from touchline.analysis.onnx_detector import OnnxDetector
from touchline.errors import ConfigurationError
from touchline.geometry import FieldOutline, Panorama
from touchline.gst.nv12 import Nv12

_NICE = 10  # the programme comes first


@dataclass(frozen=True)
class Order:
    """What is to be opened: the arguments of :class:`~touchline.analysis.onnx_detector.OnnxDetector`."""

    path: Path
    panorama: Panorama
    field: FieldOutline | None
    device: Device
    zoom: float
    height_m: float | None


def frame_bytes(width: int, height: int) -> int:
    """Of a panorama in the shared memory: NV12 without padding."""
    return width * height * 3 // 2


def picture_in(memory: Any, width: int, height: int) -> Nv12:
    """The panorama in the shared memory."""
    return Nv12.over(memory, width, height, (width, width), (0, width * height))


def main(connection: int, memory: int) -> None:
    """Answers, until nobody asks any more: with what was found, or with what went wrong, in one line."""
    os.nice(_NICE)
    line: Connection[Any, Any] = Connection(connection)
    order: Order = line.recv()
    try:
        detector = OnnxDetector(
            order.path,
            order.panorama,
            order.field,
            device=order.device,
            zoom=order.zoom,
            height_m=order.height_m,
        )
    except ConfigurationError as error:
        line.send(("refused", str(error)))
        return
    width, height = order.panorama.width, order.panorama.height
    picture = picture_in(mmap.mmap(memory, frame_bytes(width, height)), width, height)
    line.send(("ready", len(detector.tiles)))
    while True:
        try:
            pts_ns = line.recv()
        except EOFError:
            return
        answer: tuple[str, Any]
        try:
            answer = "found", [astuple(one) for one in detector.detect(picture, pts_ns).found]
        except Exception as error:  # noqa: BLE001 - whoever asked decides; this process is still whole
            answer = "failed", f"{type(error).__name__}: {error}"
        try:
            line.send(answer)
        except BrokenPipeError:
            return  # whoever asked is gone


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
