"""The network: heat maps of balls and players and their boxes, at a quarter of the picture's scale.

After CenterNet (Zhou, Wang and Krähenbühl, "Objects as Points", 2019): a peak of a heat map is the middle of a
box, other channels hold the rest of it. A small plain network of 3 x 3 convolutions down to a sixteenth of the
scale and up again by sums, because those are what processors do fastest.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 4  # pixels of the picture for one cell of the maps
MULTIPLE = 16  # of which the picture's width and height must be
KINDS = 2
_LARGEST = 7.0  # logarithm of a box's side in pixels


class _Conv(nn.Sequential):
    def __init__(self, inside: int, outside: int, stride: int = 1) -> None:
        convolution = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(outside), nn.ReLU(inplace=True))


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.change = _Conv(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = x + self.change(x)
        return changed


class Network(nn.Module):
    """Maps of pictures: RGB, 0 .. 1, shape (n, 3, height, width), both sides multiples of 16.

    Args:
        channels: at a half, a quarter, an eighth and a sixteenth of the picture's scale.
        blocks: how many residual ones at the last three.
    """

    def __init__(
        self,
        channels: tuple[int, int, int, int] = (16, 32, 48, 96),
        blocks: tuple[int, int, int] = (1, 2, 3),
    ) -> None:
        super().__init__()
        half, quarter, eighth, last = channels
        self.to_half = _Conv(3, half, 2)
        self.to_quarter = _stage(half, quarter, blocks[0])
        self.to_eighth = _stage(quarter, eighth, blocks[1])
        self.to_last = _stage(eighth, last, blocks[2])
        self.from_last = nn.Conv2d(last, eighth, 1)
        self.from_eighth = nn.Conv2d(eighth, quarter, 1)
        self.mixed = _Residual(eighth)
        self.found = _Conv(quarter, quarter)
        self.head = nn.Conv2d(quarter, 5 * KINDS, 1)
        with torch.no_grad():
            bias = self.head.bias
            assert bias is not None
            # A rare thing to begin with; sides of a few pixels for a ball, of a few dozen for a player.
            bias.copy_(torch.tensor([-4.6, -4.6, 0, 0, 1.3, 1.3, 0, 0, 2.6, 3.4]))

    def forward(self, pictures: Tensor) -> Tensor:
        """Shape (n, 10, height / 4, width / 4): the logits of ball and player, then for each of them its middle's
        place in the cell, from the cell's own middle, in cells, and the logarithms of width and height in pixels."""
        quarter = self.to_quarter(self.to_half(pictures))
        eighth = self.to_eighth(quarter)
        last = self.from_last(self.to_last(eighth))
        eighth = self.mixed(eighth + functional.interpolate(last, scale_factor=2.0))
        quarter = quarter + functional.interpolate(self.from_eighth(eighth), scale_factor=2.0)
        maps: Tensor = self.head(self.found(quarter))
        return maps


def _stage(inside: int, outside: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(_Conv(inside, outside, 2), *(_Residual(outside) for _ in range(blocks)))


def decode(maps: Tensor, most: tuple[int, int] = (16, 64)) -> Tensor:
    """Boxes of the peaks of the heat maps; a cell that is not the highest of its 3 x 3 is none.

    Args:
        maps: as :class:`Network` gives them.
        most: how many balls and how many players, the likeliest ones.

    Returns:
        Shape (n, sum of ``most``, 6): left, top, right, bottom in pixels, score, kind; score 0: nothing.
    """
    found = []
    for kind in range(KINDS):
        heat = torch.sigmoid(maps[:, kind : kind + 1])
        heat = heat * (functional.max_pool2d(heat, 3, 1, 1) == heat)
        scores, cells = torch.topk(heat.flatten(1), most[kind], dim=1)
        first = KINDS + 4 * kind
        values = maps[:, first : first + 4].flatten(2)
        x, y, across, down = torch.gather(values, 2, cells[:, None].expand(-1, 4, -1)).unbind(1)
        columns = maps.shape[3]
        row = torch.div(cells, columns, rounding_mode="floor")
        column = cells - row * columns
        x, y = (column + 0.5 + x) * STRIDE, (row + 0.5 + y) * STRIDE
        across, down = (torch.exp(side.clamp(max=_LARGEST)) / 2 for side in (across, down))
        boxes = [x - across, y - down, x + across, y + down, scores, torch.full_like(scores, kind)]
        found.append(torch.stack(boxes, dim=2))
    return torch.cat(found, dim=1)


class Detector(nn.Module):
    """The network with what makes boxes of its maps: what is exported."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        return decode(self.network(pictures))


def encode_box(edges: Tensor) -> tuple[Tensor, Tensor]:
    """The cell of a box's middle and the four values there.

    Args:
        edges: left, top, right, bottom in pixels, shape (..., 4).

    Returns:
        Column and row, int64, shape (..., 2); the values that :func:`decode` makes this box of, shape (..., 4).
    """
    middle = (edges[..., :2] + edges[..., 2:]) / (2 * STRIDE)
    cell = middle.floor()
    sides = (edges[..., 2:] - edges[..., :2]).clamp(min=math.exp(-1)).log()
    return cell.long(), torch.cat([middle - cell - 0.5, sides], dim=-1)
