"""A network in a process of its own: what it does to itself, it does to nobody else.

A crash of the native code, memory that runs out, a call that never comes back: the process is ended, and whoever holds
the detector may open another. The panorama goes over in shared memory, results come back through a socket.
"""

from __future__ import annotations

import mmap
import os
import signal
import socket
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from touchline.analysis.detections import Detection, Detections
from touchline.analysis.detector_child import Order, frame_bytes, picture_in
from touchline.analysis.network import Device
from touchline.errors import ConfigurationError, TouchlineError
from touchline.geometry import FieldOutline, Panorama
from touchline.gst.nv12 import Nv12

START_S = 90.0  # to load libraries and a network, and to try it
PATIENCE_S = 10.0  # with one frame


class DetectorError(TouchlineError):
    """A detector died, hung, or said what can't be read."""


class IsolatedDetector:
    """:class:`~touchline.analysis.onnx_detector.OnnxDetector` in a process of its own.

    Args:
        path, panorama, field, device, zoom, height_m: see there.
        patience_s: how long it may take for one frame, in seconds.

    Attributes:
        tiles: how many the panorama is cut into.

    Raises:
        ConfigurationError: for a model that can't be used.
        DetectorError: if the process does not come up.
    """

    def __init__(
        self,
        path: Path,
        panorama: Panorama,
        field: FieldOutline | None = None,
        *,
        device: Device = "auto",
        zoom: float = 1.0,
        height_m: float | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._path, self._patience_s = path, patience_s
        self._size = panorama.width, panorama.height
        ours, theirs = socket.socketpair()
        memory = os.memfd_create("touchline-panorama")
        try:
            os.ftruncate(memory, frame_bytes(*self._size))
            self._picture = picture_in(mmap.mmap(memory, frame_bytes(*self._size)), *self._size)
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "touchline.analysis.detector_child",
                    str(theirs.fileno()),
                    str(memory),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), memory),
                start_new_session=True,  # Ctrl-C is for us
            )
        finally:
            theirs.close()
            os.close(memory)
        self._line: Connection[Any, Any] = Connection(ours.detach())
        try:
            self.tiles = self._open(Order(path, panorama, field, device, zoom, height_m))
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def detect(self, panorama: Nv12, pts_ns: int) -> Detections:
        """See :class:`~touchline.analysis.detections.Detector`.

        Raises:
            ValueError: for a panorama of another size.
            DetectorError: if the process is gone, takes too long, or fails; it is of no use any more then.
        """
        if (panorama.width, panorama.height) != self._size:
            raise ValueError(
                f"a picture of {panorama.width}x{panorama.height} does not belong to a panorama of "
                f"{self._size[0]}x{self._size[1]}"
            )
        self._picture.copy_from(panorama)
        kind, told = self._ask(pts_ns, self._patience_s)
        if kind != "found":
            raise DetectorError(f"{self._path.name} failed: {told}")
        try:
            return Detections(pts_ns, tuple(Detection(*one) for one in told))
        except (TypeError, ValueError) as error:
            raise DetectorError(f"{self._path.name} says nonsense: {error}") from error

    def close(self) -> None:
        """Ends the process. May be called again."""
        # First the process: a thread of ours that waits for its answer is woken by its end.
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._line.close()

    def _open(self, order: Order) -> int:
        kind, told = self._ask(order, START_S)
        if kind == "refused":
            raise ConfigurationError(told)
        return int(told)

    def _ask(self, question: Any, patience_s: float) -> tuple[str, Any]:
        try:
            self._line.send(question)
            if not self._line.poll(patience_s):
                raise DetectorError(f"{self._path.name} has taken more than {patience_s:g} s: given up")
            kind, told = self._line.recv()
        except (EOFError, OSError) as error:
            raise DetectorError(f"{self._path.name}: its process {self._ending()}") from error
        return kind, told

    def _ending(self) -> str:
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "says no more"
        if code < 0:
            try:
                return f"was ended by {signal.Signals(-code).name}"
            except ValueError:
                return f"was ended by signal {-code}"
        return f"ended with {code}"
