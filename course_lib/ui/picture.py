"""A picture on the page, found by its name, drawn once for all who see the same."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

from course_lib.figures.pictures import picture
from course_lib.figures.shown import Shown
from course_lib.ui.drawn import shared
from course_lib.ui.live_figure import live_figure


class Place(Protocol):
    """Whatever shows pictures: a lab, or a page that has none."""

    @property
    def language(self) -> str:
        """The reader's language."""
        ...

    def key(self, name: str) -> str:
        """The key of one of its elements."""
        ...


class _Same:
    """Equal to another one of the very same objects: a run's view is a new object whenever something has changed."""

    def __init__(self, *objects: Any) -> None:
        self.objects = objects

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Same) or len(self.objects) != len(other.objects):
            return False
        return all(one is two for one, two in zip(self.objects, other.objects, strict=True))

    __hash__ = None  # type: ignore[assignment]


def draw_picture(lab: Place, name: str, shown: Shown, place: str) -> None:
    """Draws the picture ``name`` of what is shown; raises CourseError for a name that no picture has.

    Args:
        lab: whose language and key it has; a lab, mostly.
        name: ``experiment.function``.
        shown: what it looks at.
        place: names it among the page's pictures of the same name.
    """
    make, who = picture(name), shown.answer or {}
    runs, asked = tuple(one.run_id for one in shown.runs), tuple(sorted(shown.settings.items()))
    edited = (tuple(who.get("history", ())), bool(who.get("attention")))  # one that was not answered may be later
    called = (name, lab.language, runs, asked, shown.at, who.get("user"), *edited)
    source = _Same(*shown.runs, shown.frame)
    wide, small = (
        shared((*called, narrow), source, partial(make, shown, lab.language, narrow)) for narrow in (False, True)
    )
    live_figure(wide, key=lab.key(f"figure.{name}.{place}"), narrow=small)
