"""A prefix tree of the products' words, and the beam search that walks down it: every answer is a real product.

    p(word | history) = product over levels l of p(c_l | history, c_1 ... c_{l-1})

Beam search keeps the ``beam`` likeliest beginnings at each level and continues each by every code. In a trie (Fredkin,
Trie Memory, CACM 1960) a beginning knows by which codes it may go on; all others get the log-probability -inf before
the best are chosen. Probabilities stay the model's own and are not normalised anew over the codes that are left, as in
De Cao et al., Autoregressive Entity Retrieval (GENRE), ICLR 2021, section 3.2. Words have the same length and differ,
so a beginning in the trie always ends in exactly one product, and no product is found twice. Without the trie the same
search writes any word, and some are nobody's.

Shapes: B shoppers, W beams, L levels, K codes of a level, V products, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

NOWHERE = -1  # the node of a beginning that no product has; it has a row of its own, the last one, without a way on


class Writer(Protocol):
    """What writes words: scores for the next code, and what is wanted after it has been written."""

    sizes: tuple[int, ...]  # K of each level

    def logits(self, level: int, state: Tensor) -> Tensor:
        """(..., D) to (..., K) scores of the level's codes."""

    def after(self, level: int, state: Tensor, codes: Tensor) -> Tensor:
        """(..., D) and the codes (...) written at ``level`` to (..., D)."""


class Trie:
    """The words of a catalogue as a tree. Node 0 of depth 0 is the root; nodes of a depth are in order of their words.

    >>> trie = Trie(np.array([[0, 1], [2, 0], [0, 0]]), (3, 2))
    >>> trie.child[0][0].tolist(), trie.child[1].tolist(), trie.items.tolist()
    ([0, -1, 1], [[0, 1], [2, -1], [-1, -1]], [3, 1, 2, 0])
    """

    def __init__(
        self, words: NDArray[np.integer], sizes: Sequence[int], items: NDArray[np.integer] | None = None
    ) -> None:
        """
        Args:
            words: (V, L) codes of each product, no two rows equal.
            sizes: (L,) K of each level.
            items: (V,) the products' numbers, where they are not 1 to V.

        Raises ValueError for a word that two products have: only one of them could ever be found.
        """
        node, count = np.zeros(len(words), np.int64), 1
        self.child: list[Tensor] = []  # of each level, (nodes + 1, K): the node by which a code goes on, or NOWHERE
        for level, size in enumerate(sizes):
            taken, own = np.unique(node * size + words[:, level], return_inverse=True)
            table = np.full((count + 1) * size, NOWHERE, np.int32)
            table[taken.astype(np.int64)] = np.arange(len(taken), dtype=np.int32)
            self.child.append(torch.from_numpy(table.reshape(count + 1, size)))
            node, count = own.astype(np.int64), len(taken)
        if count != len(words):
            raise ValueError(f"{len(words)} products have only {count} different words")
        leaves = np.zeros(count + 1, np.int64)  # NOWHERE is item 0, which is padding everywhere in the course
        leaves[node] = np.arange(1, len(words) + 1) if items is None else items
        self.items = torch.from_numpy(leaves)


@dataclass(frozen=True)
class Level:
    """The beginnings that were kept at one level, best first; a beam that does not exist has the score -inf."""

    parent: Tensor  # (B, W) place among the beams of the level before
    code: Tensor  # (B, W)
    node: Tensor  # (B, W) in the trie, or NOWHERE
    score: Tensor  # (B, W) log-probability of the beginning


@dataclass(frozen=True)
class Beams:
    """What a beam search found for B shoppers."""

    levels: tuple[Level, ...]
    items: Tensor  # (B, W) best first; 0 where the word is no product's, or there is no beam

    @property
    def scores(self) -> Tensor:
        """(B, W) log-probability of each word; -inf where there is no beam."""
        return self.levels[-1].score

    def ranks(self, targets: Tensor, unfound: int) -> NDArray[np.int64]:
        """(B,) the place of each target in its list, from 0; ``unfound`` where it is not there."""
        found = self.items == targets[:, None]
        ranks: NDArray[np.int64] = torch.where(found.any(1), found.int().argmax(1), unfound).numpy()
        return ranks

    def invalid(self) -> NDArray[np.float64]:
        """(B,) which share of a shopper's words is no product's."""
        there = self.scores.isfinite()
        nobodys = ((self.items == 0) & there).sum(1).double()
        share: NDArray[np.float64] = (nobodys / there.sum(1).clamp(min=1)).numpy()
        return share


@torch.inference_mode()
def beam_search(
    writer: Writer, wanted: Tensor, trie: Trie, beam: int, *, bound: bool = True, temperature: float = 1.0
) -> Beams:
    """The likeliest words for each of ``wanted`` (B, D), found level by level.

    Args:
        writer: of the codes.
        wanted: what each shopper wants, before the first code.
        trie: the words that are products'.
        beam: how many beginnings are kept.
        bound: whether only beginnings in the trie are kept.
        temperature: by which scores are divided before the softmax; above 1 all codes become more alike.
    """
    B, state = len(wanted), wanted[:, None]
    node = torch.zeros(B, 1, dtype=torch.int64)
    score = torch.zeros(B, 1)
    levels: list[Level] = []
    for level, size in enumerate(writer.sizes):
        chances = (writer.logits(level, state) / temperature).log_softmax(-1)  # (B, W, K)
        ahead = trie.child[level][node]  # (B, W, K)
        total = score[..., None] + chances
        if bound:
            total = total.masked_fill(ahead == NOWHERE, float("-inf"))
        flat = total.flatten(1)
        score, place = flat.topk(min(beam, flat.shape[1]), dim=1)  # (B, W)
        parent, code = place // size, place % size
        node = ahead.flatten(1).gather(1, place).long()
        levels.append(Level(parent, code, node, score))
        if level + 1 < len(writer.sizes):
            kept = state.gather(1, parent[..., None].expand(-1, -1, state.shape[-1]))
            state = writer.after(level, kept, code)
    return Beams(tuple(levels), trie.items[node])


def beam_tree(beams: Beams, row: int, most: int) -> list[dict[str, Any]]:
    """The ``most`` best words of one shopper as a tree, its nodes level by level, a parent before its children.

    Each is ``{"prefix", "code", "p", "score", "parent"}``: ``p`` is the probability of the whole beginning and
    ``parent`` the number of the node in this list, None at the first level. A leaf has ``item`` too, None where no
    product has the word; any node has ``valid``, whether a product begins like this.
    """
    L = len(beams.levels)
    ends = [n for n, score in enumerate(beams.scores[row].tolist()) if score > float("-inf")][:most]
    ways: list[list[int]] = []  # of each word, its beam at each level
    for end in ends:
        way = [end]
        for level in range(L - 1, 0, -1):
            way.insert(0, int(beams.levels[level].parent[row, way[0]]))
        ways.append(way)
    nodes: list[dict[str, Any]] = []
    number: dict[tuple[int, int], int] = {}
    for level, kept in enumerate(beams.levels):
        for way in ways:
            place = way[level]
            if (level, place) in number:
                continue
            parent = number[level - 1, way[level - 1]] if level else None
            code, score = int(kept.code[row, place]), float(kept.score[row, place])
            number[level, place] = len(nodes)
            node: dict[str, Any] = {
                "prefix": [*(nodes[parent]["prefix"] if parent is not None else []), code], "code": code,
                "p": float(f"{np.exp(score):.4g}"), "score": round(score, 5), "parent": parent,
                "valid": int(kept.node[row, place]) != NOWHERE,
            }  # fmt: skip
            if level == L - 1:
                node["item"] = int(beams.items[row, place]) or None
            nodes.append(node)
    return nodes
