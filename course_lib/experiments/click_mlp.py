"""The click project: section 5's network on the shop's log, epoch by epoch, beside what its accuracy does not say.

    python -m course_lib run click_mlp --epochs 10 --batch-size 64

The project itself is course_lib/training/click_main.py, and click_edits.py has the parts that ``net``, ``loss`` and
``negatives`` put in place of its own. It learns from the front page's log and is asked about shoppers whom it has not
seen. After every epoch stand loss and accuracy, as the founding document's section 5.4 prints them, and beside them

    never       the accuracy of the constant predictor "nobody ever clicks"
    AUC, slope  whether clicks get higher chances than the rest, and whether the chances are true (click_quality.py)
    NDCG        of what was shown, in the model's order instead: a click is worth 1
    clicks      the true clicks a slate if the model's three best of all n products were shown to each shopper

The last one only a simulated shop can tell without an experiment. A logistic regression (``net = logistic``) learns
from the same rows in the same order beside it.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from course_lib.errors import CourseError
from course_lib.evaluation import click_quality as quality
from course_lib.evaluation.intervals import bootstrap, paired_difference
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.shop.published import shop
from course_lib.shop.source import sizes
from course_lib.training import click_edits, click_main
from course_lib.training.checkpoint import one_thread
from course_lib.training.click_main import PLACES, Log
from course_lib.training.click_shop import Case, click_case, kept

DATA = {"dataset": "slates"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "net": ("mlp", "mlp", "no_layer", "logistic", "attention"),  # what stands in place of the four layers
    "loss": ("bce", "bce", "pairwise"),
    "negatives": ("shown", "shown", "random"),  # the rows with y = 0
    "rows": ("all", "all", "with_click", "without_click", "clicks_only"),  # which of the log are learned from
    "epochs": (10, 1, 50),
    "batch_size": (64, 8, 1_000_000),
    "learning_rate": (0.001, 0.00001, 1.0),  # of Adam; Keras has the same default
    "shoppers": (2400, 50, 11_000),  # whose rows are learned from: six slates each
    "shop": (0, 0, 99),  # 0 the course's own; others have other shoppers
}
MEASURES = {
    "slate_clicks": "score",  # true clicks a slate
    "accuracy": "share",  # of the rows of the shoppers held out
    "never": "share",  # accuracy of the constant predictor
    "over_never": "difference",  # accuracy above that
    "said": "count",  # rows that it calls a click, with a chance above one half
    "log_loss": "nats",
    "scaled_log_loss": "nats",  # once the chances are put right: click_quality.py
    "row_auc": "score",  # of all rows in one pot
    "slope": "score",  # of calibration: 1 where the chances are true, below 1 where they are too bold
    "slate_ndcg": "score",  # of the slates shown that had a click, in the model's order
    "logistic_auc": "score",  # of the logistic regression beside it
    "logistic_clicks": "score",
    "over_logistic": "difference",  # true clicks a slate above that
    "counted_clicks": "score",  # of the three products clicked most, shown to everybody
    "best_clicks": "score",  # of each shopper's best slate
    "stop_accuracy": "count",  # the epoch that each measure likes best, the first of equals
    "stop_log_loss": "count",
    "stop_auc": "count",
    "stop_clicks": "count",
    "stopped_clicks": "score",  # true clicks a slate after the epoch that the log loss likes best
    "stopping_cost": "difference",  # those of the last epoch less these
    "parameters": "count",
    "seconds": "seconds",  # of training
}
ASKS = {"shopper": (1, 1, 1000)}
TINY = {"epochs": 2, "shoppers": 200}

HELD = 1000  # shoppers who are asked about; a quarter of a small shop
SLATES = 6  # of each shopper in the log
TOLD = 4  # events of the loss an epoch
FINISHED = "model/model.safetensors"
DATA_FILE = "model/held_out.safetensors"
Array = NDArray[Any]


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Trains the network, and the logistic regression beside it, and looks at both after each epoch.

    Raises CourseError where the data are not the shop's, have too few shoppers, or leave nothing to tell apart, where a
    batch would hold more rows than there are, and where a training diverges. An interrupted run begins again.
    """
    one_thread()
    began = time.perf_counter()
    settings, epochs, batch_size = config.settings, int(config.settings["epochs"]), int(config.settings["batch_size"])
    about = SLATES * PLACES * int(settings["shoppers"])  # rows, before any are left out: a sign of life at once
    yield plan(step=epochs * -(-about // batch_size), frame=epochs + 1)
    case = _case(config)
    random = torch.Generator().manual_seed(config.seed)
    log = _negatives(settings)(kept(case.train, str(settings["rows"])), case.n, random)
    rows = len(log.clicked)
    if batch_size > rows:
        raise CourseError("batch_over_rows", batch=f"{batch_size:,}", rows=f"{rows:,}")
    steps = -(-rows // batch_size)
    yield plan(step=epochs * steps, frame=epochs + 1)
    x_train, y_train = click_main.make_x(log, case.n), log.clicked
    watch = Watch(case)
    net = build(config, x_train.shape[1])
    beside = None if settings["net"] == "logistic" else _logistic(config, x_train.shape[1])
    _keep(folder.path, case)

    def look(epoch: int, loss: float | None) -> Event:
        view = watch.look(net, beside, epoch, loss)
        return folder.frame(epoch, view, _weights(net), **watch.told[-1])

    yield look(0, None)
    trained = 0.0
    loss_of = click_edits.pairwise if settings["loss"] == "pairwise" else click_main.loss
    rate = float(settings["learning_rate"])
    order = torch.Generator().manual_seed(config.seed)
    fitting = click_main.fit(net, loss_of, x_train, y_train, epochs, batch_size, rate, order)
    other: Iterator[tuple[int, float]] = iter(())
    if beside is not None:
        same_order = torch.Generator().manual_seed(config.seed)
        other = click_main.fit(beside, click_main.loss, x_train, y_train, epochs, batch_size, rate, same_order)
    for epoch in range(1, epochs + 1):
        started, losses = time.perf_counter(), []
        for step in range(1, steps + 1):
            losses.append(next(fitting)[1])
            if step % max(1, steps // TOLD) == 0 or step == steps:
                part = losses[-max(1, steps // TOLD) :]
                yield {"kind": "step", "at": (epoch - 1) * steps + step, "loss": round(float(np.mean(part)), 5)}
        trained += time.perf_counter() - started
        if not np.isfinite(losses).all() or not all(bool(p.isfinite().all()) for p in net.parameters()):
            raise CourseError("clicks_diverged", epoch=epoch, rate=rate)
        for _ in itertools.islice(other, steps):
            pass
        yield look(epoch, float(np.mean(losses)))
    _save(folder.path / FINISHED, _weights(net))
    for module in (click_main, click_edits):  # to take home and read: what has run
        source = Path(str(module.__file__))
        (folder.path / FINISHED).with_name(f"{source.name}.txt").write_bytes(source.read_bytes())
    artefact = open(folder.path, None)
    asked = [{"shopper": one} for one in (1, 2, 3)]
    folder.keep_answers([(one, answer(artefact, one)) for one in asked])
    measures = watch.measures(net, beside)
    measures |= {"parameters": exact(sum(p.numel() for p in net.parameters())), "seconds": exact(round(trained, 3))}
    total = round(time.perf_counter() - began, 3)
    yield result(measures, by_epoch=watch.told, rows=rows, seconds={"total": total, "train": round(trained, 3)})


def _case(config: RunConfig) -> Case:
    address, shoppers = config.data["dataset"], int(config.settings["shoppers"])
    if address.name != "shop":
        raise CourseError("clicks_shop", name=address.name)
    size = sizes()[address.size]
    held = min(HELD, size // 4)
    if shoppers > size - held:
        raise CourseError("clicks_few_shoppers", shoppers=shoppers, size=size, held=held, most=size - held)
    return click_case(shop(), shoppers, held, int(config.settings["shop"]))


def build(config: RunConfig, input_shape: int) -> nn.Module:
    """The network that the settings choose, before training."""
    nets: Mapping[str, type[nn.Module]] = {
        "mlp": click_main.Net, "no_layer": click_edits.NoLayer, "logistic": click_edits.Logistic,
        "attention": click_edits.Attention,
    }  # fmt: skip
    torch.manual_seed(config.seed)
    return nets[str(config.settings["net"])](input_shape)


def _logistic(config: RunConfig, input_shape: int) -> nn.Module:
    torch.manual_seed(config.seed)
    return click_edits.Logistic(input_shape)


def _negatives(settings: Mapping[str, Any]) -> Any:
    return click_edits.random_negatives if settings["negatives"] == "random" else click_main.negatives


# What is measured


@torch.no_grad()
def rankings(net: nn.Module, case: Case, every: torch.Tensor | None = None) -> Array:
    """(M, n) log odds of every product for every shopper held out, at the first place; ``every`` are their rows."""
    rows = click_main.make_x(case.every(), case.n) if every is None else every
    scores: Array = net(rows).double().numpy().reshape(len(case.attractive), case.n)
    return scores


class Watch:
    """Looks at a network after an epoch, on shoppers it has not learned from."""

    def __init__(self, case: Case) -> None:
        self.case, test = case, case.test
        self.shopper, self.y = test.shopper.numpy(), test.clicked.double().numpy()
        quality.need_both(self.y)
        self.x, self.every = click_main.make_x(test, case.n), click_main.make_x(case.every(), case.n)
        self.shown = test.product.numpy().reshape(-1, PLACES)
        self.slate_of = self.shopper.reshape(-1, PLACES)[:, 0]
        self.never = 1.0 - float(self.y.mean())
        self.told: list[dict[str, Any]] = []  # an epoch each
        self.worths: list[Array] = []  # (M,) true clicks of each shopper's slate, an epoch each
        self.level = {
            "counted": float(case.worth(np.tile(case.counted(), (len(case.attractive), 1))).mean()),
            "best": float(case.worth(case.attractive).mean()),
        }

    @torch.no_grad()
    def scores(self, net: nn.Module) -> tuple[Array, Array]:
        """(R,) chances of the test rows, and (M, n) log odds of every product at the first place."""
        return quality.chances(net(self.x).double().numpy()), rankings(net, self.case, self.every)

    def look(self, net: nn.Module, beside: nn.Module | None, epoch: int, loss: float | None) -> dict[str, Any]:
        """What there is to see after an epoch; ``loss`` is the mean of its steps."""
        p, every = self.scores(net)
        worth = self.case.worth(every)
        now: dict[str, Any] = {
            "epoch": epoch, "loss": None if loss is None else round(loss, 5),
            "test_loss": round(float(quality.log_losses(p, self.y).mean()), 5),
            "scaled_loss": round(float(quality.scaled_losses(p, self.y, self.shopper).mean()), 5),
            "accuracy": round(float(quality.right(p, self.y).mean()), 5), "never": round(self.never, 5),
            "auc": round(quality.auc_interval(p, self.y).value, 5), "slope": round(quality.slope(p, self.y).value, 4),
            "ndcg": round(float(np.nanmean(self.ndcg(every))), 5), "clicks": round(float(worth.mean()), 5),
        }  # fmt: skip
        if beside is not None:
            other, others = self.scores(beside)
            now |= {
                "logistic_loss": round(float(quality.log_losses(other, self.y).mean()), 5),
                "logistic_auc": round(quality.auc_interval(other, self.y).value, 5),
                "logistic_clicks": round(float(self.case.worth(others).mean()), 5),
            }
        self.told.append(now)
        self.worths.append(worth)
        return {**now, **self.level, "bins": quality.bins(p, self.y)}

    def ndcg(self, every: Array) -> Array:
        """(S,) NDCG of each test slate in the order of (M, n) log odds; NaN where nothing was clicked."""
        scores = every[self.slate_of[:, None], self.shown]
        return quality.slate_ndcg(scores, self.y.reshape(-1, PLACES))

    def measures(self, net: nn.Module, beside: nn.Module | None) -> dict[str, dict[str, float]]:
        """The end, with intervals over shoppers."""
        p, every = self.scores(net)

        def mean(values: Array) -> Array:
            return quality.by_shopper(values, self.shopper)

        right, never = mean(quality.right(p, self.y)), mean(1.0 - self.y)
        ndcg, worth = self.ndcg(every), self.worths[-1]
        after = self.told[1:]  # nobody stops before the first epoch
        stops = {
            "accuracy": int(np.argmax([one["accuracy"] for one in after])) + 1,
            "log_loss": int(np.argmin([one["test_loss"] for one in after])) + 1,
            "auc": int(np.argmax([one["auc"] for one in after])) + 1,
            "clicks": int(np.argmax([one["clicks"] for one in after])) + 1,
        }
        stopped = self.worths[stops["log_loss"]]
        found = {
            "accuracy": bootstrap(right), "never": bootstrap(never), "over_never": paired_difference(right, never),
            "log_loss": bootstrap(mean(quality.log_losses(p, self.y))),
            "scaled_log_loss": bootstrap(mean(quality.scaled_losses(p, self.y, self.shopper))),
            "row_auc": quality.auc_interval(p, self.y), "slope": quality.slope(p, self.y),
            "slate_ndcg": bootstrap(ndcg[~np.isnan(ndcg)]), "slate_clicks": bootstrap(worth),
            "stopped_clicks": bootstrap(stopped), "stopping_cost": paired_difference(worth, stopped),
        }  # fmt: skip
        if beside is not None:
            other, others = self.scores(beside)
            theirs = self.case.worth(others)
            found |= {
                "logistic_auc": quality.auc_interval(other, self.y), "logistic_clicks": bootstrap(theirs),
                "over_logistic": paired_difference(worth, theirs),
            }  # fmt: skip
        measures = {name: one.to_dict() for name, one in found.items()}
        measures["said"] = exact(int((p > 0.5).sum()))
        measures |= {f"{name}_clicks": exact(value) for name, value in self.level.items()}
        return measures | {f"stop_{name}": exact(epoch) for name, epoch in stops.items()}


# Questions


def _weights(net: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.contiguous() for name, value in net.state_dict().items()}


def _save(place: Path, tensors: Mapping[str, Any]) -> None:
    from safetensors.torch import save_file

    place.parent.mkdir(parents=True, exist_ok=True)
    save_file(dict(tensors), place)


def _keep(folder: Path, case: Case) -> None:
    """The shoppers held out: what a question needs when the shop is not drawn again."""
    test = case.test
    _save(
        folder / DATA_FILE,
        {
            "shares": test.shares.contiguous(), "shopper": test.shopper.short(), "product": test.product.short(),
            "place": test.place.byte(), "clicked": test.clicked.byte(),
            "attractive": torch.from_numpy(case.attractive.copy()), "looked": torch.from_numpy(case.looked.copy()),
            "items": torch.from_numpy(case.items.copy()), "latest": torch.from_numpy(case.latest.copy()),
        },
    )  # fmt: skip


@dataclass(frozen=True)
class Artefact:
    """The network of an epoch, and what it says of the shoppers held out."""

    case: Case
    every: Array  # (M, n) log odds at the first place


def open(folder: Path, at: int | None) -> Artefact:
    """The network of a run at a frame; None: the finished one."""
    from safetensors.torch import load_file

    config = RunConfig.read(folder)
    weights = load_file(folder / FINISHED) if at is None else Folder(folder).weights(at)
    data = load_file(folder / DATA_FILE)
    test = Log(
        data["shares"], data["shopper"].long(), data["product"].long(), data["place"].long(), data["clicked"].float()
    )
    case = Case(
        test, test, data["attractive"].numpy(), data["looked"].numpy(), data["items"].numpy(), data["latest"].numpy()
    )
    net = build(config, int(test.shares.shape[1]) + case.n + PLACES)
    net.load_state_dict(weights)
    return Artefact(case, rankings(net, case))


def answer(artefact: Artefact, asked: Mapping[str, Any]) -> dict[str, Any]:
    """One shopper's slate beside the best one, each product with its predicted and its true chance of a click.

    Shoppers are counted from 1; where fewer are held out than asked for, counting begins again.
    """
    case = artefact.case
    who = (int(asked["shopper"]) - 1) % len(case.attractive)
    p = quality.chances(artefact.every[who])

    def slate(scores: Array) -> list[dict[str, Any]]:
        top = np.argsort(-scores, kind="stable")[:PLACES]
        return [
            {"item": int(case.items[one]), "said": round(float(p[one]), 5),
             "true": round(float(case.attractive[who, one]), 5)}
            for one in top
        ]  # fmt: skip

    ours, best = slate(artefact.every[who]), slate(case.attractive[who])
    worth = [float(np.dot([one["true"] for one in rows], case.looked)) for rows in (ours, best)]
    return {
        "shopper": who + 1, "latest": [int(one) for one in case.latest[who] if one],
        "slate": ours, "best_slate": best, "worth": round(worth[0], 5), "best_worth": round(worth[1], 5),
    }  # fmt: skip
