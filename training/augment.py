"""Another light, scale and camera for each training picture, on the device that trains."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

SCALES = (0.75, 1.6)


def varied(
    pictures: Tensor, edges: Tensor, kinds: Tensor, ignored: Tensor, size: tuple[int, int], least_ball: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Random parts of pictures, scaled, mirrored, in other light and as worse cameras take them.

    Args:
        pictures: uint8, shape (n, height, width, 3).
        edges, kinds, ignored: of the boxes, shapes (n, m, 4), (n, m), (n, m).
        size: width and height of the result.
        least_ball: pixels; balls that become smaller are ignored.

    Returns:
        RGB 0 .. 1, shape (n, 3, height, width); the boxes' edges; which are ignored.
    """
    plain = pictures.permute(0, 3, 1, 2).float() / 255
    plain, edges, cut = moved(plain, edges, size)
    width = edges[..., 2] - edges[..., 0]
    ignored = ignored | cut | ((kinds == 0) & (width < least_ball))
    return _taken(_lit(plain)), edges, ignored


def _uniform(count: int, low: float, high: float, device: torch.device) -> Tensor:
    return torch.rand(count, device=device) * (high - low) + low


def _chance(count: int, share: float, device: torch.device) -> Tensor:
    return (torch.rand(count, device=device) < share).float()


def moved(pictures: Tensor, edges: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """Random parts of pictures (n, 3, height, width), scaled and some of them mirrored.

    Returns:
        Shape (n, 3, height, width) of ``size``; the boxes' edges there, cut at the picture's; which boxes show less
        than two fifths of themselves.
    """
    n, _, height, width = pictures.shape
    device = pictures.device
    low, high = (math.log(s) for s in SCALES)
    scale = torch.exp(_uniform(n, low, high, device))
    part_x, part_y = size[0] / scale, size[1] / scale  # what is seen, in the given pictures' pixels
    left = torch.rand(n, device=device) * (width - part_x).clamp(min=0)
    top = torch.rand(n, device=device) * (height - part_y).clamp(min=0)
    mirror = 1 - 2 * _chance(n, 0.5, device)
    theta = torch.zeros(n, 2, 3, device=device)
    theta[:, 0, 0] = mirror * part_x / width
    theta[:, 1, 1] = part_y / height
    theta[:, 0, 2] = (2 * left + part_x) / width - 1
    theta[:, 1, 2] = (2 * top + part_y) / height - 1
    grid = functional.affine_grid(theta, [n, 3, size[1], size[0]], align_corners=False)
    moved = functional.grid_sample(pictures, grid, padding_mode="zeros", align_corners=False)
    x = (edges[..., 0::2] - left[:, None, None]) * scale[:, None, None]
    y = (edges[..., 1::2] - top[:, None, None]) * scale[:, None, None]
    x = torch.where(mirror[:, None, None] < 0, size[0] - x.flip(-1), x)
    whole = (x[..., 1] - x[..., 0]) * (y[..., 1] - y[..., 0])
    x, y = x.clamp(0, size[0]), y.clamp(0, size[1])
    shown = (x[..., 1] - x[..., 0]) * (y[..., 1] - y[..., 0])
    edges = torch.stack([x[..., 0], y[..., 0], x[..., 1], y[..., 1]], -1)
    return moved, edges, shown < 0.4 * whole.clamp(min=1e-6)


def _lit(pictures: Tensor) -> Tensor:
    """Colour, light, and the shadow of a stand."""
    n, _, height, width = pictures.shape
    device = pictures.device

    def each(low: float, high: float, share: float = 1.0, rest: float = 1.0) -> Tensor:
        on = _chance(n, share, device)
        return (on * _uniform(n, low, high, device) + (1 - on) * rest)[:, None, None, None]

    grey = (pictures * pictures.new_tensor([0.2126, 0.7152, 0.0722])[:, None, None]).sum(1, keepdim=True)
    pictures = grey + (pictures - grey) * each(0.3, 1.6, 0.6)
    pictures = _turned(pictures, _uniform(n, -0.5, 0.5, device) * _chance(n, 0.4, device))
    balance = 1 + (torch.rand(n, 3, 1, 1, device=device) - 0.5) * 0.3
    pictures = pictures * balance * each(0.45, 1.5, 0.8)
    angle, level = _uniform(n, 0, 2 * math.pi, device), _uniform(n, -0.5, 0.5, device)
    x = torch.linspace(-0.5, 0.5, width, device=device)[None, None, :]
    y = torch.linspace(-0.5, 0.5, height, device=device)[None, :, None]
    side = torch.cos(angle)[:, None, None] * x + torch.sin(angle)[:, None, None] * y - level[:, None, None]
    shade = torch.sigmoid(side * 60)[:, None]
    pictures = pictures * (1 - shade * (1 - each(0.35, 0.8, 0.25)))
    pictures = pictures.clamp(0.0, 1.0).clamp(min=1e-4) ** each(0.55, 1.8, 0.7)
    return (pictures - 0.5) * each(0.5, 1.2, 0.5) + 0.5 + each(-0.1, 0.1, 0.5, 0.0)


def _turned(pictures: Tensor, angle: Tensor) -> Tensor:
    """Colours turned about the grey axis by ``angle`` radians, shape (n,)."""
    cos, sin = torch.cos(angle), torch.sin(angle)
    third, root = (1 - cos) / 3, sin / math.sqrt(3)
    rows = [cos + third, third - root, third + root]
    matrix = torch.stack([torch.stack([rows[(k - r) % 3] for k in range(3)], -1) for r in range(3)], 1)
    return torch.einsum("nrc,nchw->nrhw", matrix, pictures)


def _taken(pictures: Tensor) -> Tensor:
    """Blur, sharpening and noise."""
    n, _, height, width = pictures.shape
    device = pictures.device
    sigma = _uniform(n, 0.3, 1.1, device) * _chance(n, 0.5, device) + 0.05
    x = torch.arange(-2, 3, device=device, dtype=torch.float32)
    line = torch.exp(-0.5 * (x[None] / sigma[:, None]) ** 2)
    line = line / line.sum(1, keepdim=True)
    kernel = (line[:, :, None] * line[:, None, :])[:, None].repeat_interleave(3, 0)
    blurred = functional.conv2d(pictures.reshape(1, 3 * n, height, width), kernel, padding=2, groups=3 * n)
    blurred = blurred.reshape(n, 3, height, width)
    mean = functional.avg_pool2d(blurred, 3, 1, 1)
    sharp = (_uniform(n, 0.2, 1.2, device) * _chance(n, 0.35, device))[:, None, None, None]
    taken = blurred + sharp * (blurred - mean)
    noise = (
        torch.randn_like(taken)
        * (_uniform(n, 0, 0.04, device) * _chance(n, 0.6, device))[:, None, None, None]
    )
    return (taken + noise).clamp(0, 1)
