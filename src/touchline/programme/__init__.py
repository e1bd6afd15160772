"""What leaves: frames are paced, encoded once, and go out as recordings, streams, a window or a webcam."""

from touchline.programme.encoders import EncoderChoice, EncoderSettings
from touchline.programme.outputs import OutputStatus
from touchline.programme.programme import Programme
from touchline.programme.specs import OutputSpec

__all__ = ["EncoderChoice", "EncoderSettings", "OutputSpec", "OutputStatus", "Programme"]
