"""Speakers by the simplest thinkable rules, to be beaten: what a benchmark compares a system with.

A baseline takes quotes as the rules find them, or as somebody gives them, and only chooses who said them, among the names of
the text. It reads no cue, no title, no pronoun and no agreement.

>>> text = "قال وزير النقل سامي العلي إن الجسر سيفتح غدا. وزار الوزير عمر حداد الموقع. وأضاف أن العمل كان صعبا."
>>> [[quote.speaker.name for quote in baseline(Document(text)).quotes] for baseline in BASELINES.values()]
[['سامي العلي', 'عمر حداد'], ['سامي العلي', 'عمر حداد'], ['سامي العلي', 'سامي العلي']]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from quoteattr.attributor import QuoteAttributor, Reading
from quoteattr.candidates import Candidates, Proposer
from quoteattr.evaluate import plain
from quoteattr.schema import Document, Quote, Span, Speaker, SpeakerKind
from quoteattr.text import NormalizedText, normalize


@dataclass(frozen=True, slots=True)
class Name:
    """A name as it stands in a text, and whether a verb stands before it whose subject it can be."""

    span: Span
    kind: SpeakerKind
    subject: bool


Choice = Callable[[Quote, Sequence[Name]], Name | None]


@dataclass(frozen=True, slots=True)
class Baseline:
    """Names the speaker of every quote by one choice among the names of the text, which stand in its order."""

    choice: Choice

    def __call__(self, document: Document) -> Document:
        """The quotes that the rules find in the text of a document."""
        return self.attribute(replace(_rules()(document.text), id=document.id))

    def attribute(self, document: Document) -> Document:
        """The quotes of a document with the speakers that the choice gives them, and no source."""
        names = _names(document.text)
        chosen = [self.choice(quote, names) for quote in document.quotes]
        spoken = {plain(name.span.text): name for name in chosen if name is not None}
        speakers = {
            key: Speaker(f"S{n}", name.span.text, name.kind, mentions=(name.span,))
            for n, (key, name) in enumerate(spoken.items(), 1)
        }
        quotes = [
            replace(
                quote,
                source=None,
                speaker=None if name is None else speakers[plain(name.span.text)],
                confidence=None,
                evidence=None,
            )
            for quote, name in zip(document.quotes, chosen, strict=True)
        ]
        return Document(document.text, document.id, tuple(speakers.values()), tuple(quotes))


@cache
def _rules() -> QuoteAttributor:
    return QuoteAttributor.rules()


@cache
def _proposer() -> Proposer:
    return Proposer()


def _names(text: str) -> list[Name]:
    normalized = normalize(text)
    found = []
    for mention in _proposer()(normalized).mentions:
        if mention.name is not None:
            start, end = normalized.original_span(*mention.name)
            found.append(Name(Span.of(text, start, end), mention.kind, mention.subject))
    return found


def _nearest_before(quote: Quote, names: Sequence[Name]) -> Name | None:
    """The last name that ends before the content begins; where none does, the first of the text."""
    before = [name for name in names if name.span.end <= quote.content.start]
    return before[-1] if before else next(iter(names), None)


def _last_subject(quote: Quote, names: Sequence[Name]) -> Name | None:
    """The last name before the content that is the subject of a verb; where there is none, the nearest before."""
    return _nearest_before(quote, [name for name in names if name.subject] or names)


def _most_frequent(quote: Quote, names: Sequence[Name]) -> Name | None:
    """The name that stands most often in the text, the first of those that do."""
    if not names:
        return None
    counts = Counter(plain(name.span.text) for name in names)
    return max(names, key=lambda name: counts[plain(name.span.text)])


BASELINES: Mapping[str, Baseline] = {
    "nearest-name": Baseline(_nearest_before),
    "last-subject": Baseline(_last_subject),
    "most-frequent": Baseline(_most_frequent),
}
"""The baselines by name."""


def model_alone(model: str | Path | None = None) -> QuoteAttributor:
    """A model, the bundled one by default, that is not told which cues the rules propose: what the rules are worth to it.

    It finds cues, contents and sources by itself, and links with the rules' mentions, features and scores as ever.
    Raises `ModelError` like `QuoteAttributor.from_pretrained`.
    """
    from quoteattr.decode import ModelReader
    from quoteattr.engine import load_engine
    from quoteattr.models import BUNDLED

    loaded = load_engine(BUNDLED if model is None else model)
    read = ModelReader(loaded.engine, loaded.encoder)

    def alone(texts: Sequence[tuple[NormalizedText, Candidates]], whole: bool = False) -> Sequence[Reading]:
        return read([(normalized, replace(candidates, cues=())) for normalized, candidates in texts], whole=True)

    return QuoteAttributor(Proposer(), alone, 1, facts=loaded.facts)
