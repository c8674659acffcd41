"""Scores to consistent reports: what the model says of one text, with the candidates, as the rules would say it.

`ModelReader` runs the model over some texts; each `ModelReading` gives the reports of its text, the sources of given ones, the
mentions with the names that the model sees in them, and, as the adviser of `quoteattr.speakers.Linker`, who is meant where nobody
is named.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import log
from typing import Any

import numpy as np

from quoteattr.batching import LINK_KINDS, Batch, Pairs, Place, Pointers
from quoteattr.candidates import RELAYING, Candidates, Content, Cue, describes_manner, given_cue, is_described, is_object
from quoteattr.encoding import Encoded, Encoder, Floats, cues_by_word, pair_features, reach
from quoteattr.engine import Engine, Role, States
from quoteattr.phrases import Mention, addressed, is_eponym, renamed, spanned
from quoteattr.rules import Report, consistent, logistic, sound
from quoteattr.schema import QuoteType
from quoteattr.speakers import Adviser, Entity, Link, Offer
from quoteattr.text import NormalizedText
from quoteattr.tokens import Tokens

Watch = Callable[[Mapping[str, float]], None]
"""Is told the signs (`signs`) of every quote whose confidence is worked out, in the order of the quotes."""
_CUES = 64
_STARTS, _ENDS = 2, 5
_LONGEST_SOURCE = 30
_SURE_OF_NONE = 0.9
_MENTIONS, _LATER, _SAID = 5, 2, 3
_SOURCE, _MENTION, _CUE = range(len(LINK_KINDS))


@dataclass(frozen=True, slots=True)
class _Pointed:
    """What a cue points to: first and last word, ``None`` for none, and how probable."""

    words: tuple[int, int] | None
    probability: float


@dataclass(frozen=True, slots=True)
class _Asked:
    """Some cues' words, and the pointers of an engine that is given the states of the words from ``shift`` on."""

    words: Sequence[int]
    at: Pointers
    shift: int
    states: States


class ModelReader:
    """Reads texts with a model: a reader of `quoteattr.attributor`."""

    def __init__(self, engine: Engine, encoder: Encoder, watch: Watch | None = None) -> None:
        self._engine = engine
        self._encoder = encoder
        self._watch = watch

    def __call__(self, texts: Sequence[tuple[NormalizedText, Candidates]], whole: bool = False) -> list[ModelReading]:
        """What the model says of some texts; unless they are to be read as a whole, not of places without cue, mark or name."""
        encoded = [(candidates, self._encoder(normalized, candidates, whole)) for normalized, candidates in texts]
        return read(self._engine, encoded, self._watch)


def read(engine: Engine, texts: Sequence[tuple[Candidates, Encoded]], watch: Watch | None = None) -> list[ModelReading]:
    """Run the model over some texts."""
    filled = [encoded for _, encoded in texts if encoded.windows]
    states: States = ()
    cues = names = np.zeros(0, dtype=np.float32)
    if filled:
        states, cues, names = engine.states(Batch.of(filled, engine.padding, engine.windows))
        cues, names = _sigmoid(cues), _sigmoid(names)
    readings = []
    begin = 0
    for candidates, encoded in texts:
        end = begin + len(encoded.first)
        readings.append(ModelReading(engine, candidates, states[begin:end], cues[begin:end], names[begin:end], watch))
        begin = end
    return readings


class ModelReading:
    """One text with what the model says of it: ``cues`` and ``names`` are probabilities of its words."""

    def __init__(
        self,
        engine: Engine,
        candidates: Candidates,
        states: States,
        cues: Floats,
        names: Floats,
        watch: Watch | None = None,
    ) -> None:
        self._engine = engine
        self.candidates = candidates
        self._states = states
        self._by_word = cues_by_word(candidates)
        self._watch = watch
        self.cues = cues
        self.names = names

    def confidence(self, report: Report, link: Link) -> float:
        """The probability (0 to 1) that a quote and its speaker are both right, by the weights in the model's configuration."""
        weights = self._engine.settings.calibration
        found = signs(report, link)
        if self._watch is not None:
            self._watch(found)
        return logistic(sum(weights.get(name, 0.0) * value for name, value in found.items()))

    @cached_property
    def mentions(self) -> tuple[Mention, ...]:
        """The mentions of the text; a person's name in them is what the model takes for one."""
        return tuple(self._named(mention) for mention in self.candidates.mentions)

    def reports(self) -> list[Report]:
        """The quotes of the text."""
        words = np.flatnonzero(self.cues >= self._engine.settings.cue_threshold).tolist()
        asked = list(self._asked(words))
        contents, sources = self._pointed("content", asked), self._pointed("source", asked)
        found = []
        for k, content, source in zip(words, contents, sources, strict=True):
            if content.words is None:
                continue
            cue = self._cue(k, content.words)
            parts = {"cue": float(self.cues[k]), "content": content.probability, "source": source.probability}
            found.append(
                Report(self._with_source(cue, source), self._content(cue, *content.words), "model", parts["cue"], parts=parts)
            )
        return consistent(sound(self.candidates, found))

    def sourced(self, reports: Sequence[Report]) -> list[Report]:
        """Given reports with the sources that the model sees."""
        if not reports or not len(self.cues):
            return list(reports)
        sources = self._pointed("source", list(self._asked([report.cue.token for report in reports])))
        return [
            replace(report, cue=self._with_source(report.cue, source), parts={"source": source.probability})
            for report, source in zip(reports, sources, strict=True)
        ]

    def adviser(self, reports: Sequence[Report]) -> Adviser:
        """Who is meant at the cues of the reports, in the order in which the linker has them."""
        return _ModelAdviser(self._engine, self._states, [report.cue.token for report in reports])

    def _asked(self, words: Sequence[int]) -> Iterator[_Asked]:
        """The cues at some words in groups that the engine is asked about at once, so that memory does not grow with the text."""
        tokens = self.candidates.tokens
        for n in range(0, len(words), _CUES):
            some = words[n : n + _CUES]
            begins, ends = zip(*(reach(tokens, k) for k in some), strict=True)
            shift = min(begins)
            features = [pair_features(tokens, k, self._by_word.get(k, ())) for k in some]
            at = Pointers.of([k - shift for k in some], [begin - shift for begin in begins], features)
            yield _Asked(some, at, shift, self._states[shift : max(ends)])

    def _pointed(self, role: Role, asked: Sequence[_Asked]) -> list[_Pointed]:
        """What the cues asked about point to."""
        return [pointed for some in asked for pointed in self._some_pointed(role, some)]

    def _some_pointed(self, role: Role, asked: _Asked) -> list[_Pointed]:
        words, at, shift, states = asked.words, asked.at, asked.shift, asked.states
        width = at.reach.shape[1]
        starts = _softmax(self._engine.starts(role, states, at))
        none = starts[:, width:].sum(axis=1)  # 0 for a content
        columns = _largest(starts[:, :width], _STARTS)
        begun = np.take_along_axis(starts, columns, axis=1)
        first = np.take_along_axis(at.reach, columns, axis=1)
        several = at.repeated(columns.shape[1])
        if role == "source":
            several = replace(several, mask=several.mask & (several.reach < first.reshape(-1, 1) + _LONGEST_SOURCE))
        stops = _softmax(self._engine.ends(role, states, several, first.reshape(-1)))
        places = _largest(stops, _ENDS)
        last = np.take_along_axis(several.reach, places, axis=1).reshape(*first.shape, -1)
        joint = begun[..., None] * np.take_along_axis(stops, places, axis=1).reshape(last.shape)
        # a source competes with "none" by its first word, with other sources by both
        keep = (last >= first[..., None]) & (begun > none[:, None])[..., None]
        row, *place = np.nonzero(keep)
        begin, end = first[row, place[0]] + shift, last[row, *place] + shift + 1
        spans: list[list[tuple[int, int, float]]] = [[] for _ in words]
        for n, a, b, p in zip(row.tolist(), begin.tolist(), end.tolist(), joint[row, *place].tolist(), strict=True):
            spans[n].append((a, b, p))
        if role == "content":
            spans = [self._clipped(k, own) for k, own in zip(words, spans, strict=True)]
        choose = most_overlap if role == "content" else _most_probable
        return [choose(own) or _Pointed(None, q) for own, q in zip(spans, none.tolist(), strict=True)]

    @cached_property
    def _turns(self) -> list[int]:
        """The words where a reporter takes the sentence back: participles of speech behind a comma (، مبديا), unquoted."""
        tokens = self.candidates.tokens
        proposed = {cue.token for cue in self.candidates.cues if cue.form.pos == "participle"}

        def participle(k: int) -> bool:
            word = tokens.words[k]
            return k in proposed or (word.endswith("ا") and any(f.pos == "participle" for f in tokens.lexicon.match([word])))

        behind = (k for k in range(1, len(tokens.words)) if tokens.words[k - 1] in "،,؛" and tokens.inside[k] is None)
        return [k for k in behind if participle(k)]

    def _clipped(self, k: int, spans: Sequence[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
        """Contents of the cue at a word; one behind it ends before such a participle."""
        clipped = []
        for a, b, p in spans:
            n = bisect_right(self._turns, a + 1) if a > k else len(self._turns)
            clipped.append((a, min([b, *(turn - 1 for turn in self._turns[n : n + 1])]), p))
        return clipped

    def _cue(self, k: int, content: tuple[int, int]) -> Cue:
        """The rules' reading of the cue at a word that fits its content, or one made for it."""
        tokens = self.candidates.tokens
        own = self._by_word.get(k)
        start, end = (own[0].start, own[0].end) if own else (tokens.starts[k], tokens.end(k))
        return given_cue(tokens, tuple(own or ()), (start, end), tokens.starts[content[0]])

    def _with_source(self, cue: Cue, source: _Pointed) -> Cue:
        if source.words is None or not self._sound(cue, *source.words):
            if cue.source is not None and (source.words is not None or source.probability < _SURE_OF_NONE):
                return cue  # the rules see one
            return replace(cue, source=None, side=None)
        tokens, (first, last) = self.candidates.tokens, source.words
        last = addressed(tokens, first, last)
        while last > first + 1 and describes_manner(tokens, last - 1):
            last -= 1
        whole = cue.form.pos == "verb" and first == cue.after
        mention = self._named(spanned(tokens, first, last, whole=whole))
        described = last <= cue.opener and is_described(tokens, cue.form, mention, cue.opener)
        if whole and (described or is_object(tokens, mention) or describes_manner(tokens, first)):
            return cue
        return replace(cue, source=mention, side="before" if mention.start < cue.start else "after")

    def _sound(self, cue: Cue, first: int, last: int) -> bool:
        """Whether some words can be the source of a cue: of one sentence, without the cue itself and without «أن».

        Behind a verb they are its subject, and no preposition leads to them («وقالت في المجلس», «قالت لصحيفتنا»).
        """
        tokens = self.candidates.tokens
        if first <= cue.token < last or last > tokens.stop(first):
            return False
        if cue.form.pos == "verb" and cue.after <= first and cue.form.lemma not in RELAYING:
            own, before = tokens.infos[first], tokens.infos[first - 1] if first > cue.after else None
            if (
                own.function == "oblique"
                or (own.preposition and own.noun)
                or (before is not None and before.function in ("preposition", "inner"))
            ):
                return False
        return all(tokens.infos[k].function != "complementiser" or tokens.inside[k] is not None for k in range(first, last))

    def _named(self, mention: Mention) -> Mention:
        """A person's mention with the name that the model sees in it, or in the words that go on from it."""
        if mention.kind != "person" or mention.form == "pronoun" or not len(self.names):
            return mention
        tokens = self.candidates.tokens
        first, stop = mention.first, mention.last
        while stop < tokens.stop(first) and self._may_go_on(stop):
            stop += 1
        if tokens.infos[first].function == "determiner":
            first += 1  # «أحد الخبراء»
        if mention.form == "name":
            first = name_begin(self.names, first, tokens.first(first))
        found = name_within(self.names, first, min(mention.last + 1, stop), stop)
        if found is not None and found[0] > mention.first and is_eponym(tokens, found[0]):
            return mention
        if found is not None and found[1] - found[0] == 1 and self._is_address(found[0], mention):
            found = None
        if found is not None and found[1] - found[0] > 2 and self._says_where_from(found[0]):
            found = (found[0] + 1, found[1])
        return renamed(tokens, mention, found)

    def _is_address(self, k: int, mention: Mention) -> bool:
        """Whether a word is no name but the address before a title: «معالي» in «معالي وزير التعليم»."""
        noun = self.candidates.tokens.infos[k].noun
        return k == mention.first and noun is not None and noun.cls == "honorific" and mention.last > k + 1

    def _says_where_from(self, k: int) -> bool:
        """Whether a word before a name is no part of it: «الروماني» in «الروماني كورنيل باديا»."""
        info = self.candidates.tokens.infos[k]
        return info.definite and info.nationality

    def _may_go_on(self, k: int) -> bool:
        """Whether a word can belong to the name before it: one that is no cue («شفيق القاضي فرأى»)."""
        word, info = self.candidates.tokens.words[k], self.candidates.tokens.infos[k]
        return word[0].isalpha() and not info.function and self.cues[k] < self._engine.settings.cue_threshold

    def _content(self, cue: Cue, first: int, last: int) -> Content:
        tokens = self.candidates.tokens
        start, end = tokens.starts[first], tokens.end(last - 1)
        same = next((c for c in cue.contents if (c.start, c.end) == (start, end)), None)
        return same or Content(start, end, content_type(tokens, first, last), "model")


@dataclass(frozen=True)
class _ModelAdviser:
    """Who is meant at the cues of some reports, whose words are ``cues``."""

    engine: Engine
    states: States
    cues: Sequence[int]

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """The numbers of the link features that the model knows."""
        return {name: n for n, name in enumerate(self.engine.settings.link_features)}

    def speaker(
        self, n: int, offers: Mapping[int, Offer], entities: Sequence[Entity], links: Sequence[Link]
    ) -> tuple[Mapping[int, float], float]:
        """Who speaks at a cue."""
        return self._scores(self.cues[n], offers, entities, links)

    def antecedent(
        self, mention: Mention, offers: Mapping[int, Offer], entities: Sequence[Entity], links: Sequence[Link]
    ) -> tuple[Mapping[int, float], float]:
        """Who is meant by a description, asked at its first word."""
        return self._scores(mention.first, offers, entities, links)

    def _scores(
        self, k: int, offers: Mapping[int, Offer], entities: Sequence[Entity], links: Sequence[Link]
    ) -> tuple[Mapping[int, float], float]:
        places, owners = places_of(list(offers), entities, links, self.cues, k)
        numbers = self.numbers
        features = [[numbers[name] for name in offer.features if name in numbers] for offer in offers.values()]
        rows = [(k, *place, owner) for place, owner in zip(places, owners, strict=True)]
        scores = self.engine.links(self.states, Pairs.of(rows, features, len(numbers)))
        nobody = float(self.engine.nobodies(self.states, np.array([k]))[0])
        weight = self.engine.link_rule
        owner = np.array(owners, dtype=np.int64)
        found = {}
        for at, (index, offer) in enumerate(offers.items()):
            own = scores[owner == at]
            found[index] = (float(np.logaddexp.reduce(own)) if len(own) else 0.0) + weight * offer.score
        return found, nobody


def _most_probable(spans: Sequence[tuple[int, int, float]]) -> _Pointed | None:
    best = max(spans, key=lambda span: span[2], default=None)
    return _Pointed(best[:2], best[2]) if best is not None else None


def most_overlap(spans: Sequence[tuple[int, int, float]]) -> _Pointed | None:
    """Of spans of words with their probabilities, the one that overlaps most with what may be right, and by how much.

    Overlap is intersection over union. Where several ends are nearly as probable, one in the middle is seldom quite wrong.

    >>> most_overlap([(0, 4, 0.35), (0, 6, 0.3), (0, 12, 0.35)]).words
    (0, 6)
    """

    def expected(span: tuple[int, int, float]) -> float:
        a, b, _ = span
        return sum(p * max(0, min(b, d) - max(a, c)) / (max(b, d) - min(a, c)) for c, d, p in spans)

    best = max(spans, key=expected, default=None)
    return _Pointed(best[:2], min(1.0, expected(best))) if best is not None else None


def signs(report: Report, link: Link) -> dict[str, float]:
    """What speaks for and against a quote and its speaker: the features of its confidence.

    The log odds of cue, content and speaker (of the source where there is one, else of the link), and how the speaker is named.
    """
    parts = report.parts
    source = report.cue.source
    named = source is not None and source.form != "pronoun"
    speaker = parts.get("source", 1.0) * (1.0 if named else link.probability)
    return {
        "bias": 1.0,
        "cue": _log_odds(parts.get("cue", 1.0)),
        "content": _log_odds(parts.get("content", 1.0)),
        "speaker": _log_odds(speaker),
        "named": float(named),
        "named:speaker": _log_odds(speaker) * named,
    }


def _sigmoid(x: Floats) -> Floats:
    return (1 / (1 + np.exp(-np.clip(x, -80, 80)))).astype(np.float32)


def _softmax(scores: Floats) -> Floats:
    """Scores to probabilities along the last axis."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True)) if scores.shape[-1] else scores
    found: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return found


def _largest(scores: Floats, count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The columns of the ``count`` largest scores of every row, the largest first."""
    count = min(count, scores.shape[1])
    some = np.argpartition(-scores, count - 1, axis=1)[:, :count] if count else np.zeros((len(scores), 0), dtype=np.int64)
    order = np.argsort(-np.take_along_axis(scores, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1)


def _log_odds(p: float) -> float:
    p = min(max(p, 0.001), 0.999)
    return log(p / (1 - p))


def name_begin(names: Floats, word: int, begin: int) -> int:
    """The first word of the name that goes on at a word; it does not begin before ``begin``.

    >>> name_begin(np.array([0.9, 0.1, 0.8, 0.9]), 3, 0)
    2
    """
    while word > begin and names[word] >= 0.5 and names[word - 1] >= 0.5:
        word -= 1
    return word


def name_within(names: Floats, first: int, last: int, stop: int) -> tuple[int, int] | None:
    """The longest run of words of a name that begins among the words from ``first`` to ``last``; it ends before ``stop``.

    >>> name_within(np.array([0.1, 0.9, 0.9, 0.1, 0.9]), 0, 3, 5)
    (1, 3)
    """
    best: tuple[int, int] | None = None
    k = first
    while k < last:
        end = k
        while end < stop and names[end] >= 0.5:
            end += 1
        if end > k and (best is None or end - k > best[1] - best[0]):
            best = (k, end)
        k = end + 1
    return best


def content_type(tokens: Tokens, first: int, last: int) -> QuoteType:
    """The type of a content by the marks around and in it."""
    before = tokens.starts[first - 1] if first else -1
    if before in tokens.opens:
        return "direct" if tokens.end(last - 1) <= tokens.opens[before].inner[1] else "mixed"
    for k in range(first, last):
        quotation = tokens.opens.get(tokens.starts[k])
        if quotation is not None and tokens.text.count(" ", *quotation.inner) >= 1:
            return "mixed"
    if first and tokens.words[first - 1] == ":":
        return "direct"
    return "direct" if tokens.inside[first] is not None and tokens.inside[last - 1] is not None else "indirect"


def places_of(
    offers: Sequence[int], entities: Sequence[Entity], links: Sequence[Link], cues: Sequence[int], k: int
) -> tuple[list[Place], list[int]]:
    """Where the offered entities are mentioned around the cue at word ``k``, and which of the offers each place belongs to.

    The last mentions before the cue and the first behind it, and the cues (words) of the last quotes linked to the entity.
    """
    places: list[Place] = []
    owners: list[int] = []
    for at, index in enumerate(offers):
        entity = entities[index]
        spans = sorted({(m.first, m.last - 1, (m.start, m.end) in entity.sources) for m in entity.mentions})
        before = [s for s in spans if s[0] < k][-_MENTIONS:]
        behind = [s for s in spans if s[0] >= k][:_LATER]
        own = [(first, last, _SOURCE if source else _MENTION, first - k) for first, last, source in (*before, *behind)]
        said = [cues[n] for n in range(len(links) - 1, -1, -1) if links[n].entity == index][:_SAID]
        own += [(cue, cue, _CUE, cue - k) for cue in said]
        places += own
        owners += [at] * len(own)
    return places, owners
