"""The time between two recordings from sound: the same noise of a crowd, late by a fraction of a sample."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.fft import irfft, rfft, rfftfreq

from touchline.errors import OffsetError
from touchline.panorama.offset import Estimate, choose, later_words
from touchline.panorama.offset_sound import Sound, offset_from_sound
from touchline.synth.audio import render_audio

RATE = 48000


def crowd(seconds: float, seed: int = 1) -> np.ndarray:
    """Noise whose loudness comes and goes, with less and less of it at high frequencies."""
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE)
    spectrum = rfft(rng.normal(size=count))
    spectrum /= 1 + rfftfreq(count, 1 / RATE) / 800
    swell = 1 + 0.8 * np.sin(np.arange(count) / RATE * 2.1) ** 2
    return irfft(spectrum, count) * swell


def moved(sound: np.ndarray, samples: float) -> np.ndarray:
    """The same, earlier by any number of samples; the end comes round to the beginning."""
    turn = np.exp(2j * np.pi * rfftfreq(len(sound)) * samples)
    return irfft(rfft(sound) * turn, len(sound))


def pair(later_s: float, noise: float = 0.0, seconds: float = 6.0) -> tuple[Sound, Sound]:
    """A left recording, and one that was started later, by another microphone in another place."""
    whole = crowd(seconds + 8)
    rng = np.random.default_rng(9)
    cut = 4 * RATE, round((4 + seconds) * RATE)
    recorded = []
    for shift in (0.0, later_s * RATE):
        own = moved(whole, shift)[cut[0] : cut[1]]
        recorded.append(own + noise * np.std(own) * rng.normal(size=len(own)))
    return Sound(0.0, recorded[0], RATE), Sound(0.0, -0.3 * recorded[1], RATE)


@pytest.mark.parametrize("later_s", [0.0, 0.0123456, -1.2500042, 2.9])
def test_to_a_fraction_of_a_sample(later_s: float) -> None:
    found = offset_from_sound(*pair(later_s))
    assert abs(found.offset_s - later_s) < 0.2 / RATE
    assert found.sigma_s < 0.001
    assert found.rival < 0.2


def test_noise_as_loud_as_the_sound() -> None:
    found = offset_from_sound(*pair(0.4321, noise=1.0))
    assert abs(found.offset_s - 0.4321) < 1e-4


def test_recordings_whose_times_begin_elsewhere() -> None:
    left, right = pair(0.5)
    found = offset_from_sound(Sound(0.021, left.samples, RATE), Sound(0.7, right.samples, RATE))
    assert found.offset_s == pytest.approx(0.5 + 0.021 - 0.7, abs=1e-5)


def test_sound_that_repeats_itself_says_nothing_for_sure() -> None:
    """The click of the synthetic match, once a second."""
    ticks = render_audio(0, 8 * RATE).astype(float)
    with pytest.raises(OffsetError, match=r"does not say for sure.*the next one has (9\d|8\d|7\d|100) %"):
        offset_from_sound(Sound(0, ticks, RATE), Sound(0, ticks[RATE // 4 :], RATE))


def test_what_is_not_the_same_sound() -> None:
    left, _ = pair(0.0)
    with pytest.raises(OffsetError, match="does not say for sure"):
        offset_from_sound(left, Sound(0, crowd(6, seed=2), RATE))
    with pytest.raises(OffsetError, match="silence"):
        offset_from_sound(left, Sound(0, np.zeros(6 * RATE), RATE))
    with pytest.raises(OffsetError, match="less than 1 s"):
        offset_from_sound(left, Sound(0, left.samples[: RATE // 2], RATE))
    with pytest.raises(OffsetError, match="within 3 s"):
        offset_from_sound(*pair(3.5))
    assert offset_from_sound(*pair(3.5), reach_s=4).offset_s == pytest.approx(3.5, abs=1e-4)
    with pytest.raises(ValueError, match="can't be compared"):
        offset_from_sound(left, Sound(0, left.samples, 44100))


SEEN = Estimate(0.510, 0.002, 0.9, 0.1)
HEARD = Estimate(0.5234, 0.0001, 0.4, 0.1)
UNSURE = OffsetError("too dark")


def test_sound_counts_where_the_pictures_agree() -> None:
    found = choose(SEEN, HEARD, 0.04)
    assert (found.offset_s, found.sigma_s, found.used, found.clash) == (0.5234, 0.0001, "sound", None)
    assert found.facts() == [
        (
            "time between them",
            "the right recording was started 0.5234 s later than the left one "
            "(by sound, ±0.1 ms; pictures and sound agree)",
        )
    ]


def test_a_clash_is_told_and_the_pictures_count() -> None:
    found = choose(SEEN, Estimate(0.6, 0.0001, 0.4, 0.1), 0.04)
    assert (found.offset_s, found.used) == (0.51, "pictures")
    assert found.clash is not None
    assert "0.510 s by the pictures, 0.600 s by the sound" in found.clash
    assert found.facts()[1] == ("pictures and sound", found.clash)


def test_one_of_them_is_enough() -> None:
    assert choose(SEEN, None, 0.04).used == "pictures"
    assert choose(SEEN, UNSURE, 0.04).offset_s == 0.51
    assert choose(UNSURE, HEARD, 0.04).offset_s == 0.5234


def test_neither_is_no_offset_and_says_why() -> None:
    found = choose(UNSURE, OffsetError("too quiet"), 0.04)
    assert (found.offset_s, found.used) == (0.0, "neither")
    assert found.facts() == [("time between them", "not found, taken as none: too dark; too quiet")]


def test_an_offset_in_words() -> None:
    assert later_words(1.25) == "the right recording was started 1.25 s later than the left one"
    assert later_words(-0.04) == "the right recording was started 0.04 s earlier than the left one"
    assert later_words(0.00001) == "both recordings were started at the same moment"
