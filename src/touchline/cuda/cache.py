"""Compiled kernels on disk, so that only the first start on a machine compiles."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

_DIGEST = hashlib.sha256().digest_size


class CodeCache:
    """Blocks of machine code by key, each with its checksum: what is damaged counts as not there.

    A folder that can't be written costs time at every start and nothing else.

    Args:
        folder: of the files; by default ``touchline/cuda`` in the user's cache (``XDG_CACHE_HOME``).
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or _default_folder()

    @staticmethod
    def key(parts: Iterable[str]) -> str:
        """A key over everything that the code depends on."""
        total = hashlib.sha256()
        for part in parts:
            data = part.encode()
            total.update(len(data).to_bytes(8, "little") + data)
        return total.hexdigest()[:40]

    def path(self, name: str, key: str) -> Path:
        """Where a block lies, if it is there."""
        return self.folder / f"{Path(name).stem}-{key}.cubin"

    def read(self, name: str, key: str) -> bytes | None:
        """A block; None if it is not there, or damaged."""
        try:
            data = self.path(name, key).read_bytes()
        except OSError:
            return None
        code = data[_DIGEST:]
        return code if code and hashlib.sha256(code).digest() == data[:_DIGEST] else None

    def write(self, name: str, key: str, code: bytes) -> None:
        """Puts a block there, whole or not at all, also when several processes do so at once."""
        with contextlib.suppress(OSError):  # a full or read-only disk: the next start compiles again
            self.folder.mkdir(parents=True, exist_ok=True)
            number, temporary = tempfile.mkstemp(dir=self.folder, suffix=".part")
            try:
                with os.fdopen(number, "wb") as file:
                    file.write(hashlib.sha256(code).digest() + code)
                os.replace(temporary, self.path(name, key))
            except OSError:
                os.unlink(temporary)
                raise


def _default_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or ""
    return (Path(base) if base else Path.home() / ".cache") / "touchline" / "cuda"
