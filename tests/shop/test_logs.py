"""The shop's further tables: the parts' own frames, versions that cover what makes them, names that can be chosen."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from course_lib.data import cache, registry
from course_lib.data.dataset import Dataset
from course_lib.errors import CourseError
from course_lib.settings import load_settings
from course_lib.shop import logs, source
from course_lib.shop.behaviour import behaviour_frame
from course_lib.shop.coupons import coupon_frame
from course_lib.shop.departments import departments
from course_lib.shop.logs import PARTS, chosen
from course_lib.shop.satisfaction import feedback_frame
from course_lib.shop.search import queries_frame, search_log
from course_lib.shop.simulate import events_frame
from course_lib.shop.slates import slate_log
from course_lib.shop.world import World

SHOP = Path(source.__file__).parent
FOUNDATION = {*source.CODE, "parameters"}  # in the version of the purchases: parameters by what it reads
WHOLE: dict[str, Callable[[World, int], pd.DataFrame]] = {
    "queries": lambda world, shoppers: queries_frame(world),
    "searches": lambda world, shoppers: search_log(world, shoppers).searches,
    "results": lambda world, shoppers: search_log(world, shoppers).results,
    "slates": slate_log,
    "behaviour": behaviour_frame,
    "coupons": coupon_frame,
    "feedback": feedback_frame,
    "departments_train": lambda world, shoppers: departments(world, events_frame(world, shoppers)).train,
    "departments_test": lambda world, shoppers: departments(world, events_frame(world, shoppers)).test,
}


def test_every_table_is_tried() -> None:
    assert set(WHOLE) == set(registry.source("shop").tables)


@pytest.mark.parametrize("table", WHOLE)
def test_a_table_is_the_parts_own_frame_in_its_order(
    table: str, world: World, dataset: Dataset, blocks_of: Callable[[int], None], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Made in several blocks, then read again; types and categories too."""
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path))
    blocks_of(250)
    wanted = WHOLE[table](world, dataset.num_users)
    for _ in range(2):
        found = registry.load_table(dataset.address, table)
        pd.testing.assert_frame_equal(found, wanted, check_exact=True)
    folder = registry.table_folder(dataset.address, table)
    assert cache.sound(folder, (table,))
    assert registry.table_shape(dataset.address, table) == (len(wanted), tuple(wanted.columns))


def test_a_damaged_table_is_made_anew(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path))
    wanted = registry.load_table(dataset.address, "coupons")
    path = registry.table_folder(dataset.address, "coupons") / "coupons.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    pd.testing.assert_frame_equal(registry.load_table(dataset.address, "coupons"), wanted)
    assert cache.sound(path.parent, ("coupons",))


def test_a_home_that_cannot_be_written_still_gives_its_tables(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = registry.load_table(dataset.address, "feedback")
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "file" / "home"))
    pd.testing.assert_frame_equal(registry.load_table(dataset.address, "feedback"), wanted)
    assert registry.table_shape(dataset.address, "feedback") == (len(wanted), tuple(wanted.columns))


def test_whoever_changes_a_table_changes_only_his_own(dataset: Dataset) -> None:
    mine = registry.load_table(dataset.address, "queries")
    mine.loc[:, "text"] = "changed"
    assert "changed" not in set(registry.load_table(dataset.address, "queries")["text"])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_unknown_table_is_told_with_the_known_ones(language: str, dataset: Dataset) -> None:
    for ask in (registry.load_table, registry.table_shape):
        with pytest.raises(CourseError) as caught:
            ask(dataset.address, "utilities")
        sentence = caught.value.text(language)
        assert all(name in sentence for name in ("utilities", "events", "items", *WHOLE))


def imports(name: str) -> set[str]:
    """The files of the shop that a file of it imports, inside functions too, itself included."""
    found, waiting = set(), [name]
    while waiting:
        one = waiting.pop()
        if one in found or one in FOUNDATION:
            continue
        found.add(one)
        for node in ast.walk(ast.parse((SHOP / f"{one}.py").read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if isinstance(node, ast.ImportFrom):
                names += [f"{node.module}.{alias.name}" for alias in node.names]
            inside = [one[len("course_lib.shop.") :] for one in names if one.startswith("course_lib.shop.")]
            waiting += [path for one in inside if (SHOP / f"{(path := one.replace('.', '/'))}.py").exists()]
    return found


@pytest.mark.parametrize("name", PARTS)
def test_a_parts_version_covers_every_file_that_makes_it(name: str) -> None:
    """What its first file imports from the shop, and what that imports: a change anywhere there is a new version."""
    part = PARTS[name]
    assert imports(part.code[0]) | {"parts"} == set(part.code)
    assert len(set(part.code)) == len(part.code)


def test_versions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One for each part and size; a part's own file changes its own and no other, nor that of the purchases."""
    before = {name: source.part_version(part, "tiny") for name, part in PARTS.items()}
    assert len({*before.values(), source.version("tiny")}) == len(before) + 1
    assert all(len(version) == 12 and int(version, 16) >= 0 for version in before.values())
    assert source.part_version(PARTS["coupons"], "small") != before["coupons"]
    read = Path.read_bytes

    def edited(path: Path) -> bytes:
        return read(path) + (b"#" if path.name == "coupons.py" and path.parent.name == "shop" else b"")

    monkeypatch.setattr(Path, "read_bytes", edited)
    after = {name: source.part_version(part, "tiny") for name, part in PARTS.items()}
    assert {name for name in PARTS if after[name] != before[name]} == {"coupons"}
    address = registry.resolve("shop", "tiny")
    assert address.version == source.version("tiny")
    assert registry.table_folder(address, "coupons").parent == load_settings().datasets


def test_parts_are_chosen_by_name() -> None:
    assert chosen("") == ()
    assert chosen("slates, search") == ("search", "slates")
    assert chosen("all") == chosen("slates,all") == tuple(PARTS)
    for language in ("en", "zh"):
        with pytest.raises(CourseError) as caught:
            chosen("slates,utilities")
        assert all(name in caught.value.text(language) for name in ("utilities", logs.ALL, *PARTS))
