"""The configuration: who wins, what is refused and in which words, and where secrets come from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runs import refused, touchline
from touchline.config import RunConfig, expand_secrets, load_config, parse_bytes
from touchline.errors import ConfigurationError


@pytest.fixture(autouse=True)
def no_settings_around(monkeypatch) -> None:
    """Whoever runs the tests may have settings of their own in the environment."""
    for name in list(os.environ):
        if name.upper().startswith("TOUCHLINE_"):
            monkeypatch.delenv(name)


@pytest.fixture
def toml(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "match.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def fault(flags: dict[str, object], file: Path | None = None) -> str:
    """The one line in which a configuration is refused."""
    with pytest.raises(ConfigurationError) as caught:
        load_config({"synthetic": 1, **flags}, file)
    text = str(caught.value)
    assert text.strip()
    assert "\n" not in text
    return text


def test_flag_before_environment_before_file_before_default(monkeypatch, toml) -> None:
    """Each of four settings is given by one more of the sources than the one before."""
    monkeypatch.setenv("TOUCHLINE_BITRATE", "2000")
    monkeypatch.setenv("TOUCHLINE_LEAD", "0.2")
    file = toml("synthetic = 1\nbitrate = 3000\nlead = 0.3\ndelay = 3.5\n")
    config = load_config({"bitrate": 1000, "lead": None, "delay": None, "record": []}, file)
    assert (config.bitrate, config.lead, config.delay) == (1000, 0.2, 3.5)
    assert (config.view, config.record, config.synthetic) == ("follow", [], 1)


def test_the_environment_alone_is_enough(monkeypatch) -> None:
    for name, value in (
        ("SYNTHETIC", "4"),
        ("PACE", "fast"),
        ("CODES", "true"),
        ("MEMORY_LIMIT", "2GB"),
        ("RIG", "a.json"),
    ):
        monkeypatch.setenv(f"TOUCHLINE_{name}", value)
    config = load_config({"pace": None, "codes": None})
    assert (config.synthetic, config.pace, config.codes) == (4, "fast", True)
    assert (config.memory_limit, config.rig) == (2_000_000_000, Path("a.json"))


def test_a_list_of_the_command_line_replaces_that_of_the_file(toml) -> None:
    file = toml('synthetic = 1\nrecord = ["a.mp4", "b.mp4"]\n')
    assert load_config({"record": []}, file).record == [Path("a.mp4"), Path("b.mp4")]
    assert load_config({"record": [Path("c.mp4")]}, file).record == [Path("c.mp4")]


def test_keys_of_the_file_may_be_written_as_flags_are(toml) -> None:
    config = load_config({}, toml('panorama = "p.mp4"\npanorama-fov = 160\nmemory-limit = "1.5 GiB"\n'))
    assert (config.panorama_fov, config.memory_limit) == (160.0, 1_610_612_736)
    assert load_config({}, toml('panorama = "p.mp4"\npanorama_fov = 160\n')).panorama_fov == 160.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dely = 3\n", "unknown setting 'dely'"),
        ("[run]\ndelay = 3\n", "unknown setting 'run'"),
        ("panoramic-fov = 3\n", "unknown setting 'panoramic-fov'"),
        ("delay = \n", "is not TOML"),
        ("record = 3\n", "--record"),
        ("delay = true and false\n", "is not TOML"),
    ],
)
def test_a_mistake_in_the_file_is_named(toml, text: str, says: str) -> None:
    assert says in fault({}, toml(text))


def test_a_file_that_is_none(tmp_path: Path) -> None:
    assert "nowhere.toml can't be read" in fault({}, tmp_path / "nowhere.toml")
    assert "can't be read" in fault({}, tmp_path)
    (tmp_path / "match.toml").write_bytes(b"view = \xff\xfe")
    assert "is not TOML" in fault({}, tmp_path / "match.toml")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("delay", "soon"),
        ("delay", float("nan")),
        ("delay", float("inf")),
        ("delay", -0.1),
        ("delay", 601),
        ("lead", -1),
        ("duration", 0),
        ("bitrate", 5),
        ("metrics_port", 70_000),
        ("panorama_fov", 9),
        ("projection", "flat"),
        ("blend", "smooth"),
        ("blend", "multiband:9"),
        ("seam", "wandering"),
        ("exposure", "bright"),
        ("projection_yaw", "91"),
        ("drift", "perhaps"),
        ("pace", "slow"),
        ("synthetic", -1),
        ("memory_limit", "lots"),
        ("memory_limit", "0"),
        ("overwrite", "perhaps"),
        ("stream", ["rtmp://a/b/c", 5]),
    ],
)
def test_a_wrong_value_names_its_flag(name: str, value: object) -> None:
    assert fault({name: value}).startswith(f"--{name.replace('_', '-')}: ")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"projection_yaw": 3}, "needs --projection pitch"),
        (
            {"projection": "pitch", "projection_yaw": 3, "synthetic": None, "panorama": "p.mp4"},
            "stitched here",
        ),
        ({"drift": "correct", "synthetic": None, "panorama": "p.mp4"}, "a panorama has none"),
        (
            {"drift": "correct", "memory": "nvmm", "synthetic": None, "left": "a.mp4", "right": "b.mp4"},
            "NVMM",
        ),
    ],
)
def test_what_does_not_go_together(flags: dict[str, object], message: str) -> None:
    assert message in fault(flags)


def test_a_wrong_value_in_the_environment_names_its_flag(monkeypatch) -> None:
    monkeypatch.setenv("TOUCHLINE_METRICS_PORT", "http")
    assert fault({}).startswith("--metrics-port: ")


def test_a_list_in_the_environment_is_one_value_or_json(monkeypatch) -> None:
    monkeypatch.setenv("TOUCHLINE_STREAM", "rtmp://host/live/key")
    monkeypatch.setenv("TOUCHLINE_RECORD", '["one.mp4", "two.ts"]')
    config = load_config({"synthetic": 1})
    assert config.stream == ["rtmp://host/live/key"]
    assert config.record == [Path("one.mp4"), Path("two.ts")]


@pytest.mark.parametrize("name", ["RECORD", "STREAM", "WEBCAM"])
def test_a_list_in_the_environment_that_is_none_is_refused(monkeypatch, name: str) -> None:
    monkeypatch.setenv(f"TOUCHLINE_{name}", "[one")
    assert name.lower() in fault({}).lower()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "one kind of input"),
        ({"left": "a"}, "both --left and --right"),
        ({"right": "a"}, "both --left and --right"),
        ({"left": "a", "synthetic": 1}, "both --left and --right"),
        ({"left": "a", "right": "b", "panorama": "c"}, "one kind of input"),
        ({"left": "a", "right": "b", "synthetic": 1}, "one kind of input"),
        ({"panorama": "c", "synthetic": 0}, "one kind of input"),
    ],
)
def test_exactly_one_kind_of_input(given: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        load_config(given)


def test_each_kind_of_input_alone_is_right() -> None:
    assert load_config({"left": "a", "right": "b"}).right == "b"
    assert load_config({"panorama": "c"}).panorama == "c"
    assert load_config({"synthetic": 0}).synthetic == 0


def test_memory_that_only_the_delay_by_itself_knows_is_said() -> None:
    assert "--memory gl is for the delay by itself" in fault({"memory": "gl"})


def test_secrets_come_from_the_environment_and_from_files(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CAMERA", "coach:goal")
    (tmp_path / "key.txt").write_text("live-key-1\n", encoding="utf-8")
    config = load_config(
        {
            "left": "rtsp://{env:CAMERA}@left/1",
            "right": "rtsp://{env:CAMERA}@right/1",
            "stream": [f"rtmp://host/live/{{file:{tmp_path / 'key.txt'}}}?a={{env:CAMERA}}", "srt://host:9"],
        }
    )
    assert (config.left, config.right) == ("rtsp://coach:goal@left/1", "rtsp://coach:goal@right/1")
    assert config.stream == ["rtmp://host/live/live-key-1?a=coach:goal", "srt://host:9"]
    assert expand_secrets("{env}{file:}{other:x}") == "{env}{file:}{other:x}"
    assert expand_secrets(None) is None


def test_what_a_secret_brings_is_not_expanded_again(monkeypatch) -> None:
    monkeypatch.setenv("OUTER", "{env:INNER}")
    monkeypatch.setenv("INNER", "x")
    assert expand_secrets("{env:OUTER}") == "{env:INNER}"


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("{env:NO_SUCH_KEY}", "no variable NO_SUCH_KEY"),
        ("{file:/nowhere/key}", "{file:/nowhere/key} can't be read"),
        ("{file:~nobody-of-that-name/key}", "can't be read"),
    ],
)
def test_a_secret_that_is_missing(reference: str, says: str) -> None:
    assert says in fault({"stream": [f"rtmp://host/live/{reference}"]})


def test_no_error_shows_a_secret(monkeypatch, tmp_path: Path) -> None:
    """Neither what a reference brought nor what the other settings hold, whichever setting is wrong."""
    monkeypatch.setenv("KEY", "topsecret")
    binary = tmp_path / "key.bin"
    binary.write_bytes(b"topsecret\xff")
    held = {"stream": ["rtmp://coach:topsecret@host/live/topsecret", "rtmp://host/live/{env:KEY}"]}
    for wrong in (
        {"delay": "x"},
        {"stream": [*held["stream"], 5]},
        {"panorama": "rtsp://coach:topsecret@host/"},
        {"nonsense": "topsecret"},
        {"stream": [*held["stream"], f"rtmp://h/l/{{file:{binary}}}"]},
        {"left": "rtsp://coach:topsecret@host/"},
    ):
        assert "topsecret" not in fault({**held, **wrong})


@pytest.mark.parametrize("wrong", [("--left", "ftp://coach:topsecret@host/a"), ("--view", "sideways")])
def test_no_refusal_of_the_command_line_shows_a_secret(tmp_path: Path, wrong: tuple[str, str]) -> None:
    done = touchline(
        *("run", "--right", "rtsp://coach:topsecret@host/b", "--left", "rtsp://coach:topsecret@host/a"),
        *("--stream", "rtmp://host/live/{env:KEY}", *wrong),
        KEY="topsecret",
    )
    refused(done, 2)
    assert "topsecret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", 0),
        ("123", 123),
        ("1k", 1000),
        ("2GB", 2_000_000_000),
        ("500 MB", 500_000_000),
        ("1.5GiB", 1_610_612_736),
        (" 1 tib ", 2**40),
        ("0.1 B", 0),
        ("1.001kB", 1001),
    ],
)
def test_amounts_of_memory(text: str, amount: int) -> None:
    assert parse_bytes(text) == amount


@pytest.mark.parametrize("text", ["", "GB", "-1", "1e9", "1,5GB", "2 GB RAM", "1BB", "1Bi", "1 k i", "nan"])
def test_what_is_no_amount_of_memory(text: str) -> None:
    with pytest.raises(ValueError, match="written as 2GB"):
        parse_bytes(text)


# Among them the letters that a pattern without case takes for i, k and s.
@given(st.one_of(st.text(), st.text("019. kKmMgGtTiIbB\u0130\u0131\u017f\u212a\u0663\n", max_size=8)))
@example("1k\u0130B")
@example("9" * 5000)
def test_any_text_is_an_amount_or_is_refused(text: str) -> None:
    try:
        amount = parse_bytes(text)
    except ValueError:
        return
    assert isinstance(amount, int)
    assert amount >= 0


def test_a_configuration_can_not_be_changed_later() -> None:
    config = load_config({"synthetic": 1})
    assert isinstance(config, RunConfig)
    with pytest.raises(ValueError, match="frozen"):
        config.delay = 3.0


def test_how_the_pictures_are_joined() -> None:
    joint = load_config({"synthetic": 1, "blend": "multiband:3", "seam": "adaptive"}).joint
    assert (joint.levels, joint.adaptive) == (3, True)
    assert load_config({"synthetic": 1}).joint.plain


@pytest.mark.parametrize("memory", ["cuda", "nvmm"])
@pytest.mark.parametrize("flag", [{"blend": "multiband"}, {"seam": "adaptive"}])
def test_a_joint_that_only_the_processor_makes_is_refused_elsewhere(
    memory: str, flag: dict[str, str]
) -> None:
    said = fault({"memory": memory, **flag})
    assert "--memory system" in said
    assert next(iter(flag)) in said


def test_a_panorama_has_no_seam_to_choose() -> None:
    assert "stitched already" in fault({"synthetic": None, "panorama": "p.mp4", "seam": "adaptive"})
