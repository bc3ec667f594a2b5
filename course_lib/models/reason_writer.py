"""Writers of reasons: a small causal language model trained here, and a local one of Hugging Face.

The small one is Llama's architecture (Touvron et al., LLaMA, 2023: rotary positions, RMSNorm, SwiGLU) in transformers'
LlamaForCausalLM, trained from scratch. It learns to go on after what it is told of a product:

    Brenlan soft-grip basketball, size 6 <part> Brenlan <part> basketball ... <reason>    Brenlan's soft-grip ... <end>

    loss = mean of -log p(next token | all before) over the tokens behind <reason>

At temperature t tokens are drawn from softmax(logits / t); at 0 the likeliest one is taken. One table serves as input
and output (tied), which makes copying a word from the product easier to learn.

A writer of one's own gets a plain request instead (course_lib/explain/reason_texts.py), and any text that it answers
can be checked (course_lib/evaluation/true_reasons.py). course_lib/models/writer_address.py asks one at an address.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from course_lib.data.own_encoder import is_path
from course_lib.errors import CourseError
from course_lib.settings import load_settings

PAD, END, REASON, PART, UNKNOWN = range(5)
SPECIAL = ("<pad>", "<end>", "<reason>", "<part>", "<unknown>")
LATIN = "A-Za-z\u00c0-\u024f"
WORD = re.compile(rf" ?[{LATIN}]+|.", re.DOTALL)  # a word with the space before it, or one character: a number's digits
START = 0.08  # standard deviation of the first weights: with Llama's 0.02, meant for thousands, digits are copied late
HEAD = 16  # numbers of an attention head
LONGEST = 64  # tokens of a reason, at most
BLOCK = 256  # reasons written at a time


class Writer(Protocol):
    """Anything that goes on after prompts."""

    def write(self, prompts: Sequence[str], temperature: float = 0.0, seed: int = 0) -> list[str]:
        """A text for each prompt; the same with the same seed."""
        ...


class Vocabulary:
    """English words, digits and Chinese characters as numbers, and whatever else the texts hold."""

    def __init__(self, texts: Sequence[str], products: int = 0) -> None:
        """``products``: how many tokens ``<1>``, ``<2>``, ... stand for products by their number alone."""
        found = sorted({token for text in texts for token in _cut(text)})
        self.tokens = [*SPECIAL, *(f"<{item}>" for item in range(1, products + 1)), *found]
        self._numbers = {token: number for number, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, text: str) -> list[int]:
        """A text's tokens; one that no text had becomes UNKNOWN. Parts are divided by PART."""
        numbers: list[int] = []
        for place, part in enumerate(text.split(SPECIAL[PART])):
            numbers += [PART] if place else []
            if part in self._numbers and part.startswith("<"):
                numbers.append(self._numbers[part])
            else:
                numbers += [self._numbers.get(token, UNKNOWN) for token in _cut(part.strip())]
        return numbers

    def decode(self, numbers: Sequence[int]) -> str:
        """The text up to END; what is no text is left out."""
        words = []
        for number in numbers:
            if number == END:
                break
            if number >= len(SPECIAL):
                words.append(self.tokens[number])
        return "".join(words).strip()


def _cut(text: str) -> list[str]:
    """A text's tokens; a word at its beginning gets a space, so that it is the same token there as elsewhere."""
    return WORD.findall(f" {text}" if re.match(f"[{LATIN}]", text) else text)


class SmallWriter:
    """The language model that is trained here, with its vocabulary."""

    def __init__(self, vocabulary: Vocabulary, width: int, layers: int, seed: int = 0) -> None:
        from transformers import LlamaConfig, LlamaForCausalLM  # a second to load: not before a run has begun

        heads = max(1, width // HEAD)
        config = LlamaConfig(
            vocab_size=len(vocabulary), hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
            num_key_value_heads=heads, head_dim=HEAD, intermediate_size=2 * width, tie_word_embeddings=True,
            max_position_embeddings=512, initializer_range=START, pad_token_id=PAD, eos_token_id=END, bos_token_id=None,
        )  # fmt: skip
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network: Any = LlamaForCausalLM(config)
        self.vocabulary = vocabulary

    @property
    def parameters(self) -> int:
        """How many numbers are learned."""
        return sum(weights.numel() for weights in self.network.parameters())

    def losses(self, pairs: Sequence[tuple[list[int], list[int]]]) -> Tensor:
        """(B,) sums of -log p over the tokens of each reason, END included. Pairs are prompt and reason, in tokens."""
        rows = [[*prompt, REASON, *reason, END] for prompt, reason in pairs]
        longest = max(map(len, rows))
        tokens = torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])
        behind = torch.tensor([len(prompt) + 1 for prompt, _ in pairs])[:, None]
        place = torch.arange(longest)[None]
        asked = (place >= behind) & (place < torch.tensor([len(row) for row in rows])[:, None])
        # Padding stands behind, where no token of a reason looks, so it needs no mask.
        states = self.network.model(input_ids=tokens, use_cache=False).last_hidden_state
        # Only where a reason's token is to come: the table of words is most of the work.
        logits = self.network.lm_head(states[:, :-1][asked[:, 1:]])
        each = torch.nn.functional.cross_entropy(logits, tokens[:, 1:][asked[:, 1:]], reduction="none")
        row = asked[:, 1:].nonzero()[:, 0]
        return torch.zeros(len(rows)).index_add(0, row, each)

    @torch.no_grad()
    def write(self, prompts: Sequence[str], temperature: float = 0.0, seed: int = 0) -> list[str]:
        """As :class:`Writer`."""
        self.network.eval()
        written: list[str] = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for start in range(0, len(prompts), BLOCK):
                rows = [[*self.vocabulary.encode(prompt), REASON] for prompt in prompts[start : start + BLOCK]]
                longest = max(map(len, rows))
                tokens = torch.tensor([[PAD] * (longest - len(row)) + row for row in rows])
                drawn = _drawing(temperature)
                found = self.network.generate(
                    input_ids=tokens, attention_mask=(tokens != PAD).long(), max_new_tokens=LONGEST, **drawn
                )
                written += [self.vocabulary.decode(row[longest:]) for row in found.tolist()]
        return written


# Writers of one's own


def own_writer() -> LocalWriter:
    """The model in LIVEREC_WRITER; raises CourseError where none is named, or it is not there or cannot be read."""
    place = load_settings().writer
    if not place:
        raise CourseError("writer_not_named")
    if is_path(place) and not Path(place).expanduser().is_dir():
        raise CourseError("writer_missing", place=place)
    return LocalWriter(place)


class LocalWriter:
    """A causal language model of Hugging Face, by a local folder or a name on its hub; code in it is never run."""

    def __init__(self, place: str) -> None:
        """Raises CourseError where transformers cannot read what is at ``place``."""
        from transformers import AutoModelForCausalLM, AutoTokenizer

        folder = str(Path(place).expanduser()) if is_path(place) else place
        self._place = place
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
            self._model: Any = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=False).eval()
        except Exception as error:  # of many kinds: no network, no such name, a damaged file, a class that is not known
            raise CourseError("writer_broken", place=place, reason=_first_line(error)) from error

    @torch.no_grad()
    def write(self, prompts: Sequence[str], temperature: float = 0.0, seed: int = 0) -> list[str]:
        """As :class:`Writer`, one prompt after the other; raises CourseError where the model cannot write."""
        written = []
        drawn = _drawing(temperature)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for prompt in prompts:
                try:
                    read = self._read(prompt)
                    found = self._model.generate(**read, max_new_tokens=LONGEST, **drawn)
                    new = found[0, read["input_ids"].shape[1] :]
                    written.append(self._tokenizer.decode(new, skip_special_tokens=True).strip())
                except Exception as error:  # a model that fits its tokenizer badly fails in as many ways
                    raise CourseError("writer_broken", place=self._place, reason=_first_line(error)) from error
        return written

    def _read(self, prompt: str) -> dict[str, Tensor]:
        """The prompt in tokens, put as a question where the model has a form for that."""
        if getattr(self._tokenizer, "chat_template", None):
            said = [{"role": "user", "content": prompt}]
            prompt = self._tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True)
        read = self._tokenizer(prompt, return_tensors="pt", truncation=True, max_length=1024)
        return {name: read[name] for name in ("input_ids", "attention_mask") if name in read}


def _drawing(temperature: float) -> dict[str, Any]:
    """How transformers is to choose tokens; without ``top_k`` it would draw among the fifty likeliest alone."""
    return {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature > 0 else {"do_sample": False}


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
