"""Speakers across documents: which names mean the same one, by a plain rule, and a table in which that can be corrected.

The rule (`grouped`), in the order in which it is applied:

1. Names with the same words are one, wherever they stand; hamza, diacritics, ta marbuta, punctuation and «عبدالله» for «عبد الله»
   make no difference.
2. A person's family name alone («السراج», «قائد السبسي») joins the fuller name that ends with it («فايز السراج»), and a first
   with a last name the same with names between («فايز مصطفى السراج»), where that fuller name speaks in the same outlet within
   `DAYS` days and no other name there and then fits. A given name alone joins nobody, nor does a word that is no name elsewhere.
3. A title before such a name («وزير المالية سالم الخطيب») joins it, in the same outlet and days, if it names nobody else in
   between («شقيق الوزير سالم الخطيب»).
4. Organisations, groups and other descriptions («الوزير», «مصدر أمني», «المتحدث باسم الشركة») join by rule 1 only. A description
   says what somebody is; the same words may be another person in the next document.
"""

from __future__ import annotations

import csv
import io
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import lru_cache
from itertools import groupby

from quoteattr.corpus import as_cell, from_cell
from quoteattr.lexicon import Lexicon, NounForm
from quoteattr.speakers import name_words
from quoteattr.text import fold
from quoteattr.words import function_words, news_words

DAYS = 60
"""How far apart, in days, a short and a full name of one person may stand."""

_ALWAYS = ((date.min, date.max),)
_Key = tuple[str, ...]
_Periods = Sequence[tuple[date, date]]


class GroupsError(ValueError):
    """A table of groups can't be used; the message names the line and the reason."""


@dataclass(frozen=True, slots=True)
class Appearance:
    """A speaker of one document: the name there, the kind (person, organisation, group), and the document's outlet and dates.

    ``first`` and ``last`` are the same day, or the ends of a month or year where no more is known; both ``None`` without date.
    """

    name: str
    kind: str
    outlet: str = ""
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table of groups: a name in an outlet from one date to another, how many quotes it has, and its group."""

    speaker: str
    kind: str
    outlet: str
    first_date: date | None
    last_date: date | None
    quotes: int
    group: str


COLUMNS = tuple(field.name.replace("_", " ") for field in fields(Row))
"""The columns of the table of groups, in their order."""


def grouped(appearances: Iterable[Appearance]) -> dict[Appearance, str]:
    """The name of the group of every appearance, by the rule above; an appearance stands as often as it has quotes.

    A group has the name that stands most often in it, titles and family names alone left aside. Groups of one name are one.

    >>> day = date(2026, 1, 5)
    >>> names = [Appearance(name, "person", "الميناء", day, day) for name in ("رنا الخطيب", "الخطيب", "رنا", "وزيرة")]
    >>> list(grouped(names).values())
    ['رنا الخطيب', 'رنا الخطيب', 'رنا', 'وزيرة']
    """
    counts = Counter(appearances)
    named = {a: is_named(a.name, a.kind) for a in counts}
    fuller = _Fuller(a for a in counts if named[a])
    keys = {a: fuller.of(a) if named[a] else fuller.titled(a) if a.kind == "person" else _key(a.name) for a in counts}
    spellings: dict[_Key, Counter[str]] = defaultdict(Counter)
    members: dict[_Key, Counter[str]] = defaultdict(Counter)
    for appearance, key in keys.items():
        own, spelled = _key(appearance.name), " ".join(appearance.name.split())
        spellings[own][spelled] += counts[appearance]
        if own == key or (named[appearance] and len(own) > 1):
            members[key][spelled] += counts[appearance]
    spelled_as = {key: members[key] or spellings[key] for key in keys.values()}
    names = {key: max(spelled, key=lambda s: (spelled[s], len(s), s)) for key, spelled in spelled_as.items()}
    return {appearance: names[key] for appearance, key in keys.items()}


@lru_cache(1 << 16)
def is_named(name: str, kind: str) -> bool:
    """Whether a speaker is a person called by name, and not an organisation, a group or a description.

    A name has no function words, begins with no noun for people unless that is a name too («أمين الحسن», «الخطيب»), and at least
    half of its words, where there are several, are personal names or strange to news.

    >>> [is_named(name, "person") for name in ("رنا الحديدي", "المتحدث باسم الشركة", "مصدر أمني", "أمين الحسن", "شاهد عيان")]
    [True, False, False, True, False]
    """
    words = fold(name).split()
    if kind != "person" or not words:
        return False
    noun = Lexicon.load().nouns.get(words[0].removeprefix("ال"))
    if noun is not None and not _given_or_family(words, noun):
        return False
    if any(word in function_words() and word not in _PARTS_OF_NAMES for word in words):
        return False
    return len(words) == 1 or 2 * sum(map(_name_like, words)) >= len(words)


def _given_or_family(words: Sequence[str], noun: NounForm) -> bool:
    """Whether a noun for people is a given name before another name («أمين الحسن»), or a family name alone («الخطيب»)."""
    if len(words) == 1:
        return noun.cls == "title" and _weight(words[0]) >= _A_NAME
    return not words[0].startswith("ال") and _weight(words[1]) >= _A_NAME


_A_NAME, _PERHAPS_A_NAME = 0.4, 0.1


def _weight(word: str) -> float:
    names = Lexicon.load().names
    known = names.get(word) or names.get(word.removeprefix("ال"))
    return known.weight if known else 0.0


def _name_like(word: str) -> bool:
    return _weight(word) >= _PERHAPS_A_NAME or word not in news_words()[0]


def _titled(name: str, bare: int) -> bool:
    """Whether a description is a title before a name of ``bare`` words, with nobody else in it.

    >>> [_titled(name, 2) for name in ("وزير المالية سالم الخطيب", "شقيق الوزير سالم الخطيب", "محامي سالم الخطيب")]
    [True, False, False]
    """
    nouns = Lexicon.load().nouns
    head, *rest = [(word, nouns.get(word.removeprefix("ال"))) for word in fold(name).split()[:-bare]]
    return (
        head[1] is not None
        and head[1].cls in ("title", "honorific")
        and (bool(rest) or head[0].startswith("ال"))
        and not any(word in function_words() or (noun is not None and noun.cls == "title") for word, noun in rest)
    )


_PARTS_OF_NAMES = frozenset("بن ابن بنت ابو ابي ام ال".split())


@lru_cache(1 << 16)
def _key(name: str) -> _Key:
    """The words that two names must share to be one; «بن» before the last one belongs to it (a father is no family name)."""
    words, folded = name_words(name), fold(name).split()
    if words and folded[-2:-1] in (["بن"], ["ابن"], ["بنت"]):
        words = (*words[:-1], f"بن {words[-1]}")
    return words or (fold(name),)


class _Fuller:
    """The full names that speak in an outlet, each with the periods in which it does."""

    def __init__(self, appearances: Iterable[Appearance]) -> None:
        periods: dict[tuple[_Key, str], list[tuple[date, date]] | None] = {}
        fitting: dict[str, dict[_Key, None]] = defaultdict(dict)
        for a in appearances:
            key = _key(a.name)
            if len(key) < 2:
                continue
            for word in key:
                fitting[word][key] = None
            spans = periods.setdefault((key, a.outlet), [])
            if a.first is None or a.last is None:
                periods[key, a.outlet] = None
            elif spans is not None:
                spans.append((a.first, a.last))
        self._fitting = {word: tuple(keys) for word, keys in fitting.items()}
        self._periods = {at: _ALWAYS if spans is None else _joined(spans) for at, spans in periods.items()}

    def of(self, appearance: Appearance) -> _Key:
        """The words of the name that an appearance has in full: its own where there is no fuller one, or several."""
        return self._fullest(_key(appearance.name), appearance)

    def _fullest(self, key: _Key, appearance: Appearance) -> _Key:
        near = [full for full in self._fitting.get(key[-1], ()) if _fits(key, full) and self._speaks(full, appearance)]
        fullest = [name for name in near if not any(_fits(name, other) for other in near)]
        return fullest[0] if len(fullest) == 1 and fullest[0][-1] == key[-1] else key

    def titled(self, appearance: Appearance) -> _Key:
        """The words of the name that stands at the end of a description behind a title; those of the description without one."""
        key = _key(appearance.name)
        ending = [
            full
            for full in self._fitting.get(key[-1], ())
            if len(full) < len(key) and key[-len(full) :] == full and self._speaks(full, appearance)
        ]
        name = max(ending, key=len, default=key)
        return self._fullest(name, appearance) if name != key and _titled(appearance.name, len(name)) else key

    def _speaks(self, key: _Key, appearance: Appearance) -> bool:
        """Whether a name speaks in the outlet of an appearance, within the days around it."""
        periods = self._periods.get((key, appearance.outlet), ())
        if appearance.first is None or appearance.last is None or not periods:
            return bool(periods)
        before = bisect_right(periods, appearance.last, key=lambda period: period[0]) - 1
        return before >= 0 and periods[before][1] >= appearance.first


def _fits(short: _Key, full: _Key) -> bool:
    """Whether a name may be a shorter form of a fuller one: one word of it, its first and last, or its end without given name."""
    if len(short) >= len(full):
        return False
    if len(short) == 1:
        return short[0] in full and _name_like(short[0])
    if short == full[-len(short) :]:
        return _weight(short[0]) < _A_NAME
    rest = iter(full)
    return short[0] == full[0] and short[-1] == full[-1] and all(word in rest for word in short)


def _joined(spans: list[tuple[date, date]]) -> _Periods:
    """Spans of days, widened by `DAYS` on both sides, as periods that do not touch, in order."""
    joined: list[tuple[date, date]] = []
    for first, last in sorted(set(spans)):
        start, end = _moved(first, -DAYS), _moved(last, DAYS)
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _moved(day: date, days: int) -> date:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.min if days < 0 else date.max


# ---------------------------------------------------------------------------------------------------------------------
# The table


def table(appearances: Iterable[Appearance], groups: Mapping[Appearance, str]) -> list[Row]:
    """The groups as a table to look through: the largest group first, its names together; one line a name, kind and outlet, and
    more only where the group changes with time."""
    counts = Counter(appearances)
    ordered = sorted(counts, key=lambda a: (a.name, a.kind, a.outlet, a.first or date.min, a.last or date.min))
    rows = []
    for (name, kind, outlet, _, group), same in groupby(
        ordered, key=lambda a: (a.name, a.kind, a.outlet, a.first is None, groups[a])
    ):
        run = list(same)
        first = min((a.first for a in run if a.first), default=None)
        last = max((a.last for a in run if a.last), default=None)
        rows.append(Row(name, kind, outlet, first, last, sum(counts[a] for a in run), group))
    size: Counter[str] = Counter()
    for row in rows:
        size[row.group] += row.quotes
    return sorted(rows, key=lambda row: (-size[row.group], row.group, -row.quotes))


def to_csv(rows: Iterable[Row]) -> str:
    """The table as CSV with a header; text that a spreadsheet would take for a formula gets an apostrophe.

    >>> print(to_csv([Row("الحديدي", "person", "الميناء", date(2026, 1, 5), date(2026, 1, 9), 3, "رنا الحديدي")]), end="")
    speaker,kind,outlet,first date,last date,quotes,group
    الحديدي,person,الميناء,2026-01-05,2026-01-09,3,رنا الحديدي
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([as_cell(getattr(row, field.name)) for field in fields(Row)])
    return out.getvalue()


def from_csv(text: str) -> list[Row]:
    """The table out of CSV, with commas, semicolons or tabs as spreadsheets write it; ``quotes`` may be left out.

    Raises `GroupsError` for a missing column, an empty group or, where a name stands several times in an outlet, a date
    that is none.

    >>> from_csv("speaker;kind;outlet;group\\nالحديدي;person;;رنا الحديدي\\n")[0].group
    'رنا الحديدي'
    """
    header, _, _ = text.partition("\n")
    delimiter = max(",;\t", key=header.count)
    lines = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        missing = [name for name in ("speaker", "kind", "outlet", "group") if name not in (lines.fieldnames or ())]
        if missing:
            raise GroupsError(f"line 1: the column {missing[0]!r} is missing; the columns are {', '.join(COLUMNS)}")
        records = [(lines.line_num, {name: from_cell(record.get(name) or "").strip() for name in COLUMNS}) for record in lines]
    except csv.Error as error:
        raise GroupsError(f"line {lines.line_num}: not CSV: {error}") from None
    stands = Counter(_place(record) for _, record in records)
    return [_row(record, f"line {number}", stands[_place(record)] > 1) for number, record in records]


def _place(record: Mapping[str, str]) -> tuple[str, str, str]:
    return record["speaker"], record["kind"], record["outlet"]


def _row(record: Mapping[str, str], where: str, dated: bool) -> Row:
    """A line of the table; its dates tell it from others of the same name and are not read where there are none."""
    if not record["group"]:
        raise GroupsError(f"{where}: 'group' is empty; a speaker alone has its own name as group")
    first, last = (_day(record[name], where, name) if dated else None for name in ("first date", "last date"))
    quotes = int(record["quotes"]) if record["quotes"].isdecimal() else 0
    return Row(*_place(record), first, last, quotes, record["group"])


def _day(value: str, where: str, name: str) -> date | None:
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        raise GroupsError(f"{where}: {name!r} must be a date as 2026-01-05, not {value!r}") from None


def corrected(groups: Mapping[Appearance, str], rows: Iterable[Row]) -> dict[Appearance, str]:
    """The groups with those of a corrected table in place of them; an appearance that the table does not have keeps its own.

    >>> lone = Appearance("الحديدي", "person")
    >>> corrected({lone: "الحديدي"}, [Row("الحديدي", "person", "", None, None, 1, "رنا الحديدي")])[lone]
    'رنا الحديدي'
    """
    by_name: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        by_name[row.speaker.strip(), row.kind, row.outlet.strip()].append(row)
    return {
        a: next((row.group for row in by_name.get((a.name.strip(), a.kind, a.outlet.strip()), ()) if _within(a, row)), group)
        for a, group in groups.items()
    }


def _within(appearance: Appearance, row: Row) -> bool:
    if appearance.first is None or appearance.last is None:
        return row.first_date is None
    after = row.first_date is None or appearance.first >= row.first_date
    return after and (row.last_date is None or appearance.last <= row.last_date)
