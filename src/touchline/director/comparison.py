"""The planner beside its peers: paths over the same play, their scores, and what they cost the planner."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from touchline.analysis.play import BallAt, Moment, Play, PlayerAt
from touchline.director.baselines import Exponential, Kalman, Preview, SteadyDirector
from touchline.director.bound import cost, optimum
from touchline.director.fixed import FixedDirector
from touchline.director.planned import PlannedDirector
from touchline.director.planner import middle_of
from touchline.director.protocol import Director
from touchline.director.score import NEAR_M, CameraPath, CameraScore, score
from touchline.director.style import Style
from touchline.geometry import FieldOutline, View, ViewLimits
from touchline.synth.course import Course

MOMENTS_PER_S = 10
PREVIEW_S = 0.5
FIXED, EXPONENTIAL, KALMAN, PREVIEW, OPTIMUM = (
    "fixed, wide",
    "exponential",
    "Kalman",
    f"convex, {PREVIEW_S:g} s",
    "optimum",
)


@dataclass(frozen=True, eq=False)
class Take:
    """A film of a match by one director.

    Attributes:
        name: whose.
        delay_s: of the planner's programme; None for the others.
        path: where the camera looked.
        score: against the truth.
        cost: a second, in the planner's own cost of the true play.
    """

    name: str
    delay_s: float | None
    path: CameraPath
    score: CameraScore
    cost: float


@dataclass(frozen=True, eq=False)
class Match:
    """What is filmed, and how it is to be filmed.

    Attributes:
        course: the truth, at each frame of the film.
        play: what the directors know of it.
        limits: of the panorama and the programme's shape.
        style, field: of all directors.
        near_m: see :func:`~touchline.director.score.score`.
    """

    course: Course
    play: Play
    limits: ViewLimits
    style: Style
    field: FieldOutline | None
    near_m: float = NEAR_M

    def take(self, name: str, director: Director, delay_s: float | None = None) -> Take:
        """What a director makes of it, frame by frame."""
        views = [director.view(round(time * 1e9)) for time in self.course.times_s.tolist()]
        return self._judged(name, delay_s, views)

    def planned(self, delay_s: float, horizon_s: float) -> Take:
        """What the planner makes of it who knows ``horizon_s`` of the play to come."""
        director = PlannedDirector(
            self.play, self.limits, horizon_s=horizon_s, style=self.style, field=self.field
        )
        return self.take(f"planner, {delay_s:g} s", director, delay_s)

    def best(self) -> Take:
        """The planner's optimum, for whom the truth of the whole match lies open. Raises NoPathError without one."""
        times = self.course.times_s
        views = optimum(moments_of(self.course), self.limits, times, self.style, self.field)
        return self._judged(OPTIMUM, None, views)

    def baselines(self) -> Iterator[Take]:
        """The peers without hindsight or with little of it."""
        wide = self.limits.widest(*middle_of(self.limits))
        yield self.take(FIXED, FixedDirector(wide, self.limits))
        for name, hand, ahead_s in (
            (EXPONENTIAL, Exponential(), 0.0),
            (KALMAN, Kalman(), 0.0),
            (PREVIEW, Preview(), PREVIEW_S),
        ):
            director = SteadyDirector(
                hand, self.play, self.limits, ahead_s=ahead_s, style=self.style, field=self.field
            )
            yield self.take(name, director)

    def _judged(self, name: str, delay_s: float | None, views: list[View]) -> Take:
        times = self.course.times_s
        path = CameraPath.of(views, times)
        found = score(path, self.course, self.limits.aspect, near_m=self.near_m)
        price = cost(views, times, moments_of(self.course), self.limits, self.style, self.field)
        return Take(name, delay_s, path, found, price)


def compare(
    match: Match,
    delays_s: Iterable[float],
    horizon_of: Callable[[float], float],
    told: Callable[[str], None] = lambda _name: None,
) -> list[Take]:
    """All of them: the baselines, the planner at each delay, and the optimum at last.

    Args:
        match: what is filmed.
        delays_s: of the planner's programmes.
        horizon_of: how much of the play to come is known to a director at a delay.
        told: told what is filmed next.

    Raises:
        NoPathError: if there is no optimum.
    """
    told("baselines")
    takes = list(match.baselines())
    for delay_s in delays_s:
        told(f"planner at {delay_s:g} s")
        takes.append(match.planned(delay_s, horizon_of(delay_s)))
    told("optimum")
    return [*takes, match.best()]


def moments_of(course: Course, per_s: float = MOMENTS_PER_S) -> list[Moment]:
    """The truth as the analysis would tell it if it knew everything, ``per_s`` times a second."""
    wanted = np.arange(course.times_s[0], course.times_s[-1] + 1e-9, 1 / per_s)
    seen = course.at(np.minimum(wanted, course.times_s[-1]))
    return [_moment(seen, k) for k in range(len(seen))]


def _moment(seen: Course, k: int) -> Moment:
    (yaw, pitch), (x, y) = seen.ball_deg[k].tolist(), seen.ball_m[k].tolist()
    ball = BallAt(yaw, pitch, 1.0, True, (x, y))
    everybody = enumerate(zip(seen.persons_deg[k].tolist(), seen.persons_m[k].tolist(), strict=True), 1)
    players = tuple(
        PlayerAt(number, yaw, pitch, True, (x, y)) for number, ((yaw, pitch), (x, y)) in everybody
    )
    return Moment(round(float(seen.times_s[k]) * 1e9), ball, players)
