"""Every colour of the course's pictures: one per model through the whole course, one per department, light and dark.

Based on Okabe and Ito's colour-blind-safe set, darkened for a light page and lightened for a dark one so that text
keeps a WCAG contrast of 4.5 and lines and marks one of 3 (a test holds both). Colour never stands alone: models also
differ by dash, departments by marker.
"""

from __future__ import annotations

from dataclasses import dataclass

from course_lib.errors import CourseError

# The page's own stack in .streamlit/config.toml: served with the page up to Noto Sans SC, then what a machine may have.
FONT = (
    "'Source Sans', 'LiveRec Emoji', 'Noto Sans SC', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif"
)
CLEAR = "rgba(0,0,0,0)"


@dataclass(frozen=True)
class Theme:
    """What a picture needs to know about the page behind it."""

    dark: bool
    background: str  # the page; pictures are transparent, so this is only for halos and for checking contrast
    surface: str  # quiet fill: hover boxes, tracks, masked cells
    ink: str  # text
    muted: str  # secondary text and outlines; still readable
    grid: str  # grid lines: decoration, so no contrast is asked of them
    accent: str  # the true next product, the thing to look at
    done: str  # progress


LIGHT = Theme(False, "#ffffff", "#eef0f3", "#1f2430", "#5f6672", "#e3e6ea", "#b84300", "#00785a")
DARK = Theme(True, "#0e1117", "#262b36", "#f2f4f8", "#a3abb8", "#2b313c", "#ff9a5c", "#3ecf9f")


def theme(dark: bool) -> Theme:
    """The colours of the dark or the light page."""
    return DARK if dark else LIGHT


@dataclass(frozen=True)
class Style:
    """How one series is drawn wherever it appears."""

    light: str
    dark: str
    dash: str = "solid"  # plotly line.dash
    width: float = 2.0

    def colour(self, theme: Theme) -> str:
        """The line and label colour on that page."""
        return self.dark if theme.dark else self.light


MODELS: dict[str, Style] = {
    "sasrec": Style("#0072b2", "#56b4e9", width=3),
    "bert4rec": Style("#00785a", "#3ecf9f", width=3),
    "gru4rec": Style("#a23b72", "#e59ac4", width=3),
    "hstu": Style("#b3261e", "#ff8a80", width=3),
    "ease": Style("#8a5a00", "#e6a72e", width=3),
    "matrix-factorization": Style("#6a4fb3", "#b3a1ec", width=3),
    "mlp": Style("#5f6b00", "#c9d64a", "10px,3px", 3),
    "popularity": Style("#747474", "#8c8c8c", "dot"),
    "personal-frequency": Style("#686868", "#9c9c9c", "longdash"),
    "item-knn": Style("#5c5c5c", "#adadad", "dashdot"),
    "markov": Style("#404040", "#d0d0d0", "dash"),
    "oracle.filtered": Style("#b84300", "#ff9a5c", "8px,4px", 2),
    "oracle.known": Style("#b84300", "#ff9a5c", "2px,4px", 2),
}
BASELINES = ("popularity", "item-knn", "markov")
ORACLES = ("filtered", "known")


def style(name: str) -> Style:
    """The style of a model, baseline, ``oracle.known`` or ``oracle.filtered``.

    Raises CourseError ``no_colour`` for a model that has none: in another's colour it would be taken for that one.
    """
    if name not in MODELS:
        raise CourseError("no_colour", name=name)
    return MODELS[name]


@dataclass(frozen=True)
class Mark:
    """Colour and marker of one department."""

    light: str
    dark: str
    symbol: str  # plotly marker.symbol

    def colour(self, theme: Theme) -> str:
        """The marker's colour on that page."""
        return self.dark if theme.dark else self.light


DEPARTMENTS: tuple[Mark, ...] = (
    Mark("#0072b2", "#56b4e9", "circle"),
    Mark("#c04a00", "#f0803c", "square"),
    Mark("#00805f", "#2fc296", "diamond"),
    Mark("#b04a86", "#e59ac4", "triangle-up"),
    Mark("#8a6d00", "#f0e442", "cross"),
    Mark("#5a3fa8", "#b3a1ec", "triangle-down"),
    Mark("#2a9ba8", "#8fe3ee", "hexagon"),
    Mark("#b3261e", "#ff8a80", "x"),
    Mark("#6b4a2f", "#c9a07a", "star"),
    Mark("#3f7d20", "#a8d86e", "hourglass"),
    Mark("#4a5cc4", "#9db0ff", "star-diamond"),
    Mark("#6f7680", "#b8bfca", "pentagon"),  # also "other departments" when there are more than twelve
)


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` by WCAG 2.1, 0 (black) to 1 (white)."""

    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two ``#rrggbb`` colours by WCAG 2.1, 1 (equal) to 21 (black on white)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def alpha(colour: str, share: float) -> str:
    """``#rrggbb`` made translucent, as plotly's ``rgba(...)``."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share:g})"
