"""Tiles follow from the panorama, the field and the detector's input, and leave nothing blind."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.analysis.ground import Ground
from touchline.analysis.region import looked_at
from touchline.analysis.tile_plan import least_overlap, plan_tiles
from touchline.geometry import FieldOutline, Panorama, rays_to_angles
from touchline.synth.pitch import HALF_LENGTH, HALF_WIDTH, MAST_HEIGHT, world_to_rig

CORNERS = [(x * HALF_LENGTH, y * HALF_WIDTH, 0.0) for x, y in ((-1, -1), (-1, 1), (1, 1), (1, -1))]
YAW, PITCH = rays_to_angles(world_to_rig(np.array(CORNERS)))
FIELD = FieldOutline(tuple(zip(np.degrees(YAW).tolist(), np.degrees(PITCH).tolist(), strict=True)))


def panorama_of(width: int) -> Panorama:
    height = round(width * 40 / 160 / 2) * 2
    return Panorama("equirectangular", width, height, *(math.radians(a) for a in (-80, 80, -32, 8)))


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from([640, 1280]),
    st.tuples(st.sampled_from([320, 416, 640]), st.sampled_from([256, 320, 640])),
    st.sampled_from([0.75, 1.0, 1.5, 2.0]),
    st.integers(0, 2**31),
)
def test_a_ball_or_a_far_player_is_whole_in_some_tile_wherever_it_is(width, size, zoom, seed) -> None:
    """Tiles that were fixed for another width left one in six black, and objects at seams dropped out."""
    panorama = panorama_of(width)
    tiles = plan_tiles(panorama, FIELD, size, zoom=zoom, height_m=MAST_HEIGHT)
    mask, ground = looked_at(panorama, FIELD), Ground(panorama, MAST_HEIGHT)
    shown = np.zeros_like(mask)
    for tile in tiles:
        assert tile.width == round(size[0] / zoom)
        part = mask[max(0, tile.y) : tile.y + tile.height, max(0, tile.x) : tile.x + tile.width]
        assert part.any(), "a tile that shows nothing of the field"
        shown[max(0, tile.y) : tile.y + tile.height, max(0, tile.x) : tile.x + tile.width] = True
    assert shown[mask].all(), "the field is blind somewhere"
    rng = np.random.default_rng(seed)
    y, x = np.nonzero(field_mask := FIELD.mask(panorama))
    for k in rng.integers(0, len(x), 40):
        ball = float(ground.ball(x[k], y[k]))
        assert whole(tiles, panorama, x[k] - ball / 2, y[k] - ball / 2, x[k] + ball / 2, y[k] + ball / 2)
    top = int(np.nonzero(field_mask.any(axis=1))[0][0])
    far = np.nonzero(field_mask[top])[0]
    for x0 in far[:: max(1, len(far) // 15)]:
        wide, tall = (float(n) for n in ground.person(x0, top))
        assert whole(tiles, panorama, x0 - wide / 2, top - tall, x0 + wide / 2, top)


def whole(tiles, panorama: Panorama, left: float, top: float, right: float, bottom: float) -> bool:
    left, top = max(left, 0), max(top, 0)
    right, bottom = min(right, panorama.width), min(bottom, panorama.height)
    return any(
        t.x <= left and t.y <= top and t.x + t.width >= right and t.y + t.height >= bottom for t in tiles
    )


@pytest.mark.parametrize(("width", "size"), [(2600, (640, 320)), (3990, (768, 448))])
def test_a_large_panorama_is_planned_on_a_small_one_and_nothing_is_left_out(width, size) -> None:
    """A mask of 5700 x 1900 took five seconds, at each start and whenever a detector was opened again."""
    panorama = panorama_of(width)
    tiles = plan_tiles(panorama, FIELD, size)
    shown = np.zeros((panorama.height, panorama.width), np.bool_)
    for tile in tiles:
        shown[max(0, tile.y) : tile.y + tile.height, max(0, tile.x) : tile.x + tile.width] = True
    assert shown[looked_at(panorama, FIELD)].all(), "the field is blind somewhere"
    assert sum(tile.width * tile.height for tile in tiles) < 2 * shown.sum()


def test_a_larger_panorama_takes_more_tiles_and_a_larger_overlap() -> None:
    few, many = (plan_tiles(panorama_of(w), FIELD, (320, 320)) for w in (640, 1280))
    assert len(few) < len(many)
    assert least_overlap(panorama_of(640), FIELD) < least_overlap(panorama_of(1280), FIELD)


def test_a_panorama_smaller_than_the_input_is_one_tile() -> None:
    assert len(plan_tiles(panorama_of(400), FIELD, (640, 640))) == 1


def test_without_a_field_the_ground_is_covered() -> None:
    panorama = panorama_of(1280)
    tiles = plan_tiles(panorama, None, (320, 320))
    horizon = float(panorama.angles_to_pixels(0.0, 0.0)[1])
    assert min(t.y for t in tiles) <= horizon + 1
    assert max(t.y + t.height for t in tiles) >= panorama.height


def test_what_cant_be_cut_is_refused() -> None:
    with pytest.raises(ValueError, match="zoom 0"):
        plan_tiles(panorama_of(800), FIELD, (640, 640), zoom=0)
    sky = Panorama("equirectangular", 800, 200, -1.0, 1.0, 0.2, 0.6)
    with pytest.raises(ValueError, match="shows nothing of the field"):
        plan_tiles(sky, FIELD, (640, 640))
    with pytest.raises(ValueError, match="no ground"):
        plan_tiles(sky, None, (640, 640))
