"""A page of this machine on which the field's corners are clicked into a picture of the panorama."""

from __future__ import annotations

import json
import math
import threading
from importlib.resources import files
from typing import Any

import cv2

from touchline.capture.stills import Image
from touchline.errors import OutputError
from touchline.geometry import FieldOutline, Panorama
from touchline.geometry.outline import Points
from touchline.telemetry.local_server import Answering, LocalServer


class FieldPage(LocalServer):
    """Serves the page until an outline has been sent from it that can be one.

    Only this machine is listened to, and only pages of ours: another page in the same browser can't send a field.

    Args:
        panorama: what the picture shows; equirectangular, for the page computes the edges as great circles in it.
        picture: BGR.
        before: corners to begin with.
        port: 0 for any free one.

    Raises:
        ConfigurationError: if the port can't be had.
    """

    def __init__(self, panorama: Panorama, picture: Image, before: Points = (), port: int = 0) -> None:
        made, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
        if not made:
            raise OutputError("the picture to draw in can't be made")
        self._drawn: Points = ()
        self._done = threading.Event()
        settings = {
            "width": panorama.width,
            "height": panorama.height,
            "yaw": [math.degrees(panorama.yaw_min), math.degrees(panorama.yaw_max)],
            "pitch": [math.degrees(panorama.pitch_max), math.degrees(panorama.pitch_min)],
            "corners": [list(corner) for corner in before],
        }
        page = files(__package__).joinpath("field_page.html").read_text(encoding="utf-8")
        page = page.replace("/*SETTINGS*/null", json.dumps(settings))
        handler = _handler(self, page, encoded.tobytes())
        super().__init__(handler, port, what="the page", flag="--port")

    def wait(self) -> Points:
        """The outline, once it has been drawn."""
        while not self._done.wait(0.5):
            pass
        return self._drawn

    def take(self, corners: Any) -> None:
        """Takes corners [yaw, pitch] in degrees that the page sent. Raises ValueError or TypeError if they can't be."""
        self._drawn = FieldOutline(tuple((float(yaw), float(pitch)) for yaw, pitch in corners)).points
        self._done.set()


def _handler(owner: FieldPage, page: str, picture: bytes) -> type[Answering]:
    class Handler(Answering):
        def get(self, path: str) -> None:
            if not self.is_ours():
                self.answer_text(403, "this page is for this machine")
            elif path == "/":
                self.answer(200, "text/html; charset=utf-8", page.encode())
            elif path == "/panorama.jpg":
                self.answer(200, "image/jpeg", picture)
            else:
                self.answer_text(404, "there is only /")

        def post(self, path: str, sent: Any) -> None:
            owner.take(sent)
            self.answer_text(200, "kept")

    return Handler
