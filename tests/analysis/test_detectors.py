"""Detectors by name."""

from __future__ import annotations

from pathlib import Path

import pytest

import networks
from touchline.analysis.blob_detector import BlobDetector
from touchline.analysis.detection_file import DetectionWriter, NoDetector, ReplayDetector
from touchline.analysis.detectors import build_detector
from touchline.analysis.isolated import IsolatedDetector
from touchline.errors import ConfigurationError
from touchline.geometry import Panorama


def test_each_name_makes_its_detector(tmp_path: Path) -> None:
    panorama = networks.PANORAMA
    assert isinstance(build_detector("none", panorama), NoDetector)
    assert isinstance(build_detector("motion", panorama), BlobDetector)
    film = tmp_path / "found.jsonl"
    DetectionWriter(film, (panorama.width, panorama.height)).close()
    assert isinstance(build_detector(str(film), panorama), ReplayDetector)
    model = networks.write(tmp_path / "net.onnx", {"o": networks.final()}, names=networks.NAMES)
    for name in (f"onnx:{model}", str(model)):
        detector = build_detector(name, panorama)
        assert isinstance(detector, IsolatedDetector)
        detector.close()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("yolo", "unknown detector 'yolo'; known are motion, own, none, onnx:FILE"),
        ("onnx:missing.onnx", "there is no model missing.onnx"),
        ("missing.onnx", "there is no model missing.onnx"),
        ("missing.jsonl", "can't be read"),
    ],
)
def test_others_are_refused_in_one_line(name: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as refused:
        build_detector(name, networks.PANORAMA)
    assert "\n" not in str(refused.value)


def test_movement_needs_ground() -> None:
    with pytest.raises(ConfigurationError, match="shows no ground"):
        build_detector("motion", Panorama("equirectangular", 400, 100, -1, 1, 0.1, 0.5))
