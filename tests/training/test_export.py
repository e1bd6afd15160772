"""The file finds what the network finds."""

from __future__ import annotations

import ast

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from training.export import Session, batch_of, check, export  # noqa: E402
from training.network import Network  # noqa: E402


@pytest.mark.slow
def test_the_file_is_the_network(tmp_path):
    torch.manual_seed(2)
    network = Network().eval()
    with torch.no_grad():  # a network that finds things
        network.head.bias[:2] = 0
        network.head.weight *= 8
    path = tmp_path / "model.onnx"
    export(network, path, {"license": "Apache-2.0"})
    assert check(network, path) < 1e-3
    model = onnx.load(str(path))
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert ast.literal_eval(facts["names"]) == {0: "ball", 1: "player"}
    assert ast.literal_eval(facts["imgsz"]) == [448, 768]
    assert path.stat().st_size < 5_000_000
    assert model.opset_import[0].version <= 17
    picture = np.random.default_rng(1).integers(0, 256, (100, 150, 3)).astype(np.uint8)
    assert batch_of(picture).shape == (1, 3, 112, 160)
    found = Session(path, threads=1).find(picture)
    assert found.shape == (80, 6)
    with torch.no_grad():
        network.head.bias[0] += 1
    with pytest.raises(RuntimeError, match="other boxes"):
        check(network, path)
