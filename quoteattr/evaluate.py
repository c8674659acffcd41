"""Gold and predicted documents to counts that add up, and from the counts a report.

Nothing here knows how predictions were made. Gold and predicted quotes are matched one to one by the overlap of their
contents; a pair of `MATCH` or more counts as found, one of `CLOSE` or more as found with the right boundaries. Every
rate is kept as the counts behind it, so the scores of documents can be summed in any grouping.

>>> gold = Document.from_dict({"id": "1", "text": "قال علي: نعم", "speakers": [{"id": "S1", "name": "علي"}], "quotes": [
...     {"id": "Q1", "type": "direct", "cue": [0, 3], "source": [4, 7], "content": [9, 12], "speaker": "S1"}]})
>>> report = evaluate([gold], [Document(gold.text, "1")])
>>> report.counts.detection
PRF(tp=0, fp=0, fn=1)
>>> [(error.kind, error.gold.text) for error in report.errors()]
[('missed', 'نعم')]
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, groupby
from typing import Any, Literal, TypeVar, get_args

from quoteattr.lexicon import Lexicon
from quoteattr.schema import QUOTE_TYPES, SPEAKER_KINDS, Document, Quote, Span, Speaker
from quoteattr.text import fold

MATCH = 0.5
"""Content overlap from which a predicted quote counts as the gold one."""
CLOSE = 0.8
"""Content overlap from which its boundaries count as right too."""

Form = Literal["implicit", "named", "nominal"]
CueGender = Literal["m", "f", "none"]
ErrorKind = Literal["missed", "spurious", "boundary", "speaker", "unresolved"]

FORMS: tuple[Form, ...] = get_args(Form)
CUE_GENDERS: tuple[CueGender, ...] = get_args(CueGender)
ERROR_KINDS: tuple[ErrorKind, ...] = get_args(ErrorKind)
FIELDS = ("cue", "source", "content")

_CUE_BONUS = 1e-9  # for cues that agree: parts equal overlaps of contents, outweighs none
_RESAMPLES, _SEED = 1000, 20160101
_BINS = 10
_COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
_CONTEXT = 80
_PRONOUNS = frozenset(map(fold, ["أنا", "نحن", "أنت", "أنتما", "أنتم", "أنتن", "هو", "هي", "هما", "هم", "هن"]))


class EvaluationError(ValueError):
    """Gold and predicted documents don't belong together; the message says which document and why."""


# ---------------------------------------------------------------------------------------------------------------------
# Counts


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def _figure(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


@dataclass(frozen=True, slots=True)
class PRF:
    """True positives, false positives and false negatives. A rate of no cases at all is nan (null in JSON).

    >>> score = PRF(tp=3, fp=1) + PRF(fn=2)
    >>> score.precision, score.recall, round(score.f1, 3)
    (0.75, 0.6, 0.667)
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: PRF) -> PRF:
        return PRF(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def precision(self) -> float:
        """Share of what was predicted that is right."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """Share of the gold that was found."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 where only one of the two sides is empty."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    def to_dict(self) -> dict[str, Any]:
        """The rates (four digits) and the counts behind them."""
        return {
            "precision": _figure(self.precision),
            "recall": _figure(self.recall),
            "f1": _figure(self.f1),
            "tp": self.tp,
            "fp": self.fp,
            "fn": self.fn,
        }


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How many of a total are right.

    >>> (Accuracy(1, 2) + Accuracy(2, 2)).rate
    0.75
    """

    right: int = 0
    total: int = 0

    def __add__(self, other: Accuracy) -> Accuracy:
        return Accuracy(self.right + other.right, self.total + other.total)

    @property
    def rate(self) -> float:
        """Share of the total that is right, nan where the total is 0."""
        return _ratio(self.right, self.total)

    def to_dict(self) -> dict[str, Any]:
        """The rate (four digits) and the counts behind it."""
        return {"rate": _figure(self.rate), "right": self.right, "total": self.total}


@dataclass(frozen=True, slots=True)
class FieldScore:
    """How well one span of the matched quotes (cue, source or content) agrees with gold.

    ``exact`` counts quotes whose two spans begin and end at the same word; what is neither letter nor digit at their
    edges does not matter, and a source that is null in both is exact. ``words`` counts the words of the spans.
    """

    exact: Accuracy = Accuracy()
    words: PRF = PRF()

    def __add__(self, other: FieldScore) -> FieldScore:
        return FieldScore(self.exact + other.exact, self.words + other.words)

    def to_dict(self) -> dict[str, Any]:
        """Both scores as plain dictionaries."""
        return {"exact": self.exact.to_dict(), "words": self.words.to_dict()}


_Count = TypeVar("_Count", PRF, Accuracy, FieldScore)


def _added(a: Mapping[str, _Count], b: Mapping[str, _Count]) -> Mapping[str, _Count]:
    return {key: a[key] + b[key] for key in a}


def _dicts(counts: Mapping[str, PRF] | Mapping[str, Accuracy] | Mapping[str, FieldScore]) -> dict[str, Any]:
    return {key: count.to_dict() for key, count in counts.items()}


@dataclass(frozen=True, slots=True)
class Attribution:
    """How many quotes have the right speaker.

    ``right`` follows `right_speaker`, ``resolved`` the stricter `resolved_speaker`. ``by_form`` parts the first by how
    the gold quote names its speaker (`speaker_form`), ``by_kind`` by what the gold speaker is, ``by_gender`` by the
    gender of the gold cue's form (`cue_gender`); a gold quote without a speaker has no kind.
    """

    right: Accuracy = Accuracy()
    resolved: Accuracy = Accuracy()
    by_form: Mapping[str, Accuracy] = field(default_factory=lambda: dict.fromkeys(FORMS, Accuracy()))
    by_kind: Mapping[str, Accuracy] = field(default_factory=lambda: dict.fromkeys(SPEAKER_KINDS, Accuracy()))
    by_gender: Mapping[str, Accuracy] = field(default_factory=lambda: dict.fromkeys(CUE_GENDERS, Accuracy()))

    @classmethod
    def of(cls, pairs: Iterable[tuple[Quote, Quote]]) -> Attribution:
        """The score of pairs of a gold quote and the same quote as predicted."""
        right, resolved = Counter[bool](), Counter[bool]()
        form, kind, gender = Counter[tuple[str, bool]](), Counter[tuple[str, bool]](), Counter[tuple[str, bool]]()
        for gold, predicted in pairs:
            verdict = right_speaker(gold, predicted)
            right[verdict] += 1
            resolved[resolved_speaker(gold, predicted)] += 1
            form[speaker_form(gold), verdict] += 1
            gender[cue_gender(gold), verdict] += 1
            if gold.speaker is not None:
                kind[gold.speaker.kind, verdict] += 1
        return cls(
            _accuracy(right[True], right[False]),
            _accuracy(resolved[True], resolved[False]),
            {x: _accuracy(form[x, True], form[x, False]) for x in FORMS},
            {x: _accuracy(kind[x, True], kind[x, False]) for x in SPEAKER_KINDS},
            {x: _accuracy(gender[x, True], gender[x, False]) for x in CUE_GENDERS},
        )

    def __add__(self, other: Attribution) -> Attribution:
        return Attribution(
            self.right + other.right,
            self.resolved + other.resolved,
            _added(self.by_form, other.by_form),
            _added(self.by_kind, other.by_kind),
            _added(self.by_gender, other.by_gender),
        )

    def to_dict(self) -> dict[str, Any]:
        """All its rates with their counts."""
        return {
            **self.right.to_dict(),
            "resolved": self.resolved.to_dict(),
            "by_form": _dicts(self.by_form),
            "by_kind": _dicts(self.by_kind),
            "by_gender": _dicts(self.by_gender),
        }


def _accuracy(right: int, wrong: int) -> Accuracy:
    return Accuracy(right, right + wrong)


@dataclass(frozen=True, slots=True)
class Counts:
    """Everything that is counted, of one document or of many: counts add up with ``+``.

    ``detection`` and ``detection_close`` are over all quotes at content overlap of at least `MATCH` and `CLOSE`. Their
    ``by_type`` versions put a found or missed quote under its gold type and a spurious one under its predicted type, so
    recall is that of the gold type, the types sum to the whole, and a quote found with the wrong type is still found.
    ``fields``, ``type`` and ``matched`` are over matched quotes; ``attribution`` is over all gold quotes, with cue and
    content given; ``end_to_end`` counts as found only what is matched and has the right speaker, ``resolved`` only what
    has the resolved one.
    """

    detection: PRF = PRF()
    detection_close: PRF = PRF()
    by_type: Mapping[str, PRF] = field(default_factory=lambda: dict.fromkeys(QUOTE_TYPES, PRF()))
    by_type_close: Mapping[str, PRF] = field(default_factory=lambda: dict.fromkeys(QUOTE_TYPES, PRF()))
    fields: Mapping[str, FieldScore] = field(default_factory=lambda: dict.fromkeys(FIELDS, FieldScore()))
    type: Accuracy = Accuracy()
    attribution: Attribution = Attribution()
    matched: Attribution = Attribution()
    end_to_end: PRF = PRF()
    resolved: PRF = PRF()

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.detection + other.detection,
            self.detection_close + other.detection_close,
            _added(self.by_type, other.by_type),
            _added(self.by_type_close, other.by_type_close),
            _added(self.fields, other.fields),
            self.type + other.type,
            self.attribution + other.attribution,
            self.matched + other.matched,
            self.end_to_end + other.end_to_end,
            self.resolved + other.resolved,
        )

    def to_dict(self) -> dict[str, Any]:
        """The counts and their rates as plain dictionaries, ready for JSON."""
        return {
            "detection": {
                str(MATCH): {**self.detection.to_dict(), "by_type": _dicts(self.by_type)},
                str(CLOSE): {**self.detection_close.to_dict(), "by_type": _dicts(self.by_type_close)},
            },
            "fields": _dicts(self.fields),
            "type": self.type.to_dict(),
            "attribution": {"gold": self.attribution.to_dict(), "matched": self.matched.to_dict()},
            "end_to_end": self.end_to_end.to_dict(),
            "resolved_end_to_end": self.resolved.to_dict(),
        }


# ---------------------------------------------------------------------------------------------------------------------
# Words and spans

_MARKS = "\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u08d3-\u08ff"
_WORD = re.compile(rf"[^\W_ـ][\w{_MARKS}]*")


class Words:
    """The words of a text; a span holds the words that it shares a character with."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, text: str) -> None:
        spans = [m.span() for m in _WORD.finditer(text)]
        self._starts = [start for start, _ in spans]
        self._ends = [end for _, end in spans]

    def __len__(self) -> int:
        return len(self._starts)

    def of(self, span: Span | None) -> tuple[int, int]:
        """The numbers of the span's words, half-open."""
        if span is None or span.start >= span.end:
            return 0, 0
        first = bisect_right(self._ends, span.start)
        return first, max(first, bisect_left(self._starts, span.end))

    def overlap(self, a: Span, b: Span) -> float:
        """Intersection over union of the words of two spans; 1 for equal spans, also where they hold no word."""
        if a == b:
            return 1.0
        x, y = self.of(a), self.of(b)
        shared = max(0, min(x[1], y[1]) - max(x[0], y[0]))
        union = x[1] - x[0] + y[1] - y[0] - shared
        return shared / union if union else 0.0

    def field(self, gold: Span | None, predicted: Span | None) -> FieldScore:
        """The score of one span of one matched quote."""
        x, y = self.of(gold), self.of(predicted)
        shared = max(0, min(x[1], y[1]) - max(x[0], y[0]))
        exact = gold == predicted or (shared > 0 and self._trimmed(gold) == self._trimmed(predicted))
        return FieldScore(Accuracy(int(exact), 1), PRF(shared, y[1] - y[0] - shared, x[1] - x[0] - shared))

    def _trimmed(self, span: Span | None) -> tuple[int, int] | None:
        first, end = self.of(span)
        if span is None or first == end:
            return None
        return max(span.start, self._starts[first]), min(span.end, self._ends[end - 1])


@lru_cache(maxsize=65536)
def plain(text: str) -> str:
    """A name as it is compared: folded, without what touches its edges, one space between words."""
    folded = fold(text)
    words = [m.span() for m in _WORD.finditer(folded)]
    return " ".join(folded[words[0][0] : words[-1][1]].split()) if words else folded.strip()


# ---------------------------------------------------------------------------------------------------------------------
# Speakers


def _known_as(speaker: Speaker) -> frozenset[str]:
    return frozenset(map(plain, {speaker.name, *speaker.aliases, *(m.text for m in speaker.mentions)}))


def right_speaker(gold: Quote, predicted: Quote) -> bool:
    """Whether the predicted quote has the gold quote's speaker.

    It has where the name of its speaker, or its own source as written, is the name, an alias or a mention of the gold
    speaker, or the gold quote's own source. Letters are folded (`quoteattr.text.fold`); edge punctuation and spacing
    don't matter. A gold quote that has no speaker wants one without.

    >>> cue, content = Span(0, 3, "قال"), Span(9, 12, "نعم")
    >>> gold = Quote("Q1", "direct", content, cue, None, Speaker("S1", "أحمد علي", aliases=("الوزير",)))
    >>> right_speaker(gold, Quote("Q1", "direct", content, cue, None, Speaker("S1", "«الوزير»")))
    True
    >>> right_speaker(gold, Quote("Q1", "direct", content, cue, None, Speaker("S1", "سامي")))
    False
    """
    said = [predicted.speaker.name] if predicted.speaker is not None else []
    said += [predicted.source.text] if predicted.source is not None else []
    names = set(map(plain, said))
    if gold.source is not None and plain(gold.source.text) in names:
        return True
    if gold.speaker is None:
        return predicted.speaker is None
    return not names.isdisjoint(_known_as(gold.speaker))


def resolved_speaker(gold: Quote, predicted: Quote) -> bool:
    """Whether the predicted speaker's name is the gold name: «الوزير» doesn't pass where the minister is named."""
    if gold.speaker is None or predicted.speaker is None:
        return gold.speaker is predicted.speaker
    return plain(gold.speaker.name) == plain(predicted.speaker.name)


def speaker_form(quote: Quote) -> Form:
    """How a quote names its speaker: by nothing or a pronoun, by a word of the speaker's name, or by anything else.

    >>> cue, content, speaker = Span(0, 3, "قال"), Span(9, 12, "نعم"), Speaker("S1", "أحمد علي")
    >>> [speaker_form(Quote("Q1", "direct", content, cue, source, speaker))
    ...  for source in (None, Span(4, 6, "هو"), Span(4, 7, "علي"), Span(4, 10, "الوزير"))]
    ['implicit', 'implicit', 'named', 'nominal']
    """
    if quote.source is None:
        return "implicit"
    source = plain(quote.source.text)
    if source in _PRONOUNS or (source[:1] in ("و", "ف") and source[1:] in _PRONOUNS):
        return "implicit"
    name = plain(quote.speaker.name) if quote.speaker is not None else ""
    return "nominal" if set(_WORD.findall(source)).isdisjoint(_WORD.findall(name)) else "named"


def cue_gender(quote: Quote) -> CueGender:
    """The grammatical gender of the cue's form, by the lexicon of the package; the speaker's own sex may be another.

    The first word of the cue that says a gender decides («بحسب ما ذكرته»); a preposition or verbal noun says one only
    with a pronoun («قولها»). Readings that say none («أوضح», also first person) leave it to the others; where others
    contradict each other, or the cue is unknown, it is ``"none"``.

    >>> content = Span(20, 23, "نعم")
    >>> [cue_gender(Quote("Q1", "direct", content, Span(0, len(cue), cue)))
    ...  for cue in ("وأضاف", "مشيرةً إلى", "بحسب ما ذكرته", "وفقا لـ", "تصريح", "وتذكر", ":")]
    ['m', 'f', 'f', 'none', 'none', 'none', 'none']
    """
    return _gender(quote.cue.text)


@lru_cache(maxsize=65536)
def _gender(cue: str) -> CueGender:
    lexicon, words = Lexicon.load(), _WORD.findall(fold(cue))
    for at in range(len(words)):
        genders = {form.gender for form in lexicon.match(words[at:]) if form.gender is not None}
        if genders:
            return genders.pop() if len(genders) == 1 else "none"
    return "none"


# ---------------------------------------------------------------------------------------------------------------------
# Matching


@dataclass(frozen=True, slots=True)
class Match:
    """A gold quote, the predicted quote that is its counterpart, and the overlap of their contents (`MATCH` to 1)."""

    gold: Quote
    predicted: Quote
    overlap: float


def match(gold: Document, predicted: Document) -> tuple[Match, ...]:
    """Match the quotes of two documents of one text one to one, in the order of the gold quotes.

    The matching maximises the summed overlap (intersection over union of words) of the contents. Pairs below `MATCH`
    don't take part: they count for nothing and would only be in the way of others. Where overlaps are equal, as for two
    quotes of one content, overlapping cues decide.
    """
    return _match(Words(gold.text), gold.quotes, predicted.quotes)


def _match(words: Words, gold: Sequence[Quote], predicted: Sequence[Quote]) -> tuple[Match, ...]:
    groups = _connected(_pairs(words, gold, predicted))
    chosen = chain.from_iterable(_assigned(words, group, gold, predicted) for group in groups)
    return tuple(Match(gold[g], predicted[p], overlap) for g, p, overlap in sorted(chosen))


_Pair = tuple[int, int, float]


def _pairs(words: Words, gold: Sequence[Quote], predicted: Sequence[Quote]) -> list[_Pair]:
    """All pairs of enough overlap: in them the predicted content begins at most the gold one's length before it."""
    order = sorted(range(len(predicted)), key=lambda p: words.of(predicted[p].content)[0])
    starts = [words.of(predicted[p].content)[0] for p in order]
    pairs = []
    for g, quote in enumerate(gold):
        start, end = words.of(quote.content)
        for at in range(bisect_left(starts, 2 * start - end), bisect_left(starts, max(end, start + 1))):
            overlap = words.overlap(quote.content, predicted[order[at]].content)
            if overlap >= MATCH:
                pairs.append((g, order[at], overlap))
    return pairs


def _connected(pairs: Sequence[_Pair]) -> Iterator[list[_Pair]]:
    """The pairs parted into groups that share no quote."""
    of_gold: dict[int, list[_Pair]] = {}
    of_predicted: dict[int, list[_Pair]] = {}
    for pair in pairs:
        of_gold.setdefault(pair[0], []).append(pair)
        of_predicted.setdefault(pair[1], []).append(pair)
    seen: set[_Pair] = set()
    for first in pairs:
        if first in seen:
            continue
        seen.add(first)
        group, todo = [], [first]
        while todo:
            pair = todo.pop()
            group.append(pair)
            for other in (*of_gold.pop(pair[0], ()), *of_predicted.pop(pair[1], ())):
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
        yield group


def _assigned(words: Words, group: list[_Pair], gold: Sequence[Quote], predicted: Sequence[Quote]) -> list[_Pair]:
    """The best one-to-one choice among connected pairs."""
    if len(group) == 1:
        return group
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    rows = sorted({g for g, _, _ in group})
    columns = sorted({p for _, p, _ in group})
    overlaps = {(g, p): overlap for g, p, overlap in group}
    weight = np.zeros((len(rows), len(columns)))
    for (g, p), overlap in overlaps.items():
        bonus = _CUE_BONUS * words.overlap(gold[g].cue, predicted[p].cue)
        weight[rows.index(g), columns.index(p)] = overlap + bonus
    chosen = zip(*linear_sum_assignment(weight, maximize=True), strict=True)
    found = ((rows[row], columns[column]) for row, column in chosen)
    return [(g, p, overlaps[g, p]) for g, p in found if (g, p) in overlaps]


# ---------------------------------------------------------------------------------------------------------------------
# One document


@dataclass(frozen=True, slots=True)
class Error:
    """One thing that is wrong, for reading.

    ``missed``: a gold quote nothing matches. ``spurious``: a predicted one that matches nothing. ``boundary``: matched
    with an overlap below `CLOSE`. ``speaker``: matched with the wrong speaker. ``unresolved``: the speaker is right,
    but doesn't have the gold name. A matched quote can be a ``boundary`` error and one of the last two. ``context`` is
    the text around it.
    """

    document_id: str
    kind: ErrorKind
    gold: Quote | None
    predicted: Quote | None
    context: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The confidence of a predicted quote and whether quote and speaker are both right."""

    confidence: float | None
    right: bool


@dataclass(frozen=True, slots=True)
class DocumentScore:
    """What one document contributes: its counts, the verdict on each predicted quote, and its errors in reading order.

    ``shares`` holds for each gold speaker who speaks the number of quotes in gold and in the prediction; the last pair
    counts the gold quotes without a speaker and the predicted quotes of anybody else. A predicted quote belongs to the
    gold speaker it is right for; otherwise, matched or spurious, to the one whom its speaker's name or its source names.
    """

    id: str
    counts: Counts
    verdicts: tuple[Verdict, ...]
    shares: tuple[tuple[int, int], ...]
    errors: tuple[Error, ...]


def _score(gold: Document, predicted: Document, attributed: Document | None) -> DocumentScore:
    words = Words(gold.text)
    matches = _match(words, gold.quotes, predicted.quotes)
    partner = {m.predicted.id: m for m in matches}
    rights = {m.predicted.id for m in matches if right_speaker(m.gold, m.predicted)}
    resolved = sum(resolved_speaker(m.gold, m.predicted) for m in matches)
    close = [m for m in matches if m.overlap >= CLOSE]

    def found(n: int) -> PRF:
        return PRF(n, len(predicted.quotes) - n, len(gold.quotes) - n)

    counts = Counts(
        detection=found(len(matches)),
        detection_close=found(len(close)),
        by_type=_by_type(gold, predicted, matches),
        by_type_close=_by_type(gold, predicted, close),
        fields={name: _field(words, name, matches) for name in FIELDS},
        type=Accuracy(sum(m.gold.type == m.predicted.type for m in matches), len(matches)),
        attribution=Attribution.of(zip(gold.quotes, attributed.quotes, strict=True)) if attributed else Attribution(),
        matched=Attribution.of((m.gold, m.predicted) for m in matches),
        end_to_end=found(len(rights)),
        resolved=found(resolved),
    )
    return DocumentScore(
        gold.id,
        counts,
        tuple(Verdict(q.confidence, q.id in rights) for q in predicted.quotes),
        _shares(gold, predicted, {id: partner[id].gold for id in rights}),
        _errors(gold, predicted, partner, rights),
    )


def _by_type(gold: Document, predicted: Document, matches: Sequence[Match]) -> Mapping[str, PRF]:
    matched = {m.predicted.id for m in matches}
    found = Counter[str](m.gold.type for m in matches)
    wanted = Counter[str](q.type for q in gold.quotes)
    spurious = Counter[str](q.type for q in predicted.quotes if q.id not in matched)
    return {t: PRF(found[t], spurious[t], wanted[t] - found[t]) for t in QUOTE_TYPES}


def _field(words: Words, name: str, matches: Sequence[Match]) -> FieldScore:
    return sum((words.field(getattr(m.gold, name), getattr(m.predicted, name)) for m in matches), FieldScore())


def _shares(gold: Document, predicted: Document, right: Mapping[str, Quote]) -> tuple[tuple[int, int], ...]:
    """Gold and predicted number of quotes of each speaker; ``right`` maps predicted ids to the gold quotes they hit."""
    known = {q.speaker.id: _known_as(q.speaker) for q in gold.quotes if q.speaker is not None}

    def whose(quote: Quote) -> str | None:
        if quote.id in right:
            speaker = right[quote.id].speaker
            return speaker.id if speaker is not None else None
        for said in (quote.speaker.name if quote.speaker else None, quote.source.text if quote.source else None):
            for id, names in known.items():
                if said is not None and plain(said) in names:
                    return id
        return None

    spoken = Counter(q.speaker.id if q.speaker is not None else None for q in gold.quotes)
    given = Counter(whose(q) for q in predicted.quotes)
    return (*((spoken[id], given[id]) for id in known), (spoken[None], given[None]))


def _errors(gold: Document, predicted: Document, partner: Mapping[str, Match], rights: Iterable[str]) -> tuple[Error, ...]:
    def error(kind: ErrorKind, wanted: Quote | None, got: Quote | None) -> Error:
        start, end = window(gold.text, wanted, got)
        return Error(gold.id, kind, wanted, got, gold.text[start:end])

    found = {m.gold.id for m in partner.values()}
    errors = [error("missed", q, None) for q in gold.quotes if q.id not in found]
    for quote in predicted.quotes:
        pair = partner.get(quote.id)
        if pair is None:
            errors.append(error("spurious", None, quote))
            continue
        if pair.overlap < CLOSE:
            errors.append(error("boundary", pair.gold, quote))
        if quote.id not in rights:
            errors.append(error("speaker", pair.gold, quote))
        elif not resolved_speaker(pair.gold, quote):
            errors.append(error("unresolved", pair.gold, quote))
    return tuple(sorted(errors, key=_position))


def _position(error: Error) -> int:
    quote = error.gold or error.predicted
    return quote.content.start if quote else 0


def _spans(quote: Quote | None) -> tuple[Span, ...]:
    if quote is None:
        return ()
    return (quote.cue, quote.content) if quote.source is None else (quote.cue, quote.content, quote.source)


def window(text: str, *quotes: Quote | None, around: int = _CONTEXT) -> tuple[int, int]:
    """Where some quotes stand in a text, at least one of them given, with ``around`` characters before and behind."""
    spans = [span for quote in quotes for span in _spans(quote)]
    return max(0, min(s.start for s in spans) - around), min(len(text), max(s.end for s in spans) + around)


def format_error(document: Document, error: Error) -> str:
    """An error as a block of lines to read: the kind, what was wanted, what was predicted, each marked in its context.

    ⟦content⟧, ⟨cue⟩, {source}; ¶ is a line break. ``document`` is the gold or the predicted one.

    >>> text = "قال علي: نعم"
    >>> cue, source, content = Span.of(text, 0, 3), Span.of(text, 4, 7), Span.of(text, 9, 12)
    >>> quote = Quote("Q1", "direct", content, cue, source, Speaker("S1", "علي"))
    >>> print(format_error(Document(text, "n7"), Error("n7", "missed", quote, None, text)))
    missed · n7
      gold: direct, speaker علي
        ⟨قال⟩ {علي}: ⟦نعم⟧
    """
    start, end = window(document.text, error.gold, error.predicted)
    lines = [f"{error.kind} · {error.document_id}"]
    for side, quote in (("gold", error.gold), ("predicted", error.predicted)):
        if quote is None:
            continue
        facts = [quote.type, f"speaker {quote.speaker.name if quote.speaker else '–'}"]
        if quote.confidence is not None:
            facts.append(f"confidence {quote.confidence:.2f}")
        if quote.evidence is not None:
            facts.append(f"found by {quote.evidence.found_by}, linked by {quote.evidence.linked_by}")
        lines += [f"  {side}: {', '.join(facts)}", f"    {_marked(document.text, start, end, quote)}"]
    return "\n".join(lines)


def _marked(text: str, start: int, end: int, quote: Quote) -> str:
    inserts = []
    for span, opening, closing in ((quote.content, "⟦", "⟧"), (quote.cue, "⟨", "⟩"), (quote.source, "{", "}")):
        if span is not None:
            inserts += [(span.start, 1, opening), (span.end, 0, closing)]
    pieces, done = [], start
    for at, _, mark in sorted(inserts):
        pieces += [text[done:at], mark]
        done = at
    pieces.append(text[done:end])
    return "".join(pieces).replace("\r\n", "\n").replace("\n", " ¶ ")


# ---------------------------------------------------------------------------------------------------------------------
# Confidence


@dataclass(frozen=True, slots=True)
class Bin:
    """Predicted quotes of neighbouring confidence: how many, their mean confidence, how many are right."""

    quotes: int
    confidence: float
    right: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a ``min_confidence`` keeps of the predictions: ``quotes`` of them, ``right`` of which are right end to end.

    ``coverage`` is the share that was asked for; more are kept where several stand at the threshold.
    """

    coverage: float
    min_confidence: float
    quotes: int
    right: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far confidence is the probability that quote and speaker are both right.

    ``error`` is the expected calibration error (0 to 1) over ten bins of about equal count, with equal confidences in
    one bin; ``brier`` the mean squared difference between confidence and outcome; ``bins`` the reliability table,
    ascending.
    """

    error: float
    brier: float
    bins: tuple[Bin, ...]
    coverages: tuple[Coverage, ...]

    @classmethod
    def of(cls, verdicts: Sequence[Verdict]) -> Calibration | None:
        """The calibration of verdicts; ``None`` where there are none or one has no confidence.

        >>> verdicts = [Verdict(0.75, True), Verdict(0.75, True), Verdict(0.75, False), Verdict(0.25, False)]
        >>> calibration = Calibration.of(verdicts)
        >>> round(calibration.error, 4), calibration.brier
        (0.125, 0.1875)
        """
        pairs = sorted((v.confidence, v.right) for v in verdicts if v.confidence is not None)
        if not pairs or len(pairs) < len(verdicts):
            return None
        ties = [(c, [right for _, right in group]) for c, group in groupby(pairs, key=lambda p: p[0])]
        bins = tuple(_bins(ties, len(pairs)))
        return cls(
            error=sum(abs(b.confidence * b.quotes - b.right) for b in bins) / len(pairs),
            brier=sum((confidence - right) ** 2 for confidence, right in pairs) / len(pairs),
            bins=bins,
            coverages=tuple(_coverage(share, ties, len(pairs)) for share in _COVERAGES),
        )

    def to_dict(self) -> dict[str, Any]:
        """The calibration as a plain dictionary, with counts."""
        return {
            "expected_calibration_error": _figure(self.error),
            "brier": _figure(self.brier),
            "bins": [
                {
                    "confidence": _figure(b.confidence),
                    "rate": _figure(_ratio(b.right, b.quotes)),
                    "right": b.right,
                    "quotes": b.quotes,
                }
                for b in self.bins
            ],
            "coverage": [
                {
                    "coverage": c.coverage,
                    "min_confidence": _figure(c.min_confidence),
                    "precision": _figure(_ratio(c.right, c.quotes)),
                    "right": c.right,
                    "quotes": c.quotes,
                }
                for c in self.coverages
            ],
        }


_Ties = Sequence[tuple[float, list[bool]]]


def _bins(ties: _Ties, total: int) -> Iterator[Bin]:
    quotes, right, weight, done = 0, 0, 0.0, 0
    for confidence, verdicts in ties:
        quotes += len(verdicts)
        right += sum(verdicts)
        weight += confidence * len(verdicts)
        if (done + quotes) * _BINS // total > done * _BINS // total:
            yield Bin(quotes, weight / quotes, right)
            quotes, right, weight, done = 0, 0, 0.0, done + quotes


def _coverage(share: float, ties: _Ties, total: int) -> Coverage:
    quotes = right = 0
    threshold = 1.0
    for confidence, verdicts in reversed(ties):
        if quotes >= share * total:
            break
        quotes += len(verdicts)
        right += sum(verdicts)
        threshold = confidence
    return Coverage(share, threshold, quotes, right)


# ---------------------------------------------------------------------------------------------------------------------
# Shares of speakers


@dataclass(frozen=True, slots=True)
class ShareError:
    """How far the predicted quotes are from giving every speaker the right share of all quotes; all figures 0 to 1.

    A speaker is one of one document; nobody (gold quotes without a speaker, predicted ones of anybody else) is one more
    in each document. ``total`` is the share of quotes that would have to change hands for all shares of the set to be
    right: half the sum of the absolute differences (total variation). It is 1 where only gold or only the prediction
    has quotes, nan where neither has. ``documents`` is the mean of the same within each document that has quotes on
    either side, all counting alike.

    The other two are mean absolute errors over the ``speakers``, nobody not among them: ``per_speaker`` of a speaker's
    share of the set's quotes, ``per_speaker_in_document`` of the share of its document's quotes; a share of no quotes
    is 0.
    """

    total: float
    documents: float
    per_speaker: float
    per_speaker_in_document: float
    speakers: int

    @classmethod
    def of(cls, documents: Sequence[Sequence[tuple[int, int]]]) -> ShareError:
        """The error of documents, each given as the `DocumentScore.shares` of its speakers, nobody last.

        >>> error = ShareError.of([[(3, 1), (1, 1), (0, 2)], [(4, 4), (0, 0)]])
        >>> error.total, error.documents, error.speakers
        (0.25, 0.25, 3)
        >>> round(error.per_speaker, 4), round(error.per_speaker_in_document, 4)
        (0.0833, 0.1667)
        """
        pairs = [pair for document in documents for pair in document]
        within = [variation for d in documents if not math.isnan(variation := _variation(d))]
        speakers = sum(len(d[:-1]) for d in documents)
        gold, predicted = _totals(pairs)
        return cls(
            _variation(pairs),
            _ratio(sum(within), len(within)),
            _ratio(sum(_difference(pair, gold, predicted) for d in documents for pair in d[:-1]), speakers),
            _ratio(sum(_difference(pair, *_totals(d)) for d in documents for pair in d[:-1]), speakers),
            speakers,
        )

    def to_dict(self) -> dict[str, Any]:
        """The error as a plain dictionary; four digits, eight for the share of one speaker in a whole set."""
        return {
            "total": _figure(self.total),
            "documents": _figure(self.documents),
            "per_speaker": None if math.isnan(self.per_speaker) else round(self.per_speaker, 8),
            "per_speaker_in_document": _figure(self.per_speaker_in_document),
            "speakers": self.speakers,
        }


def _totals(shares: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return sum(g for g, _ in shares), sum(p for _, p in shares)


def _difference(pair: tuple[int, int], gold: int, predicted: int) -> float:
    return abs((pair[1] / predicted if predicted else 0.0) - (pair[0] / gold if gold else 0.0))


def _variation(shares: Sequence[tuple[int, int]]) -> float:
    gold, predicted = _totals(shares)
    if not gold or not predicted:
        return math.nan if gold == predicted else 1.0
    return sum(abs(p * gold - g * predicted) for g, p in shares) / (2 * gold * predicted)


# ---------------------------------------------------------------------------------------------------------------------
# The report


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % bootstrap confidence interval over documents."""

    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """The two ends as a plain dictionary."""
        return {"low": _figure(self.low), "high": _figure(self.high)}


@dataclass(frozen=True, slots=True)
class Report:
    """The evaluation of a set of documents.

    ``counts`` is the sum over ``documents``. ``calibration`` is ``None`` where predictions have no confidence.
    ``intervals`` holds the intervals of ``detection`` F1, ``attribution`` accuracy on gold quotes, ``matched`` accuracy,
    both also by form (``attribution_implicit``, ``matched_named`` and so on), ``content_exact`` of matched quotes,
    ``end_to_end`` F1 and ``resolved`` F1.
    """

    documents: tuple[DocumentScore, ...]
    counts: Counts
    share_error: ShareError
    calibration: Calibration | None
    intervals: Mapping[str, Interval]

    @classmethod
    def of(cls, documents: Iterable[DocumentScore]) -> Report:
        """The report on any collection of scored documents, for example those of one outlet."""
        scores = tuple(documents)
        return cls(
            scores,
            sum((s.counts for s in scores), Counts()),
            ShareError.of([s.shares for s in scores]),
            Calibration.of([v for s in scores for v in s.verdicts]),
            _intervals(scores),
        )

    def errors(self) -> tuple[Error, ...]:
        """Every error of every document, in the order of the documents and of the text."""
        return tuple(error for score in self.documents for error in score.errors)

    def worst(self, n: int) -> tuple[DocumentScore, ...]:
        """The ``n`` documents with most errors, most first; documents without errors are not among them."""
        wrong = (score for score in self.documents if score.errors)
        return tuple(sorted(wrong, key=lambda score: -len(score.errors))[:n])

    def to_dict(self) -> dict[str, Any]:
        """The report ready for JSON: rates with four digits, the counts beside them; null where there are no cases."""
        kinds = Counter(error.kind for error in self.errors())
        detection = self.counts.detection
        return {
            "documents": len(self.documents),
            "gold_quotes": detection.tp + detection.fn,
            "predicted_quotes": detection.tp + detection.fp,
            **self.counts.to_dict(),
            "speaker_share_error": self.share_error.to_dict(),
            "calibration": self.calibration.to_dict() if self.calibration is not None else None,
            "intervals": {name: interval.to_dict() for name, interval in self.intervals.items()},
            "errors": {kind: kinds[kind] for kind in ERROR_KINDS},
        }

    def to_text(self) -> str:
        """The report as a table of fixed width for a terminal. Rows without a case are left out."""
        return "\n".join(_lines(self)) + "\n"


def _intervals(scores: Sequence[DocumentScore]) -> Mapping[str, Interval]:
    """Bootstrap intervals: documents are drawn with replacement, and their counts added up."""
    import numpy as np

    def twice(score: PRF) -> tuple[int, int]:
        return 2 * score.tp, 2 * score.tp + score.fp + score.fn

    def pair(score: Accuracy) -> tuple[int, int]:
        return score.right, score.total

    measures = {
        "detection": [twice(s.counts.detection) for s in scores],
        "attribution": [pair(s.counts.attribution.right) for s in scores],
        "matched": [pair(s.counts.matched.right) for s in scores],
        **{f"attribution_{form}": [pair(s.counts.attribution.by_form[form]) for s in scores] for form in FORMS},
        **{f"matched_{form}": [pair(s.counts.matched.by_form[form]) for s in scores] for form in FORMS},
        "content_exact": [pair(s.counts.fields["content"].exact) for s in scores],
        "end_to_end": [twice(s.counts.end_to_end) for s in scores],
        "resolved": [twice(s.counts.resolved) for s in scores],
    }
    if not scores:
        return {name: Interval(math.nan, math.nan) for name in measures}
    n = len(scores)
    drawn = np.random.default_rng(_SEED).multinomial(n, [1 / n] * n, size=_RESAMPLES)
    intervals = {}
    for name, counts in measures.items():
        right, total = (drawn @ np.array(counts)).T
        rates = right[total > 0] / total[total > 0]
        low, high = np.quantile(rates, [0.025, 0.975]) if len(rates) else (math.nan, math.nan)
        intervals[name] = Interval(float(low), float(high))
    return intervals


def _lines(report: Report) -> Iterator[str]:
    counts, intervals = report.counts, report.intervals
    detection = counts.detection
    gold, predicted = detection.tp + detection.fn, detection.tp + detection.fp
    yield f"{len(report.documents)} documents, {gold} gold quotes, {predicted} predicted quotes"
    yield ""
    yield f"{'':<37}{'P':>7}{'R':>7}{'F1':>7}{'tp':>8}{'fp':>8}{'fn':>8}  95 %"
    yield from _prf_row(f"quotes found, overlap >= {MATCH}", detection, intervals["detection"])
    for name, score in counts.by_type.items():
        yield from _prf_row(f"  {name}", score)
    yield from _prf_row(f"quotes found, overlap >= {CLOSE}", counts.detection_close)
    for name, score in counts.by_type_close.items():
        yield from _prf_row(f"  {name}", score)
    yield from _prf_row("end to end (quote and speaker)", counts.end_to_end, intervals["end_to_end"])
    yield from _prf_row("end to end, speaker resolved", counts.resolved, intervals["resolved"])
    for name, field_score in counts.fields.items():
        yield from _prf_row(f"words of the {name}, matched quotes", field_score.words)
    yield ""
    yield f"{'':<37}{'rate':>7}{'right':>8}{'of':>8}  95 %"
    for title, attribution, measure in (
        ("speaker of gold quotes", counts.attribution, "attribution"),
        ("speaker of matched quotes", counts.matched, "matched"),
    ):
        yield from _accuracy_row(title, attribution.right, intervals[measure])
        for name, accuracy in attribution.by_form.items():
            yield from _accuracy_row(f"  {name}", accuracy, intervals[f"{measure}_{name}"])
        for name, accuracy in attribution.by_kind.items():
            yield from _accuracy_row(f"  {name}", accuracy)
        for name, accuracy in attribution.by_gender.items():
            yield from _accuracy_row(f"  gender of the cue: {name}", accuracy)
        yield from _accuracy_row("  resolved to the gold name", attribution.resolved)
    for name, field_score in counts.fields.items():
        yield from _accuracy_row(f"exact {name}, matched quotes", field_score.exact, intervals.get(f"{name}_exact"))
    yield from _accuracy_row("type, matched quotes", counts.type)
    if not math.isnan(report.share_error.total):
        yield ""
        yield from _share_lines(report.share_error)
    if report.calibration is not None:
        yield ""
        yield from _calibration_lines(report.calibration)
    kinds = Counter(error.kind for error in report.errors())
    yield ""
    yield "errors: " + ", ".join(f"{kind} {kinds[kind]}" for kind in ERROR_KINDS)


def _cell(value: float) -> str:
    return f"{'–' if math.isnan(value) else format(value, '.3f'):>7}"


def _ends(interval: Interval | None) -> str:
    return "" if interval is None or math.isnan(interval.low) else f"  {interval.low:.3f} to {interval.high:.3f}"


def _prf_row(title: str, score: PRF, interval: Interval | None = None) -> Iterator[str]:
    if score != PRF():
        rates = _cell(score.precision) + _cell(score.recall) + _cell(score.f1)
        yield f"{title:<37}{rates}{score.tp:>8}{score.fp:>8}{score.fn:>8}{_ends(interval)}"


def _accuracy_row(title: str, score: Accuracy, interval: Interval | None = None) -> Iterator[str]:
    if score.total:
        yield f"{title:<37}{_cell(score.rate)}{score.right:>8}{score.total:>8}{_ends(interval)}"


def _share_lines(error: ShareError) -> Iterator[str]:
    yield f"error of the speakers' shares of all quotes: {error.total:.3f}; within a document, mean: {error.documents:.3f}"
    if error.speakers:
        whole, within = f"{error.per_speaker:.6f} of all quotes", f"{error.per_speaker_in_document:.3f} of its document's"
        yield f"mean absolute error of a speaker's share: {whole}, {within} ({error.speakers} speakers)"


def _calibration_lines(calibration: Calibration) -> Iterator[str]:
    yield f"confidence: expected calibration error {calibration.error:.3f}, Brier score {calibration.brier:.3f}"
    yield f"{'mean confidence':>17}{'right':>8}{'quotes':>8}{'rate':>8}"
    for b in calibration.bins:
        yield f"{b.confidence:>17.3f}{b.right:>8}{b.quotes:>8}{_ratio(b.right, b.quotes):>8.3f}"
    yield f"{'coverage':>17}{'right':>8}{'quotes':>8}{'prec.':>8}{'min. confidence':>18}"
    for c in calibration.coverages:
        figures = f"{c.right:>8}{c.quotes:>8}{_ratio(c.right, c.quotes):>8.3f}{c.min_confidence:>18.3f}"
        yield f"{100 * c.coverage:>15.0f} %{figures}"


def evaluate(gold: Sequence[Document], predicted: Sequence[Document], attributed: Sequence[Document] | None = None) -> Report:
    """Compare predictions with gold, document by document (by id; the order doesn't matter).

    ``predicted`` holds the quotes found in the bare texts. ``attributed`` holds the gold quotes, in gold order, with
    the source and speaker that `QuoteAttributor.attribute` gave them; without it attribution is only measured on
    matched quotes.

    Raises `EvaluationError` where a document or quote has an id that stands twice, a document has none, is missing on
    one side, has another text, or where an attributed document doesn't hold the gold quotes.
    """
    side = "the gold documents"
    found = paired(gold, predicted, (side, "the predicted documents"))
    linked = paired(gold, attributed, (side, "the attributed documents")) if attributed is not None else {}
    for document in gold:
        if document.id in linked:
            _check_quotes(document, linked[document.id])
    return Report.of(_score(document, found[document.id], linked.get(document.id)) for document in gold)


def _by_id(documents: Iterable[Document], side: str) -> dict[str, Document]:
    by_id: dict[str, Document] = {}
    for n, document in enumerate(documents, 1):
        if not document.id:
            raise EvaluationError(f"document {n} of {side} has no id; documents are matched by id")
        if document.id in by_id:
            raise EvaluationError(f"the id {document.id!r} stands twice in {side}")
        if len({q.id for q in document.quotes}) < len(document.quotes):
            raise EvaluationError(f"document {document.id!r}: a quote id stands twice in {side}")
        by_id[document.id] = document
    return by_id


def paired(first: Iterable[Document], second: Iterable[Document], sides: tuple[str, str]) -> dict[str, Document]:
    """The second documents by their ids, which are those of the first. ``sides`` says what to call both.

    Raises `EvaluationError` as `evaluate` does.
    """
    wanted, by_id = _by_id(first, sides[0]), _by_id(second, sides[1])
    for missing, side in ((wanted.keys() - by_id.keys(), sides[1]), (by_id.keys() - wanted.keys(), sides[0])):
        if missing:
            shown = ", ".join(map(repr, sorted(missing)[:3])) + (" …" if len(missing) > 3 else "")
            raise EvaluationError(f"{len(missing)} missing from {side}: {shown}; both files must hold the same documents")
    for id, document in by_id.items():
        if document.text != wanted[id].text:
            pairs = zip(document.text, wanted[id].text, strict=False)
            shorter = min(len(document.text), len(wanted[id].text))
            at = next((n for n, (a, b) in enumerate(pairs) if a != b), shorter)
            raise EvaluationError(f"document {id!r}: its text in {sides[1]} differs from that in {sides[0]} at character {at}")
    return by_id


def _check_quotes(gold: Document, attributed: Document) -> None:
    given, wanted = len(attributed.quotes), len(gold.quotes)
    if given != wanted:
        raise EvaluationError(f"document {gold.id!r}: {given} attributed quotes for {wanted} gold quotes")
    for n, (a, b) in enumerate(zip(gold.quotes, attributed.quotes, strict=True), 1):
        if a.content != b.content and not a.content.overlaps(b.content):
            raise EvaluationError(f"document {gold.id!r}: attributed quote {n} is not gold quote {n}")
