"""``touchline board``: a board is printed, filmed and measured; what can't be is refused in one line."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from runs import refused, touchline, touchline_here
from studio import Studio, shots
from touchline.cli.boarding import find_views, print_board
from touchline.errors import InputError
from touchline.geometry import Camera, Distortion
from touchline.geometry.lens import load_lens
from touchline.gst.elements import make
from touchline.gst.library import SECOND, Gst
from touchline.gst.pipelines import Pipeline
from touchline.panorama.board_views import Board

SIZE = (640, 480)
CAMERA = Camera(*SIZE, 520.0, 520.0, 325.0, 236.0, Distortion("brown", (-0.2, 0.05)))
BOARD = Board(9, 6, "DICT_4X4_50")


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    studio = Studio(CAMERA, BOARD)
    return [studio.photo(shot) for shot in shots(SIZE, 0.12, 13)]


@pytest.fixture(scope="module")
def folder(photos, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("board")
    for number, photo in enumerate(photos):
        assert cv2.imwrite(str(folder / f"{number:02d}.png"), photo)
    return folder


def film(path: Path, photos: list[np.ndarray]) -> Path:
    """Each picture for half a second."""
    pipeline = Pipeline("film")
    caps = Gst.Caps.from_string(f"video/x-raw,format=GRAY8,width={SIZE[0]},height={SIZE[1]},framerate=10/1")
    source = make("appsrc", caps=caps, format="time", max_bytes=0)
    parts = source, make("videoconvert"), make("jpegenc", quality=95), make("matroskamux")
    pipeline.add(*parts, make("filesink", location=str(path)))
    pipeline.play()
    for number in range(5 * len(photos)):
        buffer = Gst.Buffer.new_wrapped(photos[number // 5].tobytes())
        buffer.pts, buffer.duration = number * SECOND // 10, SECOND // 10
        source.emit("push-buffer", buffer)
    source.emit("end-of-stream")
    assert pipeline.wait_eos(20), pipeline.failed
    pipeline.stop()
    return path


def test_a_folder_of_pictures_becomes_a_lens(folder: Path, tmp_path: Path) -> None:
    lens = tmp_path / "lens.json"
    done = touchline(
        "board", folder, "--squares", "9x6", "--charuco", "DICT_4X4_50", "-o", lens, COLUMNS="160"
    )
    assert done.returncode == 0, done.stderr
    assert "16 used of 16" in done.stdout
    assert load_lens(lens, SIZE).fx == pytest.approx(CAMERA.fx, rel=0.003)
    assert load_lens(lens, (1280, 960)).fx == pytest.approx(2 * CAMERA.fx, rel=0.003)


def test_a_film_is_looked_at_now_and_then(photos: list[np.ndarray], tmp_path: Path) -> None:
    views, size, looked_at = find_views([film(tmp_path / "board.mkv", photos)], BOARD)
    assert size == SIZE
    assert 16 <= looked_at <= 21
    assert len(views) == looked_at


def test_the_printed_board_is_the_board(tmp_path: Path) -> None:
    print_board(tmp_path / "board.png", "9x6", "DICT_4X4_50")
    picture = cv2.imread(str(tmp_path / "board.png"), cv2.IMREAD_GRAYSCALE)
    view = BOARD.find(cv2.resize(picture, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA))
    assert view is not None
    assert len(view.pixels) == 40


def test_what_is_no_board_footage(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(InputError, match="there are no pictures in"):
        find_views([tmp_path], BOARD)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"broken\.png can't be read as a picture"):
        find_views([tmp_path / "broken.png"], BOARD)
    cv2.imwrite(str(tmp_path / "other.png"), np.zeros((100, 100), np.uint8))
    with pytest.raises(InputError, match=r"other\.png has another size"):
        find_views([folder / "00.png", tmp_path / "other.png"], BOARD)
    with pytest.raises(InputError, match="no such file"):
        find_views([tmp_path / "absent.mp4"], BOARD)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "a film or pictures of the board are needed"),
        (["--squares", "nine"], 2, "squares are written as 9x6, not 'nine'"),
        (["--print", "board.jpg"], 2, "must end in .png"),
        (["--print", "/nowhere/board.png"], 5, "can't be written"),
        (["--charuco", "DICT"], 2, "unknown ArUco dictionary DICT"),
    ],
)
def test_refusals_are_one_line(arguments: list[str], code: int, message: str) -> None:
    assert message in refused(touchline_here("board", *arguments), code)


def test_a_board_that_is_not_there(folder: Path, tmp_path: Path) -> None:
    some = [folder / f"{number:02d}.png" for number in (5, 10)]
    done = touchline_here("board", *some, "--squares", "12x9", "-o", tmp_path / "lens.json")
    assert "not found in any of 2 pictures" in refused(done, 2)
    assert not (tmp_path / "lens.json").exists()
