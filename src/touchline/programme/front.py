"""What may stand between pushed frames and the programme's pictures, where those are made by elements."""

from __future__ import annotations

from typing import Any, Protocol

from touchline.gst.caps import VideoCaps
from touchline.programme.encoders import EncoderChoice, EncoderSettings
from touchline.programme.specs import Codec


class Front(Protocol):
    """Makes the programme's pictures of the frames that are pushed, in memory that only certain elements know.

    Attributes:
        in_flight: the most pushed frames that it has at once.
        codec: of its encoder.
    """

    in_flight: int
    codec: Codec

    @property
    def caps(self) -> Any:
        """Of what is pushed; a Gst.Caps."""

    def elements(self) -> list[Any]:
        """From what is pushed to the programme's pictures, ahead of their time; to be linked in this order."""

    def plain(self) -> list[Any]:
        """From the programme's pictures to the same in plain memory, for displays and webcams."""

    def choose_encoder(self, caps: VideoCaps, settings: EncoderSettings) -> EncoderChoice:
        """The encoder that takes the pictures where they are. Raises ConfigurationError if none works."""

    def encoder_elements(self, caps: VideoCaps, settings: EncoderSettings) -> list[Any]:
        """That encoder, and what it needs around it: from the pictures to an elementary stream."""
