"""A detector that dies, dawdles or talks nonsense does not cost the programme one frame: read in what was recorded."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import networks
from footage import read_frames
from runs import MEMORY, SIZE, Coded, times_are_kept
from touchline.config import FurtherProgramme, load_config
from touchline.engine.books import stats_of
from touchline.engine.production import Production
from touchline.synth import SyntheticMatch
from touchline.synth.files import write_match

pytestmark = pytest.mark.skipif(
    MEMORY != "system", reason="networks of a process of their own see plain memory"
)

FPS = Fraction(10)  # that the machine is busy with other tests is not what is shown here
SECONDS = 3.0


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Coded:
    folder = tmp_path_factory.mktemp("coded-long")
    match = SyntheticMatch(3, SIZE, FPS, codes=True)
    write_match(folder, match, SECONDS)
    return Coded(folder, match, round(SECONDS * FPS))


def film(
    footage: Coded, folder: Path, detector: str, meanwhile: Callable[[Any], None] = lambda _: None
) -> Production:
    """Records the panorama, and a programme that follows what the detector finds; checks every frame of both."""
    whole, following = folder / "whole.mkv", folder / "following.mkv"
    config = load_config(
        {
            **footage.inputs,
            "delay": 1.0,
            "view": "panorama",
            "audio": "none",
            "detector": detector,
            "drift": "off",
            "record": [whole],
            "programme": [
                FurtherProgramme(name="tv", view="follow", size="320x180", delay=1.0, record=[following])
            ],
        }
    )
    production = Production(config)
    try:
        production.start()
        helper_thread = threading.Thread(target=meanwhile, args=(production.watch.worker,), daemon=True)
        helper_thread.start()
        while not production.wait(0.1):
            pass
        helper_thread.join(10)
        production.close()
    finally:
        production.close()
        production.release()
    assert production.error is None
    found = read_frames(whole, footage.reader_of_panorama())
    assert [codes for codes, _ in found] == [(i, i) for i in range(footage.frames)]
    assert times_are_kept(found, FPS)
    shown = read_frames(following, lambda y: float(y.mean()))
    assert len(shown) == footage.frames
    assert times_are_kept(shown, FPS)
    assert stats_of(production).dropped == {}
    return production


def test_one_that_is_killed_is_opened_again(footage, tmp_path) -> None:
    path = networks.write(
        tmp_path / "net.onnx", {"o": networks.final((10, 12, 18, 36, 0.9, 0))}, names=networks.NAMES
    )

    def kill(worker: Any) -> None:
        while worker.observed < 2:
            time.sleep(0.02)
        os.kill(worker._detector.pid, signal.SIGKILL)

    production = film(footage, tmp_path, str(path), kill)
    worker = production.watch.worker
    assert worker.failed >= 1
    assert any("The detector failed" in note and "SIGKILL" in note for note in production.notes)
    assert worker.observed > 2, "it found things again"


def test_one_that_says_nonsense_finds_nothing(footage, tmp_path) -> None:
    rows = np.full((20, 6), np.nan, np.float32)
    rows[1:3] = [[5, 5, 1, 1, 7.0, 3], [1e30, -1e30, 1e30, 9, 0.5, -4]]
    path = networks.write(tmp_path / "mad.onnx", {"o": rows}, names=networks.NAMES)
    production = film(footage, tmp_path, str(path))
    assert production.watch.worker.observed > 5
    assert all(not moment.players for moment in production.watch.log.between(0, 10**10))


def test_one_that_takes_two_seconds_is_never_waited_for(footage, tmp_path) -> None:
    production = film(footage, tmp_path, str(slow_network(tmp_path / "slow.onnx")))
    worker = production.watch.worker
    assert worker.failed == 0
    assert worker.observed <= 4
    assert worker.durations.percentile(50) > 0.8


def slow_network(path: Path) -> Path:
    """A network that multiplies large matrices until a second or two have gone, and then finds nothing."""
    side, times = 1500, 40
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Add", ["matrix", "mean"], ["m0"]),
    ]
    nodes += [helper.make_node("MatMul", [f"m{k}", "matrix"], [f"m{k + 1}"]) for k in range(times)]
    nodes += [
        helper.make_node("ReduceMean", [f"m{times}"], ["rest"], keepdims=0),
        helper.make_node("Mul", ["rest", "zero"], ["nothing"]),
        helper.make_node("Add", ["rows", "nothing"], ["o"]),
    ]
    matrix = np.eye(side, dtype=np.float32) * 0.5
    constants = [
        numpy_helper.from_array(matrix, "matrix"),
        numpy_helper.from_array(np.float32(0), "zero"),
        numpy_helper.from_array(networks.final()[None], "rows"),
    ]
    graph = helper.make_graph(
        nodes,
        "slow",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("o", TensorProto.FLOAT, None)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    helper.set_model_props(model, {"names": networks.NAMES})
    onnx.save(model, str(path))
    return path
