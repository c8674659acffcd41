"""The values that flow through the library: spans, quotes, speakers, documents.

Everything here is an immutable value with a plain-dict form, the one format used for gold annotations, predictions
and storage alike. Offsets are Python string offsets (code points, half-open) into the text exactly as the caller gave it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

QuoteType = Literal["direct", "indirect", "mixed"]
SpeakerKind = Literal["person", "organisation", "group"]
Act = Literal[
    "assert",
    "add",
    "explain",
    "announce",
    "deny",
    "admit",
    "warn",
    "expect",
    "claim",
    "ask",
    "demand",
    "praise",
    "criticise",
]

QUOTE_TYPES: tuple[str, ...] = get_args(QuoteType)
SPEAKER_KINDS: tuple[str, ...] = get_args(SpeakerKind)
ACTS: tuple[str, ...] = get_args(Act)
FORMAT = 1
"""The version of the plain-dict form, which a record may name in the field `VERSION`; one of a later version is refused."""
VERSION = "quoteattr_format"


class SchemaError(ValueError):
    """A record does not have the format of a quoteattr document; the message says which field and why."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a document: ``document.text[span.start:span.end] == span.text``.

    >>> Span.of("قال الوزير", 4, 10)
    Span(start=4, end=10, text='الوزير')
    """

    start: int
    end: int
    text: str

    @classmethod
    def of(cls, text: str, start: int, end: int) -> Span:
        """The span ``text[start:end]``. Raises `SchemaError` where the offsets do not fit the text."""
        if not 0 <= start <= end <= len(text):
            raise SchemaError(f"offsets [{start}, {end}] do not fit a text of {len(text)} characters")
        return cls(start, end, text[start:end])

    def overlaps(self, other: Span) -> bool:
        """Whether the two spans share at least one character."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks: one entity of one document.

    ``name`` is the fullest proper name in the document without title, or the fullest description of one never named;
    ``aliases`` are the strings that denote it there, ``mentions`` the places where they stand.
    """

    id: str
    name: str
    kind: SpeakerKind = "person"
    aliases: tuple[str, ...] = ()
    mentions: tuple[Span, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The speaker as the plain dictionary of the document format."""
        return {
            "id": self.id,
            "name": self.name,
            "kind": self.kind,
            "aliases": list(self.aliases),
            "mentions": [[m.start, m.end] for m in self.mentions],
        }


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """A speaker that was considered and not chosen, with its probability (0 to 1)."""

    speaker: str
    probability: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a quote is what it is: the rule or head that found it, the one that linked it, and who else was considered."""

    found_by: str
    linked_by: str
    runners_up: tuple[RunnerUp, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The evidence as a plain dictionary."""
        return {
            "found_by": self.found_by,
            "linked_by": self.linked_by,
            "runners_up": [{"speaker": r.speaker, "probability": r.probability} for r in self.runners_up],
        }


@dataclass(frozen=True, slots=True)
class Quote:
    """One act of reporting: what was said (``content``), the word that reports it (``cue``), who said it.

    ``source`` is the noun phrase or pronoun beside the cue that names who said it, ``None`` where the subject is elided
    or an attached pronoun. ``speaker`` is the entity it comes down to, ``None`` where nobody could be named.
    ``confidence`` is the probability (0 to 1) that the quote and its speaker are both right; ``None`` in gold data.
    ``parent`` is the id of the quote in whose content this one stands.
    """

    id: str
    type: QuoteType
    content: Span
    cue: Span
    source: Span | None = None
    speaker: Speaker | None = None
    confidence: float | None = None
    act: Act | None = None
    parent: str | None = None
    evidence: Evidence | None = None

    @property
    def text(self) -> str:
        """What was said, as it stands in the document."""
        return self.content.text

    def to_dict(self) -> dict[str, Any]:
        """The quote as the plain dictionary of the document format; optional fields only where they are known."""
        record: dict[str, Any] = {
            "id": self.id,
            "type": self.type,
            "cue": [self.cue.start, self.cue.end],
            "source": [self.source.start, self.source.end] if self.source else None,
            "content": [self.content.start, self.content.end],
            "speaker": self.speaker.id if self.speaker else None,
        }
        if self.confidence is not None:
            record["confidence"] = round(self.confidence, 4)
        if self.act is not None:
            record["act"] = self.act
        if self.parent is not None:
            record["parent"] = self.parent
        if self.evidence is not None:
            record["evidence"] = self.evidence.to_dict()
        return record


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its speakers and quotes (in the order of their contents), and whatever else its record carried.

    >>> record = {"id": "1", "text": "قال علي: نعم", "outlet": "x",
    ...           "speakers": [{"id": "S1", "name": "علي", "mentions": [[4, 7]]}],
    ...           "quotes": [{"id": "Q1", "type": "direct", "cue": [0, 3], "source": [4, 7], "content": [9, 12],
    ...                       "speaker": "S1"}]}
    >>> document = Document.from_dict(record)
    >>> document.quotes[0].speaker.name, document.quotes[0].text, document.metadata["outlet"]
    ('علي', 'نعم', 'x')
    """

    text: str
    id: str = ""
    speakers: tuple[Speaker, ...] = ()
    quotes: tuple[Quote, ...] = ()
    rejected: tuple[Quote, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def quotes_of(self, speaker: Speaker | str) -> Iterator[Quote]:
        """The quotes of one speaker, given as the value or its id."""
        wanted = speaker if isinstance(speaker, str) else speaker.id
        return (q for q in self.quotes if q.speaker is not None and q.speaker.id == wanted)

    def to_dict(self) -> dict[str, Any]:
        """The document as the plain dictionary of the document format, metadata on the top level as it came."""
        record: dict[str, Any] = {
            **self.metadata,
            "id": self.id,
            "text": self.text,
            "speakers": [s.to_dict() for s in self.speakers],
            "quotes": [q.to_dict() for q in self.quotes],
        }
        if self.rejected:
            record["rejected"] = [q.to_dict() for q in self.rejected]
        return record

    def to_html(self) -> str:
        """The document as one self-contained HTML page: the text with its quotes tinted by speaker, and a legend."""
        from quoteattr.html import render_html

        return render_html([self])

    def _repr_html_(self) -> str:
        """The document as notebooks show it."""
        from quoteattr.html import render_fragment

        return render_fragment(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Document:
        """Read and check the plain dictionary of the document format.

        Raises `SchemaError`, naming the field, for a record of a later format, one without text, offsets outside the text, a
        quote whose speaker is not among the speakers, a type or kind that does not exist, or an id that stands twice.
        """
        if not isinstance(record, Mapping):
            raise SchemaError(f"a document must be an object, not {type(record).__name__}")
        if (version := record.get(VERSION, FORMAT)) != FORMAT:
            raise SchemaError(f"the record has the format {version!r}, this quoteattr reads {FORMAT}: upgrade quoteattr")
        text = record.get("text")
        if not isinstance(text, str):
            raise SchemaError(f"'text' must be a string, not {type(text).__name__}")
        speakers: dict[str, Speaker] = {}
        for n, item in enumerate(_list(record, "speakers")):
            speaker = _speaker(text, item, f"speakers[{n}]")
            if speaker.id in speakers:
                raise SchemaError(f"speakers[{n}]: the id {speaker.id!r} stands twice")
            speakers[speaker.id] = speaker
        return cls(
            text=text,
            id=_string(record, "id", "document", default=""),
            speakers=tuple(speakers.values()),
            quotes=_quotes(text, _list(record, "quotes"), speakers, "quotes"),
            rejected=_quotes(text, _list(record, "rejected"), speakers, "rejected"),
            metadata={k: v for k, v in record.items() if k not in ("id", "text", "speakers", "quotes", "rejected")},
        )


def _list(record: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = record.get(key)
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise SchemaError(f"'{key}' must be a list, not {type(value).__name__}")
    return value


def _string(record: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    value = record.get(key, default)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise SchemaError(f"{where}: '{key}' must be a string, not {type(value).__name__}")
    return value


def _choice(record: Mapping[str, Any], key: str, where: str, choices: Sequence[str], default: str | None = None) -> Any:
    value = record.get(key, default)
    if value not in choices:
        raise SchemaError(f"{where}: '{key}' is {value!r}, expected one of {', '.join(choices)}")
    return value


def _span(text: str, value: Any, where: str) -> Span:
    if not (isinstance(value, list | tuple) and len(value) == 2 and all(type(v) is int for v in value)):
        raise SchemaError(f"{where}: expected [start, end] as two whole numbers, not {value!r}")
    try:
        return Span.of(text, value[0], value[1])
    except SchemaError as error:
        raise SchemaError(f"{where}: {error}") from None


def _speaker(text: str, item: Any, where: str) -> Speaker:
    if not isinstance(item, Mapping):
        raise SchemaError(f"{where} must be an object, not {type(item).__name__}")
    aliases = _list(item, "aliases")
    if not all(isinstance(a, str) for a in aliases):
        raise SchemaError(f"{where}: 'aliases' must be strings")
    return Speaker(
        id=_string(item, "id", where),
        name=_string(item, "name", where),
        kind=_choice(item, "kind", where, SPEAKER_KINDS, default="person"),
        aliases=tuple(aliases),
        mentions=tuple(_span(text, m, f"{where}.mentions[{k}]") for k, m in enumerate(_list(item, "mentions"))),
    )


def _quotes(text: str, items: Sequence[Any], speakers: Mapping[str, Speaker], key: str) -> tuple[Quote, ...]:
    quotes: dict[str, Quote] = {}
    for n, item in enumerate(items):
        quote = _quote(text, item, speakers, f"{key}[{n}]")
        if quote.id in quotes:
            raise SchemaError(f"{key}[{n}]: the id {quote.id!r} stands twice")
        quotes[quote.id] = quote
    return tuple(quotes.values())


def _quote(text: str, item: Any, speakers: Mapping[str, Speaker], where: str) -> Quote:
    if not isinstance(item, Mapping):
        raise SchemaError(f"{where} must be an object, not {type(item).__name__}")
    speaker_id = item.get("speaker")
    if speaker_id is not None and not (isinstance(speaker_id, str) and speaker_id in speakers):
        raise SchemaError(f"{where}: its speaker {speaker_id!r} is not among the speakers")
    confidence = item.get("confidence")
    if confidence is not None and not _probability(confidence):
        raise SchemaError(f"{where}: 'confidence' must be a number from 0 to 1, not {confidence!r}")
    source = item.get("source")
    parent = item.get("parent")
    return Quote(
        id=_string(item, "id", where),
        type=_choice(item, "type", where, QUOTE_TYPES),
        content=_span(text, item.get("content"), f"{where}.content"),
        cue=_span(text, item.get("cue"), f"{where}.cue"),
        source=None if source is None else _span(text, source, f"{where}.source"),
        speaker=None if speaker_id is None else speakers[speaker_id],
        confidence=None if confidence is None else float(confidence),
        act=None if item.get("act") is None else _choice(item, "act", where, ACTS),
        parent=None if parent is None else str(parent),
        evidence=_evidence(item.get("evidence"), f"{where}.evidence"),
    )


def _probability(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1


def _evidence(item: Any, where: str) -> Evidence | None:
    if item is None:
        return None
    if not isinstance(item, Mapping):
        raise SchemaError(f"{where} must be an object, not {type(item).__name__}")
    runners = _list(item, "runners_up")
    if not all(isinstance(r, Mapping) and "speaker" in r and _probability(r.get("probability")) for r in runners):
        raise SchemaError(f"{where}: 'runners_up' must be objects with 'speaker' and 'probability', a number from 0 to 1")
    return Evidence(
        found_by=_string(item, "found_by", where),
        linked_by=_string(item, "linked_by", where),
        runners_up=tuple(RunnerUp(str(r["speaker"]), float(r["probability"])) for r in runners),
    )
