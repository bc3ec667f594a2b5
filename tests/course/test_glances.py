"""What the Data page shows is computed elsewhere, is the same as if it were computed here, and is kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from course_lib.course import glances
from course_lib.data.dataset import Address
from course_lib.data.registry import resolve


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path))
    return tmp_path


def never(*_: object, **__: object) -> None:
    raise AssertionError("it was computed once more")


def test_an_overview_is_the_same_from_another_process_and_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    address = resolve("shop", "tiny")
    assert address is not None
    expected = glances._make_overview(address.name, address.size, address.version)
    monkeypatch.setattr(glances, "make_overview", never)  # not in this process
    found = glances.overview_of(address)
    monkeypatch.setattr(glances.subprocess, "run", never)
    for one in (found, glances.overview_of(address)):
        for field in dataclasses.fields(one):
            np.testing.assert_array_equal(getattr(one, field.name), getattr(expected, field.name))
        assert one.samples == expected.samples
    other = Address(address.name, address.size, "of another version")
    with pytest.raises(AssertionError):
        glances.overview_of(other)


def test_of_an_added_dataset_nothing_stays(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def computed(name: str, words: tuple[str, ...], folder: Path) -> bool:
        asked.append(folder)
        return glances.main(str(folder), name, "shop", *words[1:]) == 0

    shop = resolve("shop", "tiny")
    assert shop is not None
    monkeypatch.setattr(glances, "_computed", computed)
    found = glances.overview_of(Address("mine~somebody", "tiny", shop.version))
    assert found.address.name == "mine~somebody"
    assert found.events > 0
    assert home not in asked[0].parents
    assert not asked[0].exists()


@pytest.mark.parametrize(("name", "words"), [("portrait", ("3",)), ("glance", ())])
def test_what_is_written_is_what_is_read(tmp_path: Path, name: str, words: tuple[str, ...]) -> None:
    kind = glances.KINDS[name]
    made = kind.make(*words)
    glances.cache.write(tmp_path / "it", kind.frames(made))
    found = glances.cache.read(tmp_path / "it", kind.names)
    assert found is not None
    same(made, kind.read(*words, *found))


def same(one: object, two: object) -> None:
    """Equal down to the types of the arrays."""
    assert type(one) is type(two)
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, two)
    elif isinstance(one, np.ndarray):
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two)
    elif isinstance(one, tuple):
        for left, right in zip(one, two, strict=True):
            same(left, right)
    elif dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            same(getattr(one, field.name), getattr(two, field.name))
    else:
        assert one == two


def test_without_another_process_it_is_computed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(glances.subprocess, "run", broken)
    address = resolve("shop", "tiny")
    assert address is not None
    assert glances.overview_of(address).events > 0
