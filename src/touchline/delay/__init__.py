"""The heart: frames held by reference, shown exactly ``delay`` later. Knows nothing of panoramas or sport."""

from touchline.delay.meter import DelayMeter
from touchline.delay.plan import MemoryPlan
from touchline.delay.player import Player
from touchline.delay.states import State
from touchline.delay.store import Frame, FrameStore, Reader
from touchline.delay.timeline import FastTimeline, LiveTimeline, Timeline

__all__ = [
    "DelayMeter",
    "FastTimeline",
    "Frame",
    "FrameStore",
    "LiveTimeline",
    "MemoryPlan",
    "Player",
    "Reader",
    "State",
    "Timeline",
]
