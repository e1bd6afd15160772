"""The virtual camera on a GPU."""

from __future__ import annotations

from types import TracebackType

from touchline.cuda.device import Device
from touchline.cuda.picture import DevicePicture
from touchline.geometry import Panorama, View
from touchline.render.cuda_mapping import view_mapping
from touchline.render.cuda_resample import CudaResampler


class CudaVirtualCamera:
    """Renders on a GPU: :class:`touchline.render.camera.CpuVirtualCamera` for pictures in its memory.

    One kernel computes the mapping from the view's angles and makes luma and chroma. Nothing is sent to the GPU for
    a view but twelve numbers.

    For one thread at a time.

    Args:
        device: where the pictures are.
        panorama: what the panoramas show, and their size.
        width, height: size of the programme's picture, even.

    Attributes:
        fetches: how many bilinear fetches along each axis made one sample of the last view.

    Raises:
        ValueError: for a size that NV12 can't have; when rendering, for pictures of other sizes.
        CudaError: when rendering, for a panorama that lies so that it can't be read as a texture.
    """

    def __init__(self, device: Device, panorama: Panorama, width: int, height: int) -> None:
        self.panorama = panorama
        self.fetches = 1
        size = (panorama.width, panorama.height)
        self._resampler = CudaResampler(device, size, width, height, panorama.projection)
        self.stream = self._resampler.stream

    def render(self, panorama: DevicePicture, view: View, out: DevicePicture) -> None:
        """Writes the view of a panorama into ``out``; complete when it returns. The panorama must be complete.

        The view must lie inside the panorama (:meth:`touchline.geometry.ViewLimits.clamp` sees to that); what lies
        outside is shown as the nearest edge.
        """
        self.queue(panorama, view, out)
        self.stream.wait()

    def queue(self, panorama: DevicePicture, view: View, out: DevicePicture) -> None:
        """As :meth:`render`, but only queued, in the order of :attr:`stream`; nobody waits."""
        width, height = self._resampler.size
        mapping, bend = view_mapping(self.panorama, view, width, height)
        self.fetches = mapping.fetches
        self._resampler.queue(panorama, mapping, out, (0, 0, width, height), bend)

    def close(self) -> None:
        """Lets go of everything. May be called again."""
        self._resampler.close()

    def __enter__(self) -> CudaVirtualCamera:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
