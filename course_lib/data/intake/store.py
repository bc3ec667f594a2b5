"""Added datasets on disk, and as sources of the registry: ``<home>/data/<owner>/<name>/`` with a card that says it all.

A dataset belongs to an owner; what belongs to "shared" everybody sees. Its public name is its name, with a mark for
what belongs to one person: two learners may both call theirs "shop". Folders are written whole or not at all.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from course_lib.data.cache import drafted, read
from course_lib.data.columns import Columns
from course_lib.data.dataset import Source
from course_lib.data.intake.pipeline import Prepared
from course_lib.data.intake.report import Report
from course_lib.data.receipts import SHARED, Receipt, today
from course_lib.errors import CourseError
from course_lib.settings import load_settings

SIZE = "full"  # the only size of an added dataset
CARD, FRAMES = "card.json", ("events", "items")
FORMAT = 1
MOST_WORDS = 500  # characters of a source and of a licence
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
OWNER = re.compile(r"[A-Za-z0-9_-]{1,64}")
MADE_LICENCE = {"zh": "虚构数据，随意使用", "en": "made up, free to use"}
BUILT_IN = ("shop", "shop-trends", "shop-baskets", "complete-journey", "open-bandit")


@dataclass(frozen=True)
class Card:
    """What is known about an added dataset."""

    name: str  # as its owner calls it
    owner: str
    version: str  # 12 hexadecimal digits over its content
    made: str  # when it was added, UTC
    source: str
    licence: dict[str, str]  # by language
    how: dict[str, str]  # how rows became interactions, by language; empty for a learner's own file
    currency: str
    input: dict[str, Any]  # file, bytes, sha256
    roles: dict[str, Any]  # the mapping
    counts: dict[str, Any]  # events, users, items, baskets, first, last (ISO dates)
    report: dict[str, Any]  # rows, reasons, notices; see Report
    shop: dict[str, Any] = field(default_factory=dict)  # of a made shop what it was made of: course_lib/shop/made.py

    @property
    def key(self) -> str:
        """The name that the registry knows."""
        return public_name(self.name, self.owner)

    def told(self) -> Report:
        """What was kept and dropped, and why."""
        return Report.from_dict(self.report)


def public_name(name: str, owner: str) -> str:
    """The registry's name for an owner's dataset: ``name`` for shared ones, else ``name~12345678``."""
    if owner == SHARED:
        return name
    return f"{name}~{hashlib.sha256(f'{owner}/{name}'.encode()).hexdigest()[:8]}"


def folder_of(name: str, owner: str) -> Path:
    """Where an owner's dataset lies; raises CourseError for a name or owner that is no plain word."""
    if not OWNER.fullmatch(owner):
        raise CourseError("intake_owner", owner=owner)
    if not NAME.fullmatch(name) or name in BUILT_IN:
        raise CourseError("intake_name", name=name, taken=", ".join(BUILT_IN))
    return load_settings().home / "data" / owner / name


def check_free(name: str, owner: str) -> Path:
    """The folder of a dataset that is not there yet; raises CourseError where the name cannot be had."""
    folder = folder_of(name, owner)
    if folder.exists():
        raise CourseError("intake_name_taken", name=name)
    return folder


def save(
    made: Prepared, name: str, owner: str = SHARED, source: str = "", licence: str = "", replace: bool = False
) -> Card:
    """Stores a prepared dataset; raises CourseError where the name is taken or the disk says no."""
    folder = folder_of(name, owner) if replace else check_free(name, owner)
    _check_words(source=source, licence=licence)
    card = _card(made, name, owner, source, licence)
    try:
        with drafted(folder, replace) as draft:
            _write(made, card, draft)
    except OSError as error:
        raise _not_stored(name, error) from error
    return card


def save_shop(
    events: pd.DataFrame, items: pd.DataFrame, shop: dict[str, Any], name: str, owner: str = SHARED, source: str = ""
) -> Card:
    """Stores a simulated shop and what it was made of; raises CourseError where the name is taken or the disk says no.

    Args:
        events: EVENT_COLUMNS.
        items: ITEM_COLUMNS.
        shop: JSON-ready.
        name: as its owner calls it.
        owner: whose it is.
        source: a sentence for the card.
    """
    folder = check_free(name, owner)
    card = Card(
        name=name,
        owner=owner,
        version=content_hash(events, items),
        made=today(),
        source=source,
        licence=dict(MADE_LICENCE),
        how={},
        currency="¥",
        input={"file": "", "bytes": 0, "sha256": ""},
        roles={"columns": {}},
        counts=_counts(events, len(items)),
        report=Report().to_dict(),
        shop=shop,
    )
    try:
        with drafted(folder) as draft:
            _write_frames(events, items, card, draft)
    except OSError as error:
        raise _not_stored(name, error) from error
    return card


def stage(made: Prepared, folder: Path) -> Card:
    """Writes a prepared dataset as ``folder``, with no name or owner until :func:`adopt`; raises OSError."""
    card = _card(made, "", "", "", "")
    with drafted(folder, replace=True) as draft:
        _write(made, card, draft)
    return card


def staged(folder: Path) -> Card:
    """The card of what :func:`stage` has written; raises CourseError where it is not there or damaged."""
    return _read_card(folder, folder.name)


def adopt(folder: Path, name: str, owner: str, source: str = "", licence: str = "", currency: str = "") -> Card:
    """What was staged in ``folder`` becomes ``owner``'s dataset ``name``; what is left empty stays as the file told it.

    Raises CourseError where the name cannot be had, nothing is staged or the disk says no.
    """
    target = check_free(name, owner)
    _check_words(source=source, licence=licence)
    found = staged(folder)
    card = replace(
        found,
        name=name,
        owner=owner,
        made=today(),
        source=source or found.source,
        licence=dict.fromkeys(("zh", "en"), licence) if licence else found.licence,
        currency=currency or found.currency,
    )
    try:
        _write_card(card, folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(folder, target)
    except OSError as error:
        raise _not_stored(name, error) from error
    return card


def _check_words(**given: str) -> None:
    """Raises CourseError for what is too long to stand on a card."""
    for name, words in given.items():
        if len(words) > MOST_WORDS:
            raise CourseError("value_too_long", name=name, length=f"{len(words):,}", most=MOST_WORDS)


def _not_stored(name: str, error: OSError) -> CourseError:
    """Why a dataset has not come to its folder: somebody took the name meanwhile, or the disk says no."""
    if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
        return CourseError("intake_name_taken", name=name)
    return CourseError("intake_not_stored", name=name, reason=error.strerror or error)


def _card(made: Prepared, name: str, owner: str, source: str, licence: str) -> Card:
    known = made.format
    return Card(
        name=name,
        owner=owner,
        version=content_hash(made.events, made.items),
        made=today(),
        source=source or (f"{known.title}: {known.url}" if known else made.file),
        licence=dict(known.licences) if known and not licence else dict.fromkeys(("zh", "en"), licence),
        how=dict(known.how) if known else {},
        currency=known.currency if known else "",
        input={"file": made.file, "bytes": made.bytes, "sha256": made.sha256},
        roles=made.mapping.to_dict(),
        counts=_counts(made.events, len(made.items)),
        report=made.report.to_dict(),
    )


def _write(made: Prepared, card: Card, folder: Path) -> None:
    _write_frames(made.events, made.items, card, folder)


def _write_frames(events: pd.DataFrame, items: pd.DataFrame, card: Card, folder: Path) -> None:
    for one, frame in zip(FRAMES, (events, items), strict=True):
        frame.to_parquet(folder / f"{one}.parquet", index=False)
    _write_card(card, folder)


def _write_card(card: Card, folder: Path) -> None:
    record = json.dumps({"format": FORMAT, **asdict(card)}, ensure_ascii=False, indent=1)
    (folder / CARD).write_text(record, encoding="utf-8")


def _counts(events: pd.DataFrame, items: int) -> dict[str, Any]:
    time = events[Columns.TIME]
    first, last = (str(np.datetime64(int(moment), "s"))[:10] for moment in (time.min(), time.max()))
    return {
        "events": len(events),
        "users": int(events[Columns.USER].iloc[-1]) + 1,
        "items": items,
        "baskets": int(events[Columns.BASKET].nunique()),
        "first": first,
        "last": last,
    }


def content_hash(events: pd.DataFrame, items: pd.DataFrame) -> str:
    """12 hexadecimal digits over every value of both frames."""
    digest = hashlib.sha256()
    for frame in (events, items):
        for name in frame.columns:
            column = frame[name]
            digest.update(f"|{name}|{len(column)}|".encode())
            if pd.api.types.is_numeric_dtype(column):
                digest.update(np.ascontiguousarray(column.to_numpy()).tobytes())
            else:
                digest.update("\x1f".join(column.tolist()).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:12]


def read_card(name: str, owner: str = SHARED) -> Card:
    """The card of an owner's dataset; raises CourseError where there is none or it is damaged."""
    return _read_card(folder_of(name, owner), name)


def _read_card(folder: Path, name: str) -> Card:
    path = folder / CARD
    if not path.is_file():
        raise CourseError("intake_no_dataset", name=name)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        record.pop("format")
        return Card(**record)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CourseError("intake_damaged", name=name) from error


def added(owner: str | None = None) -> Iterator[Card]:
    """The shared datasets and, where an owner is given, that owner's; damaged ones are passed over."""
    for one in dict.fromkeys([SHARED, owner or SHARED]):
        for folder in sorted((load_settings().home / "data" / one).glob(f"*/{CARD}")):
            try:
                yield read_card(folder.parent.name, one)
            except CourseError:
                continue


def find(key: str) -> Card | None:
    """The card of a public name, whoever owns it: a worker is told no more than this name. None where there is none."""
    name, _, mark = key.partition("~")
    if not NAME.fullmatch(name) or name in BUILT_IN:
        return None
    if not mark:
        return read_card(name) if (folder_of(name, SHARED) / CARD).is_file() else None
    owners = (folder.parent.name for folder in (load_settings().home / "data").glob(f"*/{name}"))
    owner = next((one for one in owners if public_name(name, one) == key), None)
    return read_card(name, owner) if owner and (folder_of(name, owner) / CARD).is_file() else None


def load(card: Card) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and items; raises CourseError where they are not as they were written."""
    found = read(folder_of(card.name, card.owner), FRAMES)
    if found is None:
        raise CourseError("intake_damaged", name=card.name)
    return found[0], found[1]


@functools.lru_cache(maxsize=8)
def _items(path: Path, version: str) -> pd.DataFrame:
    return pd.read_parquet(path)


def load_items(card: Card) -> pd.DataFrame:
    """The catalogue alone, quick."""
    path = folder_of(card.name, card.owner) / f"{FRAMES[1]}.parquet"
    try:
        return _items(path, card.version).copy()
    except (OSError, ValueError) as error:
        raise CourseError("intake_damaged", name=card.name) from error


def as_source(card: Card) -> Source:
    """An added dataset as the registry's sources are."""
    return Source(
        (SIZE,),
        lambda size: card.version,
        lambda size: load_items(card),
        lambda size: load(card),
        currency=card.currency,
    )


def sources(owner: str | None = None) -> dict[str, Source]:
    """The shared datasets and that owner's, by public name."""
    return {card.key: as_source(card) for card in added(owner)}


def remove(name: str, owner: str = SHARED) -> Receipt:
    """Deletes an owner's dataset and says what was deleted; raises CourseError where it is not there or stays."""
    folder = folder_of(name, owner)
    if not folder.is_dir():
        raise CourseError("intake_no_dataset", name=name)
    try:
        version = read_card(name, owner).version
    except CourseError:  # damaged, which is no reason to keep it
        version = ""
    files = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    try:
        gone = Path(tempfile.mkdtemp(prefix=f".{name}-gone-", dir=folder.parent))
        os.replace(folder, gone / name)  # from here on nobody finds it, whole or in part
        shutil.rmtree(gone)
        if not any(folder.parent.iterdir()):
            folder.parent.rmdir()
    except OSError as error:
        raise CourseError("intake_not_removed", name=name, reason=error.strerror or error) from error
    return Receipt(name, owner, version, files, sum(files.values()), today())


def remove_all(owner: str) -> list[Receipt]:
    """Deletes everything that belongs to one owner."""
    if owner == SHARED:
        raise CourseError("intake_owner", owner=owner)
    folder = load_settings().home / "data" / owner
    names = sorted(one.name for one in folder.iterdir() if NAME.fullmatch(one.name)) if folder.is_dir() else []
    return [remove(name, owner) for name in names]
