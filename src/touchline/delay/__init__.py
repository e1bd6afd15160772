"""The heart: frames held by reference, shown exactly ``delay`` later. Knows nothing of panoramas or sport."""

from touchline.delay.cues import Cue, Rules, Schedule, Shown
from touchline.delay.frame import Frame
from touchline.delay.meter import DelayMeter
from touchline.delay.plan import MemoryPlan
from touchline.delay.player import Player
from touchline.delay.replay import ReplayPlayer
from touchline.delay.states import State
from touchline.delay.store import FrameStore, Reader
from touchline.delay.timeline import FastTimeline, LiveTimeline, Timeline

__all__ = [
    "Cue",
    "DelayMeter",
    "FastTimeline",
    "Frame",
    "FrameStore",
    "LiveTimeline",
    "MemoryPlan",
    "Player",
    "Reader",
    "ReplayPlayer",
    "Rules",
    "Schedule",
    "Shown",
    "State",
    "Timeline",
]
