"""The sound of the match: a quiet tone, and a click at the start of each second to measure time by."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

RATE: Final = 48000
TONE_HZ: Final = 440
CLICK_HZ: Final = 2000
CLICK_SAMPLES: Final = 480
_TONE: Final = 500.0
_CLICK: Final = 14000.0


def render_audio(start: int, count: int) -> NDArray[np.int16]:
    """``count`` samples of 48 kHz mono from sample ``start`` on; the same whichever way they are cut.

    Raises:
        ValueError: for a negative start or count.
    """
    if start < 0 or count < 0:
        raise ValueError(f"sound is counted from zero; there are no {count} samples at {start}")
    into = (start + np.arange(count, dtype=np.int64)) % RATE
    # Whole periods fit into a second, so that the phase can be taken within it.
    tone = _TONE * np.sin(2 * np.pi * TONE_HZ / RATE * into)
    fade = np.maximum(0.0, 1.0 - into / CLICK_SAMPLES)
    click = _CLICK * fade * np.cos(2 * np.pi * CLICK_HZ / RATE * into)
    return np.asarray(np.rint(tone + click)).astype(np.int16)
