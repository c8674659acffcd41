"""A normalized text cut into tokens, with what is known of each word.

`Reader` turns a text into `Tokens`: words with their `Word` analyses (clitics, article, noun, name, cue readings), sentence
and paragraph numbers, quotation marks. Positions are offsets into the normalized text.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, replace

from quoteattr.lexicon import CueForm, Gender, Lexicon, NounForm
from quoteattr.text import LETTERS, NormalizedText, Quotation, quotations, sentence_ends
from quoteattr.words import function_words, news_words

_TOKEN = re.compile(rf"[{LETTERS}]+|\d+(?:[.,/:٬]\d+)*|[^\W\d_]+|[^\w\s]|_|\n")
_MAX_SENTENCE = 400  # longer runs without a full stop are cut, which bounds the work for a cue
_CACHE_LIMIT = 200_000
_GLUED = ("اليه", "اليها", "الي", "علي", "انه", "ان")


@dataclass(frozen=True, slots=True)
class Word:
    """What is known of a folded word form.

    ``function`` is its class in ``function_words.tsv``; ``conjunction`` and ``preposition`` are attached letters; ``stem`` is
    the word without them and without article. ``name`` is how surely the word is part of a name, ``known`` whether news uses it
    (a word that is not, may be a name as well); ``organisation`` whether it begins the name of a body.
    """

    form: str
    function: str
    conjunction: bool
    preposition: str
    definite: bool
    stem: str
    noun: NounForm | None
    name: float
    name_gender: Gender | None
    nationality: bool
    cues: tuple[CueForm, ...]
    verb: bool
    known: bool
    organisation: bool

    @property
    def clitics(self) -> int:
        """How many letters of the form are an attached conjunction or preposition (the ل of لل counts as one)."""
        return (1 if self.conjunction else 0) + len(self.preposition)


@dataclass(slots=True)
class Tokens:
    """A text cut into tokens, with what the later steps ask of each."""

    text: str
    words: list[str]
    starts: list[int]
    infos: list[Word]
    sentence: list[int]
    sentence_stop: list[int]
    paragraph: list[int]
    inside: list[Quotation | None]
    opens: dict[int, Quotation]
    closes: dict[int, Quotation]
    lexicon: Lexicon
    bodies: Mapping[str, list[tuple[str, ...]]]

    def end(self, token: int) -> int:
        """The offset behind a token."""
        return self.starts[token] + len(self.words[token])

    def at(self, offset: int) -> int:
        """The first token that starts at an offset or behind it."""
        return bisect_left(self.starts, offset)

    def stop(self, token: int) -> int:
        """The first token behind the sentence of a token."""
        return self.sentence_stop[self.sentence[token]]

    def first(self, token: int) -> int:
        """The first token of the sentence of a token."""
        number = self.sentence[token]
        return self.sentence_stop[number - 1] if number else 0


def _inside(starts: list[int], marks: list[Quotation]) -> list[Quotation | None]:
    """For every token the innermost quotation around it."""
    if not marks:
        return [None] * len(starts)
    inside: list[Quotation | None] = []
    stack: list[Quotation] = []
    n = 0
    for start in starts:
        while n < len(marks) and marks[n].start < start:
            stack.append(marks[n])
            n += 1
        while stack and stack[-1].end <= start:
            stack.pop()
        inside.append(stack[-1] if stack else None)
    return inside


class Reader:
    """Cuts normalized texts into `Tokens`, looking words up in one lexicon and remembering what it found."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self._bodies: dict[str, list[tuple[str, ...]]] = {}
        for words in lexicon.organisations:
            self._bodies.setdefault(words[0], []).append(words)
        self._known: dict[str, Word] = {}

    def read(self, normalized: NormalizedText) -> Tokens:
        """The tokens of a text."""
        text = normalized.text
        words: list[str] = []
        starts: list[int] = []
        infos: list[Word] = []
        sentence: list[int] = []
        stops: list[int] = []
        paragraphs: list[int] = []
        ends = sentence_ends(text)
        marks = quotations(text)
        distinct = "على" in normalized.original
        opens = {q.start: q for q in marks}
        known = self._known
        if len(known) > _CACHE_LIMIT:
            known.clear()
        number, forced, paragraph = 0, 0, 0
        bound = ends[0] if ends else len(text)
        for match in _TOKEN.finditer(text):
            word = match.group()
            if word == "\n":
                paragraph += 1
                continue
            start = match.start()
            if start > bound and (word not in _TRAILING or start in opens):
                while start > bound:
                    number += 1
                    bound = ends[number] if number < len(ends) else len(text)
                stops.extend([len(words)] * (number + forced - len(stops)))
            elif len(words) - (stops[-1] if stops else 0) >= _MAX_SENTENCE:
                forced += 1
                stops.append(len(words))
            if (
                word in _ALI
                and distinct
                and normalized.original[normalized.original_span(start, start + len(word))[1] - 1] == "ي"
            ):
                info = _ALI[word]
            else:
                info = known.get(word) or self._analyse(word)
            words.append(word)
            starts.append(start)
            infos.append(info)
            sentence.append(number + forced)
            paragraphs.append(paragraph)
        stops.extend([len(words)] * (number + forced + 1 - len(stops)))
        closes = {q.inner[1]: q for q in marks if q.closed}
        return Tokens(
            text,
            words,
            starts,
            infos,
            sentence,
            stops,
            paragraphs,
            _inside(starts, marks),
            opens,
            closes,
            self.lexicon,
            self._bodies,
        )

    def _analyse(self, word: str) -> Word:
        info = self._known[word] = self._looked_up(word)
        return info

    def _looked_up(self, word: str) -> Word:
        lexicon = self.lexicon
        functions = function_words()
        function = functions.get(word, "")
        conjunction = False
        if not function and word[0] in "وف" and len(word) > 2 and word not in lexicon.names:
            function = functions.get(word[1:], "")
            conjunction = bool(function)
        cues = lexicon.lookup(word)
        if not cues and not function and word not in news_words()[0]:
            cues = self._glued(word)
        if function or not word[0].isalpha():
            return Word(word, function, conjunction, "", False, word, None, 0.0, None, False, cues, False, True, False)
        counts, verbs = news_words()
        conjunction, preposition, rest = self._split(word, counts, verbs)
        definite = rest.startswith("ال") and len(rest) > 4
        stem = rest[2:] if definite else rest
        name = lexicon.names.get(rest) or (lexicon.names.get(stem) if definite else None)
        weight = name.weight if name else 0.0
        noun = lexicon.nouns.get(stem)
        verb = (
            noun is None
            and weight < 0.5
            and (
                word in verbs
                or (word[0] in "وف" and word[1:] in verbs)
                or (definite and len(rest) > 6 and rest.endswith(("هم", "ها")))  # التقتهم: no noun has both
            )
        )
        return Word(
            word,
            "",
            conjunction,
            preposition,
            definite,
            stem,
            noun,
            weight,
            name.gender if name else None,
            stem in lexicon.nationalities,
            cues,
            verb,
            rest in counts or word in counts,
            rest in self._bodies,
        )

    def _glued(self, word: str) -> tuple[CueForm, ...]:
        """A finite cue that lost the space before its preposition: «أشارإلى»."""
        for tail in _GLUED:
            if word.endswith(tail) and len(word) > len(tail) + 2:
                found = tuple(c for c in self.lexicon.lookup(word[: -len(tail)]) if c.pos == "verb" and len(c.words) == 1)
                if found:
                    return tuple(replace(c, words=(word,)) for c in found)
        return ()

    def _split(self, word: str, counts: Mapping[str, int], verbs: frozenset[str]) -> tuple[bool, str, str]:
        """Attached conjunction and preposition of a word, and the rest: what the lexicon knows first, else what is more frequent."""
        lexicon = self.lexicon
        if word[1:3] == "ال" and word[0] in "وف" and len(word) > 5 and word not in lexicon.names and word not in lexicon.nouns:
            return True, "", word[1:]
        best = (counts.get(word, 0) + 1, False, "", word)
        for cut in (0, 1) if word[0] in "وف" and len(word) > 3 else (0,):
            for preposition, rest in _prepositions(word[cut:]):
                stem = rest[2:] if rest.startswith("ال") and len(rest) > 4 else rest
                if (
                    stem in lexicon.nouns
                    or (rest in lexicon.names and preposition != "ك")
                    or (stem is not rest and stem in lexicon.names)
                    or stem in lexicon.nationalities
                    or rest in self._bodies
                ):
                    return bool(cut), preposition, rest
                count = counts.get(rest, 0) + (2 if rest.startswith("ال") and rest != word else 0)
                if preposition and rest[0] in "يتن" and rest in verbs:
                    continue
                if preposition and len(rest) > 3 and rest in counts:
                    count += 2
                if count > best[0]:
                    best = (count, bool(cut), preposition, rest)
        return best[1:]


_ALI = {
    form: Word(form, "", form[0] != "ع", "", False, "علي", None, 0.95, "m", False, (), False, True, False)
    for form in ("علي", "وعلي", "فعلي")
}
"""The name علي, which folding makes one with the preposition على: told apart in texts that write the preposition with ى."""
_TRAILING = frozenset("\"”»’'›“)].!؟?…")


def _prepositions(rest: str) -> tuple[tuple[str, str], ...]:
    found = [("", rest)]
    if len(rest) > 3 and rest[0] in "بلك":
        if rest.startswith("لل"):
            found.append(("ل", "ال" + rest[2:]))
        found.append((rest[0], rest[1:]))
    return tuple(found)
