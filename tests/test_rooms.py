"""Who may reach whom: every import, inside of functions too, against docs/architecture.md."""

import ast
import os
import pathlib
import subprocess
import sys

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "tf_ttur"
GROUND = {"errors", "players", "registry", "wording"}
# {room: the rooms that it may import from}. Every room may import from the ground.
MAY_REACH = {
    "errors": set(),
    "players": set(),
    "registry": set(),
    "wording": set(),
    "io": set(),
    "losses": {"io"},
    "models": {"io"},
    "optimizers": {"io"},
    "theory": {"io"},
    "data": {"io"},
    "metrics": {"data", "io"},
    "config": {"losses", "models", "optimizers", "data", "metrics", "io"},
    "runs": {"config", "io"},
    "training": {
        *("runs", "config", "losses", "models", "optimizers", "data", "metrics", "theory", "io"),
    },
    "keras": {"training", "losses", "metrics", "data", "io"},
    "studies": {"runs", "config", "data", "metrics", "theory", "io"},
    "reports": {"studies", "runs", "config", "metrics", "data", "theory", "io"},
    "commands": {
        *("reports", "training", "studies", "runs", "config", "losses", "models", "optimizers"),
        *("data", "metrics", "theory", "io"),
    },
    "train": {"commands", "training"},
    "__main__": {"commands"},
}
# What must be importable without TensorFlow, which takes seconds.
QUICK = [
    *("registry", "config", "runs", "commands", "commands.flags", "commands.program"),
    *("losses", "models", "optimizers", "data", "metrics", "metrics.statistics"),
    *("metrics.frechet", "metrics.sides", "metrics.measures", "commands.fid", "commands.train"),
    "train",
]


def room_of(path):
    """The first part of a module's name below the package."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path):
    """{room: line} of every import of this package in a file."""
    rooms = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "tf_ttur":
            names = [f"tf_ttur.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            if name.startswith("tf_ttur."):
                rooms.setdefault(name.split(".")[1], node.lineno)
    return rooms


def files():
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def test_every_room_is_in_the_list():
    assert {room_of(path) for path in files()} == set(MAY_REACH)


def test_no_room_reaches_what_it_may_not():
    wrong = []
    for path in files():
        room = room_of(path)
        allowed = MAY_REACH[room] | GROUND | {room}
        for other, line in imported_rooms(path).items():
            if other not in allowed:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {other}")
    assert wrong == []


def test_the_list_has_no_circle():
    order = list(MAY_REACH)
    for room, others in MAY_REACH.items():
        assert all(order.index(other) < order.index(room) for other in others), room


def test_a_fid_reaches_neither_training_nor_networks():
    """Nor does anything that it imports on the way."""
    seen = set()
    waiting = [PACKAGE / "commands/fid.py"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        modules = modules_of(path)
        # At run time the package itself imports nothing.
        waiting += [each for each in modules if each.is_file() and each != PACKAGE / "__init__.py"]
    rooms = {room_of(path) for path in seen if path.parent != PACKAGE}
    assert not rooms & {"training", "studies", "theory"}
    assert not {"tf_ttur/models/dcgan.py", "tf_ttur/losses/pairs.py"} & {
        str(path.relative_to(ROOT)) for path in seen
    }


def modules_of(path):
    """The files that a file imports, inside of functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tf_ttur"):
            for alias in node.names:
                for name in (node.module, f"{node.module}.{alias.name}"):
                    place = ROOT / name.replace(".", "/")
                    yield place.with_suffix(".py")
                    yield place / "__init__.py"


@pytest.mark.parametrize("name", QUICK)
def test_is_imported_without_tensorflow(name):
    code = f"import sys, tf_ttur.{name}; print({{'tensorflow', 'keras'}} & set(sys.modules))"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == "set()"


def test_public_functions_are_typed():
    missing = []
    for path in files():
        for name, function in public_functions(ast.parse(path.read_text(encoding="utf-8")), ""):
            arguments = function.args
            named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            named += [extra for extra in (arguments.vararg, arguments.kwarg) if extra]
            named = [argument for argument in named if argument.arg not in ("self", "cls")]
            if function.returns is None or any(argument.annotation is None for argument in named):
                missing.append(f"{path.relative_to(ROOT)}:{function.lineno} {name}")
    assert missing == []


def public_functions(tree, prefix):
    """(name, node) of the functions and methods of a module or class that others may call."""
    for node in tree.body:
        is_public = not getattr(node, "name", "_").startswith("_") or prefix
        if isinstance(node, ast.FunctionDef) and is_public:
            if not node.name.startswith("_") or node.name in ("__init__", "__call__"):
                yield f"{prefix}{node.name}", node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node, f"{node.name}.")


def test_long_functions_say_why():
    """A function of more than 60 lines has a comment that starts with "Long:"."""
    long = []
    for path in [*files(), *pathlib.Path(ROOT / "configs").glob("*.py")]:
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 60:
                body = text.splitlines()[node.lineno - 1 : node.end_lineno]
                if not any(line.strip().startswith("# Long:") for line in body):
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert long == []
