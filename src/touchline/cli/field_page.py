"""A page of this machine on which the field's corners are clicked into a picture of the panorama."""

from __future__ import annotations

import json
import math
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from types import TracebackType
from typing import Any

import cv2

from touchline.capture.stills import Image
from touchline.errors import ConfigurationError, OutputError
from touchline.geometry import FieldOutline, Panorama
from touchline.geometry.outline import Points

_ADDRESS = "127.0.0.1"  # nobody else's machine gets in
_LONGEST = 100_000  # bytes that may be sent to us


class FieldPage:
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
        try:
            self._server = ThreadingHTTPServer((_ADDRESS, port), _handler(self, page, encoded.tobytes()))
        except OSError as error:
            raise ConfigurationError(
                f"the page can't be served at {_ADDRESS}:{port} ({error.strerror}); choose another --port"
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens at."""
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://{_ADDRESS}:{self.port}/"

    def wait(self) -> Points:
        """The outline, once it has been drawn."""
        while not self._done.wait(0.5):
            pass
        return self._drawn

    def take(self, corners: Any) -> None:
        """Takes corners [yaw, pitch] in degrees that the page sent. Raises ValueError or TypeError if they can't be."""
        self._drawn = FieldOutline(tuple((float(yaw), float(pitch)) for yaw, pitch in corners)).points
        self._done.set()

    def close(self) -> None:
        """Stops listening. May be called again."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> FieldPage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _handler(owner: FieldPage, page: str, picture: bytes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self._is_ours():
                self._answer(403, "text/plain", b"this page is for this machine\n")
            elif self.path == "/":
                self._answer(200, "text/html; charset=utf-8", page.encode())
            elif self.path == "/panorama.jpg":
                self._answer(200, "image/jpeg", picture)
            else:
                self._answer(404, "text/plain", b"there is only /\n")

        def do_POST(self) -> None:
            # A page of another site may send plain forms here, but neither JSON nor another Host.
            if not self._is_ours() or self.headers.get_content_type() != "application/json":
                self._answer(403, "text/plain", b"only the page itself may send a field\n")
                return
            try:
                length = int(self.headers.get("Content-Length", "0"))
                if not 0 < length <= _LONGEST:
                    raise ValueError(f"a field takes 1 to {_LONGEST} bytes, not {length}")
                owner.take(json.loads(self.rfile.read(length)))
            except (ValueError, TypeError, RecursionError) as error:
                self._answer(400, "text/plain; charset=utf-8", f"{error}\n".encode())
            else:
                self._answer(200, "text/plain", b"kept\n")

        def _is_ours(self) -> bool:
            port = owner.port
            return self.headers.get("Host") in (f"{_ADDRESS}:{port}", f"localhost:{port}")

        def _answer(self, code: int, kind: str, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: a click is no news."""

    return Handler
