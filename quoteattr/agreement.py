"""How far two annotations of the same documents agree: a check on annotators, and the ceiling of what a system can reach.

Quotes are paired as in an evaluation (`quoteattr.evaluate.match`), which treats both sides alike. Where two annotators choose
one of several labels for the same thing, Cohen's kappa (Cohen 1960) says how far they agree beyond chance; for finding quotes,
where there is no list of things to label, F1 takes its place (Hripcsak and Rothschild 2005), beside the kappa of the words,
each of which lies inside a content or outside.

>>> record = {"id": "1", "text": "قال علي: نعم", "speakers": [{"id": "S1", "name": "علي"}], "quotes": [
...     {"id": "Q1", "type": "direct", "cue": [0, 3], "source": [4, 7], "content": [9, 12], "speaker": "S1"}]}
>>> same = agree([Document.from_dict(record)], [Document.from_dict(record)])
>>> same.detection.f1, same.speaker.rate, same.words
(1.0, 1.0, 1.0)
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from quoteattr.evaluate import PRF, Accuracy, Report, Words, evaluate, match, paired, plain
from quoteattr.schema import Document, Quote


def kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float:
    """Cohen's kappa of two annotators' labels for the same things: 1 is full agreement, 0 what chance would give.

    nan where there is nothing to label; where both use one and the same label throughout, which chance explains fully, 1.

    >>> kappa([("a", "a"), ("a", "b"), ("b", "b"), ("b", "b")])
    0.5
    """
    if not pairs:
        return math.nan
    n = len(pairs)
    observed = sum(a == b for a, b in pairs) / n
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(first[label] * second[label] for label in first) / n**2
    return 1.0 if chance == 1 else (observed - chance) / (1 - chance)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two annotations agree.

    ``detection`` is the F1 of finding the same quotes; over quotes that both have: ``exact`` counts equal spans of cue,
    source and content, ``speaker`` those whose speakers share a name, ``same_name`` those whose speakers are called alike.
    ``type`` and ``kind`` (of the speaker) are kappas over these quotes, ``words`` the kappa of all words of the texts.
    ``report`` is the evaluation of the second annotation by the first; its errors are the disagreements.
    """

    documents: int
    detection: PRF
    exact: dict[str, Accuracy]
    speaker: Accuracy
    same_name: Accuracy
    type: float
    kind: float
    words: float
    report: Report

    def to_dict(self) -> dict[str, Any]:
        """All figures with their counts; null where there are no cases."""
        kappas = {"type": self.type, "speaker_kind": self.kind, "words": self.words}
        return {
            "documents": self.documents,
            "detection": self.detection.to_dict(),
            "exact": {name: accuracy.to_dict() for name, accuracy in self.exact.items()},
            "speaker": self.speaker.to_dict(),
            "same_name": self.same_name.to_dict(),
            "kappa": {name: None if math.isnan(value) else round(value, 4) for name, value in kappas.items()},
        }

    def to_text(self) -> str:
        """The figures for a terminal."""
        return "\n".join(_lines(self)) + "\n"


def agree(first: Sequence[Document], second: Sequence[Document]) -> Agreement:
    """Compare two annotations of the same documents. Raises `EvaluationError` where they are not of the same ones."""
    others = paired(first, second, ("the first annotation", "the second annotation"))
    report = evaluate(first, second)
    pairs = [(m.gold, m.predicted) for document in first for m in match(document, others[document.id])]
    named = [(a, b) for a, b in pairs if a.speaker is not None and b.speaker is not None]
    inside = [label for document in first for label in _inside(document, others[document.id])]
    return Agreement(
        documents=len(first),
        detection=report.counts.detection,
        exact={name: field.exact for name, field in report.counts.fields.items()},
        speaker=Accuracy(sum(_same_speaker(a, b) for a, b in pairs), len(pairs)),
        same_name=Accuracy(sum(_name(a) == _name(b) for a, b in pairs), len(pairs)),
        type=kappa([(a.type, b.type) for a, b in pairs]),
        kind=kappa([(a.speaker.kind, b.speaker.kind) for a, b in named if a.speaker and b.speaker]),
        words=kappa(inside),
        report=report,
    )


def _name(quote: Quote) -> str | None:
    return None if quote.speaker is None else plain(quote.speaker.name)


def _same_speaker(a: Quote, b: Quote) -> bool:
    """Whether two speakers share a name, or neither quote has one."""
    if a.speaker is None or b.speaker is None:
        return a.speaker is b.speaker
    one, other = ({plain(name) for name in (s.name, *s.aliases, *(m.text for m in s.mentions))} for s in (a.speaker, b.speaker))
    return not one.isdisjoint(other)


def _inside(a: Document, b: Document) -> Iterator[tuple[bool, bool]]:
    """For every word of the text, whether it lies in a content of each annotation."""
    words = Words(a.text)
    one, other = ({n for quote in d.quotes for n in range(*words.of(quote.content))} for d in (a, b))
    return ((n in one, n in other) for n in range(len(words)))


def _lines(agreement: Agreement) -> Iterator[str]:
    found = agreement.detection
    sizes = f"{found.tp + found.fn} quotes in the first annotation, {found.tp + found.fp} in the second"
    yield f"{agreement.documents} documents; {sizes}"
    yield f"{'same quotes (overlap >= 0.5), F1':<40}{_shown(found.f1)}  {found.tp} of both"
    for name, accuracy in agreement.exact.items():
        yield f"{f'  same {name}':<40}{_shown(accuracy.rate)}  {accuracy.right} of {accuracy.total}"
    for name, accuracy in (("same speaker", agreement.speaker), ("same name of the speaker", agreement.same_name)):
        yield f"{f'  {name}':<40}{_shown(accuracy.rate)}  {accuracy.right} of {accuracy.total}"
    for name, value in (
        ("type", agreement.type),
        ("kind of speaker", agreement.kind),
        ("words inside contents", agreement.words),
    ):
        yield f"{f'kappa, {name}':<40}{_shown(value)}"


def _shown(value: float) -> str:
    return f"{'–' if math.isnan(value) else format(value, '.3f'):>7}"
