"""Networks that the tests make themselves: what they say arrives in the panorama's pixels, and bad ones are refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import networks
from networks import PANORAMA, final, grey
from touchline.analysis.heads import Head
from touchline.analysis.merging import in_angles
from touchline.analysis.network import Facts, Network
from touchline.analysis.onnx_detector import OnnxDetector, TiledDetector
from touchline.analysis.tiles import BatchFormat, Tile
from touchline.errors import ConfigurationError


def test_a_bright_square_is_found_wherever_it_is_and_once(tmp_path: Path) -> None:
    """Also at the tiles' seams, in which it is seen twice."""
    kernel = np.full((8, 8), -2.0)
    kernel[2:6, 2:6] = 6.0
    path = networks.matched(tmp_path / "match.onnx", kernel)
    detector = OnnxDetector(path, PANORAMA)
    assert len(detector.tiles) > 8
    seams = {tile.x for tile in detector.tiles} | {tile.x + tile.width for tile in detector.tiles}
    at_seam = 0
    for tile in detector.tiles:
        for column, row in ((0, 0), (3, 4), (7, 7)):
            x, y = tile.x + 8 * column + 2, tile.y + 8 * row + 2
            if y + 4 > PANORAMA.height or x + 4 > PANORAMA.width:
                continue
            picture = grey()
            picture.y[y : y + 4, x : x + 4] = 235
            found = [d for d in detector.detect(picture, 7).found if d.confidence > 0.6]
            assert len(found) == 1
            assert found[0].kind == "ball"
            # The network says where its cell's middle is.
            assert abs(found[0].left - x) <= 2.01
            assert abs(found[0].bottom - (y + 4)) <= 2.01
            yaw = in_angles(found[0], PANORAMA)[0]
            assert yaw == pytest.approx(
                math.degrees(float(PANORAMA.pixels_to_angles(x - 0.5, 0)[0])), abs=0.8
            )
            at_seam += any(abs(x + 2 - seam) < 20 for seam in seams)
    assert at_seam > 5
    detector.close()


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("batch", ["batch", 1, 4])
def test_any_batch_and_both_kinds_of_numbers(tmp_path: Path, half: bool, batch: Any) -> None:
    """A person and a ball in each tile, at the same place of it; a toothbrush that nobody asked for."""
    rows = final((10, 12, 18, 36, 0.9, 0), (40, 41, 44, 45, 0.5, 32), (1, 1, 9, 9, 0.99, 79))
    path = networks.write(
        tmp_path / "net.onnx", {"output0": rows}, shape=(batch, 3, 64, 64), half=half, names=networks.NAMES
    )
    detector = OnnxDetector(path, PANORAMA)
    found = detector.detect(grey(), 5)
    assert found.pts_ns == 5
    players = [d for d in found.found if d.kind == "player"]
    assert len(players) == len(detector.tiles)
    for tile in detector.tiles:
        assert any(
            abs(d.left - tile.x - 10) < 0.1 and abs(d.bottom - min(tile.y + 36, PANORAMA.height)) < 0.1
            for d in players
        )
    assert 0 < sum(d.kind == "ball" for d in found.found) <= 10


def test_an_enlarging_network_sees_more_tiles_of_smaller_parts(tmp_path: Path) -> None:
    path = networks.write(tmp_path / "net.onnx", {"o": final((8, 8, 16, 32, 0.9, 0))}, names=networks.NAMES)
    plain, enlarged = (OnnxDetector(path, PANORAMA, zoom=zoom) for zoom in (1.0, 2.0))
    assert len(enlarged.tiles) > len(plain.tiles)
    first = min(enlarged.tiles, key=lambda tile: (tile.y, tile.x))
    found = min(enlarged.detect(grey(), 0).found, key=lambda d: (d.top, d.left))
    assert (found.left - first.x, found.top - first.y) == pytest.approx((4, 4), abs=0.01)


@pytest.mark.parametrize(
    "metadata", [{}, {"names": "['player', 'ball']"}, {"names": '{"0": "person", "1": "sports ball"}'}]
)
def test_classes_come_from_the_metadata_or_are_cocos(tmp_path: Path, metadata: dict[str, str]) -> None:
    classes = 2 if metadata else 80
    table = np.zeros((4 + classes, 84), np.float32)
    table[:, 3] = [30, 30, 8, 20, 0.9] + [0.0] * (classes - 1)
    path = networks.write(tmp_path / "net.onnx", {"output0": table}, **metadata)
    found = OnnxDetector(path, PANORAMA).detect(grey(), 0).found
    assert {d.kind for d in found} == {"player"}


def test_a_network_that_says_nonsense_finds_nothing(tmp_path: Path) -> None:
    rows = np.full((20, 6), np.nan, np.float32)
    path = networks.write(tmp_path / "net.onnx", {"output0": rows}, names=networks.NAMES)
    assert OnnxDetector(path, PANORAMA).detect(grey(), 0).found == ()


def test_colours_are_normalised_as_the_metadata_says_or_as_rfdetr(tmp_path: Path) -> None:
    box, logit = np.full((10, 4), 0.3, np.float32), np.full((10, 2), -3, np.float32)
    names = {"names": "['ball', 'player']"}
    own = networks.write(tmp_path / "a.onnx", {"dets": box, "labels": logit}, **names)
    plain = networks.write(tmp_path / "b.onnx", {"pred_boxes": box, "logits": logit}, **names)
    told = networks.write(
        tmp_path / "c.onnx", {"b": box, "l": logit}, mean="[0.5,0.5,0.5]", std="[0.25,0.25,0.5]", **names
    )
    means = [Network(path).facts.batch.mean for path in (own, plain, told)]
    assert means == [(0.485, 0.456, 0.406), (0.0, 0.0, 0.0), (0.5, 0.5, 0.5)]
    assert Network(told).facts.batch.std == (0.25, 0.25, 0.5)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            {"outputs": {"o": final()}, "shape": ("b", 1, 64, 64)},
            "takes b x 1 x 64 x 64 .* expected is batch x 3",
        ),
        ({"outputs": {"o": final()}, "shape": ("b", 64, 64, 3)}, "expected is batch x 3 x height x width"),
        (
            {"outputs": {"o": np.zeros((9, 9, 9), np.float32)}},
            "outputs are 1 x 9 x 9 x 9; expected is a YOLO head",
        ),
        (
            {"outputs": {"o": final()}, "task": "segment", "names": networks.NAMES},
            "task 'segment'; expected is detect",
        ),
        ({"outputs": {"o": final()}}, "no names .* expected is an entry names"),
        (
            {"outputs": {"o": final()}, "names": "['cat', 'dog']"},
            "classes are cat, dog; expected is a ball or a player",
        ),
        ({"outputs": {"o": final()}, "names": "import os"}, "nothing that can be read"),
        (
            {"outputs": {"o": final()}, "names": networks.NAMES, "std": "[0, 1, 1]"},
            "mean and std can't be read",
        ),
    ],
)
def test_a_wrong_model_is_refused_with_what_was_expected(
    tmp_path: Path, made: dict[str, Any], said: str
) -> None:
    path = networks.write(tmp_path / "wrong.onnx", **made)
    with pytest.raises(ConfigurationError, match=said) as refused:
        OnnxDetector(path, PANORAMA)
    assert str(refused.value).startswith("wrong.onnx is no detector that can be used: ")
    assert "\n" not in str(refused.value)


def test_what_is_no_model_or_has_no_provider_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.onnx"
    path.write_text("not a model")
    with pytest.raises(ConfigurationError, match=r"text\.onnx is no model that ONNX Runtime can load"):
        OnnxDetector(path, PANORAMA)
    with pytest.raises(ConfigurationError, match="there is no model"):
        OnnxDetector(tmp_path / "missing.onnx", PANORAMA)
    import onnxruntime

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        good = networks.write(tmp_path / "good.onnx", {"o": final()}, names=networks.NAMES)
        with pytest.raises(ConfigurationError, match="has no CUDAExecutionProvider: install onnxruntime-gpu"):
            OnnxDetector(good, PANORAMA, device="cuda")


def test_a_batch_that_can_not_be_taken_apart_goes_as_it_is() -> None:
    """A batch on a GPU has a shape and nothing else; its length was asked for, and the detector found nothing."""

    class Batch:
        shape = (2, 3, 64, 64)

    class Runs:
        facts = Facts(BatchFormat(64, 64), 2, None)
        head = Head("final", (0,), 2, True, (64, 64))
        kinds: ClassVar = {0: "ball", 1: "player"}

        def run(self, batch: Any) -> list[np.ndarray]:
            assert isinstance(batch, Batch)
            return [np.stack([final((10, 12, 18, 36, 0.9, 1)), final((40, 41, 44, 45, 0.5, 0))])]

        def close(self) -> None:
            """Nothing."""

    tiles = (Tile(0, 0, 64, 64), Tile(200, 40, 128, 128))
    detector = TiledDetector(Runs(), tiles, lambda _: Batch(), (PANORAMA.width, PANORAMA.height))
    found = {(one.kind, one.left, one.top, one.right, one.bottom) for one in detector.detect(None, 1).found}
    assert found == {("player", 10, 12, 18, 36), ("ball", 280, 122, 288, 130)}
