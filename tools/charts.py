"""Fetches Plotly's JavaScript into static/vendor/: the official build with the flat kinds of charts only.

    python tools/charts.py

The plotly wheel (requirements-dev.txt) brings the whole library, 4.8 MB, of which maps and three dimensions are most.
The course draws lines, bars, heat maps and their like, so it serves ``plotly.js-cartesian-dist-min`` (MIT), 1.5 MB,
in the version of that wheel, against whose schema the tests check every figure.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import tempfile
from pathlib import Path

from fonts import PROJECT, fetch  # beside this file

PACKAGE = "plotly.js-cartesian-dist-min"


def version() -> str:
    """The version of plotly.js in the installed wheel, like ``4.1.1``."""
    spec = importlib.util.find_spec("plotly")
    if spec is None or spec.origin is None:
        raise SystemExit("plotly is not installed: pip install -r requirements-dev.txt")
    with (Path(spec.origin).parent / "package_data" / "plotly.min.js").open(encoding="utf-8") as file:
        found = re.search(r"plotly\.js v([\d.]+)", file.read(400))
    if found is None:
        raise SystemExit("plotly.min.js of the wheel does not say its version")
    return found[1]


def main() -> None:
    """Replaces the build in static/vendor/."""
    target = PROJECT / "static" / "vendor"
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        package = fetch(Path(folder), f"{PACKAGE}@{version()}")
        for old in target.glob("*plotly*"):
            old.unlink()
        shutil.copy(package / "plotly-cartesian.min.js", target / f"plotly-cartesian-{version()}.min.js")
        shutil.copy(package / "LICENSE", target / "LICENSE-plotly.txt")


if __name__ == "__main__":
    main()
