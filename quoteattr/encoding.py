"""Text and candidates to what the model reads: windows of token ids, and what the rules know of each word.

The model scores words (`quoteattr.tokens`), not the pieces of its tokenizer: `Encoder` cuts a text into windows of pieces,
tells for every word where its first and last piece stand, and describes every word and every pair of a cue and a word by
the features of the rules. Nothing here knows what the scores mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from quoteattr.candidates import Candidates, Cue, Pattern
from quoteattr.lexicon import NounClass, PartOfSpeech
from quoteattr.preparation import PREPARATIONS
from quoteattr.rules import choose, cue_logit, end_scores
from quoteattr.text import NormalizedText
from quoteattr.tokens import Tokens
from quoteattr.words import function_words

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

BEHIND, AHEAD = 64, 240
"""How many words before and behind a cue its content and source are looked for: 99.8 % of those of the training set."""

_SURROGATES = re.compile("[\ud800-\udfff]")
"""Halves of characters, which tokenizers refuse."""
_FUNCTIONS = ("", *sorted({*function_words().values()}))
_NOUNS = ("", *get_args(NounClass), "other")
_PATTERNS = ("", *get_args(Pattern))
_POS = ("", *get_args(PartOfSpeech))
_MARKS = ("", "opens", "closes", "inside", "comma", "stop", "colon", "other")
_AGREEMENT = ("", "m", "f")
_NUMBERS = ("", "s", "d", "p")
_PLACES = ("", "first", "last", "both")
_LOGITS = 10
_NO_CUE = -60.0
"""The log odds that a word which is not read is a cue."""

FEATURES: Mapping[str, int] = {
    "function": len(_FUNCTIONS),
    "noun": len(_NOUNS),
    "name": 5,
    "word": 16,
    "pattern": len(_PATTERNS),
    "pos": len(_POS),
    "rule": _LOGITS + 1,
    "gender": len(_AGREEMENT),
    "number": len(_NUMBERS),
    "mark": len(_MARKS),
    "next mark": len(_MARKS),
    "sentence": len(_PLACES),
    "paragraph": len(_PLACES),
    "mention": 4,
    "content start": 2,
    "content end": 2,
}
"""The features of a word and how many values each has."""


def first_value(name: str) -> int:
    """The number of the first value (no, none) of a feature."""
    names = list(FEATURES)
    return sum(FEATURES[other] for other in names[: names.index(name)])


PAIR_FEATURES = (
    "same sentence",
    "same paragraph",
    "same quotation",
    "a content starts",
    "the content starts",
    "a content ends",
    "the content ends",
    "how surely it ends",
    "the source starts",
    "the source ends",
    "cue",
)
"""What is known of a word as a boundary of the content or source of a cue, each 0 to 1."""


@dataclass(frozen=True, slots=True)
class Window:
    """Piece ids of one pass of the encoder, special pieces included."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """One text as the model reads it.

    ``first`` and ``last``: for every word the place of its first and last piece in the windows laid end to end. ``words``:
    *Shape:* (words, features), the values of `FEATURES`, each with its own range of numbers. ``logits``: *Shape:* (words,), the
    rules' log odds that the word is a cue that reports, 0 where it is no candidate.
    """

    windows: tuple[Window, ...]
    first: Ints
    last: Ints
    words: Ints
    logits: Floats


@dataclass(frozen=True, slots=True)
class Special:
    """The ids of the pieces that open and close a window, and of a piece that the tokenizer does not know."""

    open: int
    close: int
    unknown: int


class Encoder:
    """Encodes texts for one tokenizer.

    ``special`` are the ids of its pieces with a meaning, ``preparation`` is a name of `quoteattr.preparation.PREPARATIONS`,
    ``length`` the pieces of a window at most and ``context`` how many of them may repeat the end of the window before.
    """

    def __init__(
        self, tokenizer: Tokenizer, special: Special, preparation: str = "plain", length: int = 256, context: int = 40
    ) -> None:
        self._tokenizer = tokenizer
        self.special = special
        self._prepare = PREPARATIONS[preparation]
        self._length = length - 2
        self._context = context

    def __call__(self, normalized: NormalizedText, candidates: Candidates, whole: bool = True) -> Encoded:
        """The windows and word features of one text.

        Unless it is to be read as a whole, windows in which nothing is to be found are left out, and all of a text without a
        cue or quotation mark, which then has no words either.
        """
        tokens = candidates.tokens
        if not tokens.words or not (whole or candidates.cues or tokens.opens or tokens.closes):
            none = np.zeros(0, dtype=np.int64)
            return Encoded((), none, none, np.zeros((0, len(FEATURES)), dtype=np.int64), np.zeros(0, dtype=np.float32))
        ids, first, last = self._pieces(normalized, tokens)
        windows, places = self._windows(ids, first, last, tokens)
        features, logits = word_features(candidates)
        if not whole:
            windows, places, unread = _needed(windows, places, first, candidates)
            logits[unread[first]] = _NO_CUE
        return Encoded(windows, places[first], places[last], features, logits)

    def _pieces(self, normalized: NormalizedText, tokens: Tokens) -> tuple[list[int], Ints, Ints]:
        """Piece ids of a text, and for every word its first and last piece."""
        prepared = self._prepare(normalized.original)
        written = _SURROGATES.sub("\ufffd", prepared.text)
        encoding = self._tokenizer.encode(written, add_special_tokens=False)
        ids: list[int] = encoding.ids
        spans = [
            normalized.original_span(start, start + len(word)) for start, word in zip(tokens.starts, tokens.words, strict=True)
        ]
        bounds = np.array(spans, dtype=np.int64)
        origin = np.asarray(prepared.origin, dtype=np.int64)
        begins = np.array([start for start, _ in encoding.offsets], dtype=np.int64)
        if not len(ids):
            ids, starts = [self.special.unknown], np.zeros(1, dtype=np.int64)
        else:
            starts = origin[np.minimum(begins, len(origin) - 1)]
        final = len(ids) - 1
        first = np.searchsorted(starts, bounds[:, 0], side="left")
        inside = starts[np.minimum(first, final)] != bounds[:, 0]  # the word begins inside a piece
        first = np.clip(first - inside, 0, final)
        last = np.searchsorted(starts, bounds[:, 1], side="left") - 1
        return ids, first, np.clip(last, first, final)

    def _windows(self, ids: Sequence[int], first: Ints, last: Ints, tokens: Tokens) -> tuple[tuple[Window, ...], Ints]:
        """Windows that end with a paragraph where one ends in their second half, else with a sentence, else anywhere; and for
        every piece its place in the windows laid end to end, where it is not repeated as context."""
        count = len(ids)
        ends = _rank_of_ends(tokens, first, last, count)
        windows: list[Window] = []
        places = np.zeros(count, dtype=np.int64)
        begin = offset = 0
        while begin < count:
            context = min(self._context, begin)
            room = self._length - context
            stop = begin + room
            if stop < count:
                half = range(stop, begin + room // 2, -1)
                stop = max(half, key=lambda k: (ends[k - 1], k))
            else:
                stop = count
            windows.append(Window((self.special.open, *ids[begin - context : stop], self.special.close)))
            places[begin:stop] = np.arange(stop - begin) + offset + 1 + context
            offset += stop - begin + context + 2
            begin = stop
        return tuple(windows), places


def _needed(
    windows: Sequence[Window], places: Ints, first: Ints, candidates: Candidates
) -> tuple[tuple[Window, ...], Ints, npt.NDArray[np.bool_]]:
    """The windows that hold a cue, a quotation mark or a name; the places of the pieces in them; and which pieces are not read.

    A piece that is not read stands where the first window opens.
    """
    tokens = candidates.tokens
    marks = (k for k, start in enumerate(tokens.starts) if start in tokens.opens or start in tokens.closes)
    words = [cue.token for cue in candidates.cues] + [m.first for m in candidates.mentions if m.name is not None] + list(marks)
    begins = np.cumsum([0, *(len(window.ids) for window in windows)])
    owner = np.searchsorted(begins, places, side="right") - 1
    needed = np.zeros(len(windows), dtype=bool)
    needed[owner[first[words]]] = True
    before = np.cumsum([0, *(0 if read else len(window.ids) for window, read in zip(windows, needed, strict=True))])
    read = needed[owner]
    kept = tuple(window for window, read in zip(windows, needed, strict=True) if read)
    return kept, np.where(read, places - before[owner], 0), ~read


def _rank_of_ends(tokens: Tokens, first: Ints, last: Ints, count: int) -> list[int]:
    """For every piece 3 where a paragraph ends behind it, 2 for a sentence, 1 for a word, 0 inside a word."""
    ranks = [0] * count
    final = len(tokens.words) - 1
    for k, piece in enumerate(last.tolist()):
        if k == final or tokens.paragraph[k + 1] != tokens.paragraph[k]:
            rank = 3
        elif tokens.sentence[k + 1] != tokens.sentence[k]:
            rank = 2
        else:
            rank = 1
        if k == final or first[k + 1] > piece:  # else the next word begins in this piece
            ranks[piece] = rank
    return ranks


# ---------------------------------------------------------------------------------------------------------------------
# What the rules know


def word_features(candidates: Candidates) -> tuple[Ints, Floats]:
    """The values of `FEATURES` for every word, shifted so that no two features share a number, and the rules' log odds."""
    tokens = candidates.tokens
    count = len(tokens.words)
    columns = {name: np.zeros(count, dtype=np.int64) for name in FEATURES}
    logits = np.zeros(count, dtype=np.float32)
    marks = [_mark(tokens, k) for k in range(count)]
    for k, info in enumerate(tokens.infos):
        columns["function"][k] = _FUNCTIONS.index(info.function)
        if info.noun is not None:
            columns["noun"][k] = _NOUNS.index(info.noun.cls if info.noun.cls in _NOUNS else "other")
        columns["name"][k] = min(4, int(info.name * 5))
        columns["word"][k] = info.definite + 2 * info.nationality + 4 * info.verb + 8 * (not info.known)
        columns["mark"][k] = _MARKS.index(marks[k])
        columns["next mark"][k] = _MARKS.index(marks[k + 1]) if k + 1 < count else _MARKS.index("stop")
    for name, numbers in (("sentence", tokens.sentence), ("paragraph", tokens.paragraph)):
        edge = np.flatnonzero(np.diff(np.asarray(numbers, dtype=np.int64)))
        columns[name][[0, *(edge + 1)]] |= 1
        columns[name][[*edge, count - 1]] |= 2
    for mention in candidates.mentions:
        columns["mention"][mention.first : mention.last] = 3
        columns["mention"][mention.first] = 2 if mention.name is None else 1
    for cue in reversed(candidates.cues):
        content = choose(tokens, cue)
        logit = cue_logit(tokens, cue, content)
        form = cue.form
        k = cue.token
        if logits[k] == 0 or logit > logits[k]:
            logits[k] = logit
            columns["pattern"][k] = _PATTERNS.index(cue.pattern)
            columns["pos"][k] = _POS.index(form.pos)
            columns["rule"][k] = 1 + min(_LOGITS - 1, max(0, int(logit + 5)))
            columns["gender"][k] = _AGREEMENT.index(form.gender or "")
            columns["number"][k] = _NUMBERS.index(form.number or "")
        columns["content start"][_first_word(tokens, content.start)] = 1
        columns["content end"][_last_word(tokens, content.end)] = 1
    shift = 0
    for name, size in FEATURES.items():
        columns[name] += shift
        shift += size
    return np.stack(list(columns.values()), axis=1), logits


def _mark(tokens: Tokens, k: int) -> str:
    word, start = tokens.words[k], tokens.starts[k]
    if start in tokens.opens:
        return "opens"
    if start in tokens.closes:
        return "closes"
    if word[0].isalnum():
        return "inside" if tokens.inside[k] is not None else ""
    return "comma" if word in "،,؛" else "stop" if word in ".!?؟…" else "colon" if word == ":" else "other"


def _first_word(tokens: Tokens, start: int) -> int:
    first = min(tokens.at(start), len(tokens.words) - 1)
    return first - 1 if first and tokens.starts[first] != start and tokens.end(first - 1) > start else first


def _last_word(tokens: Tokens, end: int) -> int:
    return min(max(0, tokens.at(end) - 1), len(tokens.words) - 1)


def word_span(tokens: Tokens, start: int, end: int) -> tuple[int, int]:
    """The words (half-open) of a span of the normalized text: all that share a character with it, one at least."""
    first = _first_word(tokens, start)
    return first, max(first, _last_word(tokens, end)) + 1


def reach(tokens: Tokens, k: int) -> tuple[int, int]:
    """The words (half-open) among which the content and source of a cue at word ``k`` are looked for."""
    return max(0, k - BEHIND), min(len(tokens.words), k + AHEAD)


def pair_features(tokens: Tokens, k: int, cues: Sequence[Cue]) -> Floats:
    """`PAIR_FEATURES` of the words in reach of the cue at word ``k``, of which ``cues`` are the rules' readings.

    *Shape:* (words in reach, features).
    """
    begin, stop = reach(tokens, k)
    table = np.zeros((stop - begin, len(PAIR_FEATURES)), dtype=np.float32)
    sentence = np.asarray(tokens.sentence[begin:stop])
    paragraph = np.asarray(tokens.paragraph[begin:stop])
    table[:, 0] = sentence == tokens.sentence[k]
    table[:, 1] = paragraph == tokens.paragraph[k]
    around = tokens.inside[k]
    table[:, 2] = [quotation is around for quotation in tokens.inside[begin:stop]]

    def mark(word: int, column: int, value: float = 1.0) -> None:
        if begin <= word < stop:
            table[word - begin, column] = max(table[word - begin, column], value)

    for cue in cues:
        chosen = choose(tokens, cue)
        for content, probability in zip(cue.contents, end_scores(tokens, cue), strict=True):
            first, last = _first_word(tokens, content.start), _last_word(tokens, content.end)
            mark(first, 3)
            mark(last, 5)
            mark(last, 7, probability)
            if content == chosen:
                mark(first, 4)
                mark(last, 6)
        if cue.source is not None:
            mark(cue.source.first, 8)
            mark(cue.source.last - 1, 9)
    table[k - begin, 10] = 1.0
    return table


def cues_by_word(candidates: Candidates) -> Mapping[int, list[Cue]]:
    """The proposed cues by the word they begin with."""
    found: dict[int, list[Cue]] = {}
    for cue in candidates.cues:
        found.setdefault(cue.token, []).append(cue)
    return found
