"""From detections to the play: tracks of the players, and the ball's path, decided with hindsight."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from touchline.analysis.ball_layers import Bodies, Layer
from touchline.analysis.ball_paths import BallPaths
from touchline.analysis.ball_story import tell
from touchline.analysis.detections import Detections
from touchline.analysis.play import BallAt, Moment, Place, PlayerAt
from touchline.analysis.player_log import Lineup, TrackDiary
from touchline.analysis.player_tracks import PlayerTracks, TracksNow
from touchline.analysis.sight import PlayersSeen, Sight
from touchline.analysis.timed_log import TimedLog
from touchline.analysis.tracking_settings import TrackSettings
from touchline.geometry import FieldOutline, Ground, Panorama, angles_to_rays, rays_to_angles

Floats = NDArray[np.float64]


class PlayLog(TimedLog):
    """The play, told as detections come in: see :class:`~touchline.analysis.play.Play`.

    Everything that is told depends on the detections up to a moment, and on nothing else: not on when they came in,
    nor on what was asked before. What is older than ``settings.keep_s`` is forgotten in any case.

    Args:
        panorama: in whose pixels the detections are.
        field: where the field is; what first appears beside it is hardly the ball. None: the panorama's lower half.
        ground: for the places in metres. None: tracks are kept on the level ground below a mast of the assumed
            height, and no places are told.
        settings: the rules; by default those of a football match that is seen from a mast.
    """

    def __init__(
        self,
        panorama: Panorama,
        field: FieldOutline | None = None,
        ground: Ground | None = None,
        settings: TrackSettings | None = None,
    ) -> None:
        super().__init__()
        self._settings = settings or TrackSettings()
        self._placed = ground is not None
        self._sight = Sight(panorama, field, ground, self._settings)
        self._players = PlayerTracks(self._settings)
        self._balls = BallPaths(self._sight, self._settings)
        self._diaries: dict[int, TrackDiary] = {}
        self._layers: list[Layer] = []
        self._lineups: list[Lineup] = []
        self._first: int | None = None

    def append(self, detections: Detections) -> None:
        """Takes in what was found in the next frame that was analysed.

        Raises:
            ValueError: if its pts is not after the newest, or the log is closed.
        """
        with self._changed:
            self._check(detections.pts_ns, "detections")
            # Times count from the first frame: a clock's nanoseconds would cost a float its fractions.
            if self._first is None:
                self._first = detections.pts_ns
            time_s = (detections.pts_ns - self._first) / 1e9
            seen = self._sight.players(detections)
            tracks = self._players.follow(seen, time_s)
            middles = self._middles(tracks, seen)
            layer = self._balls.follow(self._sight.balls(detections), self._bodies(tracks, middles), time_s)
            self._lineups.append(self._lineup(detections.pts_ns, tracks, middles))
            self._layers.append(layer)
            self._added(detections.pts_ns)
            self._forget(detections.pts_ns - round(self._settings.keep_s * 1e9))

    def between(self, first_ns: int, last_ns: int) -> list[Moment]:
        """See :class:`~touchline.analysis.play.Play`."""
        with self._changed:
            rows = self._rows(first_ns, last_ns)
            times = self._pts[rows]
            if not times:
                return []
            told = zip(times, self._tell(self._layers[rows]), self._lineups[rows], strict=True)
            return [Moment(pts_ns, ball, lineup.known_by(times[-1])) for pts_ns, ball, lineup in told]

    def forget_before(self, pts_ns: int) -> None:
        """Drops the moments with a pts below ``pts_ns``."""
        with self._changed:
            self._forget(pts_ns)

    def _forget(self, pts_ns: int) -> None:
        gone = self._older(pts_ns)
        del self._pts[gone], self._layers[gone], self._lineups[gone]

    def _middles(self, tracks: TracksNow, seen: PlayersSeen) -> Floats:
        """Yaw and pitch, degrees, of all bodies' middles: as seen now, or above where their feet should be."""
        yaw, pitch = rays_to_angles(self._sight.ground.rays(tracks.places))
        middles = np.degrees(np.stack([yaw, pitch], axis=-1))
        middles[:, 1] += tracks.rise
        middles[tracks.seen] = seen.middles[tracks.detection[tracks.seen]]
        return middles

    def _bodies(self, tracks: TracksNow, middles: Floats) -> Bodies:
        """Those that the ball may be at."""
        some = tracks.believed
        feet = self._sight.ground.rays(tracks.places[some])
        soon = self._sight.ground.rays(tracks.places[some] + 0.1 * tracks.velocity[some])
        angles = np.degrees(np.stack([rays_to_angles(feet), rays_to_angles(soon)]))
        away = self._sight.ranges(angles[0, 0], angles[0, 1])
        speed = (angles[1] - angles[0]).T / 0.1
        return Bodies(tracks.number[some], middles[some], speed, tracks.halves[some], np.degrees(1 / away))

    def _lineup(self, pts_ns: int, tracks: TracksNow, middles: Floats) -> Lineup:
        lineup = Lineup(pts_ns)
        living = set(tracks.number.tolist())
        for number in [n for n in self._diaries if n not in living]:
            self._diaries.pop(number).end(pts_ns)
        rows = zip(
            tracks.number.tolist(), middles.tolist(), tracks.seen.tolist(), tracks.places.tolist(),
            tracks.believed.tolist(), strict=True,
        )  # fmt: skip
        for number, (yaw, pitch), seen, (x, y), believed in rows:
            diary = self._diaries.get(number)
            if diary is None:
                diary = self._diaries[number] = TrackDiary(number, round(self._settings.linger_s * 1e9))
            place = (x, y) if self._placed else None
            diary.write(lineup, PlayerAt(number, yaw, pitch, seen, place), believed)
        return lineup

    def _tell(self, layers: list[Layer]) -> list[BallAt | None]:
        told = tell(layers, self._settings)
        places: list[Place | None] = [None] * len(layers)
        if self._placed:
            rays = angles_to_rays(*np.radians(told.at.T))
            places = [None if math.isnan(x) else (x, y) for x, y in self._sight.ground.places(rays).tolist()]
        rows = zip(told.at.tolist(), told.sureness.tolist(), told.seen.tolist(), places, strict=True)
        return [
            None if math.isnan(yaw) else BallAt(yaw, pitch, sure, seen, place)
            for (yaw, pitch), sure, seen, place in rows
        ]
