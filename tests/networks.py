"""Small ONNX networks with heads of every kind, which give what they were told to, for each picture of a batch."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from touchline.geometry import Panorama
from touchline.gst.nv12 import Nv12

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

NAMES = "{0: 'person', 32: 'sports ball', 79: 'toothbrush'}"


PANORAMA = Panorama(
    "equirectangular", 400, 160, math.radians(-70), math.radians(70), math.radians(-36), math.radians(2)
)


def final(*rows: tuple[float, ...]) -> np.ndarray[Any, Any]:
    """What a network with built-in suppression says: edges, score, class."""
    table = np.zeros((20, 6), np.float32)
    if rows:
        table[: len(rows)] = rows
    return table


def grey() -> Nv12:
    picture = Nv12.empty(PANORAMA.width, PANORAMA.height)
    picture.fill(60, 128, 128)
    return picture


def write(
    path: Path,
    outputs: dict[str, np.ndarray[Any, Any]],
    *,
    shape: tuple[Any, ...] = ("batch", 3, 64, 64),
    half: bool = False,
    flat: tuple[str, ...] = (),
    **metadata: str,
) -> Path:
    """A network whose outputs are these constants, once for each picture of its batch.

    Args:
        outputs: by name, without the batch.
        shape: of the input.
        half: numbers of 16 bits.
        flat: outputs that have no axis for the batch.
        metadata: the model's.
    """
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    nodes, constants = [], []
    for name, value in outputs.items():
        whole = value if name in flat else value[None]
        if half and whole.dtype.kind == "f":
            whole = whole.astype(np.float16)
        constants.append(numpy_helper.from_array(whole, f"{name}_value"))
        if name in flat:
            nodes.append(helper.make_node("Identity", [f"{name}_value"], [name]))
            continue
        # As many times as there are pictures.
        rest = numpy_helper.from_array(np.ones(value.ndim, np.int64), f"{name}_rest")
        constants.append(rest)
        nodes += [
            helper.make_node("Concat", ["pictures", f"{name}_rest"], [f"{name}_times"], axis=0),
            helper.make_node("Tile", [f"{name}_value", f"{name}_times"], [name]),
        ]
    constants += [
        numpy_helper.from_array(np.array([0], np.int64), "start"),
        numpy_helper.from_array(np.array([1], np.int64), "end"),
    ]
    nodes = [
        helper.make_node("Shape", ["images"], ["whole"]),
        helper.make_node("Slice", ["whole", "start", "end"], ["pictures"]),
        *nodes,
    ]
    kinds = {name: kind if value.dtype.kind == "f" else TensorProto.INT64 for name, value in outputs.items()}
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("images", kind, list(shape))],
        [helper.make_tensor_value_info(name, kinds[name], None) for name in outputs],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.save(model, str(path))
    return path


def matched(path: Path, kernel: np.ndarray[Any, Any], size: int = 64, stride: int = 8) -> Path:
    """A real one: finds squares of 4 x 4 samples that are brighter than what is around them, as YOLOv8 would say it.

    One place for each sample that the stride meets, of two classes: 0 is the ball, 1 is never seen.
    """
    cells = size // stride
    weights = np.zeros((1, 3, *kernel.shape), np.float32)
    weights[0] = kernel / 3
    steps = (np.arange(cells) * stride + stride / 2).astype(np.float32)
    x, y = np.meshgrid(steps, steps)
    boxes = np.stack([x.ravel(), y.ravel(), np.full(x.size, 4.0), np.full(x.size, 4.0)])[None].astype(
        np.float32
    )
    nodes = [
        helper.make_node("Conv", ["images", "weights", "bias"], ["answer"], strides=[stride, stride]),
        helper.make_node("Sigmoid", ["answer"], ["score"]),
        helper.make_node("Reshape", ["score", "flat"], ["ball"]),
        helper.make_node("Mul", ["ball", "nothing"], ["player"]),
        helper.make_node("Slice", ["whole", "start", "end"], ["pictures"]),
        helper.make_node("Concat", ["pictures", "rest"], ["times"], axis=0),
        helper.make_node("Tile", ["boxes", "times"], ["edges"]),
        helper.make_node("Concat", ["edges", "ball", "player"], ["output0"], axis=1),
    ]
    constants = {
        "weights": weights,
        "bias": np.array([-5], np.float32),
        "flat": np.array([-1, 1, cells * cells], np.int64),
        "nothing": np.zeros(1, np.float32),
        "start": np.array([0], np.int64),
        "end": np.array([1], np.int64),
        "rest": np.array([1, 1], np.int64),
        "boxes": boxes,
    }
    graph = helper.make_graph(
        [helper.make_node("Shape", ["images"], ["whole"]), *nodes],
        "net",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, size, size])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    for key, value in (("names", "['ball', 'player']"), ("stride", str(stride))):
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.save(model, str(path))
    return path
