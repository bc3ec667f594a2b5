"""Text encoders: the course's own two, and one that somebody brings, with everything that can be wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from course_lib.data.columns import Columns
from course_lib.data.dataset import Address, Dataset
from course_lib.data.encoders import HuggingFace, make_encoder
from course_lib.data.own_encoder import fingerprint
from course_lib.data.text_vectors import title_vectors, titles
from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig

WORDS = ["basketball", "篮球", "laundry detergent"]


def test_a_sentence_and_its_translation_are_near_each_other() -> None:
    encoder = make_encoder("sentences", [])
    ball, translated, soap = np.asarray(encoder.encode(WORDS))
    assert ball @ translated > ball @ soap + 0.2
    assert np.linalg.norm(encoder.encode(["", "basketball"]), axis=1) == pytest.approx([1, 1], abs=1e-3)
    assert encoder.encode([]).shape == (0, 512)


def test_counts_of_characters_know_no_translation() -> None:
    encoder = make_encoder("ngrams", WORDS)
    found = encoder.encode([*WORDS, "basketballs", ""])
    assert isinstance(found, csr_array)
    likeness = (found @ found.T).toarray()
    assert likeness[0, 1] < 0.1  # the two words for a basketball share the spaces around them
    assert likeness[0, 3] > 0.7
    assert not likeness[4].any()


def test_nothing_to_count_is_said() -> None:
    with pytest.raises(CourseError) as caught:
        make_encoder("ngrams", ["", ""])
    assert caught.value.key == "no_titles"


# One that somebody brings


@pytest.fixture(scope="module")
def small_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of a few thousand numbers with a tokenizer of its own, as save_pretrained writes them."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("encoders") / "small"
    folder.mkdir()
    letters = [chr(n) for n in range(97, 123)]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{one}" for one in letters)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    shape = {"hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(vocabulary), **shape)).save_pretrained(folder)
    return folder


def bring(place: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEREC_ENCODER", str(place))


def test_one_of_any_width_is_read_in_batches(small_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(small_bert, monkeypatch)
    encoder = make_encoder("own", [])
    many = np.asarray(encoder.encode([f"ball {n}" for n in range(70)] + [""]))
    assert many.shape == (71, 24)
    assert np.linalg.norm(many, axis=1) == pytest.approx(np.ones(71), abs=1e-4)
    alone = np.asarray(encoder.encode(["ball 3"]))  # no matter what stands beside it in the batch
    assert many[3] == pytest.approx(alone[0], abs=1e-5)
    assert encoder.encode([]).shape == (0, 24)


def test_another_encoder_is_another_run(small_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, chosen = {"dataset": ("shop", "tiny")}, {"encoder": "own"}
    bring(small_bert, monkeypatch)
    first = RunConfig.make("item_text", data, chosen)
    assert first == RunConfig.make("item_text", data, chosen)
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in small_bert.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    bring(copy, monkeypatch)
    second = RunConfig.make("item_text", data, chosen)
    assert second.run_id != first.run_id
    (copy / "config.json").write_text("{}", encoding="utf-8")
    assert RunConfig.make("item_text", data, chosen).run_id != second.run_id
    with pytest.raises(CourseError) as caught:
        second.checked()  # a finished run of the encoder that lay there before is no answer for this one
    assert caught.value.key == "config_outdated"
    assert fingerprint("sentences") == fingerprint("ngrams") == ""


def refused(key: str, work: Any, *given: Any) -> None:
    with pytest.raises(CourseError) as caught:
        work(*given)
    assert caught.value.key == key
    assert all("{" not in caught.value.text(language) for language in ("zh", "en"))


def test_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIVEREC_ENCODER", raising=False)
    refused("encoder_not_named", make_encoder, "own", [])
    refused("encoder_not_named", RunConfig.make, "item_text", {"dataset": ("shop", "tiny")}, {"encoder": "own"})


@pytest.mark.parametrize("place", ["./nothing/here", "/no/such/folder", "~/no-such-encoder"])
def test_the_folder_is_missing(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(place, monkeypatch)
    refused("encoder_missing", make_encoder, "own", [])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"not json"),
        ("config.json", json.dumps({"model_type": "nobody-knows"}).encode()),
        ("model.safetensors", b"x" * 100),
        ("model.safetensors", None),
    ],
)
def test_the_folder_is_broken(
    name: str, content: bytes | None, small_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in small_bert.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    bring(tmp_path, monkeypatch)
    refused("encoder_broken", make_encoder, "own", [])


def test_a_name_that_the_hub_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    bring("nobody/no-such-encoder", monkeypatch)
    refused("encoder_broken", make_encoder, "own", [])


def test_weights_that_are_no_numbers(small_bert: Path) -> None:
    encoder = HuggingFace(str(small_bert))
    encoder._model.embeddings.word_embeddings.weight.data.fill_(float("nan"))
    refused("encoder_without_vectors", encoder.encode, ["ball"])


# Titles of a catalogue


def catalogue(**columns: list[Any]) -> Dataset:
    size = len(next(iter(columns.values())))
    items = pd.DataFrame({Columns.ITEM: np.arange(1, size + 1), **columns})
    events = pd.DataFrame({name: np.zeros(0, np.int64) for name in (Columns.USER, Columns.ITEM, Columns.TIME)})
    return Dataset(Address("catalogue", "full", "0" * 12), events, items)


def test_a_language_without_titles_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path))
    one = catalogue(title_en=["red ball", "blue ball", None], title_zh=["", None, " "])
    assert titles(one, "en") == ["red ball", "blue ball", ""]
    both, english = (title_vectors(one, "ngrams", language) for language in ("both", "en"))
    assert (both != english).nnz == 0  # type: ignore[union-attr]
    with pytest.raises(CourseError) as caught:
        title_vectors(one, "ngrams", "zh")
    assert caught.value.key == "no_titles"
    with pytest.raises(CourseError):
        title_vectors(catalogue(price=[1.0, 2.0]), "ngrams")
