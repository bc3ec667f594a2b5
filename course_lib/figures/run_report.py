"""A report on finished runs: one page of HTML that needs nothing else, a table of every measure, or plain data.

    report = Report.of([view, other], "en")      # a run's view, or several; of one experiment or of more
    report.html()                                # protocol in words, measures with intervals, differences, pictures
    report.csv()                                 # a row a run and measure
    report.data()                                # the same and the protocol, JSON-ready

The same runs give the same bytes. A measure's interval is the one that its run reckoned; the difference of two runs is
reckoned from their intervals as if they were independent (course/measures.py), and so comes out too wide.
"""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.course.lessons import load_lessons
from course_lib.course.measures import HEADLINE, measure
from course_lib.data.registry import load_items
from course_lib.errors import CourseError
from course_lib.experiments.catalogue import experiment_card
from course_lib.figures.base import Figure
from course_lib.figures.names import choice_name, dataset_name, in_unit, measure_name, setting_name, size_name
from course_lib.figures.pictures import pictures
from course_lib.figures.shown import Shown
from course_lib.runs.view import RunView, frame_view
from course_lib.settings import PROJECT
from course_lib.text import strings, text

CSV_COLUMNS = ("run", "experiment", "data", "seed", "settings", "measure", "unit", "value", "low", "high")
STYLE = """
body{font:16px/1.5 'Source Sans','Noto Sans SC','PingFang SC','Microsoft YaHei',sans-serif;color:#1f2430;
background:#fff;max-width:58rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;display:block;overflow-x:auto}td,th{border-bottom:1px solid #e3e6ea;padding:.3rem .7rem;
text-align:left;font-variant-numeric:tabular-nums}small,figcaption{color:#5f6672}figure{margin:1.5rem 0}
"""
PAGE = """\
<!DOCTYPE html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><style>{style}</style></head>
<body>{body}</body></html>
"""


def plotly_file() -> Path:
    """Plotly's JavaScript with the flat kinds of charts only, a third of the whole; tools/charts.py fetches it."""
    return next((PROJECT / "static" / "vendor").glob("plotly-cartesian-*.min.js"))


@dataclass(frozen=True)
class Report:
    """What is to be said of some finished runs, in one language."""

    views: tuple[RunView, ...]
    language: str
    names: tuple[str, ...]  # what each run is called beside the others

    @classmethod
    def of(cls, views: Sequence[RunView], language: str) -> Report:
        """A report on ``views``, each once; raises CourseError for one that is missing or has not finished, or none."""
        known = {view.run_id: view for view in views}
        if not known:
            raise CourseError("report_of_nothing")
        for run_id, view in known.items():
            if view.state == "missing" or view.config is None:
                raise CourseError("run_missing", run=run_id)
            if view.result is None:
                raise CourseError("report_unfinished", run=run_id)
        runs = tuple(known.values())
        return cls(runs, language, tuple(_name(view, runs, language) for view in runs))

    def data(self) -> dict[str, Any]:
        """JSON-ready: ``{"protocol": {experiment: sentence}, "runs": [{"run", "experiment", ..., "measures"}]}``."""
        return {"protocol": self.protocol(), "runs": [self._run(view) for view in self.views]}

    def protocol(self) -> dict[str, str]:
        """How each experiment measures, in words."""
        experiments = dict.fromkeys(_config(view).experiment for view in self.views)
        return {one: strings(self.language).get(f"protocol.{one}", experiment_card(one).summary) for one in experiments}

    def csv(self) -> str:
        """CSV_COLUMNS, a row a run and measure."""
        sink = io.StringIO()
        writer = csv.writer(sink, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        for view in self.views:
            run = self._run(view)
            settings = json.dumps(run["settings"], sort_keys=True, ensure_ascii=False)
            for name, one in run["measures"].items():
                numbers = [one[part] for part in ("value", "low", "high")]
                head = (run["run"], run["experiment"], run["data"], run["seed"], settings)
                writer.writerow((*head, name, one["unit"], *numbers))
        return sink.getvalue()

    def html(self) -> str:
        """The whole page."""
        title = html.escape(self._said("title"))
        parts, scripts = [f"<h1>{title}</h1>", self._runs_table()], list[str]()
        for experiment, sentence in self.protocol().items():
            group = [number for number, view in enumerate(self.views) if _config(view).experiment == experiment]
            parts.append(f"<h2>{html.escape(experiment)}</h2><p>{html.escape(sentence)}</p>")
            parts += [self._measures_table(group), self._differences(group)]
            for figure in self._figures(group):
                place, words = f"figure{len(scripts)}", html.escape(figure.alt)
                parts.append(f'<figure><div id="{place}" role="img" aria-label="{words}"></div>')
                parts.append(f"<figcaption>{words}</figcaption></figure>")
                scripts.append(_drawing(place, figure))
        library = [plotly_file().read_text(encoding="utf-8")] if scripts else []
        parts += [f"<script>{script}</script>" for script in (*library, *scripts)]
        return PAGE.format(language=self.language, title=title, style=STYLE, body="".join(parts))

    def _said(self, key: str, **params: Any) -> str:
        return text(f"report.{key}", self.language, **params)

    def _run(self, view: RunView) -> dict[str, Any]:
        config, result = _config(view), view.result or {}
        units = config.card.measures
        return {
            "run": view.run_id,
            "experiment": config.experiment,
            "data": ", ".join(f"{one.name}/{one.size}" for one in config.data.values()),
            "seed": config.seed,
            "settings": dict(config.settings),
            "measures": {
                name: {"unit": units.get(name, ""), **{part: one[part] for part in ("value", "low", "high")}}
                for name, one in result.get("measures", {}).items()
            },
        }

    def _runs_table(self) -> str:
        rows = []
        for view, name in zip(self.views, self.names, strict=True):
            config = _config(view)
            data = ", ".join(
                f"{dataset_name(one.name, self.language)} · {size_name(one.name, one.size, self.language)}"
                for one in config.data.values()
            )
            rows.append((name, config.experiment, data or "–", str(config.seed), view.run_id))
        return _table([self._said(f"column_{one}") for one in ("name", "experiment", "data", "seed", "run")], rows)

    def _measures_table(self, group: Sequence[int]) -> str:
        """A row a measure and a column a run."""
        views = [self.views[number] for number in group]
        units = _config(views[0]).card.measures
        head = [self._said("column_measure"), *(self.names[number] for number in group)]
        rows = []
        for name, unit in units.items():
            found = [(view.result or {}).get("measures", {}).get(name) for view in views]
            if any(found):
                cells = ["–" if one is None else _with_interval(one, unit, self.language) for one in found]
                rows.append((measure_name(name, self.language), *cells))
        return _table(head, rows)

    def _differences(self, group: Sequence[int]) -> str:
        """How far each run is from the first in the measure that such runs are compared in."""
        views = [self.views[number] for number in group]
        units = _config(views[0]).card.measures
        wanted = HEADLINE if HEADLINE in units else next(iter(units), "")
        if len(views) < 2 or not wanted:
            return ""
        try:
            first, *others = [measure(wanted, view.result or {}) for view in views]
        except CourseError:  # one of the runs has not measured it
            return ""
        rows = []
        for number, other in zip(group[1:], others, strict=True):
            apart = other - first
            ends = {"value": apart.value, "low": apart.low, "high": apart.high}
            rows.append((self.names[number], _with_interval(ends, units[wanted], self.language)))
        words = self._said("differences", measure=measure_name(wanted, self.language), name=self.names[group[0]])
        head = [self._said("column_name"), self._said("column_difference")]
        return f"<p>{html.escape(words)}</p>" + _table(head, rows)

    def _figures(self, group: Sequence[int]) -> list[Figure]:
        """What the lessons show of such runs, where it shows something of these."""
        views = [self.views[number] for number in group]
        known, found = pictures(), []
        for name in _picture_names(_config(views[0]).experiment, len(views) > 1):
            figure = known[name](self._shown(views, group), self.language)
            if not figure.frame.empty:
                found.append(figure)
        return found

    def _shown(self, views: Sequence[RunView], group: Sequence[int]) -> Shown:
        view, names = views[0], [self.names[number] for number in group]
        at = view.frames[-1] if view.frames else None
        try:
            frame = None if at is None else frame_view(view.run_id, at)
            address = _config(view).dataset
            items = None if address is None else load_items(address)
        except CourseError:  # the data has gone since, or the frames have: what needs them is left out
            frame, items = None, None
        return Shown(tuple(views), names if len(views) > 1 else (), at, frame, items=items)


def _config(view: RunView) -> Any:
    assert view.config is not None  # Report.of has seen to it
    return view.config


def _name(view: RunView, views: Sequence[RunView], language: str) -> str:
    """A run by what tells it from the others of its experiment; by its seed where nothing else does."""
    config = _config(view)
    others = [one for one in map(_config, views) if one.experiment == config.experiment and one is not config]
    words = [choice_name(choice, config.settings[choice], language) for choice in config.card.chooses]
    for name, value in config.settings.items():
        shared = [one.settings[name] for one in others if name in one.settings]
        if name not in config.card.chooses and any(one != value for one in shared):
            words.append(f"{setting_name(name, language)} {choice_name(name, value, language)}")
    if not words or any(one.seed != config.seed for one in others):
        words.append(text("report.seed", language, seed=config.seed))
    return ", ".join(words)


def _picture_names(experiment: str, compared: bool) -> list[str]:
    """Pictures of the lessons' labs with this experiment, of those that compare or of the others."""
    known = pictures()
    labs = [lab for lesson in load_lessons() for lab in lesson.labs if lab.experiment == experiment]
    named = [name for lab in labs if bool(lab.runs) == compared for name in lab.pictures if name in known]
    return list(dict.fromkeys(named)) or [name for name in known if name.startswith(f"{experiment}.")]


def _drawing(place: str, figure: Figure) -> str:
    """JavaScript that draws ``figure`` in the element ``place``."""
    plot = json.dumps(figure.plot(), ensure_ascii=False).replace("</", "<\\/")  # no text may end the script
    options = "{displayModeBar:false,responsive:true}"
    return f"{{const one={plot};Plotly.newPlot('{place}',one.data,one.layout,{options})}}"


def _with_interval(one: Mapping[str, float], unit: str, language: str) -> str:
    value, low, high = (in_unit(one[part], unit) for part in ("value", "low", "high"))
    return value if one["low"] == one["high"] else f"{value} ({text('numbers.range', language, low=low, high=high)})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
