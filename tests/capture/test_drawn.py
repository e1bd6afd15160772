"""Pictures that are drawn as they are needed."""

from __future__ import annotations

import time
from fractions import Fraction

from touchline.capture.drawn import DrawnFeed
from touchline.capture.frames import PlainPicture, SourceInfo
from touchline.gst.library import SECOND
from touchline.gst.nv12 import Nv12
from touchline.gst.pipelines import system_clock


def test_drawn_pictures_wait_at_fast_pace_and_are_lost_at_live_pace() -> None:
    drawn: list[int] = []

    def draw(index: int) -> tuple[PlainPicture, ...]:
        drawn.append(index)
        return (PlainPicture(Nv12.empty(16, 16)),)

    def feed_of(paced: bool) -> DrawnFeed:
        feed = DrawnFeed([SourceInfo(16, 16, Fraction(100))], draw, frames=40, paced=paced)
        feed.open(system_clock())
        feed.start(system_clock())
        time.sleep(0.7)
        return feed

    patient = feed_of(paced=False)
    times = []
    while not patient.finished:
        moment = patient.next(0.2)
        if moment:
            times.append(moment.pts)
    patient.stop()
    assert times == [i * SECOND // 100 for i in range(40)]
    assert patient.dropped.total == 0
    hasty = feed_of(paced=True)
    kept = 0
    while not hasty.finished:
        kept += hasty.next(0.2) is not None
    hasty.stop()
    assert 0 < kept < 40
    assert kept + hasty.dropped.total == hasty.captured[0] == 40
