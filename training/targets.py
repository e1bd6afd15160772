"""What the network is asked for, and how far its answer is from that."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from training.network import KINDS, STRIDE, encode_box

_LEAST_SIGMA = 0.7  # cells
_AT_ONCE = 16  # boxes
_SHARE = 1 / 9  # of a box's side: the sigma of its heat
_AROUND = [(x, y) for y in (-1, 0, 1) for x in (-1, 0, 1)]


class Wanted(NamedTuple):
    """Targets of a batch.

    Attributes:
        heat: 1 in the cell of each box's middle and less around it, shape (n, KINDS, rows, columns).
        counted: 0 in cells that are neither right nor wrong, the same shape.
        cells: column and row of each box's middle, shape (n, m, 2).
        edges, kinds: as given.
        asked: which boxes are asked for, shape (n, m).
    """

    heat: Tensor
    counted: Tensor
    cells: Tensor
    edges: Tensor
    kinds: Tensor
    asked: Tensor


def wanted(edges: Tensor, kinds: Tensor, ignored: Tensor, size: tuple[int, int]) -> Wanted:
    """The targets of pictures of ``size``, width and height.

    Args:
        edges: boxes in pixels, shape (n, m, 4).
        kinds: -1 where there is no box, shape (n, m).
        ignored: boxes that nobody is asked to find, shape (n, m).
    """
    columns, rows = size[0] // STRIDE, size[1] // STRIDE
    cells, _ = encode_box(edges)
    inside = (cells >= 0).all(-1) & (cells[..., 0] < columns) & (cells[..., 1] < rows)
    asked = (kinds >= 0) & ~ignored & inside
    sigma = ((edges[..., 2:] - edges[..., :2]) * (_SHARE / STRIDE)).clamp(min=_LEAST_SIGMA)
    x = torch.arange(columns, device=edges.device, dtype=torch.float32)
    y = torch.arange(rows, device=edges.device, dtype=torch.float32)
    # A heat is a product of one function of x and one of y: (n, m, columns) and (n, m, rows).
    along = torch.exp(-0.5 * ((x - cells[..., :1]) / sigma[..., :1]) ** 2)
    down = torch.exp(-0.5 * ((y - cells[..., 1:]) / sigma[..., 1:]) ** 2)
    hidden = (kinds >= 0) & ignored
    over_x = ((x + 1) * STRIDE > edges[..., :1]) & (x * STRIDE < edges[..., 2:3])
    over_y = ((y + 1) * STRIDE > edges[..., 1:2]) & (y * STRIDE < edges[..., 3:])
    heat, counted = [], []
    for kind in range(KINDS):
        mine = (asked & (kinds == kind)).float()[..., None]
        heat.append(_highest(down * mine, along))
        cover = (hidden & (kinds == kind)).float()[..., None]
        counted.append(1 - _highest(over_y * cover, over_x.float()))
    maps, weights = torch.stack(heat, 1), torch.stack(counted, 1)
    return Wanted(maps, torch.where(maps == 1, torch.ones_like(weights), weights), cells, edges, kinds, asked)


def _highest(down: Tensor, along: Tensor) -> Tensor:
    """The highest of the products, shape (n, rows, columns), some boxes at a time to spare memory."""
    top = torch.zeros(down.shape[0], down.shape[2], along.shape[2], device=down.device)
    for first in range(0, down.shape[1], _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        top = torch.maximum(top, (down[:, some, :, None] * along[:, some, None, :]).amax(1))
    return top


def loss(maps: Tensor, target: Wanted) -> tuple[Tensor, Tensor]:
    """Of the heat (focal, as in CornerNet, Law and Deng 2018) and of the boxes (GIoU, Rezatofighi et al. 2019, and
    absolute differences); each kind counts the same however many there are."""
    maps = maps.float()
    logits = maps[:, :KINDS]
    hot = functional.logsigmoid(logits) * (1 - torch.sigmoid(logits)) ** 2
    cold = functional.logsigmoid(-logits) * torch.sigmoid(logits) ** 2 * (1 - target.heat) ** 4
    off = -torch.where(target.heat == 1, hot, cold) * target.counted
    heat, boxes = maps.new_zeros(()), maps.new_zeros(())
    for kind in range(KINDS):
        asked = target.asked & (target.kinds == kind)
        heat = heat + off[:, kind].sum() / asked.sum().clamp(min=1)
        boxes = boxes + _boxes_off(maps, target, kind, asked)
    return heat, boxes


def _boxes_off(maps: Tensor, target: Wanted, kind: int, asked: Tensor) -> Tensor:
    """How far the boxes are off in the cells of their middles and in those around, which may be the peaks too."""
    n, m = torch.nonzero(asked, as_tuple=True)
    if not len(n):
        return maps.sum() * 0
    first = KINDS + 4 * kind
    edges, total = target.edges[n, m], maps.new_zeros(())
    middle, sides = (edges[:, :2] + edges[:, 2:]) / (2 * STRIDE), edges[:, 2:] - edges[:, :2]
    weights = 0.0
    for step_x, step_y in _AROUND:
        column, row = target.cells[n, m, 0] + step_x, target.cells[n, m, 1] + step_y
        inside = (column >= 0) & (column < maps.shape[3]) & (row >= 0) & (row < maps.shape[2])
        column, row = column.clamp(0, maps.shape[3] - 1), row.clamp(0, maps.shape[2] - 1)
        got = maps[n, first : first + 4, row, column]
        cell = torch.stack([column, row], -1) + 0.5
        place, side = (got[:, :2] + cell) * STRIDE, got[:, 2:].clamp(-1, 7).exp()
        overlap = giou(torch.cat([place - side / 2, place + side / 2], -1), edges)
        off = (got[:, :2] + cell - middle).abs().sum(-1) + (
            got[:, 2:] - sides.clamp(min=0.4).log()
        ).abs().sum(-1)
        weight = 1.0 if (step_x, step_y) == (0, 0) else 0.15
        total = total + weight * (((1 - overlap) + 0.3 * off) * inside).sum()
        weights += weight
    return total / (weights * len(n))


def giou(one: Tensor, other: Tensor) -> Tensor:
    """Generalised intersection over union of boxes (n, 4), -1 .. 1."""
    inside = (torch.minimum(one[:, 2:], other[:, 2:]) - torch.maximum(one[:, :2], other[:, :2])).clamp(min=0)
    around = torch.maximum(one[:, 2:], other[:, 2:]) - torch.minimum(one[:, :2], other[:, :2])
    both, hull = inside.prod(-1), around.prod(-1).clamp(min=1e-6)
    union = (one[:, 2:] - one[:, :2]).prod(-1) + (other[:, 2:] - other[:, :2]).prod(-1) - both
    return both / union.clamp(min=1e-6) - (hull - union) / hull
