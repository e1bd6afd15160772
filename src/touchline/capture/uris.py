"""What a source is called: a path, or file, rtsp, srt, udp, v4l2, csi and test URIs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from touchline.errors import ConfigurationError, InputError
from touchline.gst.secrets import mask_uri

NETWORK = ("rtsp", "rtsps", "srt", "udp")
SCHEMES = ("file", *NETWORK, "v4l2", "csi", "test")
_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")


@dataclass(frozen=True)
class SourceUri:
    """A source that was named by the user.

    Attributes:
        scheme: one of :data:`SCHEMES`.
        text: what was given, for opening it; it may hold a password, so show :attr:`shown`.
        target: the path, device, sensor number or test pattern.
        options: what stood behind the question mark of a ``test://`` URI.
    """

    scheme: str
    text: str
    target: str
    options: tuple[tuple[str, str], ...] = ()

    @property
    def shown(self) -> str:
        """The source for messages, without passwords."""
        return mask_uri(self.text)

    @property
    def live(self) -> bool:
        """True for a source that does not wait for us."""
        return self.scheme in (*NETWORK, "v4l2", "csi")

    def option(self, name: str, default: str) -> str:
        return dict(self.options).get(name, default)


def parse_source(text: str) -> SourceUri:
    """Reads a path or URI.

    Raises:
        ConfigurationError: for a URI of a scheme that we do not know, or with options that make no sense.
        InputError: for a file that is not there.
    """
    if not text.strip():
        raise ConfigurationError("an input is needed: a path or a URI, not an empty text")
    scheme, separator, rest = text.partition("://")
    if not separator:
        return _file(text, text)
    scheme = scheme.lower()
    if scheme == "file":
        return _file(text, unquote(urlsplit(text).path))
    if scheme in NETWORK:
        if not urlsplit(text).netloc and scheme != "srt":
            raise ConfigurationError(f"{mask_uri(text)} names no host")
        return SourceUri(scheme, text, rest)
    if scheme == "v4l2":
        device = rest if rest.startswith("/") else f"/dev/{rest}"
        if not Path(device).exists():
            raise InputError(f"no such video device: {device}; `ls /dev/video*` shows what there is")
        return SourceUri(scheme, text, device)
    if scheme == "csi":
        if not rest.isdigit():
            raise ConfigurationError(f"{text}: a CSI camera is named by its number, as in csi://0")
        return SourceUri(scheme, text, rest)
    if scheme == "test":
        parts = urlsplit(text)
        uri = SourceUri(scheme, text, parts.netloc or "smpte", tuple(parse_qsl(parts.query)))
        pattern_size(uri), pattern_rate(uri), pattern_frames(uri)
        return uri
    raise ConfigurationError(
        f"{mask_uri(text)}: unknown kind of input {scheme}://; known are {', '.join(SCHEMES)}"
    )


def pattern_size(uri: SourceUri) -> tuple[int, int]:
    """Width and height of a test source (``?size=640x360``)."""
    return parse_size(uri.option("size", "1280x720"))


def pattern_rate(uri: SourceUri) -> Fraction:
    """Frame rate of a test source (``?fps=30`` or ``?fps=60000/1001``)."""
    return parse_rate(uri.option("fps", "30"))


def pattern_frames(uri: SourceUri) -> int:
    """How many frames a test source makes (``?seconds=5``); -1 without an end."""
    seconds = uri.option("seconds", "")
    if not seconds:
        return -1
    try:
        count = round(float(seconds) * pattern_rate(uri))
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(f"{uri.text}: seconds must be a number, not {seconds!r}") from error
    if count < 1:
        raise ConfigurationError(f"{uri.text}: seconds must be above zero")
    return count


def parse_size(text: str) -> tuple[int, int]:
    """Reads ``1280x720``. Raises ConfigurationError unless both numbers are even and above zero."""
    match = _SIZE.fullmatch(text.strip().lower())
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if not width or not height or width % 2 or height % 2:
        raise ConfigurationError(f"a size is written as 1280x720, in even numbers above zero, not {text!r}")
    return width, height


def parse_rate(text: str) -> Fraction:
    """Reads ``30``, ``29.97``, ``59.94`` or ``60000/1001``; the NTSC decimals become their exact fractions.

    Raises:
        ConfigurationError: unless it is 1 to 1000.
    """
    try:
        rate = Fraction(text.strip())
    except (ValueError, ZeroDivisionError) as error:
        raise ConfigurationError(
            f"a frame rate is written as 30, 59.94 or 60000/1001, not {text!r}"
        ) from error
    if not 1 <= rate <= 1000:
        raise ConfigurationError(f"a frame rate must be 1 to 1000 frames per second, not {text}")
    exact = Fraction(round(rate * 1001 / 1000) * 1000, 1001)
    return exact if rate.denominator != 1 and abs(exact - rate) < Fraction(1, 200) else rate


def _file(text: str, path: str) -> SourceUri:
    try:
        place = Path(path).expanduser()
    except RuntimeError as error:  # ~somebody whom this machine does not know
        raise InputError(f"no such file: {path}") from error
    if place.is_dir():
        raise InputError(f"{path} is a folder, not a video")
    if not place.exists():
        raise InputError(f"no such file: {path}")
    return SourceUri("file", text, str(place.resolve()))
