"""Both cameras' pictures kept as they are, in one frame, instead of a panorama of them."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from touchline.geometry import Panorama, Rig
from touchline.gst.library import SECOND
from touchline.gst.nv12 import Nv12
from touchline.panorama.lighting import Lighting
from touchline.panorama.standin import StandIn
from touchline.panorama.tone import Light


@dataclass(frozen=True)
class PairLayout:
    """Two NV12 pictures in one: the left camera's above the right one's, as wide as the wider of the two.

    Args:
        left, right: width and height of each, even.
    """

    left: tuple[int, int]
    right: tuple[int, int]

    @classmethod
    def of(cls, rig: Rig) -> PairLayout:
        """The layout for a rig's two cameras."""
        return cls((rig.left.width, rig.left.height), (rig.right.width, rig.right.height))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture that holds both."""
        return max(self.left[0], self.right[0]), self.left[1] + self.right[1]

    def __str__(self) -> str:
        """Such as ``2 x 1280x720``."""
        one, other = ("{}x{}".format(*size) for size in (self.left, self.right))
        return f"2 x {one}" if one == other else f"{one} + {other}"

    def split(self, both: Nv12) -> tuple[Nv12, Nv12]:
        """Views of the left and of the right picture. Raises ValueError for a picture of another size."""
        if (both.width, both.height) != self.size:
            raise ValueError(
                f"a pair of {self} lies in {self.size[0]}x{self.size[1]}, not in {both.width}x{both.height}"
            )
        (width, height), (other, _) = self.left, self.right
        return (
            Nv12(both.y[:height, :width], both.uv[: height // 2, : width // 2]),
            Nv12(both.y[height:, :other], both.uv[height // 2 :, : other // 2]),
        )


class LightLog:
    """The difference in light that belongs to each held pair, by its PTS. One thread writes, any may read.

    Args:
        frames: so many of the last ones are remembered; as many as can still be shown, at least.
    """

    def __init__(self, frames: int = 1000) -> None:
        self._frames = frames
        self._lights: dict[int, Light] = {}  # in the order in which they came
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._lights)

    def keep(self, frames: int) -> None:
        """From now on so many of the last ones are remembered."""
        self._frames = frames

    def add(self, pts: int, light: Light) -> None:
        """Notes what differs between the pictures of a pair of this PTS, ns."""
        with self._lock:
            self._lights[pts] = light
            while len(self._lights) > self._frames:
                del self._lights[next(iter(self._lights))]

    def at(self, pts: int) -> Light:
        """What differs in the pair of this PTS, ns; of one that is forgotten, those of the oldest that is not.

        Raises:
            KeyError: if nothing was ever noted.
        """
        with self._lock:
            if pts in self._lights:
                return self._lights[pts]
            if not self._lights:
                raise KeyError(pts)
            return next(iter(self._lights.values()))


class PairKeeper:
    """Writes both pictures of a moment into one frame, and remembers how they are to be corrected.

    The pictures themselves are not corrected: that is done when a view of them is rendered, once for each sample.
    What is learnt depends on the frames and times it was given, in their order, just as in a
    :class:`~touchline.panorama.stitch.Stitcher`.

    Args:
        rig: two cameras.
        panorama: the cameras are compared where it shows both.
        lights: where what differs in each pair is noted.
        gain: correct the difference in exposure and white balance between the cameras.
    """

    def __init__(self, rig: Rig, panorama: Panorama, lights: LightLog, *, gain: bool = True) -> None:
        self.rig = rig
        self.layout = PairLayout.of(rig)
        self.lights = lights
        self._lighting = Lighting(rig, panorama) if gain else None

    @property
    def light(self) -> Light:
        """The difference between the cameras as it was last seen."""
        return Light() if self._lighting is None else self._lighting.light

    def keep(self, left: Nv12, right: Nv12, out: Nv12, pts_s: float) -> None:
        """Copies a pair of time ``pts_s`` (seconds) into ``out``; a stand-in is shown, but nothing learnt from it.

        Raises:
            RigError: for pictures of other sizes than the rig's.
            ValueError: for an output of another size than the layout's.
        """
        self.rig.check_sizes((left.width, left.height), (right.width, right.height))
        for place, picture in zip(self.layout.split(out), (left, right), strict=True):
            place.copy_from(picture)
        if self._lighting and not isinstance(left, StandIn) and not isinstance(right, StandIn):
            self._lighting.follow(left, right, pts_s)
        # Whole nanoseconds come back out of seconds exactly, for some weeks.
        self.lights.add(round(pts_s * SECOND), self.light)
