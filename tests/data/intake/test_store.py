"""Added datasets: stored whole or not at all, read back as sources, owned, and removed with a receipt."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from course_lib.data import registry
from course_lib.data.checks import check
from course_lib.data.intake import store
from course_lib.data.intake.pipeline import Prepared
from course_lib.data.receipts import SHARED
from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.settings import load_settings

Take = Callable[..., Prepared]


@pytest.fixture
def made(file: Callable[..., Path], shop_csv: str, take: Take) -> Prepared:
    return take(file(shop_csv))


def key_of(error: pytest.ExceptionInfo[CourseError]) -> str:
    return error.value.key


def test_a_shared_dataset_is_a_dataset_like_any_other(made: Prepared) -> None:
    card = store.save(made, "mugs", source="my shop", licence="mine")
    assert "mugs" in registry.sources()
    address = registry.resolve("mugs")
    assert (address.size, address.version) == ("full", card.version)
    dataset = registry.load(address)
    assert check(dataset) == ()
    pd.testing.assert_frame_equal(dataset.events, made.events)
    pd.testing.assert_frame_equal(registry.load_items(address), made.items)
    assert RunConfig.make(data={"dataset": "mugs"}).dataset == address
    assert store.read_card("mugs") == card
    assert card.told() == made.report
    assert card.counts == {
        "events": 12, "users": 3, "items": 3, "baskets": 12, "first": "2024-01-01", "last": "2024-01-04",
    }  # fmt: skip
    assert card.licence == {"zh": "mine", "en": "mine"}
    assert card.input["bytes"] > 100


def test_the_version_is_of_the_content(made: Prepared, take: Take, file: Callable[..., Path], shop_csv: str) -> None:
    same = take(file(shop_csv.replace(",", ";"), "other.csv"))
    other = take(file(shop_csv.replace("u0", "u9", 1).replace("i1", "i7"), "third.csv"))
    versions = [store.content_hash(one.events, one.items) for one in (made, same, other)]
    assert versions[0] == versions[1] != versions[2]


def test_what_belongs_to_one_learner_is_seen_by_that_learner(made: Prepared) -> None:
    anna, bert = (store.save(made, "shop-1", owner) for owner in ("anna", "bert"))
    assert anna.key != bert.key
    assert set(registry.sources("anna")) - set(registry.sources()) == {anna.key}
    assert bert.key not in registry.sources("anna")
    assert not any("anna" in key for key in registry.sources("anna"))  # the public name does not give the owner away
    assert registry.load(registry.resolve(bert.key)).num_users == 3  # a worker has the name only
    store.remove("shop-1", "bert")
    assert anna.key in registry.sources("anna")
    with pytest.raises(CourseError) as error:
        registry.resolve(bert.key)
    assert key_of(error) == "unknown_dataset"
    assert "anna" not in error.value.text("en")


def test_a_removal_has_a_receipt(made: Prepared) -> None:
    card = store.save(made, "mugs", "anna")
    folder = store.folder_of("mugs", "anna")
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    receipt = store.remove("mugs", "anna")
    assert (receipt.name, receipt.owner, receipt.version) == ("mugs", "anna", card.version)
    assert receipt.files == sizes
    assert receipt.bytes == sum(sizes.values())
    assert receipt.when >= card.made
    assert not folder.parent.exists()
    with pytest.raises(CourseError) as error:
        store.remove("mugs", "anna")
    assert key_of(error) == "intake_no_dataset"


def test_all_that_a_learner_has_goes_at_once(made: Prepared) -> None:
    for name in ("a", "b"):
        store.save(made, name, "anna")
    store.save(made, "c")
    assert [receipt.name for receipt in store.remove_all("anna")] == ["a", "b"]
    assert [card.name for card in store.added("anna")] == ["c"]
    assert store.remove_all("nobody") == []


@pytest.mark.parametrize(
    "name", ["", "Shop", "a b", "../x", "a/b", "x" * 41, "-a", "shop", "complete-journey", "a~b", ".a"]
)
def test_names_are_plain_and_free(made: Prepared, name: str) -> None:
    for call in (lambda: store.save(made, name), lambda: store.remove(name), lambda: store.read_card(name)):
        with pytest.raises(CourseError) as error:
            call()
        assert key_of(error) == "intake_name"


@pytest.mark.parametrize("owner", ["", "..", "a/b", "x" * 65, "a b"])
def test_owners_are_plain(made: Prepared, owner: str) -> None:
    with pytest.raises(CourseError) as error:
        store.save(made, "mugs", owner)
    assert key_of(error) == "intake_owner"


def test_a_taken_name_is_kept(made: Prepared) -> None:
    first = store.save(made, "mugs")
    with pytest.raises(CourseError) as error:
        store.save(made, "mugs")
    assert key_of(error) == "intake_name_taken"
    assert store.save(made, "mugs", replace=True).version == first.version


def test_nothing_is_left_where_writing_fails(made: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(CourseError) as error:
        store.save(made, "mugs")
    assert key_of(error) == "intake_not_stored"
    assert "No space left" in error.value.text("zh")
    assert list((load_settings().home / "data" / "shared").iterdir()) == []


@pytest.mark.parametrize("name", ["events.parquet", "items.parquet"])
def test_damage_is_found_and_can_be_removed(made: Prepared, name: str) -> None:
    store.save(made, "mugs")
    path = store.folder_of("mugs", SHARED) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(CourseError) as error:
        registry.load(registry.resolve("mugs"))
    assert key_of(error) == "intake_damaged"
    store.remove("mugs")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", json.dumps({"format": 1, "name": "mugs"})])
def test_a_damaged_card_hides_one_dataset_only(made: Prepared, content: str) -> None:
    store.save(made, "mugs")
    store.save(made, "cups")
    (store.folder_of("mugs", SHARED) / store.CARD).write_text(content)
    assert "cups" in registry.sources()
    assert "mugs" not in registry.sources()
    with pytest.raises(CourseError) as error:
        store.read_card("mugs")
    assert key_of(error) == "intake_damaged"
    assert store.remove("mugs").version == ""


def test_no_added_dataset_takes_the_name_of_a_built_in_one() -> None:
    assert set(store.BUILT_IN) == set(registry.built_in())


def test_what_is_staged_is_nobodys_until_it_is_adopted(made: Prepared, tmp_path: Path) -> None:
    place = load_settings().home / "uploads" / "anna" / "dataset"
    staged = store.stage(made, place)
    assert (staged.name, staged.owner) == ("", "")
    assert store.staged(place) == staged
    assert not list(store.added("anna"))
    card = store.adopt(place, "mugs", "anna", source="my shop", licence="mine", currency="€")
    assert (card.name, card.owner, card.source, card.licence["zh"], card.currency) == (
        "mugs", "anna", "my shop", "mine", "€",
    )  # fmt: skip
    assert (card.version, card.counts) == (staged.version, staged.counts)
    assert not place.exists()
    assert check(registry.load(registry.resolve(card.key))) == ()
    pd.testing.assert_frame_equal(store.load(card)[0], made.events)
    store.stage(made, place)
    for name, key in (("mugs", "intake_name_taken"), ("Mugs", "intake_name")):
        with pytest.raises(CourseError) as error:
            store.adopt(place, name, "anna")
        assert key_of(error) == key
    assert place.exists()
    with pytest.raises(CourseError) as error:
        store.adopt(place.with_name("nothing"), "cups", "anna")
    assert key_of(error) == "intake_no_dataset"


def test_prices_have_the_sign_of_their_dataset(made: Prepared) -> None:
    card = store.save(made, "mugs", "anna")
    signs = {name: registry.currency(name) for name in ("shop", "complete-journey", card.key, "gone")}
    assert signs == {"shop": "¥", "complete-journey": "$", card.key: "", "gone": ""}


def test_what_is_too_long_for_a_card_is_refused(made: Prepared) -> None:
    for given in ({"source": "a" * 501}, {"licence": "a" * 501}):
        with pytest.raises(CourseError) as caught:
            store.save(made, "long", **given)
        assert caught.value.text("en").startswith(f"“{next(iter(given))}” has 501 characters")
    assert store.save(made, "long", source="a" * 500).source == "a" * 500
