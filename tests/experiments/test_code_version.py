"""The version of a run's code: what it imports decides, nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from course_lib import code_version as module
from course_lib.code_version import code_version, file_of, import_closure, module_of

FILES = {
    "experiments/one.py": "from course_lib.tools import helper\ndef run():\n    from course_lib.late import thing\n",
    "experiments/other.py": "from course_lib.data import registry\n",
    "tools.py": "from course_lib.errors import CourseError\nfrom course_lib.deep.inner import name\nhelper = 1\n",
    "deep/__init__.py": "",
    "deep/inner.py": "import torch\nname = 2\n",
    "late.py": "thing = 3\n",
    "data/__init__.py": "",
    "data/registry.py": "import course_lib.data.loader\n",
    "data/loader.py": "x = 1\n",
    "errors.py": "CourseError = ValueError\n",
    "unused.py": "y = 1\n",
    "circle.py": "from course_lib import circle\nimport course_lib.late\n",
}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small course_lib that a test may change."""
    for name, source in FILES.items():
        path = tmp_path / "course_lib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    monkeypatch.setattr(module, "PROJECT", tmp_path)
    return tmp_path / "course_lib"


def version(*modules: str) -> str:
    code_version.cache_clear()
    return code_version(*(f"course_lib.experiments.{one}" for one in modules))


@pytest.fixture(autouse=True)
def forget() -> None:
    """Versions of made-up files are not remembered for the real ones."""
    yield
    code_version.cache_clear()


def test_the_closure_follows_imports_inside_functions_too(house: Path) -> None:
    assert import_closure("course_lib.experiments.one") == (
        "course_lib.deep.inner", "course_lib.experiments.one", "course_lib.late", "course_lib.tools",
    )  # fmt: skip


def test_it_stops_at_the_registry_and_at_sentences(house: Path) -> None:
    """The data have a version of their own."""
    assert import_closure("course_lib.experiments.other") == ("course_lib.data", "course_lib.experiments.other")
    assert import_closure("course_lib.errors") == ()


def test_a_circle_ends(house: Path) -> None:
    assert import_closure("course_lib.circle") == ("course_lib.circle", "course_lib.late")


@pytest.mark.parametrize("name", ["experiments/one.py", "tools.py", "deep/inner.py", "late.py"])
def test_every_file_of_the_closure_counts(house: Path, name: str) -> None:
    before = version("one")
    (house / name).write_text(FILES[name] + "# another\n", encoding="utf-8")
    assert version("one") != before
    (house / name).write_text(FILES[name], encoding="utf-8")
    assert version("one") == before


@pytest.mark.parametrize(
    "name", ["experiments/other.py", "data/registry.py", "data/loader.py", "errors.py", "unused.py"]
)
def test_nothing_else_counts(house: Path, name: str) -> None:
    before = version("one")
    (house / name).write_text(FILES[name] + "# another\n", encoding="utf-8")
    (house / "experiments" / "third.py").write_text("import course_lib.tools\n", encoding="utf-8")
    assert version("one") == before


def test_line_ends_do_not_count(house: Path) -> None:
    before = version("one")
    for name in FILES:
        (house / name).write_bytes(FILES[name].replace("\n", "\r\n").encode())
    assert version("one") == before


def test_a_module_more_is_another_version(house: Path) -> None:
    assert version("one") != version("one", "other")
    assert version("one", "other") == version("other", "one")


def test_the_version_of_torch_counts_where_it_is_used(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, without = version("one"), version("other")
    monkeypatch.setattr(module, "_installed", lambda package: "99")
    assert version("one") != before
    assert version("other") == without


def test_files_and_modules() -> None:
    path = file_of("course_lib.models.sasrec")
    assert path is not None
    assert module_of(path) == "course_lib.models.sasrec"
    package = file_of("course_lib.data")
    assert package is not None
    assert module_of(package) == "course_lib.data"
    assert file_of("numpy.linalg") is None
    assert file_of("course_lib.nowhere") is None


def test_what_a_run_is_compared_with_is_part_of_its_version() -> None:
    """Counted models, oracle, splits and metrics decide a result of next_item as much as the model itself."""
    closure = import_closure("course_lib.experiments.next_item")
    for name in ("models.markov", "models.item_knn", "models.popularity", "models.ease", "shop.truth.next_product",
                 "data.splits", "evaluation.metrics", "training.loop", "explain.reading"):  # fmt: skip
        assert f"course_lib.{name}" in closure
    for name in ("models.gru4rec", "models.bert4rec", "text", "settings", "errors", "data.registry"):
        assert f"course_lib.{name}" not in closure
    assert not [name for name in closure if name.split(".")[1] in ("runs", "course", "figures", "ui", "cli")]
