"""The pipeline: text in, document with quotes and speakers out.

>>> attributor = QuoteAttributor.rules()
>>> document = attributor("قال وزير الخارجية سامح شكري إن المحادثات ستستأنف غدا. وأضاف الوزير أن النتائج مشجعة.")
>>> [(quote.speaker.name, quote.text) for quote in document.quotes]
[('سامح شكري', 'المحادثات ستستأنف غدا'), ('سامح شكري', 'النتائج مشجعة')]
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, overload

from quoteattr import __version__
from quoteattr.candidates import Candidates, Content, Proposer, given_cue
from quoteattr.lexicon import KnownSpeaker, Lexicon
from quoteattr.phrases import Mention
from quoteattr.pieces import batches, joined, pieces
from quoteattr.rules import Report, decide, weights, weights_hash
from quoteattr.schema import Document, Evidence, Quote, RunnerUp, SchemaError, Span, Speaker
from quoteattr.speakers import Adviser, Entity, Link, Linked, Linker, Utterance, name_of
from quoteattr.text import NormalizedText, html_tags, normalize, not_arabic

if TYPE_CHECKING:  # what needs torch is imported where a model is loaded
    from quoteattr.decode import Watch
    from quoteattr.engine import EngineName, Loaded

_SHIFT = re.compile(
    " *(?:و *)?(?:من|في|الي|علي) "
    "(?:جهت|جانب|ناحيت|المقابل|جهه اخري|ناحيه اخري|جانب اخر|السياق|سياق|ذلك|صعيد|الصعيد|الوقت نفسه|حين)"
    "|بدور|ول?كن |غير ان|اما "
)
"""How a paragraph turns to somebody else, in folded letters."""

T = TypeVar("T")
_Place = tuple[int, int]
_BLESSING = re.compile(" ?(?:صلي الله عليه|عليه الصلاه|عليه السلام)")
_BATCH = 16

Offsets = Span | tuple[int, int]
"""Where something stands in a text: a span, or its start and end (half-open)."""


def _span(text: str, place: Offsets, where: str) -> Span:
    pair = (place.start, place.end) if isinstance(place, Span) else place
    if not (isinstance(pair, tuple | list) and len(pair) == 2 and all(isinstance(n, int) for n in pair)):
        raise SchemaError(f"{where}: expected a span or (start, end), not {place!r}")
    try:
        return Span.of(text, *pair)
    except SchemaError as error:
        raise SchemaError(f"{where}: {error}") from None


def _clipped(span: Span, start: int, end: int) -> _Place:
    """Where a span stands in the piece of a text from ``start`` to ``end``, as far as it does."""
    a, b = (min(max(at, start), end) - start for at in (span.start, span.end))
    return a, b


def _string(text: Any) -> str:
    if isinstance(text, str):
        return text
    advice = {"list": ": pipe(texts) reads many", "tuple": ": pipe(texts) reads many", "bytes": ": decode it first"}
    kind = type(text).__name__
    raise TypeError(f"text must be a string, not {kind}{advice.get(kind, '')}")


class Reading(Protocol):
    """What the rules or a model say of one text."""

    @property
    def candidates(self) -> Candidates:
        """What was proposed for it."""

    @property
    def mentions(self) -> tuple[Mention, ...]:
        """The mentions of speakers in it."""

    def reports(self) -> list[Report]:
        """Its quotes."""

    def sourced(self, reports: Sequence[Report]) -> list[Report]:
        """Given quotes with their sources."""

    def adviser(self, reports: Sequence[Report]) -> Adviser | None:
        """Who is meant at those of the reports that name nobody; ``None`` leaves it to the rules."""

    def confidence(self, report: Report, link: Link) -> float:
        """The probability (0 to 1) that a quote and its speaker are both right."""


class Reader(Protocol):
    """What reads some texts with their candidates: the rules or a model.

    Where quotes are given, texts are read as a ``whole``; else places where none can be found may be left out.
    """

    def __call__(self, texts: Sequence[tuple[NormalizedText, Candidates]], whole: bool = False) -> Sequence[Reading]:
        """One reading a text."""


@dataclass(frozen=True, slots=True)
class RulesReading:
    """What the rules say of one text."""

    candidates: Candidates

    @property
    def mentions(self) -> tuple[Mention, ...]:
        """The proposed ones."""
        return self.candidates.mentions

    def reports(self) -> list[Report]:
        """What `quoteattr.rules.decide` decides."""
        return decide(self.candidates)

    def sourced(self, reports: Sequence[Report]) -> list[Report]:
        """As they are: the candidates have the rules' sources."""
        return list(reports)

    def adviser(self, reports: Sequence[Report]) -> None:
        """Nobody."""

    def confidence(self, report: Report, link: Link) -> float:
        """That of the quote times that of its link."""
        return report.probability * link.probability


def read_by_rule(texts: Sequence[tuple[NormalizedText, Candidates]], whole: bool = False) -> list[Reading]:
    """The reader that needs no model."""
    return [RulesReading(candidates) for _, candidates in texts]


class QuoteAttributor:
    """Finds the quotes of Arabic news texts and names their speakers.

    Make one with `from_pretrained` or `rules`; it can be used from many threads. Quotes whose confidence is below
    ``min_confidence`` (0 to 1) go to `Document.rejected`.
    """

    def __init__(
        self,
        proposer: Proposer,
        reader: Reader,
        batch_size: int,
        min_confidence: float = 0.0,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        if not 0 <= min_confidence <= 1:
            raise ValueError(f"min_confidence must lie between 0 and 1, not {min_confidence}")
        self._proposer = proposer
        self._reader = reader
        self._batch_size = batch_size
        self.min_confidence = min_confidence
        self.facts = {**(facts or {"model": "rules", "model_hash": weights_hash()}), "quoteattr": __version__}
        """What an output says of the one who made it."""

    @classmethod
    def rules(cls, lexicon: Lexicon | None = None, *, min_confidence: float = 0.0) -> QuoteAttributor:
        """The attributor that decides by rule alone, with the given lexicon or the one that ships."""
        return cls(Proposer(lexicon), read_by_rule, 1, min_confidence)

    @classmethod
    def from_pretrained(
        cls,
        model: str | Path | None = None,
        lexicon: Lexicon | None = None,
        *,
        engine: EngineName | None = None,
        device: str = "cpu",
        min_confidence: float = 0.0,
    ) -> QuoteAttributor:
        """The attributor that decides by a trained model: the bundled one, offline, or that of a folder or Hub id.

        ``engine`` is "onnx" or "torch"; left out, it is onnx where the model has it and ``device`` is cpu. Raises `ModelError`
        where there is no model or one that this version can't read.
        """
        from quoteattr.engine import load_engine
        from quoteattr.models import BUNDLED

        return cls.of(load_engine(BUNDLED if model is None else model, engine, device), lexicon, min_confidence=min_confidence)

    @classmethod
    def of(
        cls,
        loaded: Loaded,
        lexicon: Lexicon | None = None,
        *,
        min_confidence: float = 0.0,
        watch: Watch | None = None,
    ) -> QuoteAttributor:
        """The attributor that decides by a model that is loaded already.

        ``watch`` is told what the confidence of every quote was made of.
        """
        from quoteattr.decode import ModelReader

        return cls(Proposer(lexicon), ModelReader(loaded.engine, loaded.encoder, watch), _BATCH, min_confidence, loaded.facts)

    def __call__(self, text: str, *, id: str = "", metadata: Mapping[str, Any] | None = None) -> Document:
        """The document of one text. Offsets in it are offsets into ``text``.

        A text that is not Arabic gives a document without quotes; the reason stands in ``metadata["warning"]``.
        Raises `TypeError` where ``text`` is not a string.
        """
        document = next(self.pipe([text]))
        return replace(document, id=id, metadata={**(metadata or {}), **document.metadata})

    @overload
    def pipe(
        self, texts: Iterable[str], batch_size: int | None = ..., n_process: int = ..., as_tuples: Literal[False] = ...
    ) -> Iterator[Document]: ...

    @overload
    def pipe(
        self, texts: Iterable[tuple[str, T]], batch_size: int | None = ..., n_process: int = ..., *, as_tuples: Literal[True]
    ) -> Iterator[tuple[Document, T]]: ...

    def pipe(
        self, texts: Iterable[Any], batch_size: int | None = None, n_process: int = 1, as_tuples: bool = False
    ) -> Iterator[Any]:
        """The documents of many texts, in their order, lazily; ``batch_size`` of them are read at once.

        Left out, the model reads 16 at once and the rules, which gain nothing by it, one. With ``n_process`` other processes
        work; a text that one of them dies of (out of memory, killed) becomes a document without quotes that says so in
        ``metadata["error"]``. With ``as_tuples`` texts are pairs of a text and anything that shall go with its document. Only a
        few batches are read ahead. Raises `TypeError` where a text is not a string.

        >>> attributor = QuoteAttributor.rules()
        >>> for document, key in attributor.pipe([("قال سامح شكري: نعم", 7)], as_tuples=True):
        ...     print(key, document.quotes[0].speaker.name)
        7 سامح شكري
        """
        if isinstance(texts, str):
            raise TypeError("pipe takes many texts; one text is read by calling the attributor")
        if as_tuples:
            contexts: deque[Any] = deque()

            def first() -> Iterator[str]:
                for text, context in texts:
                    contexts.append(context)
                    yield text

            for document in self.pipe(first(), batch_size, n_process):
                yield document, contexts.popleft()
            return
        rest = iter(texts)
        size = batch_size or self._batch_size
        if n_process == 1:
            while batch := list(islice(rest, size)):
                yield from self._documents(batch)
            return
        from quoteattr.workers import Died, Workers

        read: deque[list[str]] = deque()

        def batches() -> Iterator[list[str]]:
            while batch := list(islice(rest, max(size, _BATCH))):
                read.append(batch)
                yield batch

        with Workers(self, _read_batch, n_process) as workers:
            for found in workers(batches()):
                for text, own in zip(read.popleft(), found, strict=True):
                    yield Document(text, metadata={"error": own.reason}) if isinstance(own, Died) else own

    def _documents(self, texts: Sequence[str]) -> Iterator[Document]:
        warnings = [not_arabic(_string(text)) for text in texts]
        cut = [pieces(text) if warning is None else [] for text, warning in zip(texts, warnings, strict=True)]
        read = self._read(text[start:end] for text, spans in zip(texts, cut, strict=True) for start, end in spans)
        for text, warning, spans in zip(texts, warnings, cut, strict=True):
            if warning is not None:
                yield Document(text, metadata={"warning": warning})
                continue
            whole = joined(text, [(start, next(read)) for start, _ in spans])
            document = _without_doubtful(whole, self.min_confidence)
            tags = html_tags(text)
            yield replace(document, metadata={"warning": tags}) if tags else document

    def _read(self, texts: Iterable[str]) -> Iterator[Document]:
        """The documents of texts of which none is too long to be read at once."""
        for batch in batches(texts):
            normalized = [normalize(text) for text in batch]
            readings = self._reader([(own, self._proposer(own)) for own in normalized])
            for own, reading in zip(normalized, readings, strict=True):
                yield self._document(own, reading, reading.reports())

    def attribute(self, text: str, quotes: Iterable[tuple[Offsets, Offsets]]) -> Document:
        """Only name the speakers: ``quotes`` are (cue, content) pairs found by hand or by another tool.

        Each cue and content is a `Span` or a (start, end) pair of offsets into ``text``. The quotes of the document are
        exactly these, in the same order, with source and speaker; none is left out. Raises `SchemaError` for offsets that
        don't fit.

        >>> text = "قال سامح شكري إن المحادثات ستستأنف. وأضاف أن النتائج مشجعة."
        >>> document = QuoteAttributor.rules().attribute(text, [((36, 41), (45, 58))])
        >>> document.quotes[0].text, document.quotes[0].speaker.name
        ('النتائج مشجعة', 'سامح شكري')
        """
        spans = pieces(_string(text))
        given = [
            (_span(text, cue, f"quotes[{n}], cue"), _span(text, content, f"quotes[{n}], content"))
            for n, (cue, content) in enumerate(quotes)
        ]
        starts = [start for start, _ in spans]
        own: list[list[int]] = [[] for _ in spans]
        for n, (cue, _) in enumerate(given):  # a quote is read with the piece in which its cue begins
            own[bisect_right(starts, cue.start) - 1].append(n)
        document = joined(
            text,
            (
                (a, self._attributed(text[a:b], [(_clipped(given[n][0], a, b), _clipped(given[n][1], a, b)) for n in inside]))
                for (a, b), inside in zip(spans, own, strict=True)
            ),
        )
        found = dict(zip(chain.from_iterable(own), document.quotes, strict=True))
        read = (replace(found[n], id=f"Q{n + 1}", cue=cue, content=content) for n, (cue, content) in enumerate(given))
        return replace(document, quotes=tuple(read))

    def _attributed(self, text: str, quotes: Sequence[tuple[_Place, _Place]]) -> Document:
        """The document of a text that is not too long to be read at once, with the given quotes in their order."""
        normalized = normalize(text)
        candidates = self._proposer(normalized)
        given = []
        for cue, content in quotes:
            at = normalized.from_original(*cue)
            start, end = normalized.from_original(*content)
            given.append(
                Report(
                    given_cue(candidates.tokens, candidates.cues, at, start),
                    Content(start, end, "indirect", "given"),
                    "given",
                    1.0,
                )
            )
        order = sorted(range(len(given)), key=lambda n: (given[n].content.start, given[n].cue.start))
        (reading,) = self._reader([(normalized, candidates)], whole=True)
        document = self._document(normalized, reading, reading.sourced([given[n] for n in order]))
        found = dict(zip(order, document.quotes, strict=True))
        return replace(document, quotes=tuple(replace(found[n], id=f"Q{n + 1}") for n in range(len(given))))

    def _document(self, normalized: NormalizedText, reading: Reading, reports: Sequence[Report]) -> Document:
        candidates = replace(reading.candidates, mentions=reading.mentions)
        known = self._proposer.lexicon.speakers
        linked = linker(normalized, candidates, reports, known, reading.adviser(reports)).link()
        return _document(normalized, reading, reports, linked)


def _read_batch(attributor: QuoteAttributor, texts: Sequence[str]) -> list[Document]:
    return list(attributor.pipe(texts))


def predict(attributor: QuoteAttributor, gold: Sequence[Document]) -> list[Document]:
    """Annotated documents as an attributor reads them from their texts alone."""
    return [replace(own, id=d.id) for d, own in zip(gold, attributor.pipe(d.text for d in gold), strict=True)]


def attribute(attributor: QuoteAttributor, gold: Sequence[Document]) -> list[Document]:
    """The quotes of annotated documents with the speakers that an attributor gives them, told cue and content alone."""
    return [replace(attributor.attribute(d.text, [(q.cue, q.content) for q in d.quotes]), id=d.id) for d in gold]


def linker(
    normalized: NormalizedText,
    candidates: Candidates,
    reports: Sequence[Report],
    known: Sequence[KnownSpeaker] = (),
    adviser: Adviser | None = None,
) -> Linker:
    """The linker of the reports of one text."""
    utterances = [_utterance(candidates, report) for report in reports]
    return Linker(normalized.text, utterances, candidates.mentions, weights()["link"], known, adviser)


def _utterance(candidates: Candidates, report: Report) -> Utterance:
    tokens, cue = candidates.tokens, report.cue
    form = cue.form
    return Utterance(
        cue=cue.start,
        start=report.content.start,
        end=report.content.end,
        sentence=tokens.sentence[cue.token] if tokens.words else 0,
        paragraph=tokens.paragraph[cue.token] if tokens.words else 0,
        source=cue.source,
        gender=form.gender,
        number=form.number,
        word_class=form.pos if form.pos in ("verb", "participle", "masdar") else "tag",
        attached=form.pronoun,
        adds=form.act == "add",
        says=form.lemma == "قال",
        starts_sentence=not tokens.words or cue.token == tokens.first(cue.token),
        shift=_SHIFT.match(tokens.text, tokens.text.rfind("\n", 0, cue.start) + 1) is not None,
        blessed=cue.source is None and _BLESSING.match(tokens.text, cue.end) is not None,
    )


def _document(normalized: NormalizedText, reading: Reading, reports: Sequence[Report], linked: Linked) -> Document:
    text = normalized.original

    def span(start: int, end: int) -> Span:
        start, end = normalized.original_span(start, end)
        return Span(start, end, text[start:end])

    used = list(dict.fromkeys(x.entity for x in linked.links if x.entity is not None))
    speakers = {e: _speaker(linked.entities[e], f"S{n + 1}", normalized.text, span) for n, e in enumerate(used)}

    def runners_up(found: Link) -> tuple[RunnerUp, ...]:
        return tuple(RunnerUp(_best_name(linked.entities[e], normalized.text, span), round(p, 4)) for e, p in found.others)

    quotes = []
    for n, (report, found) in enumerate(zip(reports, linked.links, strict=True)):
        cue = report.cue
        quotes.append(
            Quote(
                id=f"Q{n + 1}",
                type=report.content.type,
                content=span(report.content.start, report.content.end),
                cue=span(cue.start, cue.end),
                source=span(cue.source.start, cue.source.end) if cue.source else None,
                speaker=speakers[found.entity] if found.entity is not None else None,
                confidence=round(reading.confidence(report, found), 4),
                act=cue.form.act,
                parent=f"Q{report.parent + 1}" if report.parent is not None else None,
                evidence=Evidence(report.found_by, found.rule, runners_up(found)),
            )
        )
    return Document(text, speakers=tuple(speakers.values()), quotes=tuple(quotes))


def _without_doubtful(document: Document, min_confidence: float) -> Document:
    """The document with its quotes below a confidence set apart."""
    if min_confidence <= 0:
        return document
    kept = tuple(q for q in document.quotes if q.confidence is None or q.confidence >= min_confidence)
    rejected = tuple(q for q in document.quotes if q.confidence is not None and q.confidence < min_confidence)
    return replace(document, quotes=kept, rejected=rejected)


def _speaker(entity: Entity, id: str, text: str, span: Callable[[int, int], Span]) -> Speaker:
    mentions = sorted(entity.mentions, key=lambda m: m.start)
    spans = [span(m.start, m.end) for m in mentions]
    named = [m.name for m in mentions if m.name is not None]
    name = _best_name(entity, text, span)
    aliases = dict.fromkeys([name, *(_spelled(text, m.start, span(m.start, m.end)) for m in mentions)])
    aliases.update(dict.fromkeys(_spelled(text, s[0], span(*s)) for s in named))
    return Speaker(id, name, entity.kind, tuple(aliases), tuple(dict.fromkeys(spans)))


def _best_name(entity: Entity, text: str, span: Callable[[int, int], Span]) -> str:
    """The fullest proper name of an entity, or its fullest description."""
    if entity.known is not None:
        return entity.known.name
    start, end = name_of(entity, text)
    return _spelled(text, start, span(start, end))


def _spelled(text: str, start: int, span: Span) -> str:
    """A phrase as a name: «للوزارة» without its preposition is الوزارة."""
    return "ا" + span.text if text[max(0, start - 1) : start + 1] == "لل" and not text[max(0, start - 2)].isalpha() else span.text
