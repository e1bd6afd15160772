"""Slates: the cards that a programme shows while it has no picture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.counters import BusBytes
from touchline.errors import ConfigurationError
from touchline.gst.caps import VideoCaps
from touchline.gst.domains import Domain
from touchline.gst.nv12 import Nv12
from touchline.gst.pools import FramePool
from touchline.gst.shares import share

# One is shown, one is drawn; the others are still on their way out: those of some seconds before.
CARDS = 4
_BACKGROUND = (56, 40, 30)  # BGR, a dark blue
_WHITE = (235, 235, 235)


class Slates:
    """Draws cards, each once, and gives out shares of them.

    Args:
        caps: of the programme.
        picture: shown behind the words; scaled to fill. Without one the card is plain.
        name: of its pool.
        domain: whose memory the cards lie in; plain memory by default.
        bus: counts what goes up, if that is not plain memory.

    Raises:
        ConfigurationError: if the picture can't be read.
    """

    def __init__(
        self,
        caps: VideoCaps,
        picture: Path | None = None,
        name: str = "slates",
        domain: Domain | None = None,
        bus: BusBytes | None = None,
    ) -> None:
        self._caps = caps
        self._pool = FramePool(caps, CARDS, name, domain)
        self._bus = bus if self._pool.domain.feature is not None else None
        self._background = _load(picture, caps) if picture else _plain(caps)
        self._words: str | None = None
        self._card: Any = None

    @property
    def pool(self) -> FramePool:
        """Where the cards come from."""
        return self._pool

    def start(self) -> None:
        """Allocates the cards."""
        self._pool.start()

    def stop(self) -> None:
        """Lets go of them."""
        self._card = None
        self._pool.stop()

    def card(self, left_s: float | None, at: int, duration: int) -> Any:
        """A buffer of programme time ``at`` (ns) with a card that says how many seconds are left, if that is known."""
        words = "Back soon" if left_s is None else f"Back in {max(1, math.ceil(left_s))} s"
        if words != self._words or self._card is None:
            self._draw(words)
        buffer = share(self._card)
        buffer.pts = at
        buffer.duration = duration
        return buffer

    def _draw(self, words: str) -> None:
        buffer = self._pool.acquire()
        if buffer is None:  # the outputs still have all of them: the last one is shown a little longer
            return
        picture = self._background.copy()
        _write(picture, words)
        yuv = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
        height, width = picture.shape[:2]
        chroma = yuv[height:].reshape(2, height // 2, width // 2)
        card = Nv12(yuv[:height], np.ascontiguousarray(np.stack([chroma[0], chroma[1]], axis=-1)))
        self._pool.domain.write(buffer, card, self._pool.gst_caps)
        if self._bus:
            self._bus.up.add("slates", card.y.nbytes + card.uv.nbytes)
        self._card, self._words = buffer, words


def _plain(caps: VideoCaps) -> NDArray[np.uint8]:
    return np.full((caps.height, caps.width, 3), _BACKGROUND, dtype=np.uint8)


def _load(path: Path, caps: VideoCaps) -> NDArray[np.uint8]:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ConfigurationError(f"the slate {path} can't be read as a picture; PNG and JPEG can")
    height, width = picture.shape[:2]
    scale = max(caps.width / width, caps.height / height)
    size = (max(caps.width, round(width * scale)), max(caps.height, round(height * scale)))
    large = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    x, y = (size[0] - caps.width) // 2, (size[1] - caps.height) // 2
    return np.ascontiguousarray(large[y : y + caps.height, x : x + caps.width], dtype=np.uint8)


def _write(picture: NDArray[np.uint8], words: str) -> None:
    """In the middle, a quarter of the width wide, with a shadow that makes it readable on any picture."""
    height, width = picture.shape[:2]
    font = cv2.FONT_HERSHEY_SIMPLEX
    (wide, _), _ = cv2.getTextSize(words, font, 1.0, 2)
    size = min(width / 4 / wide, height / 60)
    thickness = max(1, round(size * 2))
    (wide, tall), _ = cv2.getTextSize(words, font, size, thickness)
    place = ((width - wide) // 2, (height + tall) // 2)
    cv2.putText(picture, words, place, font, size, (0, 0, 0), thickness * 3, cv2.LINE_AA)
    cv2.putText(picture, words, place, font, size, _WHITE, thickness, cv2.LINE_AA)
