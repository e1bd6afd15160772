"""What the programme asks of a director."""

from __future__ import annotations

from typing import Protocol

from touchline.geometry import View


class Director(Protocol):
    """Decides where the virtual camera looks.

    One director serves one programme: it is asked for the frames of that programme in the order in which they are
    shown, and may remember where it last looked.
    """

    def view(self, pts_ns: int) -> View:
        """The view of the frame with this pts; it shows nothing outside the panorama."""
        ...
