"""What the user asks for: an output's kind and where it goes, checked before anything starts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

from touchline.errors import ConfigurationError
from touchline.gst.secrets import mask_uri

Kind = Literal["record", "stream", "display", "webcam"]
Codec = Literal["h264", "h265"]

RECORD_SUFFIXES = (".mp4", ".mkv", ".ts")
STREAM_SCHEMES = ("rtmp", "rtmps", "srt", "udp")


@dataclass(frozen=True)
class OutputSpec:
    """One output.

    Args:
        kind: ``record``, ``stream``, ``display`` or ``webcam``.
        uri: a record's file; a stream's URL; a display's GStreamer sink, or nothing for the one that fits here;
            a webcam's device (``/dev/video9``, made by v4l2loopback).
        codec: of the pictures of a record or a stream.

    Raises:
        ConfigurationError: for a suffix, a scheme or a URL that we can't serve.
    """

    kind: Kind
    uri: str = ""
    codec: Codec = "h264"

    def __post_init__(self) -> None:
        if self.kind == "record" and self.path.suffix.lower() not in RECORD_SUFFIXES:
            raise ConfigurationError(
                f"can't record to {self.uri!r}: the name must end in one of {', '.join(RECORD_SUFFIXES)}"
            )
        if self.kind == "stream":
            self._check_stream()
        if self.kind == "webcam" and not self.uri:
            raise ConfigurationError("a webcam needs a device, such as /dev/video9")

    @property
    def path(self) -> Path:
        """The file of a recording."""
        return Path(unquote(self.uri.removeprefix("file://")) if self.uri.startswith("file://") else self.uri)

    @property
    def url(self) -> SplitResult:
        """The parts of a stream's URL."""
        return urlsplit(self.uri)

    @property
    def container(self) -> str:
        """What a record or a stream is wrapped in: ``mp4``, ``mkv``, ``ts`` or ``flv``; nothing for raw outputs."""
        if self.kind == "record":
            return self.path.suffix.lower().lstrip(".")
        if self.kind == "stream":
            return "flv" if self.url.scheme.lower().startswith("rtmp") else "ts"
        return ""

    @property
    def encoded(self) -> bool:
        """True for what takes H.264 or H.265, False for what takes pictures."""
        return self.kind in ("record", "stream")

    @property
    def listens(self) -> bool:
        """True for a stream that waits for its receivers on a port of ours."""
        query = self.url.query.lower()
        return self.kind == "stream" and ("mode=listener" in query or not self.url.hostname)

    @property
    def masked(self) -> str:
        """The URI as it may be shown."""
        return mask_uri(self.uri)

    @property
    def label(self) -> str:
        """The output's name in messages and metrics."""
        return f"{self.kind} {self.masked}".rstrip()

    def check(self) -> None:
        """Looks whether a recording could be written where it should go.

        Raises:
            ConfigurationError: if its folder does not exist or may not be written.
        """
        if self.kind != "record":
            return
        folder = self.path.absolute().parent
        if not folder.is_dir():
            raise ConfigurationError(f"can't record to {self.uri}: there is no folder {folder}")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise ConfigurationError(f"can't record to {self.uri}: no permission to write in {folder}")
        if self.path.is_dir():
            raise ConfigurationError(f"can't record to {self.uri}: that is a folder")

    def _check_stream(self) -> None:
        scheme = self.url.scheme.lower()
        if scheme not in STREAM_SCHEMES:
            known = ", ".join(f"{name}://" for name in STREAM_SCHEMES)
            raise ConfigurationError(f"can't stream to {self.masked!r}: the URL must begin with {known}")
        try:
            port = self.url.port
        except ValueError as error:
            raise ConfigurationError(f"can't stream to {self.masked}: {error}") from error
        if scheme in ("srt", "udp") and not port:
            raise ConfigurationError(
                f"can't stream to {self.masked}: a port is missing ({scheme}://HOST:PORT)"
            )
        if scheme != "srt" and not self.url.hostname:
            raise ConfigurationError(f"can't stream to {self.masked}: a host is missing")
        if scheme.startswith("rtmp") and self.codec != "h264":
            raise ConfigurationError(f"can't stream to {self.masked}: RTMP takes H.264 only, not H.265")
        if scheme.startswith("rtmp") and self.url.path.strip("/").count("/") < 1:
            raise ConfigurationError(
                f"can't stream to {self.masked}: RTMP needs an application and a stream key (rtmp://HOST/APP/KEY)"
            )


def check_all(specs: list[OutputSpec]) -> None:
    """Checks every output, and that no two of them write to the same place.

    Raises:
        ConfigurationError: about the first that can't be served.
    """
    seen: set[str] = set()
    for spec in specs:
        spec.check()
        place = str(spec.path.absolute()) if spec.kind == "record" else f"{spec.kind} {spec.uri}"
        if place in seen:
            raise ConfigurationError(f"the output {spec.masked or spec.kind} is given twice")
        seen.add(place)


def keep_earlier(path: Path) -> str | None:
    """Makes room for a new file without losing an earlier one: that is renamed to ``name.1.mp4``, ``.2`` and so on.

    Returns:
        What was done, for people; None if there was nothing in the way.

    Raises:
        ConfigurationError: if the earlier file can't be renamed.
    """
    if not path.exists():
        return None
    number = 1
    while (kept := path.with_name(f"{path.stem}.{number}{path.suffix}")).exists():
        number += 1
    try:
        path.rename(kept)
    except OSError as error:
        raise ConfigurationError(
            f"{path} exists and can't be renamed ({error.strerror}); choose another name"
        ) from error
    return f"the earlier {path} is now {kept.name}"
