"""The maps and the boxes that they stand for."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from training.network import KINDS, MULTIPLE, STRIDE, Network, decode, encode_box  # noqa: E402

COLD = -9.0


def maps_of(edges, kinds, rows=40, columns=60):
    """Maps that say nothing but these boxes."""
    maps = torch.full((1, 5 * KINDS, rows, columns), COLD)
    cells, values = encode_box(edges)
    for (column, row), value, kind in zip(cells.tolist(), values, kinds, strict=True):
        maps[0, kind, row, column] = 4.0
        maps[0, KINDS + 4 * kind : KINDS + 4 * kind + 4, row, column] = value
    return maps


def test_exact_maps_give_exact_boxes():
    generator = torch.Generator().manual_seed(3)
    for _ in range(3):
        # One box in each field of a grid, so that no two are neighbours.
        fields = torch.cartesian_prod(torch.arange(6), torch.arange(4)) * 40.0
        middles = fields + 12 + 16 * torch.rand((24, 2), generator=generator)
        sides = torch.exp(torch.rand((24, 2), generator=generator) * 4.2)
        edges = torch.cat([middles - sides / 2, middles + sides / 2], -1)
        kinds = [n % 2 for n in range(24)]
        found = decode(maps_of(edges, kinds), (16, 64))[0]
        found = found[found[:, 4] > 0.5]
        assert len(found) == 24
        for edge, kind in zip(edges, kinds, strict=True):
            mine = found[found[:, 5] == kind][:, :4]
            assert (mine - edge).abs().max(dim=1).values.min() < 1e-3


def test_only_the_top_of_a_hill_is_found():
    """A body of many cells whose heat is high all over would be found many times."""
    maps = torch.full((1, 5 * KINDS, 40, 60), COLD)
    maps[0, KINDS:] = 0.0
    rows, columns = torch.meshgrid(torch.arange(40.0), torch.arange(60.0), indexing="ij")
    maps[0, 1] = 3.0 - 0.1 * ((rows - 20) ** 2 + (columns - 31) ** 2)
    found = decode(maps)[0]
    found = found[found[:, 4] > 0.01]
    assert len(found) == 1
    assert found[0, 5] == 1
    assert found[0, :2].add(found[0, 2:4]).div(2).tolist() == [31.5 * STRIDE, 20.5 * STRIDE]


def test_neighbours_of_the_other_kind_do_not_hide_each_other():
    """A ball at somebody's feet."""
    edges = torch.tensor([[100.0, 100.0, 104.0, 104.0], [98.0, 90.0, 106.0, 114.0]])
    found = decode(maps_of(edges, [0, 1]))[0]
    assert sorted(found[found[:, 4] > 0.5][:, 5].tolist()) == [0, 1]


def test_the_likeliest_are_kept_ball_and_player_apart():
    generator = torch.Generator().manual_seed(4)
    maps = torch.randn((2, 5 * KINDS, 64, 64), generator=generator)
    found = decode(maps, (5, 9))
    assert found.shape == (2, 14, 6)
    assert found[:, :5, 5].eq(0).all()
    assert found[:, 5:, 5].eq(1).all()
    for n in range(2):
        top = torch.sigmoid(maps[n, 0]).max()
        assert found[n, 0, 4] == top
        assert (found[n, :4, 4] >= found[n, 1:5, 4]).all()


@pytest.mark.parametrize(("height", "width"), [(64, 64), (96, 208)])
def test_pictures_of_any_multiple(height, width):
    network = Network().eval()
    with torch.no_grad():
        maps = network(torch.rand(2, 3, height, width))
    assert height % MULTIPLE == width % MULTIPLE == 0
    assert maps.shape == (2, 5 * KINDS, height // STRIDE, width // STRIDE)
