"""TIGER: an encoder reads a history as the codes of its products, a decoder writes the codes of the next one.

    tokens  = c_1(i_1) ... c_L(i_1), ..., c_1(i_t) ... c_L(i_t), end         every code of every product has a place
    h       = encoder(tokens)                                                 each token sees all others
    d_l     = decoder(c_1 ... c_{l-1}; h)                                     what is written so far, and what was read
    p(c_l | history, c_1 ... c_{l-1}) = softmax(E d_l / sqrt(D))              E the table of all tokens
    loss    = sum over levels l of -log p(c_l | history, c_1 ... c_{l-1})     teacher forcing

Rajput et al., Recommender Systems with Generative Retrieval, NeurIPS 2023, on the encoder-decoder of Raffel et al.,
Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer (T5), JMLR 2020, as the transformers
package has it, with weights of our own. Theirs has 4 + 4 layers, width 128, 6 heads of 64 and 1,024 hidden units, reads
20 products and a token for the user, which is left out here.

Beside code_head.py a history takes L times as many places, and each target has to be read for anew: the encoder looks
both ways, so one pass over a history teaches one target and not one a place.

Shapes: B histories, W beams, L levels, T tokens, V products (0 is padding).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import T5Config, T5ForConditionalGeneration

from course_lib.data.histories import Histories

PAD, END, FIRST = 0, 1, 2  # tokens: padding, which also begins a word; after every history; the first code
HIDDEN = 4  # times the width, units of a layer's feed-forward part
SHARED = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight")  # all are shared.weight


class TigerModel(nn.Module):
    """The encoder-decoder for a catalogue whose words are fixed."""

    words: Tensor
    shape: Tensor

    def __init__(
        self, words: Tensor, sizes: Sequence[int], width: int, layers: int, heads: int, history_length: int
    ) -> None:
        """``words`` (V, L), row ``i - 1`` for item ``i``; ``sizes`` (L,) how many codes a level has."""
        super().__init__()
        self.sizes = tuple(int(size) for size in sizes)
        self.history_length = history_length
        self.register_buffer("words", torch.cat([words.new_zeros(1, words.shape[1]), words]))  # (V + 1, L)
        self.register_buffer("shape", torch.tensor([width, layers, heads, history_length, *self.sizes]))
        self.begins = [FIRST + sum(self.sizes[:level]) for level in range(len(self.sizes))]  # first token of a level
        self.t5 = T5ForConditionalGeneration(
            T5Config(
                vocab_size=FIRST + sum(self.sizes), d_model=width, d_kv=max(1, width // heads), d_ff=HIDDEN * width,
                num_layers=layers, num_decoder_layers=layers, num_heads=heads, dropout_rate=0.1, use_cache=False,
                pad_token_id=PAD, decoder_start_token_id=PAD, eos_token_id=None,
            )
        )  # fmt: skip

    @classmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> Self:
        """The model whose :meth:`state_dict` is given."""
        width, layers, heads, history_length, *sizes = weights["shape"].tolist()
        model = cls(weights["words"][1:], sizes, width, layers, heads, history_length)
        model.load_state_dict(dict(weights))
        return model

    def state_dict(self, *arguments: Any, **named: Any) -> dict[str, Any]:  # type: ignore[override]
        """Every tensor once: encoder, decoder and output share one table, which safetensors would refuse thrice."""
        every = super().state_dict(*arguments, **named)
        return {name: value for name, value in every.items() if name.removeprefix("t5.") not in SHARED}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """The inverse of :meth:`state_dict`; raises RuntimeError for weights of another shape or of other names."""
        table = state_dict["t5.shared.weight"]
        return super().load_state_dict({**state_dict, **{f"t5.{one}": table for one in SHARED}}, strict, assign)

    @property
    def num_items(self) -> int:
        """V."""
        return len(self.words) - 1

    def tokens(self, words: Tensor) -> Tensor:
        """Codes (..., L) to tokens (..., L)."""
        return words + torch.tensor(self.begins)

    def read(self, items: Tensor) -> tuple[Tensor, Tensor]:
        """Histories (B, places) of items, 0 before they begin, as tokens (B, places L + 1) and their mask.

        Padding stands before everything that is read: T5 knows tokens by their distance, which padding between would
        change.
        """
        there = (items != 0)[..., None].expand(-1, -1, len(self.sizes)).flatten(1)
        tokens = self.tokens(self.words[items]).flatten(1).masked_fill(~there, PAD)
        end = torch.ones(len(items), 1, dtype=torch.int64)
        return torch.cat([tokens, end * END], 1), torch.cat([there.long(), end], 1)

    def loss(self, items: Tensor, targets: Tensor) -> Tensor:
        """Mean over targets (B,) of -log p of their words after histories (B, places), in nats.

        As published the softmax is over all tokens, so the model also learns which level comes next.
        """
        tokens, mask = self.read(items)
        wanted = self.tokens(self.words[targets])  # (B, L)
        start = wanted.new_full((len(wanted), 1), PAD)
        scores = self.t5(
            input_ids=tokens, attention_mask=mask, decoder_input_ids=torch.cat([start, wanted[:, :-1]], 1)
        ).logits  # (B, L, tokens)
        return cross_entropy(scores.flatten(0, 1), wanted.flatten()) * len(self.sizes)

    def after(self, histories: Histories) -> Writing:
        """What writes the next product's word after each of B histories, of which the last products are read."""
        length = int(min(max(histories.lengths.max(initial=0), 1), self.history_length))
        return Writing(self, torch.from_numpy(histories.padded(length)))


class Writing:
    """Writes words after B histories that the encoder has read once: the Writer of code_trie.py.

    A state is (row of the history, the codes written so far, zeros), whole numbers.
    """

    @torch.inference_mode()
    def __init__(self, model: TigerModel, items: Tensor) -> None:
        model.eval()
        self.model, self.sizes = model, model.sizes
        tokens, self.mask = model.read(items)
        self.read = model.t5.encoder(input_ids=tokens, attention_mask=self.mask).last_hidden_state  # (B, T, D)

    @property
    def wanted(self) -> Tensor:
        """(B, 1 + L) the states before the first code."""
        rows = len(self.read)
        return torch.cat([torch.arange(rows)[:, None], torch.zeros(rows, len(self.sizes), dtype=torch.int64)], 1)

    def logits(self, level: int, state: Tensor) -> Tensor:
        """(B, W, 1 + L) to (B, W, K) scores of the level's codes."""
        model, flat = self.model, state.flatten(0, -2)
        rows, written = flat[:, 0], flat[:, 1 : 1 + level]
        tokens = written + torch.tensor(model.begins[:level], dtype=torch.int64)
        scores = model.t5(
            encoder_outputs=(self.read[rows],), attention_mask=self.mask[rows],
            decoder_input_ids=torch.cat([tokens.new_full((len(flat), 1), PAD), tokens], 1),
        ).logits[:, -1]  # fmt: skip
        begin = model.begins[level]
        chosen: Tensor = scores[:, begin : begin + self.sizes[level]]
        return chosen.reshape(*state.shape[:-1], self.sizes[level])

    def after(self, level: int, state: Tensor, codes: Tensor) -> Tensor:
        """(B, W, 1 + L) and the codes (B, W) written at ``level`` to (B, W, 1 + L)."""
        changed = state.clone()
        changed[..., 1 + level] = codes
        return changed
