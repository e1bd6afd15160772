"""What a run's programme shows, pixel by pixel, before it is encoded; wherever its memory is."""

from __future__ import annotations

from typing import Any

import numpy as np

from touchline.config import load_config
from touchline.cuda.probe import broken
from touchline.engine.production import Production
from touchline.gst import cuda_links
from touchline.gst.caps import PlaneLayout
from touchline.gst.nv12 import Nv12


def why_no_cuda() -> str | None:
    """The missing link of CUDA's chain, as a reason to skip a test; None if all is there."""
    link = broken(cuda_links.chain())
    return f"no CUDA here: {link.name}: {link.detail}" if link else None


def copy_of(buffer: Any, layout: PlaneLayout, backend: Any) -> Nv12:
    """The picture of a buffer in plain memory."""
    with backend.domain.reading(buffer, layout) as picture:
        if backend.domain.feature is None:
            copy = Nv12.empty(picture.width, picture.height)
            copy.copy_from(picture)
            return copy
        from touchline.cuda.copies import download

        with backend.device.stream() as stream:
            return Nv12(*(download(backend.device, part, stream) for part in (picture.luma, picture.chroma)))


def shown_frames(**settings: Any) -> tuple[Production, list[tuple[int, Nv12]]]:
    """A whole run at fast pace: the production, closed, and what it showed, each with its PTS."""
    production = Production(load_config({"delay": 0.5, "pace": "fast", **settings}))
    showing = production.main.showing
    layout = PlaneLayout.from_caps(production.main.caps.to_gst())
    found: list[tuple[int, Nv12]] = []
    push = showing._push

    def note(buffer: Any) -> None:
        found.append((buffer.pts, copy_of(buffer, layout, production.backend)))
        push(buffer)

    showing._push = note
    try:
        production.start()
        while not production.wait(0.2):
            pass
        production.close()
        if production.error:
            raise production.error
    finally:
        production.close()
        production.release()
    return production, found


def far_apart(one: Nv12, other: Nv12) -> tuple[float, int]:
    """The share of samples that differ by more than one level, and the largest difference."""
    apart = [np.abs(a.astype(np.int16) - b.astype(np.int16)).ravel() for a, b in zip(one, other, strict=True)]
    both = np.concatenate(apart)
    return float((both > 1).mean()), int(both.max())
