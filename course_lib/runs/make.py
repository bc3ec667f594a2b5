"""Which implementation of :class:`course_lib.runs.interface.Runs` an installation uses: LIVEREC_RUNS says it."""

from __future__ import annotations

import importlib.util
import sys

from course_lib.errors import CourseError
from course_lib.runs.interface import Runs
from course_lib.runs.local import LocalRuns
from course_lib.settings import Settings


def check_ray(settings: Settings) -> None:
    """Raises CourseError ``cluster_without_ray`` where training on a cluster is asked for and Ray is missing."""
    if settings.trains_on != "local" and importlib.util.find_spec("ray") is None:
        raise CourseError("cluster_without_ray", python=sys.executable)


def make_runs(settings: Settings) -> Runs:
    """What trains for this process: workers on this machine, or on a Ray cluster. Raises CourseError."""
    check_ray(settings)
    if settings.trains_on == "local":
        return LocalRuns(settings)
    from course_lib.runs.ray_runs import RayRuns

    return RayRuns(settings)
