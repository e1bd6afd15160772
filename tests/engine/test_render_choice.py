"""What --render means: which of the two is held, why, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.config import FurtherProgramme, RunConfig, load_config
from touchline.cuda.probe import Link
from touchline.engine.memory import choose_memory
from touchline.engine.pairs import check_render, choose_render, needs_panorama
from touchline.engine.settings import check_settings
from touchline.errors import ConfigurationError, MissingCudaError
from touchline.gst.caps import packed_bytes
from touchline.panorama.pair import PairLayout

HD = PairLayout((1280, 720), (1280, 720))
CUDA = [Link("NVIDIA driver", True, "for CUDA 13.0"), Link("GPU", True, "NVIDIA H100")]
VIEWS = ("follow", "fixed:0,-8,40", "panorama")

even = st.integers(1, 3000).map(lambda half: 2 * half)
sizes = st.tuples(even, even)


def config(**settings: object) -> RunConfig:
    return load_config({"synthetic": 1, "memory": "system", **settings})


def with_views(render: str, views: list[str], replays: bool) -> RunConfig:
    more = [FurtherProgramme(name=f"p{n}", view=view, replay=replays) for n, view in enumerate(views[1:])]
    return config(render=render, view=views[0], programme=more, history=2.0)


@given(
    sizes,
    sizes,
    sizes,
    st.lists(st.sampled_from(VIEWS), min_size=1, max_size=3),
    st.booleans(),
    st.booleans(),
)
def test_auto_holds_what_is_smaller_of_what_can_be_had(
    left: tuple[int, int],
    right: tuple[int, int],
    panorama: tuple[int, int],
    views: list[str],
    replays: bool,
    able: bool,
) -> None:
    pair = PairLayout(left, right)
    choice = choose_render(with_views("auto", views, replays), pair, panorama, able=able)
    both, one = packed_bytes("NV12", *pair.size), packed_bytes("NV12", *panorama)
    possible = able and "panorama" not in views
    assert choice.name == ("direct" if possible and both < one else "panorama")
    assert both >= packed_bytes("NV12", *left) + packed_bytes("NV12", *right)
    if possible:
        assert f"{both / 1e6:.2f} MB a frame" in choice.reason
        assert f"takes {one / 1e6:.2f} MB" in choice.reason
    assert "\n" not in str(choice)


@given(sizes, st.lists(st.sampled_from(VIEWS), min_size=1, max_size=3), st.booleans())
def test_what_was_asked_for_is_held_whatever_it_takes_or_refused(
    panorama: tuple[int, int], views: list[str], able: bool
) -> None:
    assert choose_render(with_views("panorama", views, False), HD, panorama, able=able).name == "panorama"
    asked = with_views("direct", views, False)
    if able and "panorama" not in views:
        assert choose_render(asked, HD, panorama).name == "direct"
        return
    with pytest.raises(ConfigurationError, match=r"--render direct can't be had: .*use --"):
        choose_render(asked, HD, panorama, able=able)


def test_the_choice_says_its_sums() -> None:
    assert str(choose_render(config(), HD, (2096, 568))) == (
        "panorama (whichever holds less: 2 x 1280x720 take 2.76 MB a frame; a panorama of 2096x568 takes 1.79 MB)"
    )
    assert str(choose_render(config(render="direct"), HD, (2096, 568))).startswith("direct (as asked for; ")
    assert choose_render(config(), HD, (2800, 800)).name == "direct"


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"view": "panorama"}, "the programme main shows the panorama"),
        (
            {"programme": [FurtherProgramme(name="coach", view="panorama")]},
            "the programme coach shows the panorama",
        ),
        ({"synthetic": None, "panorama": "a.mp4"}, "--panorama brings one picture that is stitched already"),
        ({"seam": "adaptive"}, "an adaptive seam or bands join panoramas"),
        ({"blend": "multiband"}, "an adaptive seam or bands join panoramas"),
        ({"exposure": "signal"}, "exposures are matched as factors of the signal in panoramas"),
        ({"drift": "correct"}, "--drift correct turns the panorama after the cameras"),
        ({"memory": "cuda"}, "in --memory cuda views are rendered from panoramas"),
        (
            {"synthetic": None, "left": "a.mp4", "right": "b.mp4", "memory": "nvmm"},
            "in --memory nvmm views are rendered from panoramas",
        ),
    ],
)
def test_direct_is_refused_before_anything_is_opened(settings: dict, why: str) -> None:
    asked = config(render="direct", **settings)
    with pytest.raises(ConfigurationError) as refusal:
        check_settings(asked)
    assert str(refusal.value) == f"--render direct can't be had: {why}; use --render panorama or auto"
    assert refusal.value.exit_code == 2
    check_render(config(**settings))
    assert needs_panorama(config(**settings)) == why


def test_a_gpu_is_not_taken_for_direct() -> None:
    choice = choose_memory(config(memory="auto", render="direct"), CUDA)
    assert choice.name == "system"
    assert "views are rendered from panoramas on it; use --render panorama" in choice.reason
    with pytest.raises(MissingCudaError, match="--render panorama"):
        choose_memory(config(memory="cuda", render="direct"), CUDA)
    assert choose_memory(config(memory="auto"), CUDA).name == "cuda"
