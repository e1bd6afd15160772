"""A network on a GPU, on tiles of panoramas that are there: boxes come down, and no pixel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.cuda_tiles import CudaTiles
from touchline.analysis.detections import KINDS, Detections, Kind
from touchline.analysis.heads import Head
from touchline.analysis.inference import TorchModel
from touchline.analysis.network import Facts
from touchline.analysis.onnx_detector import TiledDetector
from touchline.analysis.tile_plan import plan_tiles
from touchline.analysis.tiles import BatchFormat
from touchline.cuda.device import Device, Stream
from touchline.geometry import FieldOutline, Panorama

_FIRST_RUNS = 3
TILE = (768, 448)  # what our network's TorchScript file was traced for


class CudaDetector:
    """TorchScript on a GPU: tiles are cut, reduced and looked at where the panorama is.

    Args:
        device: where the panoramas are.
        path: a network that gives (tiles, k, 6): left, top, right, bottom in samples, score, class 0 a ball and 1 a
            player, for tiles of 768 x 448.
        panorama: what is observed.
        field: where the field is; tiles elsewhere are left out.
        zoom: samples of a tile for one pixel of the panorama.

    Attributes:
        tiles: that the panorama is cut into.
        on_down: told how many bytes came down, for each panorama.

    Raises:
        ConfigurationError: for no PyTorch with CUDA, or a file that is no such network.
    """

    def __init__(
        self,
        device: Device,
        path: Path,
        panorama: Panorama,
        field: FieldOutline | None = None,
        *,
        zoom: float = 1.0,
    ) -> None:
        self.on_down: Callable[[int], None] = lambda _size: None
        size, batch = (panorama.width, panorama.height), BatchFormat(*TILE)
        self.tiles = plan_tiles(panorama, field, TILE, zoom=zoom)
        self._stream = device.stream()
        self._cut = CudaTiles(device, size, self.tiles, batch, self._stream)
        self._network = _Torch(path, batch, len(self.tiles), self._stream, device.index)
        # PyTorch watches a network's first runs and compiles it then, for 0.2 s: live, that cost the second look.
        for _ in range(_FIRST_RUNS):
            self._network.run(self._cut.made)
        self._detector = TiledDetector(self._network, self.tiles, self._cut.queue, size)

    def detect(self, panorama: Any, pts_ns: int) -> Detections:
        """See :class:`~touchline.analysis.detections.Detector`; the panorama (a DevicePicture) is only read.

        Raises:
            ValueError: for a panorama of another size.
            ConfigurationError: if the network does not run.
        """
        found = self._detector.detect(panorama, pts_ns)
        self.on_down(self._network.bytes_down)
        return found

    def close(self) -> None:
        """Lets go of everything. May be called again."""
        self._detector.close()
        self._cut.close()
        self._stream.close()


class _Torch:
    """A TorchScript network as :class:`~touchline.analysis.onnx_detector.Runs`."""

    def __init__(self, path: Path, batch: BatchFormat, tiles: int, stream: Stream, device: int) -> None:
        self.facts = Facts(batch, tiles, dict(enumerate(KINDS)))
        self.kinds: dict[int, Kind] = dict(enumerate(KINDS))
        self._model = TorchModel(path, batch, tiles, stream, device)
        self.bytes_down = 0
        self._path = path
        self.head = Head("final", (0,), len(KINDS), True, (batch.width, batch.height))

    def run(self, batch: Any) -> list[NDArray[np.generic]]:
        made = self._model.run(batch)
        self.bytes_down = sum(one.nbytes for one in made)
        return list(made)

    def close(self) -> None:
        self._model.close()
