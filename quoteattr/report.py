"""A report on the quotes of a corpus: one page for the browser with charts, filters and every quote in its context.

The page holds all it needs and loads nothing: quotes as compressed columns, contexts in pieces that are unpacked when one of
their quotes is opened, the charts' library, and one script that the page's own policy allows by its hash. Text is shown as text
only, without characters that could reorder or hide it.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import pairwise
from typing import Any

from quoteattr.corpus import Columns, Corpus, Failure, from_cell, read_gold
from quoteattr.html import ACTS, NOBODY, TYPES, harmless
from quoteattr.lexicon import Lexicon
from quoteattr.people import Appearance, is_named
from quoteattr.schema import Document
from quoteattr.tables import as_text, quote_rows
from quoteattr.text import LETTERS, fold

AROUND = 300
"""Characters of the text that are shown on each side of a quote, up to the next word."""
_PIECE = 500  # contexts that are unpacked together
_QUOTE, _CUE, _SOURCE = 1, 2, 4
_ACTS = {**ACTS, "": "غير محدد"}
_KINDS = {
    "person": "أشخاص بأسمائهم",
    "described": "أشخاص بلا أسماء",
    "organisation": "جهات",
    "group": "جماعات",
    "": NOBODY,
}
_COLON = "نقطتان (:)"
_WORDS = re.compile(f"[{LETTERS}]+")
_DATE = re.compile(r"\s*(\d{4})(?:-(\d\d?)(?:-(\d\d?))?|/(\d\d?)(?:/(\d\d?))?|(\d\d)(\d\d))?(?![\d/-])")
_DAY_FIRST = re.compile(r"\s*(\d\d?)([/-])(\d\d?)\2(\d{4})(?!\d)")


@dataclass(frozen=True, slots=True)
class Said:
    """One quote as the report needs it. ``first`` and ``last`` are the dates of its document, as in `people.Appearance`;
    ``context`` is the number of its context, ``None`` without one."""

    document: str
    text: str
    type: str
    cue: str
    source: str
    speaker: str
    kind: str
    act: str
    confidence: float | None
    outlet: str
    first: date | None
    last: date | None
    context: int | None = None

    @property
    def appearance(self) -> Appearance:
        """The speaker as it is grouped across documents."""
        return Appearance(self.speaker, self.kind, self.outlet, self.first, self.last)


class Contexts:
    """The texts around quotes, compressed as they come: memory does not hold the articles."""

    def __init__(self) -> None:
        self.packed: list[str] = []
        self._open: list[list[tuple[int, str]]] = []

    def add(self, text: str, row: Mapping[str, Any]) -> int:
        """Keep what stands around a quote of the text, given as a row of a table of quotes, and return its number."""
        self._open.append(around(text, row))
        if len(self._open) == _PIECE:
            self._pack()
        return len(self.packed) * _PIECE + len(self._open) - 1

    def all(self) -> list[str]:
        """All contexts, packed."""
        if self._open:
            self._pack()
        return self.packed

    def _pack(self) -> None:
        self.packed.append(_packed(json.dumps(self._open, ensure_ascii=False, separators=(",", ":"))))
        self._open = []


def around(text: str, row: Mapping[str, Any]) -> list[tuple[int, str]]:
    """The text around a quote in pieces, each with what it belongs to: 1 the quote, 2 its cue, 4 its source, added up.

    >>> row = {"start": 12, "end": 15, "cue_start": 3, "cue_end": 6, "source_start": 7, "source_end": 10}
    >>> around("ثم قال علي: نعم. وذهب", row)
    [(0, 'ثم '), (2, 'قال'), (0, ' '), (4, 'علي'), (0, ': '), (1, 'نعم'), (0, '. وذهب')]
    """
    marks = [(_QUOTE, row["start"], row["end"]), (_CUE, row["cue_start"], row["cue_end"])]
    if row["source_start"] is not None:
        marks.append((_SOURCE, row["source_start"], row["source_end"]))
    first, last = min(mark[1] for mark in marks), max(mark[2] for mark in marks)
    start, end = _outwards(text, max(0, first - AROUND), -1), _outwards(text, min(len(text), last + AROUND), 1)
    cuts = sorted({start, end, *(at for mark in marks for at in mark[1:])})
    pieces = [(sum(mark for mark, a, b in marks if a <= left < b), harmless(text[left:right])) for left, right in pairwise(cuts)]
    return [*([(0, "… ")] if start else []), *pieces, *([(0, " …")] if end < len(text) else [])]


def _outwards(text: str, at: int, step: int) -> int:
    """The edge of the word that stands at an offset, at most 30 characters away."""
    for _ in range(30):
        if not 0 < at < len(text) or text[at - 1].isspace() or text[at].isspace():
            break
        at += step
    return at


# ---------------------------------------------------------------------------------------------------------------------
# Reading


@dataclass(slots=True)
class Quotes:
    """The quotes of some files with their contexts; ``undated`` counts the dates that could not be read."""

    said: list[Said]
    contexts: Contexts
    failures: list[Failure]
    undated: int = 0


def read(names: Iterable[str | Failure], date_column: str, outlet_column: str, texts: Corpus | None = None) -> Quotes:
    """The quotes of files that ``quoteattr score`` wrote.

    Documents (.jsonl) bring their texts; of tables (.csv, .parquet) the contexts are looked up in ``texts``, by the id of the
    document. A quote that does not stand there as the table says gets none.
    """
    quotes = Quotes([], Contexts(), [])
    waiting: dict[str, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for name in names:
        for item in [name] if isinstance(name, Failure) else _rows(name, date_column, outlet_column):
            if isinstance(item, Failure):
                quotes.failures.append(item)
                continue
            row, text = item
            written = row.get(date_column) or ""
            dates = read_date(written)
            quotes.undated += bool(written.strip()) and dates is None
            said = _said(row, dates, row.get(outlet_column) or "")
            if text is not None:
                said = replace(said, context=quotes.contexts.add(text, row))
            elif texts is not None:
                waiting[row["doc_id"]].append((len(quotes.said), row))
            quotes.said.append(said)
    for document in texts or ():
        if isinstance(document, Failure):
            quotes.failures.append(document)
            continue
        for number, row in waiting.pop(document.id, ()):
            if _stands(document.text, row):
                context = quotes.contexts.add(document.text, row)
                quotes.said[number] = replace(quotes.said[number], context=context)
    return quotes


_Row = tuple[dict[str, Any], str | None]


def _rows(name: str, date_column: str, outlet_column: str) -> Iterator[_Row | Failure]:
    """The quotes of a file as rows of a table, each with the text of its document where the file has it."""
    suffix = os.path.splitext(name)[1].lower()
    if suffix == ".jsonl":
        for item in read_gold(name):
            if isinstance(item, Failure):
                yield item
                continue
            for row in quote_rows(item, [date_column, outlet_column]):
                yield row, item.text
    elif suffix in (".csv", ".parquet"):
        for item in Corpus([name], Columns("text", "doc_id")):
            if isinstance(item, Document) and not {"type", "cue"} <= item.metadata.keys():
                yield Failure(name, "no table of quotes as 'quoteattr score' writes it: the columns 'type' and 'cue' are missing")
                return
            yield item if isinstance(item, Failure) else _row(item)
    else:
        yield Failure(name, "no quotes: the name must end with .jsonl, .csv or .parquet")


_OFFSETS = ("start", "end", "cue_start", "cue_end", "source_start", "source_end")


def _row(document: Document) -> _Row | Failure:
    """The row of a table out of its record, which was read as if its quote were a document."""
    record = {name: from_cell(value) if isinstance(value, str) else value for name, value in document.metadata.items()}
    record = {name: value for name, value in record.items() if value == value}  # no NaN, which data frames have for nothing
    row: dict[str, Any] = {
        "doc_id": document.id,
        "text": from_cell(document.text),
        **{k: as_text(v) or None for k, v in record.items()},
    }
    if row.get("type") not in TYPES or not row.get("cue"):
        return Failure(
            document.id, f"no quote as 'quoteattr score' writes it: its type is {row.get('type')!r}, its cue {row.get('cue')!r}"
        )
    try:
        row.update({name: None if row.get(name) is None else int(float(row[name])) for name in _OFFSETS})
        row["confidence"] = None if row.get("confidence") is None else float(row["confidence"])
    except (ValueError, OverflowError):
        return Failure(document.id, "no quote as 'quoteattr score' writes it: an offset or a confidence is no number")
    return row, None


def _stands(text: str, row: Mapping[str, Any]) -> bool:
    """Whether a quote stands in a text where its row says, and its offsets fit."""
    places = [(row[a], row[b]) for a, b in (("start", "end"), ("cue_start", "cue_end"), ("source_start", "source_end"))]
    whole = all(a is not None and b is not None and 0 <= a <= b <= len(text) for a, b in places if (a, b) != (None, None))
    return whole and None not in (*places[0], *places[1]) and text[slice(*places[0])] == row["text"]


def _said(row: Mapping[str, Any], dates: tuple[date, date] | None, outlet: str) -> Said:
    first, last = dates or (None, None)
    return Said(
        row["doc_id"],
        row["text"],
        row["type"],
        row["cue"],
        row.get("source") or "",
        row.get("speaker") or "",
        row.get("speaker_kind") or "",
        row.get("act") or "",
        row.get("confidence"),
        outlet,
        first,
        last,
    )


def read_date(text: str) -> tuple[date, date] | None:
    """The first and the last day of a date, also of a month or a year alone; ``None`` for what is no date.

    Read are ISO's order, with and without time, and the order of the Arab press with the day first and all digits of the year.

    >>> read_date("2026-01-05T08:30:00Z"), read_date("2026/02")
    ((datetime.date(2026, 1, 5), datetime.date(2026, 1, 5)), (datetime.date(2026, 2, 1), datetime.date(2026, 2, 28)))
    >>> read_date("٢٠٢٦١٢٣١")[0], read_date("5/1/2026")[0], read_date("5/1/26")
    (datetime.date(2026, 12, 31), datetime.date(2026, 1, 5), None)
    """
    text = fold(text)
    if day_first := _DAY_FIRST.match(text):
        text = day_first.expand(r"\4-\3-\1") + text[day_first.end() :]
    found = _DATE.match(text)
    if found is None:
        return None
    year, *rest = (int(part) for part in found.groups() if part)
    month, day = (*rest, None, None)[:2]
    try:
        first = date(year, month or 1, day or 1)
        if day:
            return first, first
        after = date(year + 1, 1, 1) if month in (None, 12) else date(year, month + 1, 1)
    except ValueError:
        return None
    return first, after - timedelta(days=1)


@cache
def verb_of(cue: str) -> tuple[str, str]:
    """The reporting word of a cue in its dictionary form, and its act; the cue itself and no act where it is not known.

    >>> [verb_of(cue) for cue in ("وقالت", "محذرا", "همهم", ":")]
    [('قال', 'assert'), ('حذر', 'warn'), ('همهم', ''), ('نقطتان (:)', '')]
    """
    words = _WORDS.findall(fold(cue))
    forms = Lexicon.load().match(words)
    if not forms:
        return " ".join(cue.split()) if words else _COLON, ""
    best = max(forms, key=lambda form: (len(form.words), form.strength))
    return best.lemma, best.act


# ---------------------------------------------------------------------------------------------------------------------
# The page


def render_report(quotes: Quotes, groups: Mapping[Appearance, str]) -> str:
    """The report as one HTML page, of any number of quotes. ``groups`` names the group of every speaker's appearance.

    Raises `ModuleNotFoundError` where plotly, which draws the charts, is not installed.
    """
    from plotly.offline import get_plotlyjs

    data = _columns(quotes, groups)
    plotly, script = get_plotlyjs(), _file("report.js")
    blocks = {"data": _packed(json.dumps(data, ensure_ascii=False, separators=(",", ":"))), "plotly": _packed(plotly)}
    blocks.update({f"c{n}": packed for n, packed in enumerate(quotes.contexts.all())})
    parts = {
        "policy": f"default-src 'none'; script-src {_hash(script)} {_hash(plotly)}; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'",
        "style": _file("report.css"),
        "blocks": "\n".join(f'<script type="text/plain" id="{name}">{text}</script>' for name, text in blocks.items()),
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _file("report.html"))


def _file(name: str) -> str:
    return files("quoteattr").joinpath("data", name).read_text(encoding="utf-8")


def _packed(text: str) -> str:
    return b64encode(gzip.compress(text.encode("utf-8"), 9, mtime=0)).decode("ascii")


def _hash(script: str) -> str:
    return f"'sha256-{b64encode(sha256(script.encode('utf-8')).digest()).decode('ascii')}'"


class _Names:
    """Strings by number: a column holds the numbers, and every string stands once."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def __call__(self, name: str) -> int:
        return self.numbers.setdefault(_shown(name), len(self.numbers))

    def __iter__(self) -> Iterator[str]:
        return iter(self.numbers)


def _shown(name: str) -> str:
    return " ".join(harmless(name).split())


def _columns(quotes: Quotes, groups: Mapping[Appearance, str]) -> dict[str, Any]:
    """The quotes as columns, the newest first; numbers stand for the strings of ``names``."""
    names = {name: _Names() for name in ("group", "speaker", "outlet", "verb", "cue", "source", "document")}
    codes = {name: list(labels) for name, labels in (("type", TYPES), ("act", _ACTS), ("kind", _KINDS))}
    kinds: dict[int, Counter[str]] = defaultdict(Counter)
    columns: dict[str, list[Any]] = {
        name: [] for name in (*names, "type", "act", "text", "day", "precision", "confidence", "context")
    }
    for said in sorted(quotes.said, key=lambda said: said.first or date.min, reverse=True):
        verb, act = verb_of(said.cue)
        group = groups[said.appearance] if said.speaker else ""
        texts = (group, said.speaker, said.outlet, verb, said.cue, said.source, said.document)
        for (name, known), text in zip(names.items(), texts, strict=True):
            columns[name].append(known(text))
        kinds[columns["group"][-1]][_kind(said)] += 1
        columns["type"].append(codes["type"].index(said.type))
        columns["act"].append(codes["act"].index(_act(said.act or act)))
        columns["text"].append(harmless(said.text).strip())
        columns["day"].append(None if said.first is None else (said.first - date(1970, 1, 1)).days)
        columns["precision"].append(_precision(said))
        columns["confidence"].append(None if said.confidence is None else round(100 * said.confidence))
        columns["context"].append(said.context)
    return {
        "columns": columns,
        "names": {name: list(known) for name, known in names.items()},
        "kinds": [codes["kind"].index(kinds[n].most_common(1)[0][0]) for n in range(len(names["group"].numbers))],
        "labels": {"type": list(TYPES.values()), "act": list(_ACTS.values()), "kind": list(_KINDS.values())},
        "piece": _PIECE,
        "undated": quotes.undated,
        "nobody": NOBODY,
    }


def _kind(said: Said) -> str:
    if not said.speaker:
        return ""
    if said.kind == "person" and not is_named(said.speaker, said.kind):
        return "described"
    return said.kind if said.kind in _KINDS else "person"


def _act(act: str) -> str:
    return act if act in _ACTS else ""


def _precision(said: Said) -> int:
    """How exactly a date is known: 0 the day, 1 the month, 2 the year."""
    if said.first is None or said.last is None or said.first == said.last:
        return 0
    return 1 if (said.last - said.first).days < 31 else 2


def appearances(said: Sequence[Said]) -> list[Appearance]:
    """The speakers of quotes as they are grouped, one for each quote that has one."""
    return [quote.appearance for quote in said if quote.speaker]
