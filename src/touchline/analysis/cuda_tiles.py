"""Tiles of a panorama on a GPU, as one batch in its memory."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from importlib.resources import files
from math import prod
from types import TracebackType

import numpy as np

from touchline.analysis.cuda_cuts import BLOCK, FILE, Batch, Colours, cuts_of, grid_of
from touchline.analysis.tiles import BatchFormat, Tile, check_size, checked
from touchline.cuda.arrays import DeviceArray
from touchline.cuda.device import Device, DeviceMemory, Stream
from touchline.cuda.kernels import Kernels
from touchline.cuda.picture import DevicePicture
from touchline.cuda.sources import Source
from touchline.cuda.textures import Textures


class CudaTiles:
    """Cuts tiles on a GPU: :class:`touchline.analysis.tiles.CpuTiles` for pictures in its memory.

    One kernel reads the panorama and writes the batch. Tiles that are not scaled and begin at multiples of 4 and 2
    pixels (:func:`touchline.analysis.tiles.cover` sees to that where it can) are read by the word, the others
    through bilinear textures.

    For one thread at a time.

    Args:
        device: where the panoramas are.
        panorama_size: width and height of the panoramas.
        tiles: at least one.
        batch: what to make of them.
        stream: in whose order to work, for instance a model's; by default one of its own.

    Attributes:
        stream: in whose order the work is done.

    Raises:
        ValueError: without tiles; when cutting, for a panorama of another size.
        CudaError: when cutting, for a panorama that lies so that it can't be read as a texture.
    """

    def __init__(
        self,
        device: Device,
        panorama_size: tuple[int, int],
        tiles: Sequence[Tile],
        batch: BatchFormat,
        stream: Stream | None = None,
    ) -> None:
        self.panorama_size, self.tiles, self.batch = panorama_size, checked(tiles), batch
        self._own = stream is None
        self.stream = device.stream() if stream is None else stream
        options = (f"-DSINGLE={int(batch.number == 'float32')}",)
        self._kernels = Kernels(device, files(__package__).joinpath(FILE), FILE, options)
        self._textures = Textures(device)
        self._cuts = DeviceMemory.of(device, cuts_of(panorama_size, tiles, batch), self.stream)
        self._colours = Colours.of(batch)
        shape, number = batch.shape(len(tiles)), np.dtype(batch.number)
        self._memory = DeviceMemory(device, prod(shape) * number.itemsize)
        strides = tuple(prod(shape[axis + 1 :]) * number.itemsize for axis in range(4))
        self._made = DeviceArray(
            self._memory.pointer,
            shape,
            strides,
            number,
            owner=self._memory,
            stream=self.stream.handle,
            device=device.index,
        )

    @property
    def made(self) -> DeviceArray:
        """The batch's memory with what the last panorama left in it; before the first, with anything."""
        return self._made

    def cut(self, panorama: DevicePicture) -> DeviceArray:
        """The batch, shape (tiles, 3, height, width); complete when this returns. As :meth:`queue` otherwise."""
        made = self.queue(panorama)
        self.stream.wait()
        return made

    def queue(self, panorama: DevicePicture) -> DeviceArray:
        """The batch, made in the order of :attr:`stream`; nobody waits.

        Its memory is used again by the next one. Whoever takes the array through DLPack or its CUDA interface works
        behind the kernel; the panorama must stay as it is until then.
        """
        check_size(self.panorama_size, (panorama.width, panorama.height))
        width, height = self.panorama_size
        source = Source(
            self._textures.of(panorama.y, panorama.y_pitch, width, height),
            self._textures.of(panorama.uv, panorama.uv_pitch, width // 2, height // 2, 2),
            panorama.y,
            panorama.uv,
            panorama.y_pitch,
            panorama.uv_pitch,
            width,
            height,
        )
        self._kernels.launch(
            "cut_tiles",
            grid_of(len(self.tiles), self.batch),
            BLOCK,
            self.stream,
            source,
            ctypes.c_uint64(self._cuts.pointer),
            self._colours,
            Batch(self._memory.pointer, self.batch.width, self.batch.height),
        )
        return self._made

    def close(self) -> None:
        """Lets go of everything, once nobody uses the batch any more. May be called again."""
        if self._own:
            self.stream.close()
        for part in (self._textures, self._kernels, self._cuts, self._memory):
            part.close()

    def __enter__(self) -> CudaTiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
