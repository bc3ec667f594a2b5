"""What the lesson on the frontier concludes from its numbers."""

import re
import tomllib

import pytest

from course_lib.cli import measure

RECORD = tomllib.loads(measure.FILE.read_text(encoding="utf-8"))
WAYS = ("true", "stitched", "known", "app", "web")


@pytest.fixture(scope="module")
def one() -> dict[str, float]:
    """The lesson's numbers; percent as shares."""
    found = {}
    for name, value in RECORD["frontier"].items():
        number = float(re.findall(r"-?[\d,]*\.?\d+", value)[0].replace(",", ""))
        found[name] = number / 100 if "%" in value else number
    return found


def ends(name: str) -> tuple[float, float]:
    """The ends of a range, as the English text writes it."""
    value = RECORD["frontier"].get(name) or RECORD["frontier"][f"{name}_en"]
    low, high = (float(found) for found in re.findall(r"-?\d*\.\d+", value))
    return low, high


def test_what_it_concludes_of_real_time(one):
    assert one["ndcg_live"] > one["ndcg_batch"] > one["ndcg_nightly"]
    assert one["stale_loss_again"] > 0.65  # the guess's last option
    assert one["brought_back"] < 0.25  # "an hourly list mostly comes too late"
    assert one["lists_batch"] > 10 * one["lists_nightly"] > 100 * one["lists_live"]  # live computes fewest
    assert one["again_live"] > one["lag_again_300"] + 0.1 > one["lag_again_900"] + 0.15
    assert 0.25 < one["again_share"] < 0.45
    assert one["changed_back"] > 0.9  # "every two minutes, of those alone who have bought" ...
    assert one["changed_lists"] <= one["lists_live"] + 1  # ... "with" no more lists than live


def test_what_it_concludes_of_channels(one):
    scores = [one[f"{way}_ndcg"] for way in WAYS]
    assert scores == sorted(scores, reverse=True)
    back = (one["stitched_ndcg"] - one["known_ndcg"]) / (one["true_ndcg"] - one["known_ndcg"])
    assert 0.4 < back < 0.65  # "about half of what is lost to logins"
    assert one["app_ndcg"] < one["true_ndcg"] / 2 > one["web_ndcg"]
    gains = {group: one[f"stitched_{group}"] - one[f"known_{group}"] for group in ("ndcg", "guests")}
    assert gains["guests"] > 1.5 * gains["ndcg"]  # "joining helps the guests"
    assert one["half_ndcg"] > one["known_ndcg"] + 0.02
    assert abs(one["all_ndcg"] - one["known_ndcg"]) < 0.02  # "the score hardly warns" ...
    assert one["all_strangers"] > 0.1 > 3 * one["stitched_strangers"]  # ... and this column does
    unread = [one[f"{way}_unread"] for way in WAYS]
    assert unread == sorted(unread)


def test_what_it_concludes_of_views(one):
    assert one["views_always"] > one["views_half"] + 0.2  # "the answer is given away"
    assert one["views_half"] > one["stitched_ndcg"] + 0.1
    assert one["views_never"] <= one["stitched_ndcg"] + 0.01  # "no better than purchases alone"


def test_what_it_concludes_of_transfer(one):
    for way in ("ids", "text", "attributes"):
        low, high = ends(f"{way}_gain_450_range")
        assert low < 0 < high  # "each interval of a gain holds zero"
    assert one["attributes_transferred_450"] > one["few_markov_450"] + 0.03
    assert one["attributes_scratch_450"] > one["few_markov_450"] + 0.03  # "ahead of Markov already from scratch"
    assert one["few_markov_450"] > one["few_popularity_450"]
    assert one["few_markov_150"] > one["ids_transferred_150"]


def test_what_it_concludes_of_histories_and_wishes(one):
    assert one["history_one"] < one["history_markov"] < one["history_known"]
    assert one["history_all"] - one["history_known"] < 0.02  # "two or three purchases make a list personal"
    assert one["history_all"] > 5 * one["history_popularity"]
    assert one["meant_words"] > 5 * one["meant_history"]
    assert ends("history_adds_range")[0] > 0
    assert one["next_history"] > 5 * one["next_both"]  # "the words spoil the list"
