"""What every command shares: its language, its parser, and how an error becomes one sentence and an exit status.

Results go to standard output, everything else to standard error, so that ``... --json | jq`` works.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from course_lib.errors import CourseError
from course_lib.text import LANGUAGES, text

OK, BAD, INTERRUPTED = 0, 2, 130  # exit statuses; 130 is the shell's number for Ctrl-C

# argparse knows its messages only in English; these are the ones that a command of ours can cause.
MESSAGES = {
    r"argument (?P<name>.+): expected (?:one|at least one) argument": "cli_needs_value",
    r"the following arguments are required: (?P<name>.+)": "cli_missing",
    r"unrecognized arguments: (?P<name>.+)": "cli_unknown_argument",
    r"argument .+: invalid choice: '(?P<name>.*)' \(choose from (?P<known>.+)\)": "cli_unknown_command",
    r"argument (?P<name>.+): ignored explicit argument .+": "cli_takes_no_value",
}

_language = "en"


def language() -> str:
    """The language of this process's command line, "zh" or "en"."""
    return _language


def take_language(arguments: Sequence[str]) -> list[str]:
    """Sets the language from ``--lang`` anywhere in ``arguments``, else from the locale; returns the other arguments.

    It is taken out before anything is parsed, so that help texts and the parser's own complaints follow it too.
    """
    global _language
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    _language = "zh" if locale.lower().startswith("zh") else "en"
    rest: list[str] = []
    given = iter(arguments)
    for argument in given:
        if argument == "--lang":
            value = next(given, "")
        elif argument.startswith("--lang="):
            value = argument.partition("=")[2]
        else:
            rest.append(argument)
            continue
        if value not in LANGUAGES:
            raise CourseError("setting_not_a_choice", name="--lang", value=value, known=", ".join(LANGUAGES))
        _language = value
    return rest


def say(key: str, **params: Any) -> str:
    """The sentence ``cli.<key>`` in the command line's language."""
    return text(f"cli.{key}", _language, **params)


def note(sentence: str) -> None:
    """Prints a sentence on standard error."""
    print(sentence, file=sys.stderr, flush=True)


class Formatter(argparse.HelpFormatter):
    """Help whose first word is in the reader's language too."""

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        """Adds the line that shows how the command is written."""
        super().add_usage(usage, actions, groups, say("help_usage") if prefix is None else prefix)


class Parser(argparse.ArgumentParser):
    """An argparse parser that complains by CourseErrors in the reader's language and takes no abbreviations."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, "add_help": False, "formatter_class": Formatter, **kwargs})
        self._positionals.title = say("help_commands")
        self._optionals.title = say("help_options")
        self.add_argument("-h", "--help", action="help", help=say("help_help"))

    def error(self, message: str) -> NoReturn:
        """Raises what argparse would have printed."""
        for pattern, key in MESSAGES.items():
            if found := re.fullmatch(pattern, message):
                gaps = {name: value.replace("'", "") for name, value in found.groupdict().items()}
                raise CourseError(key, **gaps, command=self.prog)
        raise CourseError("cli_arguments", message=message, command=self.prog)


class Progress:
    """A bar with the time left on standard error, for what takes longer than a second."""

    def __init__(self, doing: str) -> None:
        from tqdm import tqdm

        form = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
        self._bar: Any = tqdm(desc=doing, total=1.0, delay=1, bar_format=form, dynamic_ncols=True, leave=False)

    def take(self, share: float) -> None:
        """Shows how much is done, 0 to 1; it never goes back."""
        self._bar.update(max(0.0, min(1.0, share) - self._bar.n))

    def close(self) -> None:
        """Ends the line."""
        self._bar.close()


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A plain table with aligned columns; a Chinese character is two columns wide.

    >>> print(table(("a", "b"), [("商店", "1"), ("x", "22")]))
    a     b
    商店  1
    x     22
    """
    lines = [list(head), *map(list, rows)]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _width(cell: str) -> int:
    return sum(2 if "\u2e80" <= character <= "\uffef" else 1 for character in cell)
