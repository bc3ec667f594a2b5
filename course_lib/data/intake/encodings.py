"""Text in any encoding as UTF-8: which one it is, and whether its lines can be read at all.

One pass over the bytes finds NUL characters and endless lines before any parser sees them, and settles the encoding:
a byte-order mark, else UTF-8 if all of it is, else what charset-normalizer finds in the lines with other letters. That
is a guess, so the report shows a sample of it and says how to choose another one.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Generator

from course_lib.data.intake.guards import Part, Tick
from course_lib.data.intake.limits import Limits
from course_lib.data.intake.report import shown
from course_lib.errors import CourseError

MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"),
         (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))  # fmt: skip
CERTAIN = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")  # what the bytes themselves say
WIDE = ("utf-16", "utf-16-le", "utf-16-be", "utf-32")
WESTERN = "cp1252"
WESTERN_SIGNS = frozenset("àâäáãåæçèéêëìíîïñòóôöõøœùúûüýÿßÀÂÄÁÃÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÖÕØŒÙÚÛÜÝ€£§°«»·–—‘’“”„…©®²½¡¿ºª\u00a0")
COMMON = 0.6  # of the letters beyond ASCII
PAIRS = 0.8  # share of non-ASCII bytes in Chinese pairs from which a text is taken for GB18030
KNOWN = (
    "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "big5", "shift_jis", "euc_jp",
    "euc_kr", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r", "latin-1",
    "mac_roman",
)  # fmt: skip
GUESSED_FROM = 2**16  # bytes of lines with letters beyond ASCII that an encoding is guessed from


class _Lines:
    """Follows the lines of a text through its chunks and refuses what no table has."""

    def __init__(self, name: str, limits: Limits) -> None:
        self.name, self.limits = name, limits
        self.lines, self.open, self.end = 0, 0, b"\n"

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes, ASCII-compatible."""
        if not self.lines and b"\n" not in chunk and b"\r" in chunk:
            self.end = b"\r"  # as on the Macs of old
        if (nul := chunk.find(b"\0")) >= 0:
            raise CourseError(
                "intake_nul", file=shown(self.name), row=f"{self.lines + chunk.count(self.end, 0, nul) + 1:,}"
            )
        first = chunk.find(self.end)
        longest = self.open + (len(chunk) if first < 0 else first)
        if longest > self.limits.line_bytes:
            limit = f"{self.limits.line_bytes / 1024:,.0f}"
            raise CourseError("intake_line_long", file=shown(self.name), row=f"{self.lines + 1:,}", limit=limit)
        self.open = longest if first < 0 else len(chunk) - chunk.rfind(self.end) - 1
        self.lines += chunk.count(self.end)


def find_encoding(part: Part, limits: Limits, tick: Tick | None = None, encoding: str = "") -> str:
    """The encoding of a text, every byte looked at; raises CourseError for what is no text of lines."""
    if encoding and encoding not in KNOWN:
        raise CourseError("intake_unknown_encoding", name=encoding, known=", ".join(KNOWN))
    with part.open() as (read, _):
        head = read(4096)
    encoding = encoding or _marked(head)
    if encoding:
        lines = _Lines(part.name, limits)
        for chunk in as_utf8(part, encoding, limits, tick):
            lines.feed(chunk)
        return encoding
    lines = _Lines(part.name, limits)
    decoder = codecs.getincrementaldecoder("utf-8")()
    broken_at, high, paired, good, sample = 0, 0, 0, 0, bytearray()
    for chunk in part.chunks(limits, tick):
        lines.feed(chunk)
        if not broken_at:
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                broken_at = lines.lines - chunk.count(lines.end) + chunk.count(lines.end, 0, error.start) + 1
        if broken_at and high < 2**22 and not chunk.isascii():
            if len(sample) < GUESSED_FROM:
                sample += b"\n".join(line for line in chunk.splitlines() if not line.isascii())[:GUESSED_FROM]
            runs = re.findall(rb"[\x80-\xff]+", chunk)
            high += sum(map(len, runs))
            paired += sum(len(run) for run in re.findall(rb"(?:[\x81-\xfe][\xa1-\xfe])+", chunk))
            good += sum(map(len, re.findall(rb"(?:[\xc3-\xf4][\x80-\xbf]{2,3}|[\xc2-\xdf][\x80-\xbf])", chunk)))
    if not broken_at:
        try:
            decoder.decode(b"", final=True)
            return "utf-8"
        except UnicodeDecodeError:
            broken_at = lines.lines + 1
    if good > 0.9 * high and good:  # UTF-8 but for a few bytes: another encoding would turn every letter into rubbish
        raise CourseError("intake_undecodable", file=shown(part.name), row=f"{broken_at:,}", encoding="UTF-8")
    for guessed in _guesses(bytes(sample), paired > PAIRS * high):
        try:
            for _ in as_utf8(part, guessed, limits):
                pass
            return guessed
        except CourseError:
            continue  # not all of it: Western is the last guess, and the report says that it is one
    return WESTERN


def _guesses(sample: bytes, in_pairs: bool) -> list[str]:
    """Encodings that the lines may have, the likeliest first; bytes in pairs are most often Chinese."""
    from charset_normalizer import from_bytes

    found = from_bytes(sample, cp_isolation=[name for name in KNOWN if not name.startswith(("utf", "latin"))])
    likely = [one.encoding for one in found]
    if likely and likely[0].startswith(("cp125", "latin", "iso", "mac")) and _western(sample):
        return [WESTERN, *likely]  # a few accents fit several encodings, and this one is by far the commonest of them
    if in_pairs and _mostly_chinese(sample):
        return ["gb18030", *likely]
    return likely


def _western(sample: bytes) -> bool:
    """Whether all signs beyond ASCII are those of Western European languages, read so."""
    return all(sign in WESTERN_SIGNS for sign in sample.decode(WESTERN, "replace") if ord(sign) > 127)


def _mostly_chinese(sample: bytes) -> bool:
    """Whether the letters beyond ASCII are common Chinese characters, of which GB 2312 has 3,755 in its first level.

    Text of another script, read as GB18030, gives rare ones.
    """
    text = sample.decode("gb18030", "replace")
    letters = [sign for sign in text if ord(sign) > 127]
    common = sum(b"\xb0" <= sign.encode("gb18030")[:1] <= b"\xd7" for sign in letters if "\u4e00" <= sign <= "\u9fff")
    marks = sum("\u3000" <= sign <= "\u303f" or "\uff00" <= sign <= "\uffef" for sign in letters)
    return bool(letters) and common + marks >= COMMON * len(letters)


def guessed_text(part: Part, encoding: str, limits: Limits) -> str:
    """The first words of a text that are not ASCII, as ``encoding`` reads them."""
    for chunk in as_utf8(part, encoding, limits):
        for line in chunk.decode("utf-8", "replace").splitlines():
            if words := re.findall(r"[^\x00-\x7f][^,;|\t]*", line):
                return str(words[0]).strip()
    return ""


def _marked(head: bytes) -> str:
    """The encoding that a byte-order mark or the NULs of two-byte text tell; empty where nothing does."""
    for mark, name in MARKS:
        if head.startswith(mark):
            return name
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = max(1, len(head) // 2)
    if len(head) >= 4 and max(even, odd) > 0.3 * half and min(even, odd) < 0.05 * half:
        return "utf-16-le" if odd > even else "utf-16-be"
    return ""


def as_utf8(part: Part, encoding: str, limits: Limits, tick: Tick | None = None) -> Generator[bytes, None, None]:
    """The text as UTF-8 without a mark, in chunks; raises CourseError at the first line that is not ``encoding``."""
    if encoding == "utf-8":  # checked by find_encoding
        yield from part.chunks(limits, tick)
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace" if encoding == WESTERN else "strict")
    lines = 0
    try:
        for chunk in part.chunks(limits, tick):
            decoded = decoder.decode(chunk)
            lines += decoded.count("\n")
            yield decoded.encode("utf-8", "replace")
        yield decoder.decode(b"", final=True).encode("utf-8", "replace")
    except UnicodeDecodeError as error:
        lines += error.object[: error.start].count(b"\n")
        row = f"{lines + 1:,}"
        raise CourseError("intake_undecodable", file=shown(part.name), row=row, encoding=encoding.upper()) from error
