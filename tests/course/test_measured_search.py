"""What the search lesson concludes holds for the numbers that its runs have measured."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from course_lib.cli import measure
from course_lib.course.lessons import load_course
from course_lib.experiments.light import answer_light

RECORD: dict[str, Any] = tomllib.loads(measure.FILE.read_text(encoding="utf-8"))["search"]
KINDS = ("head", "tail", "brand", "mixed", "misspelt", "need", "synonym")


def number(name: str) -> float:
    """A printed value; percent as a share."""
    value = str(RECORD[name])
    return float(value.strip("%").replace(",", "")) / (100 if "%" in value else 1)


def ends(name: str) -> tuple[float, float]:
    """Both ends of a printed range, as the English text has it."""
    low, high = re.findall(r"[-−]?\d*\.\d+", str(RECORD.get(name) or RECORD[f"{name}_en"]))
    return float(low.replace("−", "-")), float(high.replace("−", "-"))


@pytest.mark.parametrize("kind", ["head", "tail", "brand", "mixed"])
def test_words_beat_meaning_where_the_query_says_the_title(kind: str) -> None:
    assert ends(f"{kind}_gap")[1] < 0


@pytest.mark.parametrize("kind", ["misspelt", "need", "synonym", "zh_en", "en_zh"])
def test_meaning_beats_words_where_they_differ(kind: str) -> None:
    assert ends(f"{kind}_gap")[0] > 0


def test_letters_are_best_for_slips() -> None:
    assert number("misspelt_letters") > max(number("misspelt_words"), number("misspelt_meaning"))


def test_the_sum_beats_each_alone_but_not_in_every_kind() -> None:
    assert number("kinds_both") > max(number(f"kinds_{one}") for one in ("words", "letters", "meaning"))
    assert ends("kinds_gain_range")[0] > 0
    assert number("brand_both") < number("brand_words")
    for kind in ("need", "synonym"):
        assert number(f"{kind}_both") < number(f"{kind}_meaning") + 0.01


def test_words_cannot_cross_languages() -> None:
    assert max(number("zh_en_words"), number("en_zh_words")) < 0.05


def test_training_helps_over_all_for_brands_and_slips() -> None:
    for name in ("gain_before", "gain_words", "gain_brand", "gain_misspelt"):
        assert ends(f"train_{name}_range")[0] > 0, name


def test_no_gain_for_needs_a_loss_for_other_words_and_none_in_the_sum() -> None:
    low, high = ends("train_gain_need_range")
    assert low < 0 < high
    assert number("held_synonym_trained") < number("held_synonym_before") - 0.1
    low, high = ends("train_gain_both_range")
    assert low < 0 < high


def test_the_old_engine_had_hardly_shown_what_needs_ask_for() -> None:
    assert number("shown_head") > 0.5
    assert max(number("shown_need"), number("shown_synonym")) < 0.1


def test_what_is_read_decides_what_is_learned() -> None:
    assert number("reads_letters") < min(number("reads_meaning"), number("train_trained"))
    assert number("reads_letters_misspelt") > number("held_misspelt_trained")


def test_places_are_told_by_shuffled_searches_alone() -> None:
    assert abs(number("fifth_value") - number("fifth_truth")) < 0.04
    assert number("fifth_ranked") < number("fifth_truth") - 0.06


def test_the_correction_pays_where_the_order_is_wrong_and_costs_where_it_is_right() -> None:
    assert ends("dear_correction_gain_range")[0] > 0.1
    assert ends("engine_correction_gain_range")[1] < 0
    assert number("dear_price_naive") > 0.5 > 0.15 > number("dear_price_corrected")
    assert number("engine_words_naive") > 1.5 * number("engine_words_from_truth")
    assert number("dear_rates_corrected") > number("dear_rates_naive")
    for order in ("engine", "dear"):
        assert number(f"{order}_from_truth") > number(f"{order}_corrected")


def test_a_personal_order_has_little_to_win() -> None:
    assert number("clicks_engine") < number("clicks_same") < number("clicks_personal")
    assert number("headroom") <= 0.02


def test_the_first_steps_say_what_the_first_lab_shows() -> None:
    """The gift: face masks by the 10 in their packs, and nothing of what was asked for."""
    found = answer_light("word_match", {"query": "gift_zh"})
    assert "面膜" in found["list"][0]["title_zh"]
    assert found["measures"]["right@10"]["value"] == 0
    assert not answer_light("word_match", {"query": "slip_zh"})["list"]


def test_every_kind_has_its_row() -> None:
    for kind in KINDS:
        assert {f"{kind}_{one}" for one in ("words", "letters", "meaning", "both")} <= set(RECORD)
        assert {f"held_{kind}_{one}" for one in ("words", "before", "trained")} <= set(RECORD)


def test_the_guesses_surprise() -> None:
    """The right options: lower by more than .03; it falls; it falls by more than .01."""
    lesson = load_course().lesson("search")
    assert [guess.id for guess in lesson.guesses] == ["brand", "synonym", "correction"]
    assert ends("brand_gap")[1] < -0.03
    assert ends("engine_correction_gain_range")[1] < -0.01
    assert ends("train_gain_synonym_range")[0] < -0.1
