"""Compiled kernels on disk: what is damaged is not there, and what is half written is never seen."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from touchline.cuda.cache import CodeCache

CODE = bytes(range(256)) * 40


def test_what_was_written_is_read(tmp_path: Path) -> None:
    cache = CodeCache(tmp_path / "not" / "there" / "yet")
    key = cache.key(["text", "sm_90"])
    assert cache.read("stitch.cu", key) is None
    cache.write("stitch.cu", key, CODE)
    assert cache.read("stitch.cu", key) == CODE
    assert [file.name for file in cache.folder.iterdir()] == [f"stitch-{key}.cubin"]


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "checksum alone"])
def test_what_is_damaged_counts_as_missing_and_is_replaced(tmp_path: Path, damage: str) -> None:
    cache = CodeCache(tmp_path)
    cache.write("a.cu", "key", CODE)
    file = cache.path("a.cu", "key")
    data = bytearray(file.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 4
    file.write_bytes({"flip": data, "cut": data[:-9], "empty": b"", "checksum alone": data[:32]}[damage])
    assert cache.read("a.cu", "key") is None
    cache.write("a.cu", "key", CODE)
    assert cache.read("a.cu", "key") == CODE


def test_every_part_makes_another_key() -> None:
    keys = [["ab", "c"], ["a", "bc"], ["abc"], ["abc", ""], ["c", "ab"]]
    assert len({CodeCache.key(parts) for parts in keys}) == len(keys)


def test_a_folder_that_cannot_be_made_costs_the_cache_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = CodeCache(tmp_path / "file" / "cuda")
    cache.write("a.cu", "key", CODE)
    assert cache.read("a.cu", "key") is None


def test_the_users_cache_is_where_they_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert CodeCache().folder == tmp_path / "touchline" / "cuda"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert CodeCache().folder == Path.home() / ".cache" / "touchline" / "cuda"


def _write(folder: Path, value: int) -> None:
    for _ in range(50):
        CodeCache(folder).write("a.cu", "key", bytes([value]) * 50_000)


def test_several_processes_write_whole_files(tmp_path: Path) -> None:
    """A file that is written in place is read half by whoever starts beside."""
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(tmp_path, value)) for value in (1, 2, 3)]
    for writer in writers:
        writer.start()
    seen = set()
    cache = CodeCache(tmp_path)
    while any(writer.is_alive() for writer in writers):
        if cache.path("a.cu", "key").exists():
            seen.add(cache.read("a.cu", "key"))
    assert None not in seen
    assert seen <= {bytes([value]) * 50_000 for value in (1, 2, 3)}
    assert [file.suffix for file in tmp_path.iterdir()] == [".cubin"]
