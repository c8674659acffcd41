"""The pipeline: text in, document with quotes and speakers out.

>>> attributor = QuoteAttributor.rules()
>>> document = attributor("قال وزير الخارجية سامح شكري إن المحادثات ستستأنف غدا. وأضاف الوزير أن النتائج مشجعة.")
>>> [(quote.speaker.name, quote.text) for quote in document.quotes]
[('سامح شكري', 'المحادثات ستستأنف غدا'), ('سامح شكري', 'النتائج مشجعة')]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from quoteattr.candidates import Candidates, Content, Proposer, given_cue
from quoteattr.lexicon import KnownSpeaker, Lexicon
from quoteattr.rules import Report, decide, weights
from quoteattr.schema import Document, Evidence, Quote, RunnerUp, Span, Speaker
from quoteattr.speakers import Entity, Link, Linked, Linker, Utterance, name_of
from quoteattr.text import NormalizedText, normalize, not_arabic

_SHIFT = re.compile(
    " *و? *(?:من|في|الي|علي) "
    "(?:جهت|جانب|ناحيت|المقابل|جهه اخري|ناحيه اخري|جانب اخر|السياق|سياق|ذلك|صعيد|الصعيد|الوقت نفسه|حين)"
    "|بدور|ول?كن |غير ان|اما "
)
"""How a paragraph turns to somebody else, in folded letters."""


Offsets = Span | tuple[int, int]
"""Where something stands in a text: a span, or its start and end (half-open)."""


def _offsets(text: str, place: Offsets) -> tuple[int, int]:
    start, end = (place.start, place.end) if isinstance(place, Span) else place
    Span.of(text, start, end)
    return start, end


class QuoteAttributor:
    """Finds the quotes of Arabic news texts and names their speakers.

    Make one with `rules`; it can be used from many threads. Quotes whose confidence is below ``min_confidence`` (0 to 1) go
    to `Document.rejected`.
    """

    def __init__(self, proposer: Proposer, min_confidence: float = 0.0) -> None:
        if not 0 <= min_confidence <= 1:
            raise ValueError(f"min_confidence must lie between 0 and 1, not {min_confidence}")
        self._proposer = proposer
        self.min_confidence = min_confidence

    @classmethod
    def rules(cls, lexicon: Lexicon | None = None, *, min_confidence: float = 0.0) -> QuoteAttributor:
        """The attributor that decides by rule alone, with the given lexicon or the one that ships."""
        return cls(Proposer(lexicon), min_confidence)

    def __call__(self, text: str, *, id: str = "", metadata: Mapping[str, Any] | None = None) -> Document:
        """The document of one text. Offsets in it are offsets into ``text``.

        A text that is not Arabic gives a document without quotes; the reason stands in ``metadata["warning"]``.
        Raises `TypeError` where ``text`` is not a string.
        """
        if not isinstance(text, str):
            raise TypeError(f"text must be a string, not {type(text).__name__}")
        extra = dict(metadata or {})
        warning = not_arabic(text)
        if warning is not None:
            return Document(text, id, metadata={**extra, "warning": warning})
        normalized = normalize(text)
        candidates = self._proposer(normalized)
        document = self._document(normalized, candidates, decide(candidates), id, extra)
        return _without_doubtful(document, self.min_confidence)

    def pipe(self, texts: Iterable[str]) -> Iterator[Document]:
        """The documents of many texts, in their order, lazily."""
        return map(self, texts)

    def attribute(self, text: str, quotes: Iterable[tuple[Offsets, Offsets]]) -> Document:
        """Only name the speakers: ``quotes`` are (cue, content) pairs found by hand or by another tool.

        Each cue and content is a `Span` or a (start, end) pair of offsets into ``text``. The quotes of the document are
        these, in the same order, with source and speaker; none is left out. Raises `SchemaError` for offsets that don't fit.

        >>> text = "قال سامح شكري إن المحادثات ستستأنف. وأضاف أن النتائج مشجعة."
        >>> document = QuoteAttributor.rules().attribute(text, [((36, 41), (45, 58))])
        >>> document.quotes[0].text, document.quotes[0].speaker.name
        ('النتائج مشجعة', 'سامح شكري')
        """
        normalized = normalize(text)
        candidates = self._proposer(normalized)
        given = []
        for cue, content in quotes:
            at = normalized.from_original(*_offsets(text, cue))
            start, end = normalized.from_original(*_offsets(text, content))
            given.append(
                Report(
                    given_cue(candidates.tokens, candidates.cues, at, start),
                    Content(start, end, "indirect", "given"),
                    "given",
                    1.0,
                )
            )
        order = sorted(range(len(given)), key=lambda n: (given[n].content.start, given[n].cue.start))
        document = self._document(normalized, candidates, [given[n] for n in order], "", {})
        found = dict(zip(order, document.quotes, strict=True))
        return replace(document, quotes=tuple(replace(found[n], id=f"Q{n + 1}") for n in range(len(given))))

    def _document(
        self,
        normalized: NormalizedText,
        candidates: Candidates,
        reports: Sequence[Report],
        id: str,
        metadata: Mapping[str, Any],
    ) -> Document:
        linked = linker(normalized, candidates, reports, self._proposer.lexicon.speakers).link()
        return _document(normalized, reports, linked, id, metadata)


def linker(
    normalized: NormalizedText, candidates: Candidates, reports: Sequence[Report], known: Sequence[KnownSpeaker] = ()
) -> Linker:
    """The linker of the reports of one text."""
    return Linker(normalized.text, [_utterance(candidates, r) for r in reports], candidates.mentions, weights()["link"], known)


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
        starts_sentence=not tokens.words or cue.token == tokens.first(cue.token),
        shift=_SHIFT.match(tokens.text, tokens.text.rfind("\n", 0, cue.start) + 1) is not None,
    )


def _document(
    normalized: NormalizedText, reports: Sequence[Report], linked: Linked, id: str, metadata: Mapping[str, Any]
) -> Document:
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
                confidence=round(report.probability * found.probability, 4),
                act=cue.form.act,
                parent=f"Q{report.parent + 1}" if report.parent is not None else None,
                evidence=Evidence(report.found_by, found.rule, runners_up(found)),
            )
        )
    return Document(text, id, tuple(speakers.values()), tuple(quotes), metadata=metadata)


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
