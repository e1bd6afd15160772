"""The whole panorama, scaled into the programme's picture on a GPU."""

from __future__ import annotations

from types import TracebackType

from touchline.cuda.device import Device
from touchline.cuda.picture import DevicePicture
from touchline.render.cuda_mapping import whole_mapping
from touchline.render.cuda_resample import CudaResampler


class CudaWholePanorama:
    """Shows all of a panorama: :class:`touchline.render.whole.WholePanorama` for pictures in GPU memory.

    For one thread at a time.

    Args:
        device: where the pictures are.
        source_size: width and height of the panorama.
        width, height: size of the programme's picture, even.

    Raises:
        ValueError: for a size that NV12 can't have; when rendering, for pictures of other sizes.
        CudaError: when rendering, for a panorama that lies so that it can't be read as a texture.
    """

    def __init__(self, device: Device, source_size: tuple[int, int], width: int, height: int) -> None:
        self._resampler = CudaResampler(device, source_size, width, height, "affine")
        self.stream = self._resampler.stream
        self._mapping, self._shown = whole_mapping(source_size, width, height)

    def render(self, panorama: DevicePicture, out: DevicePicture) -> None:
        """Writes the picture into ``out``; complete when it returns. The panorama must be complete."""
        self.queue(panorama, out)
        self.stream.wait()

    def queue(self, panorama: DevicePicture, out: DevicePicture) -> None:
        """As :meth:`render`, but only queued, in the order of :attr:`stream`; nobody waits."""
        self._resampler.queue(panorama, self._mapping, out, self._shown)

    def close(self) -> None:
        """Lets go of everything. May be called again."""
        self._resampler.close()

    def __enter__(self) -> CudaWholePanorama:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
