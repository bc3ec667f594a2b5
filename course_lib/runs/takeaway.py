"""The run taken home: one zip with what it made, the configuration, every number, and a notebook that repeats it.

config.json     what was run          result.json   how it ended
model/          the weights as save_pretrained wrote them, where something was trained
answers.json    questions to the artefact and its answers
step.csv, ...   what was told on the way, a file a kind
repeat.ipynb    repeats the run, opens what it made, and checks that it gives the same answers
source/         the experiment's and the models' source, to read        README.zh.md, README.en.md
"""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import nbformat

from course_lib.errors import CourseError
from course_lib.experiments.config import CONFIG, RunConfig
from course_lib.experiments.events import ANSWERS, Event
from course_lib.runs.files import RESULT
from course_lib.runs.reader import RunReader
from course_lib.runs.view import RunView, valid_run_id
from course_lib.settings import load_settings
from course_lib.text import LANGUAGES, text

DATE = (2020, 1, 1, 0, 0, 0)  # the same run gives the same zip
PARTS = ("model", ANSWERS)  # of the run's folder, as they are

PREPARE = """\
import importlib
import json
from pathlib import Path

from course_lib.experiments.config import RunConfig

HERE = Path.cwd()  # the unpacked folder
config = RunConfig.read(HERE)
recorded = json.loads((HERE / "result.json").read_text(encoding="utf-8"))["measures"]
recorded"""

REPEAT = """\
from course_lib.runs.foreground import run_here
from course_lib.settings import load_settings

run = RunConfig.make(config.experiment, config.sizes, config.settings, config.seed)
if run.to_json() != config.to_json():
    print("This is another version of the course or its data: expect other numbers.")
    print("课程或数据的版本不同，数值会有出入。")


def show(event):
    if "at" in event and event["kind"] != "step":
        print(event["kind"], event["at"])


repeated = run_here(run, load_settings(), show)["measures"]
for name, one in recorded.items():
    print(f"{name}: {one['value']:.4f} then, {repeated[name]['value']:.4f} now")"""

ASK = """\
experiment = importlib.import_module(config.card.module)
artefact = experiment.open(HERE, None)
for one in json.loads((HERE / "answers.json").read_text(encoding="utf-8")):
    now = experiment.answer(artefact, one["asked"])
    print(one["asked"], "=" if now == one["answer"] else f"!= {one['answer']}")"""


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
    with zipfile.ZipFile(target, "w") as package:
        pack(folder, package)


def pack(folder: Path, package: zipfile.ZipFile, under: str = "") -> None:
    """Puts the finished run in ``folder`` into an open zip, below ``under`` ("sasrec/"). Raises as above."""
    view = RunReader(folder).read().view
    if view.error is not None and view.error["key"] == "run_corrupt":
        raise CourseError.from_dict(view.error)
    if view.state == "missing" or view.config is None:
        raise CourseError("run_missing", run=folder.name)
    if view.result is None:
        raise CourseError("run_has_no_model", run=folder.name)
    for name in (CONFIG, RESULT):
        _copy(package, under + name, folder / name)
    for part in PARTS:
        for path in sorted(path for path in [folder / part, *(folder / part).rglob("*")] if path.is_file()):
            _copy(package, under + path.relative_to(folder).as_posix(), path)
    card = view.config.card
    for source in (card.source, *(one.source for one in card.chosen(view.config.settings).values())):
        _copy(package, f"{under}source/{source.name}", source)
    for kind, events in view.events.items():
        if len(events) > 1 and kind != "frame":
            add_text(package, f"{under}{kind}.csv", events_csv(events))
    add_text(package, f"{under}repeat.ipynb", notebook(view.config, (folder / ANSWERS).is_file()))
    for language in LANGUAGES:
        add_text(package, f"{under}README.{language}.md", readme(view, language))


def _info(name: str, compress: bool) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, DATE)
    info.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    info.external_attr = 0o644 << 16
    return info


def _copy(package: zipfile.ZipFile, name: str, path: Path) -> None:
    info = _info(name, compress=path.suffix != ".safetensors")  # weights are noise: compressing gains nothing
    with path.open("rb") as source, package.open(info, "w", force_zip64=path.stat().st_size > 2**31) as sink:
        shutil.copyfileobj(source, sink)


def add_text(package: zipfile.ZipFile, name: str, content: str | bytes) -> None:
    """Puts a file made of ``content`` into an open zip, the same bytes each time."""
    package.writestr(_info(name, compress=True), content)


def events_csv(events: Iterable[Event]) -> str:
    """One row an event; what lies within another (``metrics``, ``ndcg@10``, ``low``) has its path as column."""
    rows = [dict(_flat("", event)) for event in events]
    columns = [name for name in dict.fromkeys(name for row in rows for name in row) if name not in ("kind", "t")]
    sink = io.StringIO()
    writer = csv.DictWriter(sink, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue()


def _flat(path: str, value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _flat(f"{path}.{name}" if path else str(name), part)
    elif not isinstance(value, list):
        yield path, value


def _said(key: str, **params: Any) -> str:
    """A sentence in both languages, for the notebook."""
    return "\n\n".join(text(f"takeaway.{key}", language, **params) for language in LANGUAGES)


def _title(config: RunConfig) -> dict[str, Any]:
    data = ", ".join(f"{one.name} ({one.size})" for one in config.data.values()) or "–"
    chosen = ", ".join(str(config.settings[name]) for name in config.card.chooses) or "–"
    return {"experiment": config.experiment, "model": chosen, "data": data, "seed": config.seed}


def notebook(config: RunConfig, asks: bool) -> str:
    """``repeat.ipynb``: cells in the order of the docstring above; ``asks`` where there are answers to compare with."""
    v4 = nbformat.v4
    cells = [v4.new_markdown_cell(f"# {config.run_id}\n\n" + _said("about", **_title(config)))]
    for key, code in (("prepare", PREPARE), ("repeat", REPEAT), *([("ask", ASK)] if asks else [])):
        cells += [v4.new_markdown_cell(_said(key)), v4.new_code_cell(code)]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # by default random, and the same run should give the same zip
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return str(nbformat.writes(v4.new_notebook(cells=cells, metadata=kernel)))


def readme(view: RunView, language: str) -> str:
    """What is in the zip and how to use it, in one language."""
    assert view.config is not None
    assert view.result is not None
    measures = [
        f"- {name}: {one['value']:.6g} [{one['low']:.6g}, {one['high']:.6g}]"
        for name, one in view.result["measures"].items()
    ]
    parts = [f"# {view.run_id}", text("takeaway.about", language, **_title(view.config)), "\n".join(measures)]
    parts += [text(f"takeaway.{key}", language) for key in ("files", "use")]
    return "\n\n".join(parts) + "\n"
