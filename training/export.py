"""The network as an ONNX file, and what that file finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.filming import NAMES, Rgb
from training.network import MULTIPLE, Detector, Network

OPSET = 17
TILE = (768, 448)  # width and height that the file names: three of them cover a panorama of 2112 pixels
_CLOSE = 2e-3  # pixels, and parts of a score


def export(network: Network, path: Path, notes: dict[str, str]) -> None:
    """Writes the network with its decoding: pictures of any size that is a multiple of 16 in, boxes out.

    Args:
        notes: written into the file beside the names of the classes.
    """
    import onnx

    detector = Detector(network).float().cpu().eval()
    torch.onnx.export(
        detector,
        (torch.zeros(1, 3, 256, 320),),
        str(path),
        input_names=["images"],
        output_names=["output0"],
        dynamic_axes={"images": {0: "batch", 2: "height", 3: "width"}, "output0": {0: "batch"}},
        opset_version=OPSET,
        dynamo=False,
    )
    model = onnx.load(str(path))
    onnx.checker.check_model(model)
    facts = {
        "names": str(NAMES),
        "stride": str(MULTIPLE),
        "imgsz": str([TILE[1], TILE[0]]),
        "task": "detect",
        "nms": "True",
    }
    onnx.helper.set_model_props(model, facts | notes)
    onnx.save(model, str(path))


def export_torchscript(network: Network, path: Path) -> None:
    """Writes the same as TorchScript, for batches of tiles of :data:`TILE`: what a GPU with PyTorch runs.

    Raises:
        RuntimeError: if the file finds other boxes than the network.
    """
    detector = Detector(network).float().cpu().eval()
    width, height = TILE
    with torch.no_grad():
        traced = torch.jit.trace(detector, torch.zeros(1, 3, height, width))
        torch.jit.save(traced, str(path))
        pictures = torch.rand((3, 3, height, width), generator=torch.Generator().manual_seed(2))
        ours, theirs = detector(pictures), torch.jit.load(str(path))(pictures)
    if float((ours[..., 4] - theirs[..., 4]).abs().max()) > _CLOSE:
        raise RuntimeError(f"{path} finds other boxes than the network")


def check(network: Network, path: Path) -> float:
    """The largest difference between what the file and the network find in noise of several sizes.

    Raises:
        RuntimeError: if that is more than rounding.
    """
    detector, session = Detector(network).float().cpu().eval(), Session(path)
    worst = 0.0
    generator = torch.Generator().manual_seed(1)
    for shape in ((1, 3, 256, 320), (2, 3, 384, 640), (1, 3, 512, 1920)):
        pictures = torch.rand(shape, generator=generator)
        with torch.no_grad():
            ours = detector(pictures).numpy()
        theirs = session.boxes(pictures.numpy())
        # In the order of their scores, equal ones may change places.
        worst = max(worst, float(np.abs(ours[..., 4] - theirs[..., 4]).max()))
        same = np.abs(ours[..., :4] - theirs[..., :4]).max(axis=-1) < _CLOSE
        if worst > _CLOSE or same.mean() < 0.98:
            raise RuntimeError(f"{path} finds other boxes than the network in pictures of {shape}")
    return worst


class Session:
    """An exported file at work on the processor.

    Args:
        threads: of the run time; 0: as many as it likes.
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def boxes(self, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        """Shape (n, k, 6), of RGB pictures (n, 3, height, width), 0 .. 1."""
        found: Any = self._session.run(None, {"images": pictures})[0]
        return np.asarray(found, np.float32)

    def find(self, picture: Rgb) -> NDArray[np.float32]:
        """What it finds in one RGB picture of any size, shape (k, 6)."""
        return self.boxes(batch_of(picture))[0]


def batch_of(picture: Rgb) -> NDArray[np.float32]:
    """A batch of one picture, filled up with black to a multiple of 16."""
    height, width = (-(-side // MULTIPLE) * MULTIPLE for side in picture.shape[:2])
    batch = np.zeros((1, 3, height, width), np.float32)
    batch[0, :, : picture.shape[0], : picture.shape[1]] = picture.transpose(2, 0, 1) / np.float32(255)
    return batch
