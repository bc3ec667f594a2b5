"""What every command shares: its language, its parser, and how an error becomes one sentence and an exit status.

Results go to standard output, everything else to standard error, so that ``... --json | jq`` works.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from course_lib.errors import CourseError
from course_lib.text import LANGUAGES, strings, text

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
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


def sentence(error: CourseError) -> str:
    """The sentence for an error as the command line says it: where a page names a button, it names a command."""
    own = strings(_language).get(f"cli.error_{error.key}")
    if error.key == "unknown_dataset":
        from course_lib.data.intake.formats import formats

        if (known := formats().get(str(error.params.get("name")))) is not None:
            return say("dataset_not_added", name=known.name, title=known.title, url=known.url)
    said = error.text(_language) if own is None else own.format(**error.gaps())
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], said)  # one line, and no orders to the terminal


def given_path(path: str) -> Path:
    """A path that was given, with ``~`` as the shell reads it; raises CourseError where that is nobody's home."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise CourseError("path_tilde", path=path) from None


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

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As argparse does; what the innermost command does not know, it says itself, with its own ``--help``."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """The values of one argument. An empty one, of a variable that is not set for instance, is no value."""
        if not isinstance(action, argparse._SubParsersAction):
            name = "/".join(action.option_strings) or str(action.metavar or action.dest)
            for value in arg_strings:
                if not value.strip() or "\0" in value:
                    key = "cli_nul" if "\0" in value else "cli_empty"
                    raise CourseError(key, name=name, command=self.prog)
        return super()._get_values(action, arg_strings)

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
