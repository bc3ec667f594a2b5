"""Writers of one's own in a local folder, and the vocabulary of the small writer."""

from __future__ import annotations

from pathlib import Path

import pytest

from course_lib.errors import CourseError
from course_lib.models import reason_writer
from course_lib.models.reason_writer import Vocabulary, own_writer

# A local model


def test_a_folder_writes_and_what_is_none_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIVEREC_WRITER", raising=False)
    with pytest.raises(CourseError) as caught:
        own_writer()
    assert caught.value.key == "writer_not_named"
    monkeypatch.setenv("LIVEREC_WRITER", str(tmp_path / "missing"))
    with pytest.raises(CourseError) as caught:
        own_writer()
    assert caught.value.key == "writer_missing"
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{", encoding="utf-8")
    for place in (str(tmp_path / "broken"), "nobody/has-this-model"):
        monkeypatch.setenv("LIVEREC_WRITER", place)
        with pytest.raises(CourseError) as caught:
            own_writer()
        assert caught.value.key == "writer_broken"
        assert place in caught.value.text("zh")
    save_model(tmp_path / "good")
    monkeypatch.setenv("LIVEREC_WRITER", str(tmp_path / "good"))
    writer = own_writer()
    prompts = ["Product: a basketball, 62 yuan\nWrite one sentence.", "商品：篮球，62元\n写一句话。"]
    texts = writer.write(prompts, temperature=1.0, seed=3)
    assert len(texts) == 2
    assert texts == writer.write(prompts, temperature=1.0, seed=3)
    assert writer.write([], 0.0) == []
    writer.write(prompts)


def save_model(place: Path) -> None:
    """A tiny GPT-2 that knows a few words, as save_pretrained writes one."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    words = ["<unk>", "<end>", "a", "basketball", "yuan", "62", "Product", "Write", "one"]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="<end>", pad_token="<end>")
    fast.save_pretrained(place)
    config = GPT2Config(vocab_size=len(words), n_embd=16, n_layer=1, n_head=2, eos_token_id=1, bos_token_id=1)
    GPT2LMHeadModel(config).save_pretrained(place)


# The vocabulary of the small writer


def test_texts_come_back_whole() -> None:
    texts = ["Brenlan's soft-grip basketball, size 6, at about 162 yuan.", "奔岚的软握感篮球，L码，大约162元。"]
    vocabulary = Vocabulary(texts, products=3)
    for text in texts:
        assert vocabulary.decode(vocabulary.encode(text)) == text
    assert vocabulary.decode(vocabulary.encode("Ωμέγα")) == "", "what it has never seen it cannot write"
    assert vocabulary.encode("<2>") == [len(reason_writer.SPECIAL) + 1]
    assert vocabulary.encode("") == []
