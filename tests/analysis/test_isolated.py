"""A network that dies, hangs or fails takes nobody with it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

import networks
from networks import PANORAMA, final, grey
from touchline.analysis.isolated import DetectorError, IsolatedDetector
from touchline.analysis.onnx_detector import OnnxDetector
from touchline.errors import ConfigurationError


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return networks.write(
        tmp_path / "good.onnx",
        {"o": final((10, 12, 18, 36, 0.9, 0), (40, 41, 44, 45, 0.5, 32))},
        names=networks.NAMES,
    )


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_it_finds_what_it_finds_in_this_process_and_then_is_ended(good: Path) -> None:
    detector = IsolatedDetector(good, PANORAMA)
    assert detector.detect(grey(), 9) == OnnxDetector(good, PANORAMA).detect(grey(), 9)
    assert detector.detect(grey(), 10).pts_ns == 10
    with pytest.raises(ValueError, match="does not belong"):
        detector.detect(grey().__class__.empty(20, 20), 11)
    detector.close()
    detector.close()
    assert gone(detector.pid)


def test_a_crash_is_an_error_that_says_so(good: Path) -> None:
    detector = IsolatedDetector(good, PANORAMA)
    os.kill(detector.pid, signal.SIGSEGV)
    with pytest.raises(DetectorError, match="ended by SIGSEGV"):
        detector.detect(grey(), 0)
    detector.close()


def test_what_hangs_is_given_up_and_ended(good: Path) -> None:
    """Without a limit one call that never comes back would keep the worker, and all who wait for its log, for ever."""
    detector = IsolatedDetector(good, PANORAMA, patience_s=0.3)
    os.kill(detector.pid, signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(DetectorError, match=r"more than 0\.3 s"):
        detector.detect(grey(), 0)
    assert time.monotonic() - began < 2
    detector.close()
    assert gone(detector.pid)


def test_a_bad_model_is_refused_as_it_is_here(tmp_path: Path) -> None:
    path = networks.write(
        tmp_path / "wrong.onnx", {"o": np.zeros((9, 9, 9), np.float32)}, names=networks.NAMES
    )
    with pytest.raises(ConfigurationError, match=r"wrong\.onnx is no detector .* expected is a YOLO head"):
        IsolatedDetector(path, PANORAMA)
