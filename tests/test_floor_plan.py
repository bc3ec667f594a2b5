"""The house's floor plan: who may import whom, what the web process never loads, and rules that hold for every file."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from course_lib.experiments.catalogue import experiment_cards

PROJECT = Path(__file__).resolve().parent.parent
LIBRARY = PROJECT / "course_lib"

# From the ground up: a room may import from rooms on lower floors and from its own.
FLOORS = (
    ("text", "settings", "errors", "code_version"),
    ("data", "shop"),
    ("models", "evaluation"),
    ("training", "explain"),
    ("experiments",),
    ("runs",),
    ("course",),
    ("figures",),
    ("ui",),
    ("pages", "app"),
)
# The command line stands beside the pages: it may use every room below them, but no screen.
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
FLOOR |= {"cli": len(FLOORS) - 1, "__main__": len(FLOORS)}
# Doors between rooms of one floor, each with its reason.
DOORS = {
    ("errors", "text"): "an error is a sentence",
    ("settings", "errors"): "a variable may be wrong",
    ("code_version", "settings"): "it has to know where the course lies",
    ("data", "shop"): "the registry of datasets names the shop",
    ("shop", "data"): "its events and products have the columns of the one schema",
}
# Facts about models, training and experiments, in files without torch, so that the web process may read them.
TORCH_FREE_FACTS = {
    *("course_lib.models.catalogue", "course_lib.training.settings", "course_lib.training.recipe"),
    *(f"course_lib.experiments.{name}" for name in ("catalogue", "config", "events", "light", "recipes")),
    *("course_lib.evaluation.cost", "course_lib.evaluation.scaling"),  # arithmetic on a few numbers of finished runs
    # A language model at an address is asked, and its texts are checked, where the learner sits: string work alone.
    *("course_lib.models.writer_address", "course_lib.explain.reason_texts"),
    *("course_lib.evaluation.true_reasons", "course_lib.evaluation.few_texts"),
    "course_lib.evaluation.orders",  # and on the ten places of a list
    "course_lib.experiments.message_drafts",  # a light one, whose check reads what a learner types
}
# Experiments that are answered where the question is asked; those that run are the workers' business.
LIGHT = {card.module for card in experiment_cards().values() if card.light}

SCREEN = {"ui", "pages", "app"}
ABOVE_RUNS = {"course", "figures", *SCREEN}
WEB = {"text", "settings", "errors", "code_version", "runs", "cli", "__main__", *ABOVE_RUNS}
SCRIPTS = {"course_lib.ui.front.page"}  # run by Streamlit like the pages, never imported; tests/app opens them
# What the web process never imports
WORKERS = {"course_lib.runs.worker", "course_lib.runs.artefacts", "course_lib.runs.ray_bridge"}
HEAVY = {"torch", "transformers", "ray"}
FILES = sorted([*LIBRARY.rglob("*.py"), *(PROJECT / "pages").glob("*.py"), PROJECT / "app.py"])


def room_of(module: str) -> str:
    """``course_lib.data.splits`` is in room ``data``, ``pages.home`` in ``pages``, ``course_lib`` itself in none."""
    parts = module.split(".")
    return (parts[1] if len(parts) > 1 else "") if parts[0] == "course_lib" else parts[0]


def module_of(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def name_of(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and module of every import, inside functions too. ``from a import b`` gives a.b where that is a module."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno} imports relatively; write the whole name"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                place = PROJECT / inner.replace(".", "/")
                yield node.lineno, inner if place.is_dir() or place.with_suffix(".py").is_file() else str(node.module)


def misplaced(path: Path) -> list[str]:
    """Imports of the course's own rooms that the floor plan does not allow."""
    here = room_of(module_of(path))
    wrong = []
    for line, module in imported(path):
        if module.split(".")[0] not in ("course_lib", "pages", "app"):
            continue
        there = room_of(module)
        if there in ("", here) or (here, there) in DOORS:
            continue
        if FLOOR[there] >= FLOOR[here]:
            wrong.append(f"{name_of(path)}:{line} ({here}) imports {module} ({there})")
    return wrong


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_room_imports_only_from_rooms_below(path: Path) -> None:
    assert misplaced(path) == []


@pytest.mark.parametrize("path", [path for path in FILES if module_of(path) in TORCH_FREE_FACTS | LIGHT], ids=name_of)
def test_facts_name_no_heavy_package(path: Path) -> None:
    """But where only a type checker reads it, or inside a function that the workers call."""
    tree = tree_of(path)
    heavy = [
        node.lineno
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
        if name.split(".")[0] in HEAVY | {"safetensors"}
    ]
    assert heavy == []


def test_every_room_has_its_floor() -> None:
    rooms = {room_of(module_of(path)) for path in FILES} - {""}
    assert rooms <= set(FLOOR)


@pytest.mark.parametrize("path", [path for path in FILES if room_of(module_of(path)) not in SCREEN], ids=name_of)
def test_only_the_screen_knows_streamlit(path: Path) -> None:
    assert [line for line, module in imported(path) if module.split(".")[0] == "streamlit"] == []


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if room_of(module_of(path)) in WEB and module_of(path) not in WORKERS],
    ids=name_of,
)
def test_web_rooms_name_no_heavy_package(path: Path) -> None:
    assert [line for line, module in imported(path) if module.split(".")[0] in HEAVY] == []


@pytest.mark.parametrize(
    "path", [path for path in FILES if room_of(module_of(path)) in {"course", "figures", *SCREEN}], ids=name_of
)
def test_web_rooms_read_only_facts_about_models(path: Path) -> None:
    """Not even inside a function: the web process asks a worker."""
    rooms = {"models", "training", "explain", "evaluation", "experiments"}
    wrong = [module for _, module in imported(path) if room_of(module) in rooms and module not in TORCH_FREE_FACTS]
    assert wrong == []


# What the rooms that make and read datasets may know of the shop: the registry takes SOURCE, which hands out observable
# columns only, from these modules. They make the shop, with its truth, so nothing else of them is theirs.
# course_lib.shop.truth is the door to everything else, and this is the rule that keeps it shut for them.
OBSERVABLE = ("course_lib.shop.source", "course_lib.shop.trends", "course_lib.shop.baskets")
REGISTRY = "course_lib.data.registry"
IMPORTERS = ("import_module", "__import__", "find_spec", "spec_from_file_location", "run_module", "run_path")


def ways_to_the_truth(module: str, tree: ast.Module, modules: list[str]) -> list[str]:
    """What in a file of the rooms data and models could lead to the shop's truth. ``modules`` are those it imports."""
    allowed = OBSERVABLE if module == REGISTRY else ()
    wrong = [f"imports {one}" for one in modules if room_of(one) == "shop" and one not in allowed]
    names = {alias.asname or alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
             for alias in node.names if f"{node.module}.{alias.name}" in OBSERVABLE}  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "course_lib.shop.truth" in node.value:
            wrong.append(f"line {node.lineno}: names the door")
        if isinstance(node, ast.ImportFrom) and node.module in OBSERVABLE:
            wrong += [f"line {node.lineno}: takes {alias.name}" for alias in node.names if alias.name != "SOURCE"]
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in names and node.attr != "SOURCE":
                wrong.append(f"line {node.lineno}: takes {node.attr}")
            if (node.value.id, node.attr) == ("sys", "modules"):
                wrong.append(f"line {node.lineno}: sys.modules")
        called = ast.unparse(node.func).split(".")[-1] if isinstance(node, ast.Call) else ""
        if called in IMPORTERS:
            assert isinstance(node, ast.Call)
            name = ast.unparse(node.args[0]).lstrip("f").strip("'\"") if node.args else ""
            if not re.match(r"course_lib\.models\.", name):  # the room's own, found by walking its folder
                wrong.append(f"line {node.lineno}: {called}() of a name put together")
    return wrong


@pytest.mark.parametrize(
    "path", [path for path in FILES if room_of(module_of(path)) in {"data", "models"}], ids=name_of
)
def test_no_loader_split_or_model_knows_the_truth(path: Path) -> None:
    """Not inside a function either, nor by a name put together, nor through the shop that the source makes."""
    assert ways_to_the_truth(module_of(path), tree_of(path), [module for _, module in imported(path)]) == []


@pytest.mark.parametrize(
    "line",
    [
        "from course_lib.shop.truth import satisfaction",
        "from course_lib.shop.published import shop",
        "from course_lib.shop import source\nsource.shop()",
        "from course_lib.shop import trends\ntrends.trending(world, 9)",
        "from course_lib.shop.world import make_world",
        "import importlib\nimportlib.import_module('course_lib.shop.' + 'truth')",
        "from importlib import import_module\nimport_module(name)",
        "__import__('course_lib.shop.truth')",
        "import sys\nsys.modules['course_lib.shop.' + 'truth']",
    ],
)
@pytest.mark.parametrize("module", ["course_lib.models.popularity", "course_lib.data.splits", REGISTRY])
def test_a_way_to_the_truth_would_be_seen(module: str, line: str, tmp_path: Path) -> None:
    path = tmp_path / "planted.py"
    path.write_text(line, encoding="utf-8")
    assert ways_to_the_truth(module, ast.parse(line), [one for _, one in imported(path)])


def test_loading_the_shop_does_not_open_the_truth() -> None:
    """A Python that has imported every loader and the shop's source has nothing of the truth in memory."""
    modules = [module_of(path) for path in FILES if room_of(module_of(path)) == "data"]
    loaded = modules_loaded_by([*modules, *OBSERVABLE])
    assert "course_lib.shop.simulate" in loaded  # the modules were really imported
    assert not {name for name in loaded if name.startswith("course_lib.shop.truth")}


def test_course_alone_knows_the_database() -> None:
    users = {
        room_of(module_of(path)) for path in FILES for _, module in imported(path) if module.startswith("sqlalchemy")
    }
    assert users <= {"course"}


LOAD = """
import importlib, json, os, sys
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""


def modules_loaded_by(modules: list[str]) -> set[str]:
    """What is in memory after a fresh Python has imported ``modules``."""
    command = [sys.executable, "-W", "ignore", "-c", LOAD, json.dumps(modules)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def loaded_by(modules: list[str]) -> set[str]:
    """The packages of it."""
    return {name.split(".")[0] for name in modules_loaded_by(modules)}


def test_web_process_never_loads_torch() -> None:
    """Every module that the server or a page may import, and app.py itself as the server imports it."""
    web = [
        module_of(path)
        for path in FILES
        if room_of(module_of(path)) in WEB - {"pages", "__main__"} and module_of(path) not in WORKERS | SCRIPTS
    ]
    packages = loaded_by([*web, *sorted(TORCH_FREE_FACTS | LIGHT)])
    assert {"streamlit", "pandas"} <= packages  # the modules were really imported
    assert not packages & HEAVY


def test_help_loads_nothing_heavy() -> None:
    packages = loaded_by([module_of(path) for path in FILES if room_of(module_of(path)) == "cli"])
    assert not packages & (HEAVY | {"pandas", "numpy", "streamlit"})


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_module_says_what_it_is(path: Path) -> None:
    if path.name != "__init__.py" or path.stat().st_size:
        assert ast.get_docstring(tree_of(path))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_can_be_read_aloud(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 400


def forbidden(tree: ast.Module) -> list[str]:
    """Uses of eval, exec, pickle and what unpickles behind a friendly name."""
    wrong = []
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("eval", "exec", "compile")
        ):
            wrong.append(f"line {node.lineno}: {node.func.id}()")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            said = ast.unparse(node.func)
            if re.fullmatch(
                r"(torch\.(load|save)|pd\.(read_pickle|eval)|pandas\.read_pickle|.+\.to_pickle|joblib\..+)", said
            ):
                wrong.append(f"line {node.lineno}: {said}()")
            if any(word.arg == "allow_pickle" and ast.unparse(word.value) != "False" for word in node.keywords):
                wrong.append(f"line {node.lineno}: {said}(allow_pickle=...)")
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            wrong += [f"line {node.lineno}: {name}" for name in names if name.split(".")[0] in PICKLERS]
    return wrong


EVALUATES = re.compile(r"eval|exec|compile|torch\.(load|save)|(pd|pandas)\.(read_pickle|eval)|.+\.to_pickle")
PICKLERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_nothing_is_unpickled_or_evaluated(path: Path) -> None:
    assert forbidden(tree_of(path)) == []


def test_forbidden_finds_what_it_looks_for() -> None:
    bad = ["eval('1')", "import pickle", "from joblib import load", "torch.load(f)", "np.load(f, allow_pickle=True)"]
    assert all(forbidden(ast.parse(line)) for line in bad)
    assert not forbidden(ast.parse("np.load(f, allow_pickle=False)\nmodel.eval()\nre.compile('x')"))


# What makes a browser or a server load something, in Python, JavaScript, CSS, HTML, SVG and Streamlit's settings.
LOADS = re.compile(
    r"""(?:\bsrc\s*=|\burl\(|@import\s|\bimport\s*\(|\bfrom\s+|\bfetch\(|\burl\s*=|<link\b[^>]*href\s*=|urlopen\(|requests\.\w+\()"""
    r"""\s*["'(]*\s*(?:https?:)?//(?!localhost|127\.0\.0\.1)[\w.-]+"""
)
FOLDERS = (LIBRARY, PROJECT / "pages", PROJECT / "static", PROJECT / ".streamlit")
KINDS = {".py", ".js", ".css", ".html", ".svg", ".toml"}
SOURCES = sorted(
    {PROJECT / "app.py"} | {path for folder in FOLDERS for path in folder.rglob("*") if path.suffix in KINDS}
)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nothing_is_loaded_from_outside(path: Path) -> None:
    assert LOADS.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        '<script src="https://cdn.example.org/a.js">',
        "@import 'https://fonts.example.org/css'",
        "url(//example.org/a.woff2)",
        "const x = await import('https://example.org/x.js')",
        'url = "https://fonts.example.org/x.woff2"',
        'fetch("http://example.org")',
    ],
)
def test_loading_from_outside_is_seen(line: str) -> None:
    assert LOADS.search(line)


def test_the_readme_lists_the_rooms_from_the_ground_up() -> None:
    listed = (PROJECT / "README.md").read_text(encoding="utf-8").split("| room |")[1]
    floors = [FLOOR[room] for room in re.findall(r"^\| \[`(\w+)/`\]", listed, re.MULTILINE) if room in FLOOR]
    assert len(floors) > 10
    assert floors == sorted(floors)
