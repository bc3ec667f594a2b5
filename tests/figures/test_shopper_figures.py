"""Item map, attention, lists and histories: the right products in the right places."""

from __future__ import annotations

import itertools
from typing import Any

import pandas as pd
import pytest

from course_lib.figures import (
    attention_on_history,
    history_timeline,
    item_map,
    list_by_epoch,
    map_extent,
    order_matters,
)
from course_lib.figures.maps import MOST_POINTS


def test_item_map_marks_history_list_and_target(make: Any, items: pd.DataFrame) -> None:
    view = make.view(4)
    figure = item_map(items, view, view["shoppers"][0], "en")
    frame = figure.frame.set_index("item_id")
    assert frame["stop"].dropna().to_dict() == {1: 1, 2: 2, 3: 3, 4: 4, 5: 5}
    assert frame.loc[6, "rank"] == 1
    assert frame.index[frame["target"]].tolist() == [9]
    drawn = sum(len(trace["x"]) for trace in figure.plot()["data"][:-3])
    assert drawn == frame["drawn"].sum() == 24
    assert "Product 6" in figure.alt


def test_item_map_keeps_its_axes_over_the_epochs(make: Any, items: pd.DataFrame) -> None:
    views = [make.view(n) for n in range(4)]
    extent = map_extent(views)
    ranges = {str(item_map(items, view, None, "en", extent).plot()["layout"]["xaxis"]["range"]) for view in views}
    assert len(ranges) == 1
    assert extent is not None
    assert extent[1] > 22 * 0.4
    assert map_extent([]) is None


def test_products_far_away_do_not_squeeze_the_map_and_stand_at_its_edge_in_a_list() -> None:
    items = pd.DataFrame({"item_id": range(1, 301), "title_en": "a", "department": "d", "product_type": "t"})
    places = [float(n % 10) for n in range(298)]
    view = {"epoch": 1, "map": {"x": [*places, 900.0, -900.0], "y": [*places, 900.0, -900.0]}}
    figure = item_map(items, view, {"history": [299], "top": [{"item": 300}], "target": 299}, "en")
    layout, data = figure.plot()["layout"], figure.plot()["data"]
    low, high = layout["xaxis"]["range"]
    assert -1 < low < 0 < 9 < high < 10
    path, listed, target = data[-3:]
    assert path["x"] == path["y"] == target["x"] == target["y"]
    assert 9 < path["x"][0] < high
    assert low < listed["x"][0] < 0
    assert figure.frame.loc[298, "x"] == 900, "the frame holds the truth"


def test_each_type_looks_its_own_and_is_named_once_its_products_lie_together(make: Any) -> None:
    items = make.items(240)
    items["product_type"] = items["product_type_en"] = [f"kind {n // 10}" for n in range(240)]
    items["department"] = [f"d{n // 60}" for n in range(240)]
    middle = [10.0 * (n // 10) for n in range(240)]
    learned = {"map": {"x": [m + n % 10 / 10 for n, m in enumerate(middle)], "y": [50.0 * (m % 40) for m in middle]}}
    fresh = {"map": {"x": [float(n * 37 % 240) for n in range(240)], "y": [float(n * 53 % 240) for n in range(240)]}}
    plot = item_map(items, {"epoch": 3, **learned}, None, "en").plot()
    looks = {
        (colour, trace["marker"]["symbol"], kind)
        for trace in plot["data"][:-3]
        for colour, kind in zip(trace["marker"]["color"], trace["customdata"], strict=True)
    }
    assert len({(colour, symbol) for colour, symbol, _ in looks}) == len(looks) == 24
    named = [note["text"] for note in plot["layout"]["annotations"]]
    assert len(named) == len(set(named)) > 8
    assert all(note.startswith("<b>kind ") for note in named)
    assert not item_map(items, {"epoch": 0, **fresh}, None, "en").plot()["layout"]["annotations"]
    phone = item_map(items, {"epoch": 3, **learned}, None, "en", narrow=True).plot()["layout"]["annotations"]
    assert 0 < len(phone) <= len(named)


def test_item_map_of_a_large_catalogue_is_sampled_and_says_so(make: Any) -> None:
    size = MOST_POINTS + 500
    items = pd.concat([make.items(24)] * (size // 24 + 1), ignore_index=True).head(size)
    view = {"epoch": 1, "map": {"x": list(range(size)), "y": list(range(size))}}
    shopper = {"history": [7, 8], "top": [{"item": 9}], "target": 10}
    frame = item_map(items, view, shopper, "en").frame
    assert MOST_POINTS <= frame["drawn"].sum() <= MOST_POINTS + 4
    assert frame.loc[frame["item_id"].isin([7, 8, 9, 10]), "drawn"].all()


def test_attention_of_each_head_on_each_product(items: pd.DataFrame) -> None:
    figure = attention_on_history(items, [4, 5, 4], [[[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]]], "en")
    frame = figure.frame
    assert frame.groupby("head")["weight"].sum().tolist() == pytest.approx([1, 1])
    assert frame["item_id"].tolist() == [4, 5, 4] * 2
    assert frame["even"].unique() == pytest.approx([1 / 3])
    assert figure.plot()["data"][0]["z"] == [[0.2, 0.1], [0.3, 0.1], [0.5, 0.8]]
    assert figure.alt.endswith("Most on: Product 4 65%, Product 5 20%, Product 4 15%.")


def test_attention_covers_the_newest_products_when_the_model_sees_fewer(items: pd.DataFrame) -> None:
    frame = attention_on_history(items, [1, 2, 4, 5], [[[0.4, 0.6]]], "en").frame
    assert frame["position"].tolist() == [3, 4]
    assert frame["item_id"].tolist() == [4, 5]
    with pytest.raises(ValueError, match="2 weights for 1 products"):
        attention_on_history(items, [1], [[[0.4, 0.6]]], "en")


def test_long_histories_show_the_newest_rows(items: pd.DataFrame) -> None:
    figure = attention_on_history(items, list(range(1, 21)), [[[0.05] * 20]], "en")
    assert figure.frame["drawn"].sum() == 15
    assert len(figure.plot()["data"][0]["y"]) == 15


def notes(figure: Any) -> list[str]:
    """What is written into the picture."""
    return [note["text"] for note in figure.plot()["layout"]["annotations"]]


def test_names_beside_attention_and_list_are_whole(make: Any) -> None:
    items = make.items(24)
    items["product_type_en"] = "wide basketball shoes"
    items["title_en"] = "Kinlane wide basketball shoes, high-top, white and red"
    items.loc[8, "title_en"] = "a name of a learner's own that no page on earth could hold in full beside a list"
    history = [1, 2, 4]
    for narrow, name in ((False, "wide basketball shoes"), (True, "wide basketball<br>shoes")):
        figures = [
            attention_on_history(items, history, [[[0.2, 0.3, 0.5]]], "en", narrow),
            order_matters(items, history, make.matrix, "en", narrow),
        ]
        for figure in figures:
            assert set(figure.plot()["layout"]["yaxis"]["ticktext"]) == {f"🏀 {name}"}
        listed = list_by_epoch(items, [make.view(3)], 0, "en", narrow=narrow)
        words = " ".join(notes(listed)).replace("<br>", " ")
        assert words.count("Kinlane wide basketball shoes, high-top, white and red") == 9
        assert words.count("…") == 1, "the learner's only"
    wide = list_by_epoch(items, [make.view(3)], 0, "en").plot()["layout"]["margin"]["r"]
    assert 150 < wide < 250


def test_a_narrow_page_numbers_the_heads_and_names_each_layer_once(items: pd.DataFrame) -> None:
    attention = [[[0.2, 0.3, 0.5]] * 4] * 2
    wide, narrow = (attention_on_history(items, [1, 2, 3], attention, "en", form) for form in (False, True))
    assert wide.plot()["layout"]["xaxis"]["ticktext"][4] == "layer 2<br>head 1"
    axis = narrow.plot()["layout"]["xaxis"]
    assert axis["ticktext"] == ["1", "2", "3", "4"] * 2
    assert axis["tickangle"] == 0
    assert notes(narrow) == ["layer 1", "layer 2"]
    assert [note["x"] for note in narrow.plot()["layout"]["annotations"]] == [1.5, 5.5]
    assert narrow.frame.equals(wide.frame)
    assert narrow.height == wide.height, "the page does not jump when it is turned"
    crowd = attention_on_history(items, [1, 2, 3], [[[0.2, 0.3, 0.5]] * 8] * 6, "en")
    assert set(crowd.plot()["layout"]["xaxis"]["ticktext"]) == {"\u00a0"}, "48 numbers have no room"
    assert notes(crowd) == ["L1", "L2", "L3", "L4", "L5", "L6"]


def test_order_matters_masks_the_future(make: Any, items: pd.DataFrame) -> None:
    figure = order_matters(items, [1, 2, 4], make.matrix, "en")
    frame = figure.frame
    assert frame["allowed"].sum() == 6
    mask, heat = figure.plot()["data"]
    assert heat["z"] == [[1.0, None, None], [0.4, 0.6, None], [0.2, 0.3, 0.5]]
    assert mask["z"] == [[None, 1, 1], [None, None, 1], [None, None, None]]
    assert {"100%", "40%", "60%", "20%", "30%", "50%"} < set(notes(figure))
    assert figure.alt.endswith("The newest, Product 4, looks most at Product 4: 50%.")
    for rows in ([[1.0, 0.0], [0.5, 0.5]], [[1.0]] * 3):
        with pytest.raises(ValueError, match="i \\+ 1 weights"):
            order_matters(items, [1, 2], rows, "en")


def test_order_matters_without_a_model_claims_no_attention(items: pd.DataFrame) -> None:
    figure = order_matters(items, [1, 2, 3], None, "en")
    assert figure.frame["weight"].isna().all()
    assert figure.frame["allowed"].sum() == 6
    assert not any("%" in words for words in notes(figure))
    assert figure.title == "Who may look at whom?"
    assert figure.alt.startswith("No model yet")


def test_order_matters_draws_the_newest_of_a_long_history(items: pd.DataFrame) -> None:
    rows = [[1 / (place + 1)] * (place + 1) for place in range(20)]
    frame = order_matters(items, list(range(1, 21)), rows, "en").frame
    assert frame["row_item"].unique().tolist() == list(range(6, 21))
    newest = frame[frame["row"] == 15]
    assert newest["weight"].tolist() == pytest.approx([1 / 20] * 15)  # of the whole row: the rest went to older ones
    assert frame.loc[frame["column"] > frame["row"], "weight"].isna().all()


def test_list_by_epoch_follows_the_target(make: Any, items: pd.DataFrame) -> None:
    figure = list_by_epoch(items, [make.view(n) for n in (3, 1, 2)], 0, "en", name="Lin")
    target = figure.frame[figure.frame["target"]]
    assert target["epoch"].tolist() == [1, 2, 3]
    assert target["rank"].isna().tolist() == [True, True, False]
    assert target["rank"].iat[2] == 4
    assert figure.title == "How does the list for Lin change?"
    assert "rank 4" in figure.alt
    assert "not among the 10" in list_by_epoch(items, [make.view(1)], 0, "en").alt


def test_list_by_epoch_thins_long_runs_but_keeps_the_chosen_epoch(make: Any, items: pd.DataFrame) -> None:
    frame = list_by_epoch(items, [make.view(n) for n in range(41)], 0, "en", epoch=13).frame
    shown = sorted(frame.loc[frame["drawn"], "epoch"].unique())
    assert len(shown) == 9
    assert {0, 13, 40} <= set(shown)
    assert frame["epoch"].nunique() == 41


def test_list_of_an_unknown_shopper_is_empty(make: Any, items: pd.DataFrame) -> None:
    assert list_by_epoch(items, [make.view(1)], 99, "en").frame.empty


def test_timeline_widens_pauses(make: Any, items: pd.DataFrame) -> None:
    figure = history_timeline(items, make.shoppers("en", make.times), "en")
    assert figure.frame["pause_days"].tolist()[1:] == [1, 10, 50]
    x = figure.plot()["data"][1]["x"]
    assert [round(b - a, 6) for a, b in itertools.pairwise(x)] == [1, 1.3, 1.6]
    assert x[-1] == 0
    assert "Lin: Product 1, Product 2" in figure.alt
    assert notes(figure).count("type 0") == 1, "the product's name stands under its picture"
    assert [note for note in notes(figure) if "Lin" in note]
    box = figure.plot()["data"][2]
    assert (box["text"], box["marker"]["symbol"]) == (["<b>?</b>"], "square")
    assert len(history_timeline(items, make.shoppers("en", None), "en", narrow=True).frame) == 3
    untimed = history_timeline(items, make.shoppers("en", None), "en")
    assert untimed.frame["time"].isna().all()


def test_timeline_with_too_few_times_is_refused(make: Any, items: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="zip"):
        history_timeline(items, make.shoppers("en", [0.0, 1.0]), "en")
