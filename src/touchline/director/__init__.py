"""Directors: who decides where the virtual camera looks."""

from touchline.director.bound import NoPathError, cost, optimum
from touchline.director.fixed import FixedDirector
from touchline.director.follow import FollowDirector
from touchline.director.manual import HandState, ManualHand
from touchline.director.planned import PlannedDirector
from touchline.director.protocol import Director
from touchline.director.style import PACES, SPORTS, Pace, Sport, Style
from touchline.director.views import ViewChoice, parse_view

__all__ = [
    "PACES",
    "SPORTS",
    "Director",
    "FixedDirector",
    "FollowDirector",
    "HandState",
    "ManualHand",
    "NoPathError",
    "Pace",
    "PlannedDirector",
    "Sport",
    "Style",
    "ViewChoice",
    "cost",
    "optimum",
    "parse_view",
]
