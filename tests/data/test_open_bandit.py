"""Open Bandit: the sample is as its card says, the published layout is read, and what is broken is named."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from course_lib.data import open_bandit
from course_lib.data.cards import load_card
from course_lib.data.columns import Columns
from course_lib.data.intake import store
from course_lib.data.receipts import SHARED
from course_lib.data.registry import load, load_items, load_table, resolve, tables, trainable
from course_lib.errors import CourseError
from course_lib.settings import load_settings

HASHES = ["81ce123cbb5bd8ce818f60fb3586bba5", "03a5648a76832f83c859d46bc06cb64a"]
SIZE = {"all": 4, "men": 2, "women": 3}  # products of each campaign in the small layout


def log_csv(policy: str, campaign: str, rows: int) -> str:
    """A file as it is published: an unnamed index, times with and without fractions, one affinity for each product."""
    n = SIZE[campaign]
    names = ["", "timestamp", "item_id", "position", "click", "propensity_score"]
    names += [f"user_feature_{k}" for k in range(4)] + [f"user-item_affinity_{k}" for k in range(n)]
    lines = [",".join(names)]
    for row in range(rows):
        time = f"2019-11-24 00:00:{row % 60:02d}" + (".762830" if row % 2 else "") + "+00:00"
        chance = 1 / n if policy == "random" else 0.5
        values = [row, time, row % n, row % 3 + 1, int(row % 5 == 0), chance, *(HASHES[k % 2] for k in range(4))]
        lines.append(",".join(map(str, [*values, *[0.0] * n])))
    return "\n".join(lines) + "\n"


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as it comes out of the published zip, a folder above the policies; 7 random rows, 5 of the other."""
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    root = tmp_path / "open_bandit_dataset"
    for policy, rows in (("random", 7), ("bts", 5)):
        for campaign, n in SIZE.items():
            folder = root / policy / campaign
            folder.mkdir(parents=True)
            (folder / f"{campaign}.csv").write_text(log_csv(policy, campaign, rows))
            context = [",item_id,item_feature_0,item_feature_1,item_feature_2,item_feature_3"]
            context += [f"{k},{k},{k - 0.5},{policy}{k % 2}abcdefgh,bb,cc" for k in range(n)]
            (folder / "item_context.csv").write_text("\n".join(context) + "\n")
    return root


def test_the_sample_is_as_its_card_says() -> None:
    address = resolve(open_bandit.NAME)
    assert address.size == "sample"
    assert tables(open_bandit.NAME) == ("all", "men", "women", "products")
    products = load_table(address, "products")
    assert tuple(products.columns) == open_bandit.PRODUCT_COLUMNS
    rows = {}
    for campaign in open_bandit.CAMPAIGNS:
        log = load_table(address, campaign)
        assert tuple(log.columns) == open_bandit.IMPRESSION_COLUMNS
        n = int((products[Columns.CAMPAIGN] == campaign).sum())
        assert products.loc[products[Columns.CAMPAIGN] == campaign, Columns.ITEM].tolist() == list(range(1, n + 1))
        assert sorted(log[Columns.ITEM].unique()) == list(range(1, n + 1))
        assert sorted(log[Columns.POSITION].unique()) == [1, 2, 3]
        assert not log.isna().any().any()
        day = pd.to_datetime(log[Columns.TIME], unit="s")
        assert (day.min().date().isoformat(), day.max().date().isoformat()) == ("2019-11-24", "2019-11-30")
        rows[f"{campaign}_products"] = n
        for policy, part in log.groupby(Columns.POLICY, observed=True):
            assert part[Columns.TIME].is_monotonic_increasing
            assert rows.setdefault(f"{campaign}_impressions", len(part)) == len(part)
            rows[f"{campaign}_{policy}_clicks"] = int(part[Columns.CLICK].sum())
        random = log[log[Columns.POLICY] == "random"]
        np.testing.assert_allclose(random[Columns.PROPENSITY], 1 / n)
        learned = log[log[Columns.POLICY] == "bts"]
        assert learned[Columns.PROPENSITY].between(1e-6, 1).all()
        shown = learned.groupby([Columns.POSITION, Columns.ITEM])[Columns.PROPENSITY].agg(["min", "max", "size"])
        often = shown[shown["size"] >= 20]
        assert (often["max"] / often["min"]).median() > 50
    assert rows == load_card(open_bandit.NAME).rows


@pytest.mark.parametrize("campaign", open_bandit.CAMPAIGNS)
def test_the_logged_chances_are_those_of_what_was_shown(campaign: str) -> None:
    """Over the rows of a policy that shows everything now and then, 1 / chance is on average the number of products."""
    log = load_table(resolve(open_bandit.NAME), campaign)
    weight = 1 / log.loc[log[Columns.POLICY] == "bts", Columns.PROPENSITY]
    assert abs(weight.mean() - log[Columns.ITEM].max()) < 2.5 * weight.sem()
    assert (weight.max() == pytest.approx(1e6)) == (campaign == "women"), "one row outweighs all others there"


def test_nothing_can_be_trained_on_it() -> None:
    assert open_bandit.NAME not in trainable()
    with pytest.raises(CourseError, match="no purchase histories"):
        load(resolve(open_bandit.NAME))
    with pytest.raises(CourseError, match="no table “items”"):
        load_items(resolve(open_bandit.NAME))


@pytest.mark.parametrize("packed", [False, True])
def test_the_published_layout_is_read(packed: bool, published: Path, tmp_path: Path) -> None:
    path = published.parent
    if packed:
        path = tmp_path / "open_bandit_dataset.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in published.rglob("*.csv"):
                archive.write(file, file.relative_to(tmp_path))
    before = resolve(open_bandit.NAME)
    shares: list[float] = []
    rows = open_bandit.install(path, shares.append)
    assert rows == {f"{policy}/{campaign}": n for campaign in SIZE for policy, n in (("random", 7), ("bts", 5))}
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert resolve(open_bandit.NAME) == before
    whole = resolve(open_bandit.NAME, "full")
    log = load_table(whole, "women")
    assert log[Columns.POLICY].tolist() == ["random"] * 7 + ["bts"] * 5
    assert log[Columns.ITEM].tolist() == [1, 2, 3, 1, 2, 3, 1, 1, 2, 3, 1, 2]
    assert log[Columns.POSITION].tolist() == [1, 2, 3, 1, 2, 3, 1, 1, 2, 3, 1, 2]
    assert log[Columns.CLICK].tolist() == [True, *[False] * 4, True, False, True, *[False] * 4]
    assert log[Columns.TIME].tolist() == [1574553600 + second for second in (*range(7), *range(5))]
    assert log[Columns.PROPENSITY].tolist() == pytest.approx([1 / 3] * 7 + [0.5] * 5)
    assert set(log[Columns.VISITOR_GROUP_0]) == {"81ce123c"}
    products = load_table(whole, "products")
    assert products[Columns.CODE].tolist() == [f"{campaign} {k}" for campaign, n in SIZE.items() for k in range(n)]
    assert products[Columns.ITEM_GROUP_1].tolist()[:2] == ["random0a", "random1a"]

    with pytest.raises(CourseError, match="already"):
        open_bandit.install(path)
    assert list(load_settings().datasets.glob("open-bandit-full-*"))
    receipt = open_bandit.remove()
    assert set(receipt.files) == {"all.parquet", "men.parquet", "women.parquet", "products.parquet", "sha256.json"}
    assert receipt.version == whole.version
    assert not list(load_settings().datasets.glob("open-bandit-full-*"))
    with pytest.raises(CourseError, match="no size “full”"):
        resolve(open_bandit.NAME, "full")
    with pytest.raises(CourseError, match="no added dataset"):
        open_bandit.remove()


@pytest.mark.parametrize(
    ("column", "old", "new"),
    [
        ("item_id", ",3,1,0,0.25,", ",4,1,0,0.25,"),
        ("position", ",3,1,0,0.25,", ",3,4,0,0.25,"),
        ("click", ",3,1,0,0.25,", ",3,1,2,0.25,"),
        ("propensity_score", ",3,1,0,0.25,", ",3,1,0,0.0,"),
        ("propensity_score", ",3,1,0,0.25,", ",3,1,0,1.25,"),
        ("propensity_score", ",3,1,0,0.25,", ",3,1,0,,"),
        ("timestamp", "2019-11-24 00:00:03.762830+00:00", ""),
    ],
)
def test_a_row_that_cannot_be_is_named(column: str, old: str, new: str, published: Path) -> None:
    file = published / "random" / "all" / "all.csv"
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))
    with pytest.raises(CourseError, match=rf"random/all/all\.csv, row 5: {column} is") as caught:
        open_bandit.install(published)
    assert caught.value.key == "open_bandit_row"
    assert not open_bandit.installed().exists(), "whole or not at all"


def broken(published: Path, how: str) -> Path:
    """The layout, damaged; the path to give."""
    log, context = published / "bts" / "men" / "men.csv", published / "random" / "men" / "item_context.csv"
    if how == "missing":
        log.unlink()
    elif how == "column":
        log.write_text(log.read_text().replace("propensity_score", "pscore"))
    elif how == "word":
        log.write_text(log.read_text().replace(",0.5,", ",half,"))
    elif how == "empty":
        log.write_text("")
    elif how == "header":
        log.write_text(log.read_text().splitlines()[0] + "\n")
    elif how == "binary":
        log.write_bytes(b"\x00\xff\xfe" * 999)
    elif how == "context":
        context.write_text(context.read_text().replace("\n1,1,", "\n1,7,"))
    elif how == "no context":
        context.write_text("item_id\n0\n1\n")
    elif how == "nowhere":
        return published / "nowhere"
    elif how == "no zip":
        return log
    elif how == "cut zip":
        whole = published.parent / "whole.zip"
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in published.rglob("*.csv"):
                archive.write(file, file.relative_to(published))
        content = bytearray(whole.read_bytes())
        start = content.index(b"bts/men/men.csv") + 40
        content[start : start + 60] = bytes(60)
        whole.write_bytes(content)
        return whole
    return published


@pytest.mark.parametrize(
    ("how", "key"),
    [
        ("missing", "open_bandit_missing"),
        ("column", "open_bandit_file"),
        ("word", "open_bandit_file"),
        ("empty", "open_bandit_file"),
        ("header", "open_bandit_file"),
        ("binary", "open_bandit_file"),
        ("context", "open_bandit_file"),
        ("no context", "open_bandit_file"),
        ("nowhere", "open_bandit_path"),
        ("no zip", "open_bandit_path"),
        ("cut zip", "open_bandit_file"),
    ],
)
def test_what_cannot_be_read_is_named(how: str, key: str, published: Path) -> None:
    with pytest.raises(CourseError) as caught:
        open_bandit.install(broken(published, how))
    assert caught.value.key == key
    assert "men" in str(caught.value) or key == "open_bandit_path"
    assert str(published.parent) not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert not open_bandit.installed().exists()


def test_a_damaged_whole_is_named_and_can_be_removed(published: Path) -> None:
    open_bandit.install(published)
    (open_bandit.installed() / "men.parquet").write_bytes(b"PAR1")
    with pytest.raises(CourseError, match="damaged"):
        load_table(resolve(open_bandit.NAME, "full"), "men")
    assert json.loads((open_bandit.installed() / "sha256.json").read_text())
    assert open_bandit.remove().files["men.parquet"] == 4


def test_nobody_elses_dataset_has_its_name() -> None:
    with pytest.raises(CourseError, match="cannot be a dataset's name"):
        store.folder_of(open_bandit.NAME, SHARED)
