"""Boxes go where their pictures go."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from training.augment import SCALES, moved, varied  # noqa: E402


def test_boxes_follow_what_they_are_around():
    torch.manual_seed(5)
    pictures = torch.zeros(40, 3, 200, 320)
    edges = torch.tensor([120.0, 70.0, 160.0, 130.0]).expand(40, 1, 4).clone()
    pictures[:, :, 70:130, 120:160] = 1
    pictures[:, 0, 70:130, 140:160] = 0.5  # the right half, so that a mirror shows
    out, boxes, cut = moved(pictures, edges, (224, 144))
    assert out.shape == (40, 3, 144, 224)
    shown = 0
    mirrored = set()
    for picture, box, hidden in zip(out, boxes[:, 0], cut[:, 0], strict=True):
        left, top, right, bottom = box.tolist()
        if hidden or left < 1 or top < 1 or right > 223 or bottom > 143:
            continue
        shown += 1
        rows, columns = torch.nonzero(picture[1] > 0.5, as_tuple=True)
        assert abs(int(columns.min()) - left) <= 1
        assert abs(int(columns.max()) + 1 - right) <= 1
        assert abs(int(rows.min()) - top) <= 1
        assert abs(int(rows.max()) + 1 - bottom) <= 1
        assert SCALES[0] - 0.01 <= (right - left) / 40 <= SCALES[1] + 0.01
        middle = int((top + bottom) / 2)
        mirrored.add(bool(picture[0, middle, round(left) + 3] < 0.8))
    assert shown > 10
    assert mirrored == {True, False}


def test_what_is_cut_off_or_too_small_is_not_asked_for():
    torch.manual_seed(6)
    pictures = torch.full((30, 200, 320, 3), 128, dtype=torch.uint8)
    edges = torch.tensor([[100.0, 100, 101.2, 101.2], [0, 0, 60, 60]]).expand(30, 2, 4).clone()
    kinds = torch.tensor([0, 1]).expand(30, 2)
    out, boxes, ignored = varied(
        pictures, edges, kinds, torch.zeros((30, 2), dtype=torch.bool), (224, 144), 1.3
    )
    assert out.shape == (30, 3, 144, 224)
    assert out.min() >= 0
    assert out.max() <= 1
    wide = boxes[..., 2] - boxes[..., 0]
    assert (wide[:, 0] < 1.3)[~ignored[:, 0]].logical_not().all()
    assert ignored[:, 0].any()
    area = wide * (boxes[..., 3] - boxes[..., 1])
    assert ignored[:, 1][area[:, 1] == 0].all()
    assert not ignored[:, 1].all()
