"""Directors: who decides where the virtual camera looks."""

from touchline.director.fixed import FixedDirector
from touchline.director.follow import FollowDirector
from touchline.director.protocol import Director
from touchline.director.views import ViewChoice, parse_view

__all__ = ["Director", "FixedDirector", "FollowDirector", "ViewChoice", "parse_view"]
