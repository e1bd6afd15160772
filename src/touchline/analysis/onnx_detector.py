"""``onnx``: an exported network on tiles of the panorama."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.detections import Detection, Detections, Kind
from touchline.analysis.heads import Head
from touchline.analysis.merging import merge, suppressed
from touchline.analysis.network import Device, Facts, Network
from touchline.analysis.tile_plan import plan_tiles
from touchline.analysis.tiles import CpuTiles, Tile
from touchline.geometry import FieldOutline, Panorama

Floats = NDArray[np.float64]

LEAST = {"ball": 0.05, "player": 0.25}  # the tracks sort ball candidates out with hindsight
_MOST = {"ball": 10, "player": 60}
_MOST_READ, _MOST_IN_TILE = 400, 60  # of one tile, before and after suppression, whatever a network says
_KINDS: tuple[Kind, ...] = ("ball", "player")


class Runs(Protocol):
    """A network that was opened.

    Attributes:
        facts, head, kinds: see :class:`~touchline.analysis.network.Network`.
    """

    facts: Facts
    head: Head
    kinds: dict[int, Kind]

    def run(self, batch: Any) -> list[NDArray[np.generic]]:
        """Its outputs for a batch of tiles, on the host."""

    def close(self) -> None:
        """Lets go of it."""


class TiledDetector:
    """Finds with a network what it was trained to find, tile by tile of the panorama.

    Args:
        network: opened; closed with this.
        tiles: that the panorama is cut into.
        cut: makes a batch of a panorama, shape (tiles, 3, height, width).
        size: of the panorama.
    """

    def __init__(
        self, network: Runs, tiles: Sequence[Tile], cut: Callable[[Any], Any], size: tuple[int, int]
    ) -> None:
        self._network = network
        self.tiles = tuple(tiles)
        self._cut, self._size = cut, size

    def detect(self, panorama: Any, pts_ns: int) -> Detections:
        """See :class:`~touchline.analysis.detections.Detector`.

        Raises:
            ValueError: for a panorama of another size, or what the network gives is no longer what it was.
            ConfigurationError: if the network does not run.
        """
        batch = self._cut(panorama)
        found, places = [], []
        for first, count, outputs in self._runs(batch):
            for k, rows in enumerate(self._network.head.rows(outputs, count, min(LEAST.values()))):
                rows = self._placed(rows, first + k)
                found.append(rows)
                places.append(np.full(len(rows), first + k, np.intp))
        merged = merge(np.concatenate(found), np.concatenate(places), self.tiles, self._size)
        return Detections(pts_ns, tuple(detections_of(merged, self._size)))

    def close(self) -> None:
        """Lets go of the network."""
        self._network.close()

    def _runs(self, batch: Any) -> list[tuple[int, int, list[NDArray[np.generic]]]]:
        """First tile, how many, and the outputs of each run; a network for a fixed number gets the last ones again."""
        tiles = batch.shape[0]
        at_once = self._network.facts.tiles or tiles
        if at_once == tiles:  # as it is: a batch on a GPU can't be taken apart here
            return [(0, tiles, self._network.run(batch))]
        made = []
        for first in range(0, tiles, at_once):
            part = batch[first : first + at_once]
            count = len(part)
            if count < at_once:
                part = np.concatenate([part, np.repeat(part[-1:], at_once - count, axis=0)])
            made.append((first, count, self._network.run(part)))
        return made

    def _placed(self, rows: Floats, place: int) -> Floats:
        """Known classes, in the panorama's pixels; class 0 is the ball, 1 a player."""
        kinds, tile, batch = self._network.kinds, self.tiles[place], self._network.facts.batch
        kind = np.array(
            [_KINDS.index(kinds[n]) if n in kinds else -1 for n in rows[:, 5].astype(int).tolist()], int
        )
        rows = rows[kind >= 0].copy()
        rows[:, 5] = kind[kind >= 0]
        scale = np.array([tile.width / batch.width, tile.height / batch.height] * 2)
        rows[:, :4] = rows[:, :4] * scale + [tile.x, tile.y] * 2
        low, high = np.array([tile.x, tile.y]), np.array([tile.x + tile.width, tile.y + tile.height])
        rows[:, :2], rows[:, 2:4] = np.maximum(rows[:, :2], low), np.minimum(rows[:, 2:4], high)
        rows = rows[(rows[:, 2:4] > rows[:, :2]).all(axis=1)]
        rows = rows[rows[:, 4] >= np.array([LEAST[kind] for kind in _KINDS])[rows[:, 5].astype(int)]]
        rows = rows[:_MOST_READ]
        return (rows if self._network.head.suppresses else suppressed(rows))[:_MOST_IN_TILE]


class OnnxDetector(TiledDetector):
    """Finds with an exported network.

    Args:
        path: the model; see :class:`~touchline.analysis.network.Network`.
        panorama: what is observed.
        field: where the field is; tiles elsewhere are left out.
        device: where it runs.
        zoom: the network's samples for one pixel of the panorama.
        threads: of the processor, for one batch.
        height_m: of the cameras above the ground, for the tiles' overlap.

    Attributes:
        tiles: that the panorama is cut into.

    Raises:
        ConfigurationError: for a model that can't be used.
    """

    def __init__(
        self,
        path: Path,
        panorama: Panorama,
        field: FieldOutline | None = None,
        *,
        device: Device = "auto",
        zoom: float = 1.0,
        threads: int = 1,
        height_m: float | None = None,
    ) -> None:
        network = Network(path, device, threads)
        batch, size = network.facts.batch, (panorama.width, panorama.height)
        tiles = plan_tiles(panorama, field, (batch.width, batch.height), zoom=zoom, height_m=height_m)
        super().__init__(network, tiles, CpuTiles(size, tiles, batch).cut, size)


def detections_of(rows: Floats, size: tuple[int, int]) -> list[Detection]:
    """The surest balls and players of merged rows, cut off at the panorama's edges."""
    rows = rows.copy()
    rows[:, :4] = np.clip(rows[:, :4], 0, [*size, *size])
    rows = rows[(rows[:, 2:4] > rows[:, :2]).all(axis=1)]
    found = []
    for number, kind in enumerate(_KINDS):
        mine = rows[(rows[:, 5] == number) & (rows[:, 4] >= LEAST[kind])][: _MOST[kind]]
        for left, top, right, bottom, confidence, _ in mine.tolist():
            found.append(Detection(left, top, right, bottom, kind, min(1.0, confidence)))
    return found
