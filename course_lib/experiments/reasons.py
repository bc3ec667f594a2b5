"""A language model's part: it writes the reason under a recommendation, and every claim of it is checked.

    python -m course_lib run reasons --input title --language en --json

A small language model (models/reason_writer.py) learns pairs: what it is given of a product, and a reason that
templates wrote from the catalogue's attributes (explain/reason_texts.py). Then it writes a reason for every product,
and plain string work reads the claims out of it and checks each against the catalogue (evaluation/true_reasons.py). A
tenth of the products is new: training never saw them.

    loss  = mean over tokens of a reason of -log p(token | what is given, tokens before), in nats
    true  = share of reasons that make at least one claim and of which every claim is true

The loss asks for the words that templates would use, not for truth: a price that fits no product costs as little as one
that fits, when what is given does not tell it. How often summaries contradict what they summarise although they read
well is measured in Maynez, Narayan, Bohnet & McDonald, On Faithfulness and Factuality in Abstractive Summarization, ACL
2020; checking a text claim by claim follows Min et al., FActScore, EMNLP 2023.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from course_lib.data import registry
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import bootstrap_ratio
from course_lib.evaluation.true_reasons import Claim, Facts, is_true, shares
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import product_asked, view_at
from course_lib.explain.reason_texts import attributes, every_reason, write_reasons
from course_lib.models.reason_writer import PART, SPECIAL, SmallWriter, Vocabulary, Writer
from course_lib.training.checkpoint import one_thread

DATA = {"dataset": "histories"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "input": ("attributes", "attributes", "title", "number"),  # what the model is given about the product
    "language": ("zh", "zh", "en"),  # of titles and reasons
    "noise": (0.0, 0.0, 1.0),  # share of the reasons learned from that name one wrong attribute
    "temperature": (0.0, 0.0, 2.0),  # of writing; 0 takes the likeliest token every time
    "width": (64, 16, 256),
    "layers": (2, 1, 6),
    "epochs": (3, 1, 40),
    "rate": (0.004, 0.0001, 0.1),  # of AdamW, at its highest
}
MEASURES = {
    "true": "share",  # of the reasons for products that were learned from
    "true_new": "share",  # the same for products that training never saw
    "true_type": "share",  # the true ones of the claims of a kind; of products learned from, then of new ones
    "true_brand": "share",
    "true_department": "share",
    "true_feature": "share",
    "true_price": "share",
    "true_type_new": "share",
    "true_brand_new": "share",
    "true_department_new": "share",
    "true_feature_new": "share",
    "true_price_new": "share",
    "claims": "count",  # a reason, on average
    "unreadable": "share",  # reasons that claim nothing
    "unreadable_new": "share",
    "loss": "nats",  # a token, of the templates' reasons for new products
    "wrong_learned": "share",  # of the reasons learned from, those that the noise made wrong
    "parameters": "count",
    "seconds": "seconds",
}
ASKS = {"items": "items", "k": (3, 1, 10)}  # reasons for the last of the products; at temperature 0 there is but one
TINY = {"epochs": 1, "width": 16, "layers": 1}

VARIANTS = 4  # reasons that are learned for each product
NEW = 0.1  # share of the products
FEWEST = 50  # products without which nothing general can be learned
BATCH, WARM_UP = 16, 0.05
EARLY = (1 / 4, 1 / 2)  # of the first epoch, in which most happens
WATCHED, SAMPLES = 40, 6  # products of each kind that every frame writes for, and that it shows
ASKED = 400  # products learned from that the result is about, at most


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Trains the model and has it write.

    Raises CourseError where the data cannot be had, has too few products, no titles or no types. It takes seconds, so
    a run that was interrupted begins again.
    """
    one_thread()
    began = time.perf_counter()
    moments = [0.0, *EARLY, *range(1, int(config.settings["epochs"]) + 1)]
    yield plan(frame=len(moments))
    lab = Lab.make(registry.load_items(config.data["dataset"]), config)
    optimizer = torch.optim.AdamW(lab.writer.network.parameters(), lr=float(config.settings["rate"]))
    steps = math.ceil(len(lab.pairs) / BATCH)
    last = steps * int(config.settings["epochs"])
    looks = [round(moment * steps) for moment in moments]
    generator = torch.Generator().manual_seed(config.seed)
    ahead: list[list[int]] = []
    summed: list[float] = []
    done = at = 0
    while True:
        while at < len(looks) and looks[at] <= done:
            seen = lab.look(lab.watched)
            told = seen.told | ({"learned_loss": round(float(np.mean(summed)), 4)} if summed else {})
            told |= {"loss": round(lab.held_out_loss(1)["value"], 4)}
            weights = {name: value.detach().clone() for name, value in lab.writer.network.named_parameters()}
            yield folder.frame(at, seen.view(), weights, epoch=float(moments[at]), **told)
            summed, at = [], at + 1
        if done >= last:
            break
        ahead = ahead or batches([len(prompt) + len(reason) for prompt, reason in lab.pairs], generator)
        batch = [lab.pairs[n] for n in ahead.pop()]
        for group in optimizer.param_groups:
            group["lr"] = float(config.settings["rate"]) * _warm_and_cool(done, last)
        loss = lab.writer.losses(batch).sum() / sum(len(reason) + 1 for _, reason in batch)
        if not torch.isfinite(loss):
            raise CourseError("reasons_diverged", epoch=done // steps + 1, rate=config.settings["rate"])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(lab.writer.network.parameters(), 1.0)
        optimizer.step()
        summed.append(float(loss.detach()))
        done += 1
    measures = lab.look(lab.known[:ASKED] + lab.new).measures()
    measures |= {"loss": lab.held_out_loss(), "parameters": exact(lab.writer.parameters)}
    measures["wrong_learned"] = exact(lab.wrong / len(lab.pairs))
    seconds = round(time.perf_counter() - began, 3)
    yield result(
        {**measures, "seconds": exact(seconds)}, seconds={"total": seconds}, products=len(lab.known) + len(lab.new),
        learned=len(lab.pairs), words=len(lab.writer.vocabulary),
    )  # fmt: skip


def batches(lengths: Sequence[int], generator: torch.Generator) -> list[list[int]]:
    """All numbers in batches, in random order, those of a batch of about one length: less padding to compute."""
    order = torch.randperm(len(lengths), generator=generator).tolist()
    some = 16 * BATCH
    sorted_ = [n for at in range(0, len(order), some) for n in sorted(order[at : at + some], key=lambda n: lengths[n])]
    cut = [sorted_[at : at + BATCH] for at in range(0, len(sorted_), BATCH)]
    return [cut[n] for n in torch.randperm(len(cut), generator=generator).tolist()]


def _warm_and_cool(done: int, last: int) -> float:
    """The share of the highest rate: up within the first steps, then down along a cosine."""
    up = min(1.0, (done + 1) / max(1, WARM_UP * last))
    return up * (0.05 + 0.95 * (1 + math.cos(math.pi * done / last)) / 2)


def told_of(facts: Facts, item: int, given: str) -> str:
    """What the model is given about a product, by the setting ``input``."""
    if given == "number":
        return f"<{item}>"
    parts = [facts.titles[item - 1]]
    if given == "attributes":
        known = attributes(facts, item)
        parts += [known.get(slot, "") for slot in ("brand", "type", "department", "price")]
    return SPECIAL[PART].join(parts)


def untrained(facts: Facts, config: RunConfig) -> SmallWriter:
    """The model before its first step. Its vocabulary knows the words of all products, of new ones too."""
    settings, items = config.settings, range(1, len(facts.titles) + 1)
    given = str(settings["input"])
    texts = [reason for item in items for reason in every_reason(facts, item)]
    if given != "number":
        texts += [part for item in items for part in told_of(facts, item, given).split(SPECIAL[PART])]
    vocabulary = Vocabulary(texts, len(facts.titles) if given == "number" else 0)
    return SmallWriter(vocabulary, int(settings["width"]), int(settings["layers"]), config.seed)


@dataclass(frozen=True)
class Lab:
    """The model, what it learns from, and what is asked of it."""

    facts: Facts
    writer: SmallWriter
    given: str
    temperature: float
    seed: int
    known: list[int]  # products that are learned from
    new: list[int]
    pairs: list[tuple[list[int], list[int]]]  # what is given and the reason, in tokens
    held_out: list[tuple[list[int], list[int]]]  # the same of new products
    wrong: int  # how many of the pairs name a wrong attribute

    @classmethod
    def make(cls, items: pd.DataFrame, config: RunConfig) -> Lab:
        """Draws new products and writes the reasons to learn from; raises CourseError as :func:`run` says."""
        settings = config.settings
        if len(items) < FEWEST:
            raise CourseError(
                "reasons_few_products", name=config.data["dataset"].name, products=len(items), fewest=FEWEST
            )
        facts = Facts.of(items, str(settings["language"]), registry.currency(config.data["dataset"].name))
        rng = np.random.default_rng(config.seed)
        drawn = (rng.permutation(len(items)) + 1).tolist()
        described = [item for item in drawn if facts.types[item - 1] and facts.titles[item - 1]]
        if len(described) < FEWEST:
            raise CourseError(
                "reasons_few_products", name=config.data["dataset"].name, products=len(described), fewest=FEWEST
            )
        new, known = described[: int(NEW * len(described))], described[int(NEW * len(described)) :]
        writer, given = untrained(facts, config), str(settings["input"])
        wrong, parts = 0, []
        for group, noise in ((known, float(settings["noise"])), (new, 0.0)):
            pairs = []
            for item in group:
                prompt = writer.vocabulary.encode(told_of(facts, item, given))
                texts, careless = write_reasons(facts, item, VARIANTS, rng, noise)
                wrong += careless
                pairs += [(prompt, writer.vocabulary.encode(text)) for text in texts]
            parts.append(pairs)
        temperature = float(settings["temperature"])
        return cls(facts, writer, given, temperature, config.seed, known, new, parts[0], parts[1], wrong)

    @property
    def watched(self) -> list[int]:
        """Products that every frame writes for."""
        return self.known[:WATCHED] + self.new[:WATCHED]

    def look(self, items: Sequence[int]) -> Seen:
        """Has the model write a reason for each of these products, and checks them."""
        texts = write_for(self.writer, self.facts, items, self.given, self.temperature, self.seed)
        checked = {item: self.facts.check(text, item) for item, text in zip(items, texts, strict=True)}
        return Seen(dict(zip(items, texts, strict=True)), checked, frozenset(self.new))

    @torch.no_grad()
    def held_out_loss(self, each: int = VARIANTS) -> dict[str, float]:
        """Nats a token of the templates' reasons for new products, ``each`` a product, which are drawn together."""
        pairs = [pair for start in range(0, len(self.held_out), VARIANTS) for pair in self.held_out[start:][:each]]
        lost = torch.cat([self.writer.losses(pairs[n : n + 128]) for n in range(0, len(pairs), 128)])
        tokens = np.array([len(reason) + 1 for _, reason in pairs], float)
        rows = [part.reshape(-1, each).sum(1)[:, None] for part in (lost.double().numpy(), tokens)]
        return bootstrap_ratio(*rows).to_dict()


def write_for(
    writer: Writer, facts: Facts, items: Sequence[int], given: str, temperature: float = 0.0, seed: int = 0
) -> list[str]:
    """One reason a product."""
    return writer.write([told_of(facts, item, given) for item in items], temperature, seed)


@dataclass(frozen=True)
class Seen:
    """Reasons at one moment, checked."""

    texts: Mapping[int, str]
    checked: Mapping[int, list[Claim]]
    new: frozenset[int]

    def measures(self) -> dict[str, dict[str, float]]:
        """The shares for products that were learned from, and for new ones."""
        known, fresh = (shares([c for item, c in self.checked.items() if (item in self.new) is is_new])
                        for is_new in (False, True))  # fmt: skip
        return known | {f"{name}_new": one for name, one in fresh.items() if name != "claims"}

    @functools.cached_property
    def told(self) -> dict[str, float]:
        """What the frame's event says."""
        return {name: round(one["value"], 4) for name, one in self.measures().items()}

    def view(self) -> dict[str, Any]:
        """``{"samples": [{"item", "new", "text", "claims"}], "shares": {measure: value}}``; known products first."""
        samples = [item for item in self.texts if item not in self.new][:SAMPLES]
        samples += [item for item in self.texts if item in self.new][:SAMPLES]
        rows = [
            {"item": item, "new": item in self.new, **_reason(self.texts[item], self.checked[item])} for item in samples
        ]
        return {"samples": rows, "shares": self.told}


def _reason(text: str, claims: Sequence[Claim]) -> dict[str, Any]:
    return {"text": text, "true": is_true(claims), "claims": [claim.to_dict() for claim in claims]}


# Questions


@dataclass(frozen=True)
class Asked:
    """What a question is put to."""

    writer: SmallWriter
    facts: Facts
    given: str
    temperature: float


def open(folder: Path, at: int | None) -> Asked:
    """The model at frame ``at``, or at the end."""
    one_thread()
    config = RunConfig.read(folder)
    view_at(folder, at)  # says so where there is no such frame
    if at is None:
        at = max(int(path.name) for path in (folder / "frames").iterdir() if path.name.isdigit())
    address = config.data["dataset"]
    items = registry.load_items(address)
    facts = Facts.of(items, str(config.settings["language"]), registry.currency(address.name))
    writer = untrained(facts, config)
    writer.network.load_state_dict(Folder(folder).weights(at), strict=False)  # the tied table stands in it once
    return Asked(writer, facts, str(config.settings["input"]), float(config.settings["temperature"]))


def answer(artefact: Asked, asked: Mapping[str, Any]) -> dict[str, Any]:
    """``{"item", "near": [{"item", "claims"}], "reasons": [{"text", "true", "claims": [{"kind", "said", "true"}]}]}``.

    Reasons for the last of ``asked["items"]``, each text once: up to ``k`` draws, at temperature 0 the one text.
    ``near`` are other products of which the first text is true as well, in the catalogue's order: the more there are,
    the less it says.
    Raises CourseError for products that the catalogue does not have.
    """
    facts = artefact.facts
    item = product_asked(asked, len(facts.titles))
    if item is None:
        return {"item": None, "near": [], "reasons": []}
    count = int(asked["k"]) if artefact.temperature > 0 else 1
    drawn = write_for(artefact.writer, facts, [item] * count, artefact.given, artefact.temperature, seed=item)
    texts = list(dict.fromkeys(drawn))
    read = facts.read(texts[0])
    fits = [n for n in range(1, len(facts.titles) + 1) if n != item and read and all(facts.fits(c, n) for c in read)]
    return {
        "item": item,
        "near": [{"item": other, "claims": len(read)} for other in fits[: asked["k"]]],
        "reasons": [_reason(text, facts.check(text, item)) for text in texts],
    }
