"""A frozen split comes back as it was, and a changed one is refused with a sentence."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from course_lib.data.frozen import beside, freeze, thaw
from course_lib.data.histories import Split
from course_lib.data.registry import load, resolve
from course_lib.data.splits import checksum, global_time, leave_one_out
from course_lib.errors import CourseError


@pytest.fixture(scope="module", params=[leave_one_out, global_time])
def split(request: pytest.FixtureRequest) -> Split:
    made: Split = request.param(load(resolve("shop", "tiny")))
    return made


def test_comes_back_as_it_was(split: Split, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "shop.split"
    digest = freeze(split, path)
    again = thaw(path, digest)
    assert again.name == split.name
    assert checksum(again) == checksum(split)
    for before, after in ((split.validation, again.validation), (split.test, again.test)):
        assert before.targets.dtype == after.targets.dtype
        assert before.histories.items.dtype == after.histories.items.dtype


def test_the_checksum_is_sha256_as_its_tools_write_it(split: Split, tmp_path: Path) -> None:
    path = tmp_path / "shop.split"
    digest = freeze(split, path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
    assert beside(path).read_text(encoding="ascii") == f"{digest}  shop.split\n"
    assert freeze(split, tmp_path / "again.split") == digest  # equal splits, equal bytes
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "again.split", "again.split.sha256", "shop.split", "shop.split.sha256",
    ]  # fmt: skip


def test_a_changed_split_is_refused_in_both_languages(split: Split, tmp_path: Path) -> None:
    path = tmp_path / "shop.split"
    digest = freeze(split, path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1  # one bit of one number
    path.write_bytes(content)
    for expected in (None, digest):
        with pytest.raises(CourseError) as caught:
            thaw(path, expected)
        assert caught.value.key == "split_changed"
        for language in ("en", "zh"):
            sentence = caught.value.text(language)
            for part in ("shop.split", digest[:16], hashlib.sha256(content).hexdigest()[:16]):
                assert part in sentence


def test_another_split_is_refused_whatever_lies_beside_it(split: Split, tmp_path: Path) -> None:
    wanted = freeze(split, tmp_path / "a.split")
    other = Split(split.name, split.train, split.test, split.validation)
    assert freeze(other, tmp_path / "a.split") != wanted
    thaw(tmp_path / "a.split")
    with pytest.raises(CourseError, match=wanted[:16]):
        thaw(tmp_path / "a.split", wanted)


@pytest.mark.parametrize("lost", ["", ".sha256"])
def test_a_split_that_is_not_there_says_so(split: Split, tmp_path: Path, lost: str) -> None:
    freeze(split, tmp_path / "a.split")
    (tmp_path / f"a.split{lost}").unlink()
    with pytest.raises(CourseError) as caught:
        thaw(tmp_path / "a.split")
    assert caught.value.key == "split_missing"
    beside(tmp_path / "a.split").write_text("", encoding="ascii")
    with pytest.raises(CourseError, match=r"a\.split"):
        thaw(tmp_path / "a.split")
