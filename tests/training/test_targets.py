"""What the network is asked for: true to the boxes, and silent about what can't be asked."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from training.network import KINDS, decode, encode_box  # noqa: E402
from training.targets import giou, loss, wanted  # noqa: E402

SIZE = (256, 128)
EDGES = torch.tensor([[[20.0, 30.0, 24.0, 34.0], [100.0, 40.0, 120.0, 90.0], [200.0, 20.0, 216.0, 60.0]]])
KINDS_OF = torch.tensor([[0, 1, 1]])
ALL = torch.zeros((1, 3), dtype=torch.bool)


def perfect(target, sharp=12.0):
    """Maps that answer in full."""
    maps = torch.full((1, 5 * KINDS, SIZE[1] // 4, SIZE[0] // 4), -sharp)
    cells, values = encode_box(target.edges)
    for box in range(target.edges.shape[1]):
        kind = int(target.kinds[0, box])
        column, row = cells[0, box].tolist()
        maps[0, kind, row, column] = sharp
        for y in (row - 1, row, row + 1):
            for x in (column - 1, column, column + 1):
                first = KINDS + 4 * kind
                moved = values[0, box] - torch.tensor([x - column, y - row, 0, 0])
                maps[0, first : first + 4, y, x] = moved
    return maps


def test_heat_is_one_at_the_middles_and_only_there():
    target = wanted(EDGES, KINDS_OF, ALL, SIZE)
    assert target.heat.shape == (1, KINDS, 32, 64)
    assert torch.nonzero(target.heat[0, 0] == 1).tolist() == [[8, 5]]
    assert torch.nonzero(target.heat[0, 1] == 1).tolist() == [[10, 52], [16, 27]]
    assert target.counted.eq(1).all()
    # Higher than wide, like the body.
    assert target.heat[0, 1, 18, 27] > target.heat[0, 1, 16, 29]


def test_an_ignored_box_is_neither_right_nor_wrong():
    ignored = torch.tensor([[False, False, True]])
    target = wanted(EDGES, KINDS_OF, ignored, SIZE)
    assert torch.nonzero(target.heat[0, 1] == 1).tolist() == [[16, 27]]
    assert target.counted[0, 1, 10, 52] == 0
    assert target.counted[0, 0].eq(1).all()
    maps = perfect(target)
    before = loss(maps, target)
    maps[0, 1, 5:15, 50:54] = 8.0
    assert loss(maps, target)[0] == before[0]


def test_filled_up_boxes_mean_nothing():
    edges = torch.cat([EDGES, torch.zeros(1, 5, 4)], 1)
    kinds = torch.cat([KINDS_OF, torch.full((1, 5), -1)], 1)
    target = wanted(edges, kinds, torch.zeros((1, 8), dtype=torch.bool), SIZE)
    plain = wanted(EDGES, KINDS_OF, ALL, SIZE)
    assert target.heat.equal(plain.heat)
    assert loss(perfect(plain), target)[1] < 1e-3


def test_the_perfect_answer_costs_nothing_and_every_fault_something():
    target = wanted(EDGES, KINDS_OF, ALL, SIZE)
    maps = perfect(target)
    heat, boxes = loss(maps, target)
    assert heat < 1e-3
    assert boxes < 1e-3
    missed, false, wide = maps.clone(), maps.clone(), maps.clone()
    missed[0, 0, 8, 5] = -12
    false[0, 0, 20, 40] = 12
    wide[0, KINDS + 4 + 2] += 0.3
    assert loss(missed, target)[0] > heat + 1
    assert loss(false, target)[0] > heat + 1
    assert loss(wide, target)[1] > boxes + 0.05


def test_targets_decode_to_their_boxes():
    target = wanted(EDGES, KINDS_OF, ALL, SIZE)
    found = decode(perfect(target))[0]
    found = found[found[:, 4] > 0.5]
    assert sorted(found[:, 0].round().tolist()) == [20, 100, 200]


def test_no_boxes_at_all_can_be_learnt_from():
    none = torch.zeros(1, 2, 4), torch.full((1, 2), -1), torch.zeros((1, 2), dtype=torch.bool)
    maps = torch.zeros((1, 5 * KINDS, 32, 64), requires_grad=True)
    heat, boxes = loss(maps, wanted(*none, SIZE))
    (heat + boxes).backward()
    assert boxes == 0
    assert maps.grad[:, :KINDS].abs().sum() > 0


def test_giou():
    one = torch.tensor([[0.0, 0.0, 2.0, 2.0]])
    assert giou(one, one).item() == pytest.approx(1)
    assert giou(one, one + torch.tensor([1.0, 0, 1, 0])).item() == pytest.approx(2 / 6)
    assert giou(one, one + torch.tensor([4.0, 0, 4, 0])).item() == pytest.approx(-4 / 12)
