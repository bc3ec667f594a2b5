"""``python -m course_lib data list | describe | table | add | remove``: the datasets there are, and files of one's own.

python -m course_lib data list
python -m course_lib data describe movielens-1m                  # where to get it, its licence, what it becomes
python -m course_lib data add films ~/Downloads/ml-1m.zip
python -m course_lib data add sales orders.xlsx --map user=客户 --time-format dmy
"""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.cli.console import INTERRUPTED, OK, Progress, language, note, say, table
from course_lib.cli.tables import add_table, shapes
from course_lib.errors import CourseError
from course_lib.settings import PROJECT

if TYPE_CHECKING:
    from course_lib.data.intake.formats import Format
    from course_lib.data.intake.mapping import ByHand, Mapping
    from course_lib.data.intake.pipeline import Look, Prepared
    from course_lib.data.intake.store import Card


def register(commands: Any) -> None:
    """Adds ``data``."""
    parser = commands.add_parser("data", help=say("help_data"), description=say("help_data"))
    actions = parser.add_subparsers(metavar=say("help_action"), required=True, dest="action")
    actions.add_parser("list", help=say("help_data_list"), description=say("help_data_list")).set_defaults(run=show)
    add_table(actions)
    for name, run in (("describe", describe), ("add", add), ("remove", remove)):
        key = f"help_data_{name}"
        action = actions.add_parser(name, help=say(key), description=say(key))
        action.add_argument("name", metavar="NAME", help=say("help_data_name"))
        action.set_defaults(run=run)
        if name == "add":
            action.add_argument("path", metavar="PATH", help=say("help_data_path"))
            file_options(action)
        elif name == "describe":
            action.add_argument("--size", metavar="NAME", help=say("help_size"))


def file_options(parser: Any) -> None:
    """What a command that takes a file in lets one say about it."""
    parser.add_argument("--format", metavar="NAME", default="", help=say("help_data_format"))
    parser.add_argument("--map", metavar="ROLE=COLUMN", action="append", default=[], help=say("help_data_map"))
    parser.add_argument("--encoding", metavar="NAME", default="", help=say("help_data_encoding"))
    parser.add_argument("--sheet", metavar="NAME", default="", help=say("help_data_sheet"))
    parser.add_argument("--time-format", metavar="NAME", action="append", default=[], help=say("help_data_time"))
    parser.add_argument("--time-zone", metavar="ZONE", help=say("help_data_zone"))
    parser.add_argument("--events", metavar="KIND", action="append", default=[], help=say("help_data_events"))
    parser.add_argument("--guests", metavar="one|drop", default="", help=say("help_data_guests"))
    parser.add_argument("--fill-down", metavar="yes|no", default="", help=say("help_data_fill"))
    parser.add_argument("--minimum", metavar="N", help=say("help_data_minimum"))
    parser.add_argument("--source", metavar="TEXT", default="", help=say("help_data_source"))
    parser.add_argument("--licence", metavar="TEXT", default="", help=say("help_data_licence"))


def card(name: str) -> str:
    """The path of a built-in dataset's card (source, licence, rows, how it was made); "-" for none."""
    path = PROJECT / "data" / name.replace("-", "_") / "card.md"
    return path.relative_to(PROJECT).as_posix() if path.is_file() else "-"


def show(arguments: argparse.Namespace) -> int:
    """One row a size; the first size of a dataset is its default."""
    from course_lib.data.intake.store import find
    from course_lib.data.registry import sources

    rows = []
    for name, source in sources().items():
        for size in source.sizes:
            default = say("yes") if size == source.sizes[0] else ""
            added = find(name)
            where = f"data describe {name}" if added else card(name)
            rows.append((name, size, default, source.version(size), where))
    head = ("column_dataset", "column_size", "column_default", "column_version", "column_card")
    print(table([say(key) for key in head], rows))
    return OK


def describe(arguments: argparse.Namespace) -> int:
    """The card of a dataset, or what a known format is and where to get it."""
    from course_lib.course.private_data import HERE, check_readable
    from course_lib.data.cards import load_card
    from course_lib.data.intake.formats import formats
    from course_lib.data.intake.store import find
    from course_lib.data.registry import built_in, sources

    name = arguments.name
    check_readable([name], HERE)
    if name in built_in():
        print(load_card(name).markdown(language()))
        print(shapes(name, arguments.size))
    elif found := find(name):
        print(told(found))
        print(shapes(name, arguments.size))
    elif name in formats():
        print(published(formats()[name]))
    else:
        raise CourseError("unknown_dataset", name=name, known=", ".join([*sources(), *formats()]))
    return OK


def told(card: Card) -> str:
    """An added dataset's card as text."""
    kind = language()
    counts = {name: f"{value:,}" if isinstance(value, int) else value for name, value in card.counts.items()}
    if card.shop:
        made = " ".join(f"--set {name}={value}" for name, value in card.shop["values"].items())
        return f"{say('data_card', name=card.name, **counts)}\nshop make {card.name} {made} --seed {card.shop['seed']}"
    rows = {name: f"{value:,}" for name, value in card.report["rows"].items()}
    size, start = f"{card.input['bytes']:,}", card.input["sha256"][:12]
    lines = [
        say("data_card", name=card.name, **counts),
        say("data_card_source", source=card.source, licence=card.licence[kind] or say("data_no_licence")),
        say("data_card_input", file=card.input["file"], bytes=size, sha256=start, made=card.made),
        say("data_card_rows", **rows),
        *(f"- {sentence}" for sentence in card.told().sentences(kind)),
        say("data_card_roles", roles=", ".join(role_words(card.roles))),
    ]
    return "\n".join([*lines, card.how[kind]] if card.how else lines)


def role_words(roles: dict[str, Any]) -> list[str]:
    """Each role with its column, and whether somebody has named it."""
    by_hand = roles.get("by_hand", ())
    return [
        f"{role} = {column}" + (f" ({say('data_by_hand')})" if role in by_hand else "")
        for role, column in roles["columns"].items()
    ]


def published(one: Format) -> str:
    """A known format as text."""
    kind = language()
    files = ", ".join([one.events.files[0], *(one.details.files[:1] if one.details else ())])
    counts = [say(f"data_count_{name}", count=f"{count:,}") for name, count in one.published.items()]
    lines = [
        f"{one.title}: {one.url}",
        *([say("data_format_counts", counts=", ".join(counts))] if counts else []),
        say("data_format_files", files=files),
        say("data_format_licence", licence=one.licences[kind]),
        one.how[kind],
        say("data_format_add", name=one.name),
    ]
    return "\n".join(lines)


def by_hand(arguments: argparse.Namespace) -> ByHand:
    """What the options say about the columns. ``--map quantity=`` says that no column is one."""
    from course_lib.data.intake.mapping import ByHand
    from course_lib.data.intake.names import REQUIRED, ROLES

    columns = {}
    for pair in arguments.map:
        role, equals, column = pair.partition("=")
        if not equals or role not in ROLES or (not column and role in REQUIRED):
            raise CourseError("intake_map", value=pair, known=", ".join(ROLES))
        columns[role] = column
    return ByHand(columns, tuple(arguments.time_format))


def mapped(arguments: argparse.Namespace, seen: Look, said: ByHand) -> Mapping:
    """The guessed or published mapping with what the options say in its place; what is not sure is asked."""
    start = seen.mapping()
    if seen.guessed is None:  # a published format, parts of which are said otherwise
        free = {role: column for role, column in start.columns.items() if column not in said.columns.values()}
        named = {role: column for role, column in {**free, **said.columns}.items() if column}
        moved = "time" in said.columns and said.columns["time"] != start.columns.get("time")
        formats = said.time_formats or (() if moved else start.time_formats)
        start = replace(start, columns=named, time_formats=formats, by_hand=tuple(said.columns))
    return replace(
        start,
        zone=arguments.time_zone or start.zone,
        events=tuple(arguments.events) or start.events,
        guests=arguments.guests or start.guests,
        fill=arguments.fill_down or start.fill,
    )


def add(arguments: argparse.Namespace) -> int:
    """Takes a file in and says what was kept and dropped."""
    from course_lib.data import open_bandit
    from course_lib.data.intake import store
    from course_lib.data.receipts import SHARED

    if arguments.name == open_bandit.NAME:
        return add_open_bandit(Path(arguments.path))
    store.check_free(arguments.name, SHARED)
    try:
        made = taken_in(arguments)
        card = store.save(made, arguments.name, source=arguments.source, licence=arguments.licence)
    except KeyboardInterrupt:
        note(say("data_add_interrupted"))
        return INTERRUPTED
    print(told(card))
    print(say("data_train", name=card.key))
    return OK


def taken_in(arguments: argparse.Namespace) -> Prepared:
    """The file, read and cleaned as the options of :func:`file_options` say; not stored. Raises CourseError."""
    from course_lib.data.intake.layout import Given
    from course_lib.data.intake.limits import LIMITS
    from course_lib.data.intake.pipeline import look, prepare
    from course_lib.models.catalogue import Setting

    limits = LIMITS
    if arguments.minimum is not None:
        limits = replace(limits, minimum=int(Setting("--minimum", limits.minimum, 1, 1000).check(arguments.minimum)))
    with closing(Progress(say("reading"))) as bar:
        said = by_hand(arguments)
        given = Given(arguments.encoding, sheet=arguments.sheet) if arguments.encoding or arguments.sheet else None
        seen = look(arguments.path, arguments.format, limits, given, bar.take, said)
        return prepare(seen, mapped(arguments, seen, said), limits, tick=bar.take)


def add_open_bandit(path: Path) -> int:
    """Takes in the whole of Open Bandit, whose rows are no purchases: a size beside the sample that comes along."""
    from course_lib.data import open_bandit

    try:
        with closing(Progress(say("reading"))) as bar:
            rows = open_bandit.install(path, bar.take)
    except KeyboardInterrupt:
        note(say("data_add_interrupted"))
        return INTERRUPTED
    print(table([say("column_log"), say("column_rows")], [(name, f"{count:,}") for name, count in rows.items()]))
    print(say("data_open_bandit", name=open_bandit.NAME, size=open_bandit.FULL))
    return OK


def remove(arguments: argparse.Namespace) -> int:
    """Deletes an added dataset and prints the receipt."""
    from course_lib.course.own_data import remove_dataset
    from course_lib.course.private_data import HERE
    from course_lib.data import open_bandit
    from course_lib.data.intake import store
    from course_lib.data.receipts import SHARED

    name = arguments.name
    if name == open_bandit.NAME:
        receipt = asdict(open_bandit.remove())
    elif store.folder_of(name, HERE).is_dir() and not store.folder_of(name, SHARED).is_dir():
        receipt = asdict(remove_dataset(name, HERE).receipt)  # one's own, with its runs: they hold histories
    else:
        receipt = asdict(store.remove(name))
    print(say("data_removed", **{**receipt, "bytes": f"{receipt['bytes']:,}", "files": ", ".join(receipt["files"])}))
    return OK
