"""The programme's pictures in the DeepStream way: aimed frame by frame, rendered ahead of their time."""

from __future__ import annotations

import gc
import threading
from fractions import Fraction

import pytest
import standins
from surfaces import MAGIC, Block, Slots, surface

from touchline.deepstream.elements import nvmm_caps
from touchline.deepstream.front import NvmmFront
from touchline.deepstream.settings import DeepStreamSettings
from touchline.errors import ConfigurationError
from touchline.geometry import View
from touchline.gst.caps import VideoCaps
from touchline.gst.domains import NvmmDomain
from touchline.gst.library import SECOND
from touchline.gst.pipelines import system_clock
from touchline.programme.programme import Programme
from touchline.programme.specs import OutputSpec

PANORAMA = VideoCaps(1200, 400, Fraction(30))
PICTURE = VideoCaps(640, 360, Fraction(30))
HELD = nvmm_caps("NV12", 1200, 400, Fraction(30))
STEP = SECOND // 30


@pytest.fixture
def elements():
    standins.Camera.shown.clear()
    with standins.installed():
        yield
    gc.collect()


def front_of(ahead: int = 6, whole: bool = False, **tables) -> NvmmFront:
    settings = DeepStreamSettings.model_validate(tables)
    return NvmmFront(settings, PANORAMA, HELD, PICTURE, whole=whole, ahead=ahead)


def programme_of(front: NvmmFront, outputs=(), paced: bool = False) -> Programme:
    return Programme(PICTURE, outputs, paced=paced, domain=NvmmDomain(), front=front)


def seen() -> list[tuple[int, int, float, float, float]]:
    return standins.Camera.shown


def panorama(slots: Slots, number: int):
    buffer = surface(slots.acquire(), Block(MAGIC, number, number, 1200, 400, b"NV12"), None)
    buffer.pts, buffer.duration = number * STEP, STEP
    return buffer


def test_each_frame_is_rendered_with_its_own_view_however_far_ahead_the_next_ones_are_known(elements) -> None:
    front, slots = front_of(), Slots(40)
    programme = programme_of(front)
    programme.start(system_clock().get_time())
    views = [View(number, -number / 10, 56 + number / 10) for number in range(30)]
    for number, view in enumerate(views):  # all of them before the first frame
        front.aim(number * STEP, view)
    for number in range(30):
        programme.push(panorama(slots, number))
    programme.finish(10)
    shown = [(number, round(yaw, 3), round(pitch, 3), round(fov, 3)) for _, number, yaw, pitch, fov in seen()]
    assert shown == [(number, number, -number / 10, 56 + number / 10) for number in range(30)]


def test_a_frame_without_a_view_of_its_own_keeps_the_last_one(elements) -> None:
    front, slots = front_of(), Slots(10)
    programme = programme_of(front)
    programme.start(system_clock().get_time())
    front.aim(0, View(5, 0, 60))
    for number in range(3):
        programme.push(panorama(slots, number))
    programme.finish(10)
    assert [yaw for _, _, yaw, _, _ in standins.Camera.shown] == [5.0] * 3


def test_panoramas_go_back_while_their_pictures_wait_for_their_time(elements) -> None:
    front, slots = front_of(ahead=20), Slots(16)
    programme = programme_of(front, paced=True)
    start = system_clock().get_time() + SECOND
    programme.start(start)
    for number in range(15):
        front.aim(number * STEP, View(0, 0, 60))
        programme.push(panorama(slots, number))
    patience = threading.Event()
    while len(standins.Camera.shown) < 15 and system_clock().get_time() < start:
        patience.wait(0.01)
    # None is due yet, and all of them have been rendered: nobody but their pool has the panoramas any more.
    assert system_clock().get_time() < start
    patience.wait(0.1)
    assert len(programme.passages()) == 0
    for _ in range(16):
        assert slots.acquire() is not None
    assert slots.waited == 0
    programme.finish(10)
    passages = programme.passages()
    assert len(passages) == 15
    assert ((passages[:, 1] - start - passages[:, 0]) > -2_000_000).all()


def test_what_it_holds_at_once_is_what_the_plan_reckons_with(elements) -> None:
    front = front_of(ahead=20)
    assert programme_of(front).in_flight == front.in_flight == 4
    pictures, camera, converted = 44 * 640 * 360 * 3 // 2, 8 * 640 * 360 * 4, 4 * 1200 * 400 * 4
    assert front.own_bytes == pictures + camera + converted
    assert front_of(ahead=20, whole=True).own_bytes == pictures


def test_displays_get_pictures_in_plain_memory(elements) -> None:
    front, slots = front_of(), Slots(20)
    programme = programme_of(front, [OutputSpec("display", "fakesink")])
    programme.start(system_clock().get_time())
    for number in range(12):
        programme.push(panorama(slots, number))
    programme.finish(10)
    (display,) = programme.outputs
    assert display.error is None
    assert display.frames + display.dropped == 12
    assert display.frames > 0
    assert programme.failure is None


def test_the_whole_panorama_needs_no_camera(elements) -> None:
    front, slots = front_of(whole=True), Slots(20)
    assert front.notes == []
    programme = programme_of(front)
    programme.start(system_clock().get_time())
    for number in range(5):
        programme.push(panorama(slots, number))
    programme.finish(10)
    assert standins.Camera.shown == []
    assert programme.failure is None


@pytest.mark.parametrize("name", ["pan", "tilt", "zoom"])
def test_an_angle_that_the_camera_does_not_have_is_named_before_anything_starts(elements, name) -> None:
    with pytest.raises(
        ConfigurationError, match=r"\[deepstream.camera\]: nvdsvirtualcam has no property 'azimuth'"
    ):
        front_of(camera={name: "azimuth"})


def test_what_the_camera_can_show_is_known_in_our_degrees(elements) -> None:
    assert front_of().fov_deg == (55.0, 68.0)
    half = {"property": "fov", "scale": 0.5, "offset": 10}
    assert front_of(camera={"zoom": half}).fov_deg == (90.0, 116.0)
