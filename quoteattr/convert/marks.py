"""A document as marks on its text, which is all that an annotation tool can show, and back again when people have been at them.

The words of a quote carry its type as label, the name of its speaker and the kind of that; its cue and its source are marks of
their own that it is linked to, as it is to the quote that it stands in. Everything else (aliases, mentions, confidence,
metadata …) stays with the document, which `corrected` brings up to date:

>>> document = Document.from_dict({
...     "text": "قال علي: نعم", "speakers": [{"id": "S1", "name": "علي"}],
...     "quotes": [{"id": "Q1", "type": "direct", "cue": [0, 3], "source": [4, 7], "content": [9, 12], "speaker": "S1"}]})
>>> marks = marks_of(document)
>>> [(mark.id, mark.label, mark.start, mark.end, mark.speaker) for mark in marks.marks]
[('T1', 'direct', 9, 12, 'علي'), ('T2', 'cue', 0, 3, ''), ('T3', 'source', 4, 7, '')]
>>> marks.links
(('T1', 'T2'), ('T1', 'T3'))
>>> by_hand = replace(marks, marks=(replace(marks.marks[0], label="mixed"), *marks.marks[1:]))
>>> corrected(document, by_hand).quotes[0].type
'mixed'
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from quoteattr.evaluate import speaker_form
from quoteattr.schema import QUOTE_TYPES, Document, Quote, SchemaError, Span, Speaker, SpeakerKind

CUE, SOURCE = "cue", "source"
LABELS = (*QUOTE_TYPES, CUE, SOURCE)
"""What a mark can be: the words of a quote by its type, a cue, a source."""
_SHOWN = 40


class MarkError(ValueError):
    """A document that can't be shown as marks, or marks that contradict each other; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a text with one of `LABELS`. The words of a quote also have the name of its ``speaker`` ("" for nobody), as
    `speaker_names` gives it, and what ``kind`` of speaker that is."""

    id: str
    label: str
    start: int
    end: int
    speaker: str = ""
    kind: SpeakerKind | None = None

    @property
    def is_content(self) -> bool:
        """Whether it is the words of a quote."""
        return self.label in QUOTE_TYPES


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a text and the links between them, by id: from the words of a quote to its cue, to its source, and to the
    words of the quote in which it stands."""

    marks: tuple[Mark, ...] = ()
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Said:
    """The marks of one quote; ``outer`` is the id of the content around it."""

    content: Mark
    cue: Mark
    source: Mark | None = None
    outer: str | None = None

    @property
    def facts(self) -> tuple[Any, ...]:
        """What makes two quotes the same."""
        content, cue, source = self.content, self.cue, self.source
        beside = None if source is None else (source.start, source.end)
        return content.label, content.start, content.end, cue.start, cue.end, beside, content.speaker, self.outer


def speaker_names(speakers: Iterable[Speaker]) -> dict[str, Speaker]:
    """The speakers of a document by the name that stands for each in a tool: its own in one line, with the id where others have
    the same or it is empty.

    >>> list(speaker_names([Speaker("S1", "علي"), Speaker("S2", "مصادر"), Speaker("S3", "مصادر")]))
    ['علي', 'مصادر [S2]', 'مصادر [S3]']
    """
    speakers = list(speakers)
    count = Counter(_one_line(speaker.name) for speaker in speakers)
    names: dict[str, Speaker] = {}
    for speaker in speakers:
        name = _one_line(speaker.name)
        while not name or count[name] > 1 or name in names:
            name = f"{name} [{_one_line(speaker.id)}]".strip()
        names[name] = speaker
    return names


def _one_line(name: str) -> str:
    return " ".join(name.split())


def marks_of(document: Document) -> Marks:
    """The marks of a document: those of each quote in turn, a cue or source of several only once. Raises `MarkError` for one
    that covers no text, which no tool can show."""
    names = {speaker.id: name for name, speaker in speaker_names(document.speakers).items()}
    marks: list[Mark] = []
    shared: dict[tuple[str, Span], str] = {}
    contents: dict[str, str] = {}
    links: list[tuple[str, str]] = []

    def marked(label: str, span: Span, speaker: Speaker | None = None) -> str:
        if not span.text.strip():
            raise MarkError(f"a {label} at {span.start} covers no text")
        id = f"T{len(marks) + 1}"
        name, kind = ("", None) if speaker is None else (names[speaker.id], speaker.kind)
        marks.append(Mark(id, label, span.start, span.end, name, kind))
        return id

    for quote in document.quotes:
        contents[quote.id] = marked(quote.type, quote.content, quote.speaker)
        for label, span in ((CUE, quote.cue), (SOURCE, quote.source)):
            if span is not None:
                if (label, span) not in shared:
                    shared[label, span] = marked(label, span)
                links.append((contents[quote.id], shared[label, span]))
    links += [(contents[q.id], contents[q.parent]) for q in document.quotes if q.parent in contents and q.parent != q.id]
    return Marks(tuple(marks), tuple(links))


def with_speakers(marks: Iterable[Mark], names: Mapping[str, str], kinds: Mapping[str, str]) -> tuple[Mark, ...]:
    """The marks with what a tool has beside the words of quotes, by the id of their marks: names and kinds of speakers. Raises
    `MarkError` for a kind that there is not."""
    known: dict[str, SpeakerKind] = {kind: kind for kind in get_args(SpeakerKind)}
    if odd := next((kind for kind in kinds.values() if kind not in known), None):
        raise MarkError(f"the kind of a speaker is one of {', '.join(known)}, not {odd!r}")
    return tuple(
        replace(mark, speaker=_one_line(names.get(mark.id, "")), kind=known.get(kinds.get(mark.id, "")))
        if mark.is_content
        else mark
        for mark in marks
    )


def corrected(document: Document, read: Marks) -> Document:
    """A document as people left its marks.

    A quote that nobody touched stays exactly as it was. One whose marks were changed keeps its id and loses confidence and
    evidence; one whose words have no mark any more is gone; one that is new gets an id. A name that no speaker of the document
    has is a new speaker. The source of a quote is a mention of its speaker and goes with it where a quote was given to another.

    Raises `MarkError` where the marks contradict each other: words without a cue or with two, a new cue or source that belongs
    to no quote, a speaker of two kinds, a quote inside one that doesn't enclose it.
    """
    before = marks_of(document)
    was, now = _quotes(before, document.text), _quotes(read, document.text)
    _check_loose(read, before, document.text)
    _check_outer(now, was, document.text)
    own = {mark.id: quote for mark, quote in zip(_contents(before), document.quotes, strict=True)}
    ids = {id: own[id].id for id in now if id in own}
    taken = {quote.id for quote in (*document.quotes, *document.rejected)}
    for id in now:
        if id not in ids:
            ids[id] = _fresh("Q", taken)
    cast = _Cast(document, was, now)
    quotes = []
    for id in [*(id for id in own if id in now), *(id for id in now if id not in own)]:
        if id in was and was[id].facts == now[id].facts:
            quotes.append(own[id].to_dict())
        else:
            quotes.append(_record(now[id], ids, own.get(id), cast.id(now[id].content.speaker)))
    if any(id not in was or was[id].content.start != said.content.start for id, said in now.items()):
        quotes.sort(key=lambda quote: quote["content"][0])
    record = {**document.to_dict(), "quotes": quotes, "speakers": cast.records(quotes)}
    try:
        return Document.from_dict(record)
    except SchemaError as error:
        raise MarkError(str(error)) from None


def _record(said: _Said, ids: Mapping[str, str], quote: Quote | None, speaker: str | None) -> dict[str, Any]:
    """A new or changed quote in the format of documents."""
    content, cue, source = said.content, said.cue, said.source
    record: dict[str, Any] = {
        "id": ids[content.id],
        "type": content.label,
        "cue": [cue.start, cue.end],
        "source": None if source is None else [source.start, source.end],
        "content": [content.start, content.end],
        "speaker": speaker,
    }
    if quote is not None and quote.act is not None and (quote.cue.start, quote.cue.end) == (cue.start, cue.end):
        record["act"] = quote.act
    if said.outer is not None:
        record["parent"] = ids[said.outer]
    return record


def _contents(marks: Marks) -> list[Mark]:
    return [mark for mark in marks.marks if mark.is_content]


def _fresh(letter: str, taken: set[str]) -> str:
    """An id that is not taken, which it is from then on."""
    number = len(taken) + 1
    while f"{letter}{number}" in taken:
        number += 1
    taken.add(f"{letter}{number}")
    return f"{letter}{number}"


# ---------------------------------------------------------------------------------------------------------------------
# What belongs together


def _quotes(marks: Marks, text: str) -> dict[str, _Said]:
    """The quotes that marks and links make, by the id of their content, in the order of the marks."""
    by_id: dict[str, Mark] = {}
    for mark in marks.marks:
        if mark.id in by_id:
            raise MarkError(f"two marks have the id {mark.id}")
        if not 0 <= mark.start < mark.end <= len(text):
            raise MarkError(f"{mark.id}: offsets {mark.start} and {mark.end} do not fit a text of {len(text)} characters")
        by_id[mark.id] = mark
    found: dict[str, dict[str, Mark]] = {mark.id: {} for mark in _contents(marks)}
    for one, other in dict.fromkeys(marks.links):
        content, end = by_id[one], by_id[other]
        if end.is_content and not content.is_content:
            content, end = end, content
        if not content.is_content or content is end:
            raise MarkError(f"a link from {_shown(content, text)} to {_shown(end, text)} says nothing")
        role = "outer" if end.is_content else end.label
        if found[content.id].setdefault(role, end) is not end:
            raise MarkError(f"{_shown(content, text)} is linked to two marks of the same kind: {_shown(end, text)} is the second")
    if missing := [id for id, ends in found.items() if CUE not in ends]:
        raise MarkError(f"{_shown(by_id[missing[0]], text)} is linked to no cue")
    return {
        id: _Said(by_id[id], ends[CUE], ends.get(SOURCE), ends["outer"].id if "outer" in ends else None)
        for id, ends in found.items()
    }


def _check_loose(read: Marks, before: Marks, text: str) -> None:
    """A cue or source whose quote was deleted is left over and means nothing; one that somebody drew must belong somewhere."""
    linked = {id for link in read.links for id in link} | {mark.id for mark in before.marks}
    for mark in read.marks:
        if not mark.is_content and mark.id not in linked:
            raise MarkError(f"{_shown(mark, text)} is linked to no quote")


def _check_outer(now: Mapping[str, _Said], was: Mapping[str, _Said], text: str) -> None:
    for id, said in now.items():
        if said.outer is None or (id in was and was[id].outer == said.outer):
            continue
        outer, inner = now[said.outer].content, said.content
        if not outer.start <= inner.start <= inner.end <= outer.end:
            raise MarkError(f"{_shown(inner, text)} does not stand inside {_shown(outer, text)}")


def _shown(mark: Mark, text: str) -> str:
    """A mark as a message names it."""
    words = _one_line(text[mark.start : mark.end])
    return f"{mark.id} ({mark.label} «{words if len(words) <= _SHOWN else words[: _SHOWN - 1] + '…'}»)"


# ---------------------------------------------------------------------------------------------------------------------
# Speakers


class _Cast:
    """The speakers of a document after a correction: those it had, and those whom a name is new for."""

    def __init__(self, document: Document, was: Mapping[str, _Said], now: Mapping[str, _Said]) -> None:
        self._document = document
        self._records = {speaker.id: speaker.to_dict() for speaker in document.speakers}
        self._ids = {name: speaker.id for name, speaker in speaker_names(document.speakers).items()}
        taken = set(self._records)
        names = dict.fromkeys(said.content.speaker for said in now.values() if said.content.speaker)
        new = [name for name in names if name not in self._ids]
        for name in new:
            id = self._ids[name] = _fresh("S", taken)
            self._records[id] = {"id": id, "name": name, "kind": None, "aliases": [], "mentions": []}
        self._set_kinds(was, now)
        for name in new:
            places = re.finditer(rf"(?<!\w)[وفبلك]?({re.escape(name)})(?!\w)", document.text)
            self._give(self._ids[name], [match.span(1) for match in places])
        for id, said in now.items():
            same = id in was and (was[id].source, was[id].content.speaker) == (said.source, said.content.speaker)
            if said.source is not None and said.content.speaker and not same and not self._is_pronoun(said.source):
                self._give(self._ids[said.content.speaker], [(said.source.start, said.source.end)])

    def id(self, name: str) -> str | None:
        """The id of the speaker with a name, ``None`` for nobody's."""
        return self._ids[name] if name else None

    def records(self, quotes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The speakers in the format of documents, without those who lost their last quote."""
        had = {quote.speaker.id for quote in self._document.quotes if quote.speaker is not None}
        have = {quote["speaker"] for quote in quotes}
        have |= {quote.speaker.id for quote in self._document.rejected if quote.speaker is not None}
        return [record for id, record in self._records.items() if id in have or id not in had]

    def _set_kinds(self, was: Mapping[str, _Said], now: Mapping[str, _Said]) -> None:
        """The kind of a new speaker is the one beside its quotes; that of another changes where one of its quotes says so."""
        given: dict[str, SpeakerKind] = {}
        for id, said in now.items():
            name, kind = said.content.speaker, said.content.kind
            fresh = name and self._records[self._ids[name]]["kind"] is None
            if not name or kind is None or (not fresh and id in was and was[id].content.kind == kind):
                continue
            if given.setdefault(name, kind) != kind:
                raise MarkError(f"the speaker {name} is {given[name]} in one quote and {kind} in another")
        for name, id in self._ids.items():
            self._records[id]["kind"] = given.get(name, self._records[id]["kind"] or "person")

    def _is_pronoun(self, source: Mark) -> bool:
        span = Span.of(self._document.text, source.start, source.end)
        return speaker_form(Quote("", "direct", span, span, span)) == "implicit"

    def _give(self, id: str, places: Sequence[tuple[int, int]]) -> None:
        """Make places mentions of a speaker, and of nobody else; their words become aliases, and stay one of another speaker only
        where that one is mentioned so elsewhere."""
        text = self._document.text
        for start, end in places:
            for record in self._records.values():
                if [start, end] in record["mentions"] and record["id"] != id:
                    record["mentions"] = [span for span in record["mentions"] if span != [start, end]]
                    if all(text[s:e] != text[start:end] for s, e in record["mentions"]):
                        record["aliases"] = [a for a in record["aliases"] if a != text[start:end] or a == record["name"]]
            own = self._records[id]
            if [start, end] not in own["mentions"]:
                own["mentions"] = sorted([*own["mentions"], [start, end]])
            own["aliases"] = list(dict.fromkeys([*own["aliases"], text[start:end]]))
