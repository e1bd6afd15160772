"""What ``nvinfer`` found, read through ``pyds``, NVIDIA's Python binding of DeepStream's metadata.

With ``output-tensor-meta`` nvinfer hangs the output layers of the network on each frame of a batch, in memory that the
CPU can read. They are copied here, since they are gone with the buffer.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.errors import ConfigurationError

# NvDsInferDataType
_DTYPES = {0: np.float32, 1: np.float16, 2: np.int8, 3: np.int32}


@dataclass(frozen=True)
class TileTensors:
    """The output of the network for one tile.

    Attributes:
        tile: its place in the batch.
        layers: by their names, each of the shape that the network gives for one picture.
    """

    tile: int
    layers: dict[str, NDArray[Any]]


def load_pyds() -> Any:
    """The module. Raises ConfigurationError if it is not installed."""
    if importlib.util.find_spec("pyds") is None:
        raise ConfigurationError(
            "[deepstream.detector]: the output of nvinfer is read through pyds, which is not installed; it comes with "
            "deepstream_python_apps. Without it set enabled = false: then movement is looked for"
        )
    return importlib.import_module("pyds")


def read_tensors(pyds: Any, buffer: Any) -> list[TileTensors]:
    """The tensors that hang on a batched buffer, in the order of the batch; empty if there are none.

    Args:
        pyds: from :func:`load_pyds`.
        buffer: behind ``nvinfer``; looked at while it passes.
    """
    batch = pyds.gst_buffer_get_nvds_batch_meta(hash(buffer))
    if batch is None:
        return []
    found = []
    # Tile batchers leave pad_index and source_id as they were: the place in the list tells the tile.
    for tile, frame in enumerate(_each(batch.frame_meta_list, pyds.NvDsFrameMeta.cast)):
        for user in _each(frame.frame_user_meta_list, pyds.NvDsUserMeta.cast):
            if user.base_meta.meta_type == pyds.NvDsMetaType.NVDSINFER_TENSOR_OUTPUT_META:
                meta = pyds.NvDsInferTensorMeta.cast(user.user_meta_data)
                found.append(TileTensors(tile, dict(_layers(pyds, meta))))
    return found


def _layers(pyds: Any, meta: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    for place in range(meta.num_output_layers):
        layer = pyds.get_nvds_LayerInfo(meta, place)
        dims = getattr(layer, "inferDims", None) or layer.dims
        shape = tuple(int(dims.d[axis]) for axis in range(dims.numDims))
        dtype: np.dtype[Any] = np.dtype(_DTYPES.get(int(layer.dataType), np.float32))
        size = int(np.prod(shape)) * dtype.itemsize
        address = pyds.get_ptr(layer.buffer)
        if address and size:
            block = (ctypes.c_uint8 * size).from_address(address)
            yield str(layer.layerName), np.frombuffer(memoryview(block), dtype=dtype).reshape(shape).copy()


def _each(node: Any, cast: Callable[[Any], Any]) -> Iterator[Any]:
    """The items of one of DeepStream's lists, whose binding ends them with StopIteration."""
    while node is not None:
        try:
            item = cast(node.data)
        except StopIteration:
            return
        yield item
        try:
            node = node.next
        except StopIteration:
            return
