"""The run taken home: one zip with the weights, the configuration, every number, and a notebook that repeats it.

model/          the weights as save_pretrained wrote them
config.json     what was trained      result.json   how it ended      metrics.csv   epoch by epoch
lists.json      five shoppers and what the trained model recommends to them
repeat.ipynb    repeats the run, loads the weights, and checks that they give the same lists
model.py        the model's source, to read        README.zh.md, README.en.md
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import nbformat

from course_lib.errors import CourseError
from course_lib.models.catalogue import model_card
from course_lib.runs.config import RunConfig
from course_lib.runs.files import CONFIG, RESULT
from course_lib.runs.store import RunReader
from course_lib.runs.view import Event, RunView, snapshot_view, valid_run_id
from course_lib.settings import load_settings
from course_lib.text import LANGUAGES, text

DATE = (2020, 1, 1, 0, 0, 0)  # the same run gives the same zip

PREPARE = """\
import json
from pathlib import Path

HERE = Path.cwd()  # the unpacked folder
config = json.loads((HERE / "config.json").read_text(encoding="utf-8"))
result = json.loads((HERE / "result.json").read_text(encoding="utf-8"))
lists = json.loads((HERE / "lists.json").read_text(encoding="utf-8"))
result["metrics"]"""

REPEAT = """\
from course_lib.runs.config import RunConfig
from course_lib.runs.here import run_here
from course_lib.settings import load_settings

data, chosen = config["dataset"], ("model", "seed", "settings", "training")
run = RunConfig.make(data["name"], data["size"], **{name: config[name] for name in chosen})
if run.to_json() != RunConfig.from_json(json.dumps(config)).to_json():
    print("This is another version of the course or its data: expect other numbers.")
    print("课程或数据的版本不同，数值会有出入。")


def show(event):
    if event["kind"] == "epoch":
        print(event["epoch"], {name: round(score["value"], 4) for name, score in event["metrics"].items()})


repeated = run_here(run, load_settings(), show)
for name, score in result["metrics"].items():
    print(f"{name}: {score['value']:.4f} then, {repeated['metrics'][name]['value']:.4f} now")"""

LOAD = """\
from course_lib.models.base import model_class

model = model_class(config["model"]).from_pretrained(HERE / "model", local_files_only=True)
print(sum(weights.numel() for weights in model.parameters()), "parameters")"""

LISTS = """\
from course_lib.data.histories import Histories

for shopper in lists["shoppers"]:
    before = [row["item"] for row in shopper["top"]]
    scores = model.score(Histories.from_lists([shopper["history"]]))[0]
    now = [int(item) for item in scores.argsort(kind="stable")[::-1][: len(before)]]
    print(shopper["user"], now, "= recorded" if now == before else f"!= recorded {before}")"""


def takeaway(run_id: str, runs: Path | None = None) -> bytes:
    """The zip of a finished run in ``runs`` (by default the installation's); see :func:`write_takeaway`."""
    if not valid_run_id(run_id):
        raise CourseError("run_missing", run=run_id)
    target = io.BytesIO()
    write_takeaway((runs or load_settings().runs) / run_id, target)
    return target.getvalue()


def write_takeaway(folder: Path, target: BinaryIO) -> None:
    """Write the zip of the finished run in ``folder`` to ``target``, file by file, never a whole file in memory.

    Raises CourseError ``run_missing``, ``run_corrupt`` or ``run_has_no_model``.
    """
    view = RunReader(folder).read().view
    if view.error is not None and view.error["key"] == "run_corrupt":
        raise CourseError.from_dict(view.error)
    if view.state == "missing" or view.config is None:
        raise CourseError("run_missing", run=folder.name)
    model = sorted(path for path in (folder / "model").glob("**/*") if path.is_file())
    if view.result is None or not model:
        raise CourseError("run_has_no_model", run=folder.name)
    with zipfile.ZipFile(target, "w") as package:
        for name in (CONFIG, RESULT):
            _copy(package, name, folder / name)
        for path in model:
            _copy(package, path.relative_to(folder).as_posix(), path)
        _copy(package, "model.py", model_card(view.config.model).source)
        _add(package, "metrics.csv", metrics_csv(view.epochs))
        _add(package, "lists.json", json.dumps(lists(view, folder.parent), ensure_ascii=False, indent=1))
        _add(package, "repeat.ipynb", notebook(view.config))
        for language in LANGUAGES:
            _add(package, f"README.{language}.md", readme(view, language))


def _info(name: str, compress: bool) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, DATE)
    info.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    info.external_attr = 0o644 << 16
    return info


def _copy(package: zipfile.ZipFile, name: str, path: Path) -> None:
    info = _info(name, compress=path.suffix != ".safetensors")  # weights are noise: compressing gains nothing
    with path.open("rb") as source, package.open(info, "w", force_zip64=path.stat().st_size > 2**31) as sink:
        shutil.copyfileobj(source, sink)


def _add(package: zipfile.ZipFile, name: str, content: str) -> None:
    package.writestr(_info(name, compress=True), content)


def metrics_csv(epochs: Iterable[Event]) -> str:
    """One row an epoch: its step, loss and seconds, and each metric with its interval."""
    rows = []
    for event in epochs:
        row: dict[str, Any] = {name: event.get(name) for name in ("epoch", "step", "loss", "seconds")}
        for metric, score in event["metrics"].items():
            row |= {metric: score["value"], f"{metric}_low": score["low"], f"{metric}_high": score["high"]}
        rows.append(row)
    columns = list(dict.fromkeys(name for row in rows for name in row)) or ["epoch"]
    sink = io.StringIO()
    writer = csv.DictWriter(sink, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue()


def lists(view: RunView, runs: Path) -> dict[str, Any]:
    """The shoppers of the last snapshot: history, the product that came next, and the recommended list."""
    if not view.snapshots:
        return {"epoch": None, "shoppers": []}
    snapshot = snapshot_view(view.run_id, view.snapshots[-1], runs)
    names = ("user", "history", "target", "top")
    shoppers = [{name: shopper[name] for name in names} for shopper in snapshot["shoppers"]]
    return {"epoch": view.snapshots[-1], "shoppers": shoppers}


def _said(key: str, **params: Any) -> str:
    """A sentence in both languages, for the notebook."""
    return "\n\n".join(text(f"takeaway.{key}", language, **params) for language in LANGUAGES)


def _title(config: RunConfig) -> dict[str, Any]:
    return {"model": config.model, "dataset": config.dataset.name, "size": config.dataset.size, "seed": config.seed}


def notebook(config: RunConfig) -> str:
    """``repeat.ipynb``: cells in the order of the docstring above."""
    v4 = nbformat.v4
    cells = [v4.new_markdown_cell(f"# {config.run_id}\n\n" + _said("about", **_title(config)))]
    for key, code in (("prepare", PREPARE), ("repeat", REPEAT), ("load", LOAD), ("lists", LISTS)):
        cells += [v4.new_markdown_cell(_said(key)), v4.new_code_cell(code)]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # by default random, and the same run should give the same zip
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return str(nbformat.writes(v4.new_notebook(cells=cells, metadata=kernel)))


def readme(view: RunView, language: str) -> str:
    """What is in the zip and how to use it, in one language."""
    assert view.config is not None
    assert view.result is not None
    scores = [
        f"- {name}: {score['value']:.4f} [{score['low']:.4f}, {score['high']:.4f}]"
        for name, score in view.result["metrics"].items()
    ]
    parts = [f"# {view.run_id}", text("takeaway.about", language, **_title(view.config)), "\n".join(scores)]
    parts += [text(f"takeaway.{key}", language) for key in ("files", "use")]
    return "\n\n".join(parts) + "\n"
