"""More than one reading of an annotated document: other names, other cues, elided subjects, fewer marks, other spellings.

Each variation is a list of edits of the text, and what they make of a name; `edited` applies them and moves every span along, so
that the annotation stays right. The variation that teaches most is `elided`: Arabic leaves the subject out where the same person
goes on speaking («وأضاف أن…»), so a source may be taken out where it is clear who speaks, and the speaker stays known.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from random import Random
from typing import Any

from quoteattr.lexicon import CueForm, Lexicon
from quoteattr.schema import Document, Quote, Span
from quoteattr.text import fold, normalize, quotations

Edit = tuple[int, int, str]
"""``text[start:end]`` becomes a new string."""

_WORD = re.compile(r"\w+")
_CONNECTIVES = ("و", "ف")
_ATTACHED = ("و", "ف", "ب", "ل", "ك")
_SHARE, _MOST = 0.3, 0.8
_SPELLINGS: Sequence[tuple[str, str]] = (("أإآ", "ا"), ("ة", "ه"), ("ى", "ي"), ("ؤ", "و"))
"""Letters that news often writes without their hamza or dots."""
_GLUE = re.compile(r"(?<=[،.:]) (?=\w)")


def edited(document: Document, edits: Iterable[Edit], renamed: Callable[[str], str] = str) -> Document:
    """A document after edits of its text, with all spans moved along and names and aliases renamed.

    Edits that overlap an earlier one, those across the edge of a span and those that leave nothing of a span are left out.

    >>> document = Document.from_dict({"id": "1", "text": "قال علي: نعم", "speakers": [{"id": "S1", "name": "علي"}], "quotes": [
    ...     {"id": "Q1", "type": "direct", "cue": [0, 3], "source": [4, 7], "content": [9, 12], "speaker": "S1"}]})
    >>> edited(document, [(0, 3, "صرح"), (4, 7, "عبد الحميد")]).quotes[0].content
    Span(start=16, end=19, text='نعم')
    """
    record = document.to_dict()
    spans = list(_spans(record))
    edges = sorted(edge for span in spans for edge in span)
    chosen: list[Edit] = []
    for start, end, new in sorted(edits):
        if chosen and start < chosen[-1][1]:
            continue
        between = bisect_right(edges, start)
        across = between < len(edges) and edges[between] < end
        if across or (not new and any(start <= a and b <= end for a, b in spans)):
            continue
        chosen.append((start, end, new))
    text = document.text
    pieces: list[str] = []
    done = 0
    for start, end, new in chosen:
        pieces += text[done:start], new
        done = end
    record["text"] = "".join([*pieces, text[done:]])
    stops = [end for _, end, _ in chosen]
    shifts = [0, *accumulate(len(new) - (end - start) for start, end, new in chosen)]

    def moved(span: Sequence[int]) -> list[int]:
        return [at + shifts[bisect_right(stops, at)] for at in span]

    for speaker in record["speakers"]:
        speaker["name"] = renamed(speaker["name"])
        speaker["aliases"] = [renamed(alias) for alias in speaker["aliases"]]
        speaker["mentions"] = [moved(span) for span in speaker["mentions"]]
    for quote in _quotes(record):
        for name in ("cue", "source", "content"):
            if quote[name] is not None:
                quote[name] = moved(quote[name])
    return Document.from_dict(record)


def _quotes(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*record["quotes"], *record.get("rejected", ())]


def _spans(record: Mapping[str, Any]) -> Iterator[Sequence[int]]:
    for speaker in record["speakers"]:
        yield from speaker["mentions"]
    for quote in _quotes(record):
        yield from (quote[name] for name in ("cue", "source", "content") if quote[name] is not None)


@dataclass(frozen=True, slots=True)
class _Pool:
    """What may take the place of what: given names by gender, family names, cues by what they must share."""

    given: Mapping[str | None, list[str]]
    family: list[str]
    cues: Mapping[object, list[str]]


class Augmenter:
    """Varies documents, with the names and cues of some annotated ones."""

    def __init__(self, documents: Sequence[Document], lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        pool = _Pool(defaultdict(list), [], defaultdict(list))
        for document in documents:
            for speaker in document.speakers:
                first, *rest = speaker.name.split() if speaker.kind == "person" else [""]
                known = lexicon.names.get(fold(first))
                if rest and known is not None:
                    pool.given[known.gender].append(first)
                    pool.family.append(rest[-1])
            for quote in document.quotes:
                key = self._key(quote.cue.text)
                if key is not None:
                    pool.cues[key].append(_bare(quote.cue.text))
        self._pool = pool

    def __call__(self, document: Document, random: Random) -> Document:
        """A variation of a document."""
        if random.random() < 2 * _SHARE:
            document = elided(document, random)
        for variation in (self.names, self.cues, marks, spellings, glue):
            if random.random() < _SHARE:
                document = variation(document, random)
        return document

    def names(self, document: Document, random: Random) -> Document:
        """Other names for the persons who speak, the same wherever the text has them."""
        new: dict[str, str] = {}
        for speaker in document.speakers:
            words = speaker.name.split() if speaker.kind == "person" else []
            for n, word in enumerate(words if len(words) > 1 else ()):
                known = self._lexicon.names.get(fold(word))
                if len(word) < 3 or known is None or known.weight < 0.5 or fold(word) in self._lexicon.nouns:
                    continue
                choices = self._pool.family if n else self._pool.given.get(known.gender)
                if choices:
                    new.setdefault(word, random.choice(choices))

        def other(match: re.Match[str]) -> str:
            word = match.group()
            if word in new:
                return new[word]
            rest = word[1:]
            return word[0] + new[rest] if word[0] in _ATTACHED and len(rest) > 3 and rest in new else word

        edits = [(*match.span(), other(match)) for match in _WORD.finditer(document.text) if other(match) != match.group()]
        return edited(document, edits, lambda name: _WORD.sub(other, name))

    def cues(self, document: Document, random: Random) -> Document:
        """Other cues of the same form and the same complement for some of the quotes."""
        edits = []
        for quote in document.quotes:
            key = self._key(quote.cue.text)
            if key is not None and random.random() < _SHARE and self._pool.cues.get(key):
                start = quote.cue.end - len(_bare(quote.cue.text))
                edits.append((start, quote.cue.end, random.choice(self._pool.cues[key])))
        return edited(document, edits)

    def _key(self, cue: str) -> object:
        """What a cue must share with another to take its place; ``None`` for a cue that nothing may replace."""
        forms: tuple[CueForm, ...] = self._lexicon.match(fold(_bare(cue)).split())
        whole = [form for form in forms if len(form.words) == len(cue.split()) and form.pos in ("verb", "participle")]
        return next(((f.pos, f.gender, f.number, f.person, f.aspect, f.takes, f.words[1:], f.act == "ask") for f in whole), None)


def _bare(cue: str) -> str:
    """A cue without an attached connective."""
    return cue[1:] if cue[:1] in _CONNECTIVES and len(cue) > 4 else cue


def elided(document: Document, random: Random) -> Document:
    """Without the source of some quotes whose speaker a reader would know without it.

    That is a source behind its verb whose speaker also spoke last, or was the last of the speakers to be mentioned, in the same
    or the paragraph before. A group's verb would be another without its subject, so groups stay.
    """
    quotes = sorted(document.quotes, key=lambda quote: quote.cue.start)
    mentions = sorted((mention.start, mention.end, speaker.id) for speaker in document.speakers for mention in speaker.mentions)
    gone: list[Quote] = []
    for before, quote in zip([None, *quotes], quotes, strict=False):
        if random.random() < 0.5 and _needless(document.text, before, quote, mentions):
            gone.append(quote)
    if not gone:
        return document
    spans = [(quote.source.start, quote.source.end) for quote in gone if quote.source is not None]
    ids = {quote.id for quote in gone}
    speakers = tuple(replace(s, mentions=tuple(m for m in s.mentions if not _within(m, spans))) for s in document.speakers)
    by_id = {speaker.id: speaker for speaker in speakers}

    def left(quote: Quote) -> Quote:
        speaker = by_id[quote.speaker.id] if quote.speaker is not None else None
        return replace(quote, speaker=speaker, source=None if quote.id in ids else quote.source)

    rest = replace(
        document, speakers=speakers, quotes=tuple(map(left, document.quotes)), rejected=tuple(map(left, document.rejected))
    )
    text = document.text
    return edited(rest, [(a, b + 1, "") if text[b : b + 1] == " " else (a - 1, b, "") for a, b in spans])


def _within(mention: Span, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start <= mention.start < end for start, end in spans)


def _needless(text: str, before: Quote | None, quote: Quote, mentions: Sequence[tuple[int, int, str]]) -> bool:
    source, speaker = quote.source, quote.speaker
    if source is None or speaker is None or speaker.kind == "group":
        return False
    if source.start != quote.cue.end + 1 or text[quote.cue.end] != " " or quote.content.start < source.end:
        return False
    last = (0, "")
    if before is not None and before.speaker is not None:
        last = (max(before.content.end, before.cue.end), before.speaker.id)
    for _, end, who in mentions:
        if last[0] < end <= quote.cue.start:
            last = (end, who)
    at, who = last
    return who == speaker.id and text.count("\n", at, quote.cue.start) <= 2


def marks(document: Document, random: Random) -> Document:
    """Without quotation marks, all or most of them."""
    normalized = normalize(document.text)
    edits: list[Edit] = []
    for quotation in quotations(normalized.text):
        if random.random() < _MOST and quotation.closed:
            edits.append((*normalized.original_span(quotation.start, quotation.inner[0]), ""))
            edits.append((*normalized.original_span(quotation.inner[1], quotation.end), ""))
    return edited(document, edits)


def spellings(document: Document, random: Random) -> Document:
    """One of the usual careless spellings all through the text."""
    letters, plain = random.choice(_SPELLINGS)
    found = re.compile(f"[{letters}]")
    edits = [(*match.span(), plain) for match in found.finditer(document.text)]
    return edited(document, edits, lambda name: found.sub(plain, name))


def glue(document: Document, random: Random) -> Document:
    """Without the space behind some commas, full stops and colons."""
    return edited(document, [(*m.span(), "") for m in _GLUE.finditer(document.text) if random.random() < _SHARE])
