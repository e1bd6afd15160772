"""What happens on the pitch, found in the panorama and kept by the time at which it was captured."""

from touchline.analysis.log import MotionLog
from touchline.analysis.motion import Motion, MotionDetector
from touchline.analysis.tracking import PlayLog
from touchline.analysis.tracking_settings import TrackSettings

__all__ = ["Motion", "MotionDetector", "MotionLog", "PlayLog", "TrackSettings"]
