"""The plan of the house: which folder may import which, how long a module may be, and no import cycles."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "touchline"

# From the ground up: a part imports only parts above it in this list.
ORDER = (
    "cuda",
    "gst",
    "delay",
    "geometry",
    "synth",
    "capture",
    "panorama",
    "analysis",
    "director",
    "render",
    "programme",
    "deepstream",
    "telemetry",
    "config",
    "soak",
    "engine",
    "cli",
)
# The package itself (its version) and these two: any part may import them.
EVERYWHERE = ("", "errors", "counters")
THE_SPORT = ("panorama", "analysis", "director")  # of which gst and delay know nothing
THIRD_PARTY = {"geometry": {"numpy"}}  # parts that promise to use no more than this
LONGEST = 400


class Module(NamedTuple):
    """A module, ``name`` relative to the package ("delay.store"; a folder's __init__ is "delay")."""

    name: str
    path: Path
    tree: ast.Module


class Import(NamedTuple):
    module: Module
    line: int
    target: str  # as it would be written absolutely: "numpy.typing", "touchline.gst.nv12"

    def __str__(self) -> str:
        return (
            f"{self.module.path.name} (touchline.{self.module.name}) line {self.line} imports {self.target}"
        )


def modules(source: Path) -> list[Module]:
    found = []
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Module(name, path, ast.parse(path.read_text(encoding="utf-8"), str(path))))
    return found


def imports(module: Module) -> Iterator[Import]:
    """Every import, also those inside functions, under TYPE_CHECKING and by a literal name at run time."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = ["touchline", *filter(None, module.name.split("."))]
                if module.path.name != "__init__.py":
                    package.pop()
                base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [base])])
            for alias in node.names:
                yield Import(module, node.lineno, f"{base}.{alias.name}")
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0] if node.args else None
            if called in ("import_module", "__import__") and isinstance(first, ast.Constant):
                yield Import(module, node.lineno, str(first.value))


def resolve(target: str, known: set[str]) -> str | None:
    """The module of the package that ``target`` names ("gst.nv12" for "touchline.gst.nv12.Nv12"), or None."""
    parts = target.split(".")
    if parts[0] != "touchline":
        return None
    for end in range(len(parts), 0, -1):
        if (name := ".".join(parts[1:end])) in known:
            return name
    return ""


def faults(source: Path) -> list[str]:
    """Every breach of the house's rules under ``source``, one line each."""
    found = modules(source)
    known = {module.name for module in found} | {""}
    graph: dict[str, set[str]] = {}
    said = []
    for module in found:
        length = len(module.path.read_text(encoding="utf-8").splitlines())
        if length > LONGEST:
            said.append(f"touchline.{module.name} has {length} lines; a module has at most {LONGEST}")
        targets = graph.setdefault(module.name, set())
        for one in imports(module):
            inside = resolve(one.target, known)
            if inside is None:
                said += outside_fault(one)
                continue
            if inside != "" or module.name == "":
                targets.add(inside)
            said += order_fault(one, inside)
    return said + [f"import cycle: {' -> '.join('touchline.' + m for m in c)}" for c in cycles(graph)]


def order_fault(one: Import, inside: str) -> list[str]:
    part, target = one.module.name.split(".")[0], inside.split(".")[0]
    if part == "__main__":  # python -m touchline: a door to the command line
        part = "cli"
    if part in EVERYWHERE:
        return [] if target in EVERYWHERE else [f"{one}: what everybody imports may import nothing"]
    if target in EVERYWHERE or part == target:
        return []
    for name in (part, target):
        if name not in ORDER:
            return [f"{one}: {name} has no place in the plan of the house"]
    if part in ("cuda", "gst", "delay") and target in THE_SPORT:
        return [f"{one}: GStreamer and the delay know nothing of the sport"]
    if ORDER.index(target) > ORDER.index(part):
        return [f"{one}: {target} is below {part} in the plan of the house"]
    return []


def outside_fault(one: Import) -> list[str]:
    part, target = one.module.name.split(".")[0], one.target.split(".")[0]
    if part not in THIRD_PARTY or target in sys.stdlib_module_names or target in THIRD_PARTY[part]:
        return []
    return [f"{one}: {part} uses nothing but {', '.join(sorted(THIRD_PARTY[part]))}"]


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Each cycle that a depth-first walk closes, as the modules along it, first and last the same."""
    closed, done = [], set()

    def walk(module: str, trail: list[str]) -> None:
        if module in trail:
            closed.append([*trail[trail.index(module) :], module])
        elif module not in done:
            for target in sorted(graph.get(module, ())):
                walk(target, [*trail, module])
            done.add(module)

    for module in sorted(graph):
        walk(module, [])
    return closed


def test_the_house_keeps_its_rules() -> None:
    said = faults(SOURCE)
    assert not said, "\n" + "\n".join(said)


def test_every_folder_has_its_place() -> None:
    folders = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()}
    assert {"gst", "geometry"} <= folders  # the right place is being looked at
    assert folders <= set(ORDER)


def house(root: Path, files: dict[str, str]) -> Path:
    for name, text in ({"__init__.py": "", "errors.py": ""} | files).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_good_house_is_let_pass(tmp_path: Path) -> None:
    files = {
        "__main__.py": "from touchline.cli import main",
        "gst/__init__.py": "from touchline.gst.shares import share",
        "gst/shares.py": "import gi\nfrom touchline import __version__\nfrom touchline.errors import InputError",
        "geometry/__init__.py": "",
        "geometry/view.py": "import math\nimport numpy.typing\nfrom ..errors import RigError\nfrom . import rig",
        "geometry/rig.py": "import json",
        "config.py": "from touchline.geometry import rig",
        "engine/__init__.py": "from touchline.config import Config\nfrom touchline.gst import share",
        "cli/__init__.py": "from touchline.engine import run",
    }
    assert faults(house(tmp_path, files)) == []


@pytest.mark.parametrize(
    ("files", "module", "imported"),
    [
        ({"gst/a.py": "import touchline.panorama"}, "touchline.gst.a", "touchline.panorama: GStreamer"),
        ({"delay/a.py": "from touchline.analysis import b"}, "touchline.delay.a", "touchline.analysis.b"),
        ({"geometry/a.py": "from touchline.synth.b import c"}, "touchline.geometry.a", "touchline.synth.b.c"),
        ({"geometry/a.py": "def f():\n    import cv2"}, "touchline.geometry.a) line 2", "cv2"),
        ({"geometry/a.py": "from scipy import linalg"}, "touchline.geometry.a", "scipy.linalg"),
        ({"render/a.py": "from ..engine import b"}, "touchline.render.a", "touchline.engine.b"),
        (
            {"render/a.py": "import importlib\nimportlib.import_module('touchline.cli')"},
            "render.a",
            "touchline.cli",
        ),
        ({"programme/a.py": "from touchline.config import C"}, "touchline.programme.a", "touchline.config.C"),
        ({"errors.py": "from touchline.gst import a"}, "touchline.errors", "touchline.gst.a"),
        ({"__init__.py": "from touchline.gst import a"}, "__init__.py", "touchline.gst.a"),
        ({"tools/a.py": "import touchline.gst"}, "touchline.tools.a", "tools has no place"),
        ({"gst/a.py": "\n" * 401}, "touchline.gst.a", "401 lines"),
        (
            {"gst/a.py": "from touchline.gst import b", "gst/b.py": "import touchline.gst.a"},
            "import cycle: touchline.gst.a",
            "touchline.gst.b -> touchline.gst.a",
        ),
        (
            {"gst/__init__.py": "from touchline.gst.b import c", "gst/b.py": "from touchline.gst import d"},
            "import cycle: touchline.gst",
            "touchline.gst.b -> touchline.gst",
        ),
    ],
)
def test_each_breach_is_named(tmp_path: Path, files: dict[str, str], module: str, imported: str) -> None:
    folders = [f"{name}/__init__.py" for name in (*ORDER, "tools") if name != "config"]
    said = faults(house(tmp_path, dict.fromkeys(folders, "") | {"config.py": ""} | files))
    assert len(said) == 1, said
    assert module in said[0]
    assert imported in said[0]
