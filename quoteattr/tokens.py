"""A normalized text cut into tokens, with what is known of each word.

`Reader` turns a text into `Tokens`: words with their `Word` analyses (clitics, article, noun, name, cue readings), sentence
and paragraph numbers, quotation marks. Positions are offsets into the normalized text.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from quoteattr.lexicon import CueForm, Gender, Lexicon, NounForm
from quoteattr.text import LETTERS, NormalizedText, Quotation, quotations, sentence_ends
from quoteattr.words import function_words, news_words, word_set

_TOKEN = re.compile(rf"[{LETTERS}]+|\d+(?:[.,/:٬]\d+)*|[^\W\d_]+|[^\w\s]|_")
_MAX_SENTENCE = 200  # longer runs without a full stop are cut, which bounds the work for a cue
_CACHE_LIMIT = 200_000
_KINSMEN, _KINSWOMEN = word_set("kinsmen"), word_set("kinswomen")
_NOT_OWNED = word_set("not owned")
_PRONOUNS = ("هما", "ها", "هم", "هن", "نا", "ه")
_NO_ARTICLE = word_set("no article")
_GLUED = ("اليه", "اليها", "الي", "علي", "انه", "ان")


@dataclass(frozen=True, slots=True)
class Word:
    """What is known of a folded word form.

    ``function`` is its class in ``function_words.tsv``; ``conjunction`` and ``preposition`` are attached letters; ``stem`` is
    the word without them and without article. ``name`` is how surely the word is part of a name, ``known`` whether news uses it
    (a word that is not, may be a name as well); ``organisation`` whether it begins the name of a body, ``country`` whether it
    is one; ``owned`` whether the noun has a pronoun attached (زوجته، مديرها).

    The rest follows from these, worked out once a form because it is asked for every token: ``clitics`` is how many letters of
    the form are an attached conjunction or preposition (the ل of لل counts as one); ``alone`` are the cues of one word and
    ``followed`` those that the next word makes possible, the cues of one word among them; ``verb_cue`` and ``participle_cue``
    whether one of the cues is one; ``reports`` whether it is rather a cue than a part of a phrase; ``denotes`` whether a phrase
    anywhere can begin with it; ``counts`` whether it is a word of the phrase that it stands in.
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
    country: bool
    owned: bool = False
    clitics: int = field(init=False)
    alone: tuple[CueForm, ...] = field(init=False)
    followed: Mapping[str, tuple[CueForm, ...]] = field(init=False)
    verb_cue: bool = field(init=False)
    participle_cue: bool = field(init=False)
    reports: bool = field(init=False)
    denotes: bool = field(init=False)
    counts: bool = field(init=False)

    def __post_init__(self) -> None:
        cues, name = self.cues, self.name >= 0.5
        following = {c.words[1] for c in cues if len(c.words) > 1}
        derived = {
            "clitics": self.conjunction + len(self.preposition),
            "alone": tuple(c for c in cues if len(c.words) == 1),
            "followed": {word: tuple(c for c in cues if c.words[1:2] in ((), (word,))) for word in following},
            "verb_cue": any(c.pos == "verb" for c in cues),
            "participle_cue": any(c.pos == "participle" for c in cues),
            "reports": self.noun is None and not name and any(c.pos != "masdar" and c.strength >= 0.3 for c in cues),
            "denotes": not (self.function or self.verb)
            and (self.noun is not None or name or (self.organisation and not self.country)),
            "counts": self.form[0].isalnum() and self.function in ("", "event", "other"),
        }
        for attribute, value in derived.items():
            object.__setattr__(self, attribute, value)


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


def _reread(
    normalized: NormalizedText,
    words: Sequence[str],
    starts: Sequence[int],
    infos: list[Word],
    forms: Mapping[str, Word],
    letter: str,
) -> None:
    """Read words anew that the original writes with a last letter which folding makes one with another."""
    for k in [k for k, word in enumerate(words) if word in forms]:
        first, last = normalized.original_span(starts[k], starts[k] + len(words[k]))
        written = normalized.original[first:last]
        if written[-1] == letter and "إ" not in written:  # «وإلي» is no governor
            infos[k] = forms[words[k]]


def _inside(starts: list[int], marks: list[Quotation]) -> list[Quotation | None]:
    """For every token the innermost quotation around it: the last one to begin."""
    inside: list[Quotation | None] = [None] * len(starts)
    for quotation in marks:
        first, stop = bisect_right(starts, quotation.start), bisect_left(starts, quotation.end)
        inside[first:stop] = [quotation] * (stop - first)
    return inside


def _paragraphs(text: str, starts: list[int]) -> list[int]:
    """For every token how many line breaks stand before it."""
    paragraphs: list[int] = []
    number, at = 0, text.find("\n")
    while at >= 0:
        paragraphs.extend([number] * (bisect_left(starts, at) - len(paragraphs)))
        number += 1
        at = text.find("\n", at + 1)
    paragraphs.extend([number] * (len(starts) - len(paragraphs)))
    return paragraphs


def _sentences(text: str, words: list[str], starts: list[int], opens: Mapping[int, Quotation]) -> tuple[list[int], list[int]]:
    """For every token the number of its sentence, and for every sentence the first token behind it."""
    ends = [*sentence_ends(text), len(text)]
    sentence: list[int] = []
    stops: list[int] = []
    first, count = 0, len(words)
    for end in ends:
        stop = bisect_right(starts, end, first)
        while stop < count and words[stop] in _TRAILING and starts[stop] not in opens:
            stop += 1
        for forced in range(first + _MAX_SENTENCE, stop, _MAX_SENTENCE):
            sentence.extend([len(stops)] * _MAX_SENTENCE)
            stops.append(forced)
        sentence.extend([len(stops)] * (stop - len(sentence)))
        stops.append(stop)
        first = stop
    return sentence, stops


class Reader:
    """Cuts normalized texts into `Tokens`, looking words up in one lexicon and remembering what it found."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self._bodies: dict[str, list[tuple[str, ...]]] = {}
        for words in lexicon.organisations:
            self._bodies.setdefault(words[0], []).append(words)
        self._known: dict[str, Word] = {}
        # «والي» (governor) and «وإلى» are one after folding, like علي and على
        self._with_ya = {**_ALI, "والي": replace(_ALI["علي"], form="والي", stem="والي", noun=lexicon.nouns.get("والي"), name=0.0)}
        self._with_ha: dict[str, Word] = {}  # words that have a pronoun, if they end in ه and not in ة

    def read(self, normalized: NormalizedText) -> Tokens:
        """The tokens of a text."""
        text = normalized.text
        words: list[str] = []
        starts: list[int] = []
        for match in _TOKEN.finditer(text):
            words.append(match.group())
            starts.append(match.start())
        if len(self._known) > _CACHE_LIMIT:
            self._known, self._with_ha = {}, {}
        known = self._known
        for word in set(words).difference(known):
            known[word] = self._looked_up(word)
        infos = [known[word] for word in words]
        original = normalized.original
        if "ى" in original:
            _reread(normalized, words, starts, infos, self._with_ya, "ي")
        if original.count("ة") * 4 > original.count("ه "):
            _reread(normalized, words, starts, infos, self._with_ha, "ه")
        marks = quotations(text)
        opens = {q.start: q for q in marks}
        sentence, stops = _sentences(text, words, starts, opens)
        return Tokens(
            text,
            words,
            starts,
            infos,
            sentence,
            stops,
            _paragraphs(text, starts),
            _inside(starts, marks),
            opens,
            {q.inner[1]: q for q in marks if q.closed},
            self.lexicon,
            self._bodies,
        )

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
            noun = lexicon.nouns.get(word) if function == "event" else None
            return Word(word, function, conjunction, "", False, word, noun, 0.0, None, False, cues, False, True, False, False)
        counts, verbs = news_words()
        for conjunction, preposition, rest in self._possible(word):
            noun = None if cues or word in verbs or rest in lexicon.names else self._owned(rest)
            if noun is None:
                continue
            owned = Word(
                word, "", conjunction, preposition, True, rest, noun, 0.0, None, False, cues, False, True, False, False, True
            )
            if word[-2:] != "ته" and word[-1] == "ه":
                self._with_ha[word] = owned  # «نجله», as far as the spelling tells
                break
            return owned
        conjunction, preposition, rest = self._split(word, counts, verbs)
        definite = rest.startswith("ال") and len(rest) > 4 and word not in _NO_ARTICLE
        stem = rest[2:] if definite else rest
        name = lexicon.names.get(rest) or (lexicon.names.get(stem) if definite else None)
        weight = name.weight if name else 0.0
        noun = lexicon.nouns.get(stem)
        verb = (
            noun is None
            and weight < 0.5
            and (
                word in verbs
                or word in _NO_ARTICLE
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
            stem in lexicon.countries or "ال" + stem in lexicon.countries,
        )

    @staticmethod
    def _possible(word: str) -> Iterator[tuple[bool, str, str]]:
        """Attached conjunction and preposition that a word may have, and the rest, beginning with none."""
        for cut in (0, 1) if word[0] in "وف" else (0,):
            yield bool(cut), "", word[cut:]
            if word[cut : cut + 1] in ("ب", "ل"):
                yield bool(cut), word[cut], word[cut + 1 :]

    def _owned(self, word: str) -> NounForm | None:
        """The noun of a single person in a word with a pronoun: «زوجته», «مديرها», «أبوه»."""
        for pronoun in _PRONOUNS:
            stem = word.removesuffix(pronoun)
            if stem == word:
                continue
            if stem in _KINSMEN or stem in _KINSWOMEN:
                return NounForm(stem, "title", "m" if stem in _KINSMEN else "f", "s") if pronoun != "نا" else None
            noun = self.lexicon.nouns.get(f"{stem[:-1]}ه" if stem.endswith("ت") else stem)
            if noun is None or noun.cls not in ("title", "honorific") or noun.number != "s" or len(stem) < 3:
                continue
            return None if stem in _NOT_OWNED else replace(noun, cls="title")  # no form of address any more
        return None

    def _glued(self, word: str) -> tuple[CueForm, ...]:
        """A finite cue that lost the space before its preposition: «أشارإلى»."""
        for tail in _GLUED:
            if word.endswith(tail) and len(word) > len(tail) + 2:
                found = tuple(c for c in self.lexicon.lookup(word[: -len(tail)]) if c.pos == "verb" and len(c.words) == 1)
                if found:
                    return tuple(replace(c, words=(word,)) for c in found)
        return ()

    def _split(self, word: str, counts: Mapping[str, int], verbs: frozenset[str]) -> tuple[bool, str, str]:
        """Attached conjunction and preposition of a word, and the rest: what the lexicon knows, else what is more frequent."""
        lexicon = self.lexicon
        if word[1:3] == "ال" and word[0] in "وف" and len(word) > 5 and word not in lexicon.names and word not in lexicon.nouns:
            return True, "", word[1:]
        best = (counts.get(word, 0) + 1, False, "", word)
        for cut in (0, 1) if word[0] in "وف" and len(word) > 3 else (0,):
            for preposition, rest in _prepositions(word[cut:]):
                stem = rest[2:] if rest.startswith("ال") and len(rest) > 4 else rest
                if (
                    stem in lexicon.nouns
                    or (rest in lexicon.names and preposition != "ك" and counts.get(word[cut:], 0) <= counts.get(rest, 0))
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
    form: Word(form, "", form[0] != "ع", "", False, "علي", None, 0.95, "m", False, (), False, True, False, False)
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
