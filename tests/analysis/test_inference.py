"""Batches through networks of our own: what comes out is computed again by hand. On the GPU without a copy."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from gpu import needs_gpu
from rendering import noise
from touchline.analysis import inference
from touchline.analysis.inference import OnnxModel, open_model
from touchline.analysis.tiles import BatchFormat, CpuTiles, Tile, reference
from touchline.errors import ConfigurationError

SIZE = (320, 180)
TILES = (Tile(0, 0, 64, 48), Tile(100, 60, 64, 48), Tile(10, 10, 128, 96))
BATCH = BatchFormat(64, 48, mean=(0.4, 0.5, 0.3), std=(0.2, 1.0, 3.0))
WEIGHTS = np.array([[[[1.0]], [[2.0]], [[-1.0]]], [[[0.5]], [[0.0]], [[4.0]]]], np.float32)


def by_hand(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the networks below compute: mixtures of the colours, and each tile's greatest number."""
    return np.einsum("oihw,nixy->noxy", WEIGHTS, numbers), numbers.max((1, 2, 3))


@pytest.fixture
def torch_file(tmp_path):
    torch = pytest.importorskip("torch")

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mixture = torch.nn.Conv2d(3, 2, 1, bias=False)
            self.mixture.weight.data = torch.from_numpy(WEIGHTS.copy())

        def forward(self, x):
            return self.mixture(x), [x.amax((1, 2, 3))]

    path = tmp_path / "net.pt"
    torch.jit.trace(Net().eval(), torch.zeros(BATCH.shape(len(TILES))), strict=False).save(str(path))
    return path


@pytest.fixture
def onnx_file(tmp_path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    return write_onnx(onnx, tmp_path / "net.onnx", ["tiles", 3, 48, 64])


def write_onnx(onnx, path, shape):
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    weights = onnx.numpy_helper.from_array(WEIGHTS, "weights")
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "weights"], ["mixture"]),
            helper.make_node("ReduceMax", ["x", "axes"], ["greatest"], keepdims=0),
        ],
        "net",
        [helper.make_tensor_value_info("x", number, shape)],
        [helper.make_tensor_value_info(name, number, None) for name in ("mixture", "greatest")],
        [weights, onnx.numpy_helper.from_array(np.array([1, 2, 3], np.int64), "axes")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    onnx.save(model, str(path))
    return path


def check(made):
    wanted = by_hand(reference(noise(*SIZE), TILES, BATCH))
    assert len(made) == 2
    for one, other in zip(made, wanted, strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other).max() < 0.1, "about a level of 255, through a deviation of 0.2"


@pytest.mark.parametrize("kind", ["torch_file", "onnx_file"])
def test_on_the_processor(kind, request):
    path = request.getfixturevalue(kind)
    model = open_model(path, BATCH, len(TILES))
    check(model.run(CpuTiles(SIZE, TILES, BATCH).cut(noise(*SIZE))))
    model.close()


@needs_gpu
def test_torch_on_the_gpu(torch_file):
    """Three panoramas in a row, nobody waiting between: each result is of its own panorama."""
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("this PyTorch has no CUDA")
    from rendering_gpu import DeviceFrame
    from touchline.analysis.cuda_tiles import CudaTiles
    from touchline.cuda.device import Device

    with Device() as device, CudaTiles(device, SIZE, TILES, BATCH) as tiles:
        model = open_model(torch_file, BATCH, len(TILES), tiles.stream)
        frames = [DeviceFrame(device, tiles.stream, noise(*SIZE, seed=seed)) for seed in (1, 2, 3)]
        batch = tiles.queue(frames[0].picture)
        taken = torch.from_dlpack(batch)
        assert taken.data_ptr() == batch.pointer, "the network reads the batch where it is"
        made = [model.queue(tiles.queue(frame.picture)) for frame in frames]
        tiles.stream.wait()
        for seed, outputs in zip((1, 2, 3), made, strict=True):
            wanted = by_hand(reference(noise(*SIZE, seed=seed), TILES, BATCH))
            for one, other in zip(outputs, wanted, strict=True):
                assert one.is_cuda
                assert np.abs(one.cpu().numpy() - other).max() < 0.1
        check(model.run(tiles.queue(frames[0].picture)))
        with pytest.raises(ConfigurationError, match="opened on a GPU"):
            model.run(CpuTiles(SIZE, TILES, BATCH).cut(noise(*SIZE)))
        model.close()
        for frame in frames:
            frame.close()


@needs_gpu
def test_onnx_on_the_gpu(onnx_file):
    runtime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" not in runtime.get_available_providers():
        pytest.skip("this ONNX Runtime has no CUDA")
    from rendering_gpu import DeviceFrame
    from touchline.analysis.cuda_tiles import CudaTiles
    from touchline.cuda.device import Device

    with Device() as device, CudaTiles(device, SIZE, TILES, BATCH) as tiles:
        model = OnnxModel(onnx_file, BATCH, len(TILES), tiles.stream)
        with DeviceFrame(device, tiles.stream, noise(*SIZE)) as frame:
            check(model.run(tiles.queue(frame.picture)))
        model.close()


@pytest.mark.parametrize(
    ("module", "name", "says"),
    [("torch", "net.pt", "needs PyTorch"), ("onnxruntime", "net.onnx", "needs ONNX Runtime")],
)
def test_a_missing_library_is_one_line(monkeypatch, tmp_path, module, name, says):
    monkeypatch.setitem(sys.modules, module, None)
    path = tmp_path / name
    path.write_bytes(b"")
    with pytest.raises(ConfigurationError, match=says) as caught:
        open_model(path, BATCH, 1)
    assert "pip install" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_torch_network_of_another_shape_is_one_line(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "other.pt"
    torch.jit.trace(torch.nn.Conv2d(1, 2, 1), torch.zeros(1, 1, 8, 8)).save(str(path))
    model = open_model(path, BATCH, 3)
    with pytest.raises(
        ConfigurationError, match=r"other.pt does not take a batch of 3 x 3 x 48 x 64"
    ) as caught:
        model.run(np.zeros(BATCH.shape(3), np.float32))
    assert "\n" not in str(caught.value)


def test_an_onnx_network_of_another_shape_is_one_line(tmp_path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    path = write_onnx(onnx, tmp_path / "net.onnx", [1, 3, 640, 640])
    with pytest.raises(
        ConfigurationError, match=r"net\.onnx takes 1 x 3 x 640 x 640 of float32, and the batch is"
    ):
        open_model(path, BATCH, 3)
    half = BatchFormat(640, 640, "float16")
    with pytest.raises(ConfigurationError, match="the batch is 1 x 3 x 640 x 640 of float16"):
        open_model(path, half, 1)


@pytest.mark.parametrize(("module", "name"), [("torch", "net.pt"), ("onnxruntime", "net.onnx")])
def test_a_broken_file_is_one_line(tmp_path, module, name):
    pytest.importorskip(module)
    path = tmp_path / name
    path.write_bytes(b"no network at all")
    with pytest.raises(ConfigurationError, match=f"{name} is no") as caught:
        open_model(path, BATCH, 1)
    assert "\n" not in str(caught.value)


def test_misuse_is_one_line(tmp_path):
    with pytest.raises(ConfigurationError, match="there is no model"):
        open_model(tmp_path / "net.pt", BATCH, 1)
    path = tmp_path / "net.txt"
    path.write_text("")
    with pytest.raises(ConfigurationError, match="no model that is known"):
        open_model(path, BATCH, 1)


def test_another_batch_than_announced_is_refused(torch_file):
    model = open_model(torch_file, BATCH, len(TILES))
    with pytest.raises(ConfigurationError, match="was opened for 3 x 3 x 48 x 64 of float32, not for 2 x"):
        model.run(np.zeros(BATCH.shape(2), np.float32))


def test_what_stands_in_the_way_of_torch_on_a_gpu_is_named(monkeypatch) -> None:
    """An interpreter without PyTorch, and one whose PyTorch was built for the processor alone."""
    monkeypatch.setattr(inference, "find_spec", lambda name: None)
    assert inference.why_no_torch_cuda() == "it is not installed"
    torch = pytest.importorskip("torch")
    monkeypatch.undo()
    assert (inference.why_no_torch_cuda() is None) == torch.cuda.is_available()
