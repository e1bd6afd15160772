"""A picture resampled into another one on a GPU, as finely as it takes not to flicker."""

from __future__ import annotations

from importlib.resources import files
from types import TracebackType
from typing import Literal

from touchline.cuda.device import Device
from touchline.cuda.kernels import Kernels
from touchline.cuda.picture import DevicePicture
from touchline.cuda.sources import Source
from touchline.cuda.textures import Textures
from touchline.geometry import Projection
from touchline.render.cuda_mapping import FILES, PROJECTIONS, Mapping, Output, launch_of

# Quotients and roots one or two last places less exact, in far fewer instructions.
OPTIONS = ("-prec-div=false", "-prec-sqrt=false")


class CudaResampler:
    """Resamples pictures of one size into pictures of another through a mapping that may change with each frame.

    For one thread at a time.

    Args:
        device: where the pictures are.
        source_size: width and height of what is read.
        width, height: size of what is written, even.
        projection: of the source; ``affine`` scales only.

    Attributes:
        stream: in whose order the work is done.

    Raises:
        ValueError: for a size that NV12 can't have; when queueing, for pictures of other sizes, or for an output whose
            chroma does not lie on whole pairs.
        CudaError: when queueing, for a source that lies so that it can't be read as a texture.
    """

    def __init__(
        self,
        device: Device,
        source_size: tuple[int, int],
        width: int,
        height: int,
        projection: Projection | Literal["affine"],
    ) -> None:
        if width < 2 or height < 2 or width % 2 or height % 2:
            raise ValueError(f"a programme needs an even size above zero, not {width}x{height}")
        self.source_size = source_size
        self.size = (width, height)
        options = (f"-DPROJECTION={PROJECTIONS[projection]}", *OPTIONS)
        text = "".join(files(__package__).joinpath(name).read_text(encoding="utf-8") for name in FILES)
        self._kernels = Kernels(device, text, FILES[0], options)
        self._textures = Textures(device)
        self.stream = device.stream()

    def queue(
        self,
        source: DevicePicture,
        mapping: Mapping,
        out: DevicePicture,
        shown: tuple[int, int, int, int],
        bend: float = 0.0,
    ) -> None:
        """Has ``out`` written, in the order of :attr:`stream`; nobody waits.

        Args:
            source: complete.
            mapping: where the samples come from.
            out: written.
            shown: left, top, right and bottom, even, of what is shown of the source in ``out``; black around it.
                For ``affine`` alone.
            bend: how strongly the mapping does; see :func:`touchline.render.cuda_mapping.launch_of`.
        """
        if (source.width, source.height) != self.source_size or (out.width, out.height) != self.size:
            raise ValueError(
                f"this camera turns {_written(*self.source_size)} into {_written(*self.size)}, "
                f"not {_written(source.width, source.height)} into {_written(out.width, out.height)}"
            )
        if out.uv % 2 or out.uv_pitch % 2:
            raise ValueError(f"chroma at {out.uv:#x} with rows of {out.uv_pitch} bytes is not on whole pairs")
        width, height = source.width, source.height
        luma = self._textures.of(source.y, source.y_pitch, width, height)
        chroma = self._textures.of(source.uv, source.uv_pitch, width // 2, height // 2, 2)
        launch = launch_of(mapping, bend)
        self._kernels.launch(
            launch.kernel,
            launch.grid(out.width, out.height),
            launch.block,
            self.stream,
            Source(luma, chroma, source.y, source.uv, source.y_pitch, source.uv_pitch, width, height),
            mapping,
            Output(out.y, out.uv, out.y_pitch, out.uv_pitch, out.width, out.height, *shown),
            shared=launch.shared,
        )

    def close(self) -> None:
        """Lets go of everything. May be called again."""
        for part in (self.stream, self._textures, self._kernels):
            part.close()

    def __enter__(self) -> CudaResampler:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _written(width: int, height: int) -> str:
    return f"{width}x{height}"
