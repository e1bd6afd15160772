"""The rules by which tracks live and the ball is told from what looks like one."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class TrackSettings:
    """All that can be set about tracking. Lengths in metres on the ground, times in seconds.

    Attributes of the players:
        player_sure: from this confidence on a detection begins a track; below it only carries one on.
        player_least: below this confidence a detection is not looked at.
        player_push: how suddenly players change their speed: the standard deviation, m/s, of the change in a second.
        player_ease_s: after about that time unseen somebody is no longer expected to run on.
        player_gate: detections further off than that many standard deviations belong to somebody else.
        confirm_hits, confirm_s: a track is believed after so many sightings over at least that time.
        tentative_s: a track that is not believed yet dies when it has been unseen for that long.
        coast_s: one that is believed, likewise.
        linger_s: for how long somebody who was not found again is still shown.

    Attributes of the ball, as a detector sees it:
        ball_seen: share of frames in which a ball that lies or flies free is found.
        ball_seen_at_player: the same at somebody's feet, or before or behind him.
        ball_fade_s: within about that time unseen it becomes likely that it can't be seen from here.
        ball_noise_px: standard deviation of its place in the panorama.
        confidence_weight: how much is believed of the detector's confidence: 1 all, 0 nothing.
        confidence_reach: how much a confidence may speak for or against a candidate at most (log of odds).
        clutter_s: for how long what lies still is remembered, such as spare balls, line crossings, cones.
        most_candidates: the likeliest ones of a frame that are looked at.

    Attributes of the ball, as it behaves:
        ball_push: m/s that its speed changes within a second of flight or roll.
        kick_mps: usual speed (standard deviation across each axis) off the foot; a fast one is three times that.
        fastest_mps: no ball is faster.
        reach_m: about how far from the middle of a body the ball is kept or played.
        hold_s: mean time that somebody keeps it.
        free_gap_s: for how long a free ball that is not seen is still thought to go its way.
        hidden_gap_s: for how long somebody at whom it vanished is thought to have it.
        strange_turn: cost (log of odds) of a turn of its way where nobody is.
        lose: cost (log of odds) of giving it up, so that another candidate may be it.
        unmoved: what may speak (log of odds) for a candidate that has not moved since it was first seen, at most.
        rested: the same, of one that has moved, since it last did so.
        rested_share: what speaks for that beyond this counts so much.
        outside: cost (log of odds) of a ball that first appears beside the field.
        beside_m: what is no further beside the field counts as on it.

    Attributes of the decision:
        most_paths: hypotheses that are kept in each frame.
        worst_path: log of odds below the best at which one is given up.
        fill_s: gaps that are no longer are filled, from both sides.
        hold_place_s: for how long a ball that is lost is still said to be where it was.
        keep_s: moments older than that are forgotten, also if nobody says so.
        assumed_height_m: of the mast, where no ground is known.
    """

    player_sure: float = 0.3
    player_least: float = 0.08
    player_push: float = 3.0
    player_ease_s: float = 1.5
    player_gate: float = 3.6
    confirm_hits: int = 3
    confirm_s: float = 0.25
    tentative_s: float = 0.35
    coast_s: float = 2.5
    linger_s: float = 0.6
    ball_seen: float = 0.6
    ball_seen_at_player: float = 0.3
    ball_fade_s: float = 0.7
    ball_noise_px: float = 1.3
    confidence_weight: float = 1.0
    confidence_reach: float = 2.5
    clutter_s: float = 40.0
    most_candidates: int = 14
    ball_push: float = 5.0
    kick_mps: float = 7.0
    fastest_mps: float = 36.0
    reach_m: float = 0.9
    hold_s: float = 3.0
    free_gap_s: float = 1.6
    hidden_gap_s: float = 15.0
    strange_turn: float = 4.5
    lose: float = 8.0
    unmoved: float = 3.0
    rested: float = 5.0
    rested_share: float = 0.3
    outside: float = 4.0
    beside_m: float = 3.0
    most_paths: int = 64
    worst_path: float = 25.0
    fill_s: float = 5.0
    hold_place_s: float = 1.5
    keep_s: float = 120.0
    assumed_height_m: float = 8.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{field.name} must be a finite number, zero or above, not {value}")
        for name in ("player_sure", "player_least"):
            if getattr(self, name) > 1:
                raise ValueError(f"{name} is a confidence, 0 .. 1, not {getattr(self, name)}")
        for name in ("ball_seen", "ball_seen_at_player"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} is a share above 0 and below 1, not {getattr(self, name)}")
        for name in (
            "player_push", "player_ease_s", "player_gate", "ball_fade_s", "ball_noise_px", "clutter_s",
            "most_candidates", "ball_push", "kick_mps", "fastest_mps", "reach_m", "hold_s", "most_paths",
            "worst_path", "keep_s", "assumed_height_m",
        ):  # fmt: skip
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above zero")
