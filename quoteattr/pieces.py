"""Texts that are too long to be read at once: where they are cut, and the documents of their pieces as one.

Each piece is read as a text of its own, so that memory is bounded however long a text is. It is cut behind a paragraph, else
behind a sentence, else behind a space, else between two letters. A content ends at a cut, and a subject that is elided just
behind one has nobody before it. Speakers of the pieces whose name and kind are the same are one speaker.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

from quoteattr.schema import Document, Quote, Span, Speaker
from quoteattr.speakers import name_words
from quoteattr.text import CLOSERS, sentence_ends

LONGEST = 100_000
"""Characters that are read at once, of one text or of several; a longer text is cut. Of 28,000 articles none has 36,000. With the
model they take half a gigabyte of memory, and a whole one where every word has one letter."""

_LINE_ENDS = "\n\r\x85\u2028\u2029"
_BEHIND = ".!?؟…" + CLOSERS
_BEFORE = 4  # how many characters before a full stop say what it ends
_CLINGING = frozenset(("Mn", "Mc", "Me", "Cf", "Cs", "Sk"))  # marks, joiners, halves of a character, skin tones


def pieces(text: str) -> list[tuple[int, int]]:
    """The pieces of a text as spans, end to end: one where it is not longer than `LONGEST`, else of half of that at least.

    >>> pieces("نعم")
    [(0, 3)]
    >>> [end - start for start, end in pieces(("قال الوزير: «نعم».\\n" * 10 + "لا " * 10) * 500)]
    [99994, 10006]
    """
    cuts = [0]
    while len(text) - cuts[-1] > LONGEST:
        cuts.append(_cut(text, cuts[-1] + LONGEST // 2, cuts[-1] + LONGEST))
    return list(pairwise([*cuts, len(text)]))


def _cut(text: str, low: int, high: int) -> int:
    """Where a text is best cut, behind ``low`` and not behind ``high``."""
    found = (best(text, low, high) for best in (_paragraph, _sentence, _space, _letter))
    return next((at for at in found if at > low and not _clings(text, at)), high)


def _paragraph(text: str, low: int, high: int) -> int:
    return 1 + max(text.rfind(mark, low, high) for mark in _LINE_ENDS)


def _sentence(text: str, low: int, high: int) -> int:
    part = text[low:high].rstrip(_BEHIND)  # what comes last may go on behind the part, and what comes first before it
    ends = [end for end in sentence_ends(part) if end >= _BEFORE]
    return low + len(part) - len(part[ends[-1] :].lstrip(_BEHIND)) if ends else low


def _space(text: str, low: int, high: int) -> int:
    return next((at for at in range(high, low, -1) if text[at - 1].isspace()), low)


def _letter(text: str, low: int, high: int) -> int:
    return next((at for at in range(high, low, -1) if not _clings(text, at)), low)


def _clings(text: str, at: int) -> bool:
    """Whether what stands at an offset belongs to the character before it: marks on a letter, the second half of a pair."""
    before, behind = text[at - 1], text[at]
    return (
        unicodedata.category(behind) in _CLINGING
        or unicodedata.category(before) in ("Cf", "Cs")
        or behind == "ـ"
        or before + behind == "\r\n"
    )


def batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Texts in their order in lists that are read at once: of `LONGEST` characters at most, or one text alone.

    >>> [len(batch) for batch in batches(["نعم", "لا", "ا" * LONGEST, "بلى"])]
    [2, 1, 1]
    """
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and size + len(text) > LONGEST:
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch


def joined(text: str, parts: Iterable[tuple[int, Document]]) -> Document:
    """The document of a text from those of its pieces, each with the offset at which it begins. That of one piece is its own."""
    read = list(parts)
    if len(read) == 1:
        return read[0][1]
    groups: dict[tuple[str, tuple[str, ...]], list[Speaker]] = {}
    for begin, part in read:
        for speaker in part.speakers:
            moved = replace(speaker, mentions=tuple(_moved(span, begin) for span in speaker.mentions))
            groups.setdefault(_who(speaker), []).append(moved)
    speakers = {who: _one(f"S{n}", own) for n, (who, own) in enumerate(groups.items(), 1)}
    quotes: list[Quote] = []
    for begin, part in read:
        ids = {quote.id: f"Q{n}" for n, quote in enumerate(part.quotes, len(quotes) + 1)}
        quotes += [
            replace(
                quote,
                id=ids[quote.id],
                content=_moved(quote.content, begin),
                cue=_moved(quote.cue, begin),
                source=_moved(quote.source, begin) if quote.source else None,
                speaker=speakers[_who(quote.speaker)] if quote.speaker else None,
                parent=ids[quote.parent] if quote.parent else None,
            )
            for quote in part.quotes
        ]
    return Document(text, speakers=tuple(speakers.values()), quotes=tuple(quotes))


def _moved(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by, span.text)


def _who(speaker: Speaker) -> tuple[str, tuple[str, ...]]:
    return speaker.kind, name_words(speaker.name) or (speaker.name,)


def _one(id: str, speakers: list[Speaker]) -> Speaker:
    """Several speakers as one, who has the name of the first."""
    aliases = dict.fromkeys(alias for speaker in speakers for alias in speaker.aliases)
    mentions = dict.fromkeys(span for speaker in speakers for span in speaker.mentions)
    return Speaker(id, speakers[0].name, speakers[0].kind, tuple(aliases), tuple(mentions))
