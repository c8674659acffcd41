"""The rules on annotated news that does not belong to the repository; left out where there is none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cases import feature_names

from quoteattr.attributor import QuoteAttributor
from quoteattr.evaluate import Report, evaluate
from quoteattr.rules import weights
from quoteattr.schema import Document


@pytest.fixture(scope="module")
def gold(shared_data: Path) -> tuple[Document, ...]:
    lines = (shared_data / "gold" / "dev.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(Document.from_dict(json.loads(line)) for line in lines)


@pytest.fixture(scope="module")
def predicted(gold: tuple[Document, ...]) -> tuple[Document, ...]:
    attributor = QuoteAttributor.rules()
    return tuple(replace(attributor(document.text), id=document.id) for document in gold)


@pytest.fixture(scope="module")
def report(gold: tuple[Document, ...], predicted: tuple[Document, ...]) -> Report:
    return evaluate(gold, predicted)


def test_quotes_are_found(report: Report) -> None:
    assert report.counts.detection.f1 >= 0.80


def test_found_quotes_have_the_right_speaker(report: Report) -> None:
    assert report.counts.matched.right.rate >= 0.82


def test_quotes_are_found_with_the_right_speaker(report: Report) -> None:
    assert report.counts.end_to_end.f1 >= 0.68


def test_given_quotes_have_the_right_speaker(gold: tuple[Document, ...], predicted: tuple[Document, ...]) -> None:
    attributor = QuoteAttributor.rules()
    attributed = [replace(attributor.attribute(d.text, [(q.cue, q.content) for q in d.quotes]), id=d.id) for d in gold]
    for wanted, got in zip(gold, attributed, strict=True):
        assert [(q.cue, q.content) for q in got.quotes] == [(q.cue, q.content) for q in wanted.quotes]
    assert evaluate(gold, predicted, attributed).counts.attribution.right.rate >= 0.80


def test_every_span_is_exact(predicted: tuple[Document, ...]) -> None:
    for document in predicted:
        for quote in document.quotes:
            for span in (quote.content, quote.cue, quote.source):
                assert span is None or (span.text and document.text[span.start : span.end] == span.text)
        for speaker in document.speakers:
            assert speaker.name
            assert speaker.mentions or not speaker.aliases
            assert all(document.text[m.start : m.end] == m.text for m in speaker.mentions)


def test_confidence_tells_right_from_wrong(report: Report) -> None:
    sure = [v.right for d in report.documents for v in d.verdicts if v.confidence is not None and v.confidence >= 0.9]
    unsure = [v.right for d in report.documents for v in d.verdicts if v.confidence is not None and v.confidence < 0.6]
    assert sum(sure) / len(sure) > sum(unsure) / len(unsure) + 0.2


def test_the_rules_still_yield_the_features_that_have_weights(gold: tuple[Document, ...]) -> None:
    found = feature_names(document.text for document in gold)
    for decision, table in weights().items():
        families = {name.partition(":")[0] for name in table}
        missing = families - {name.partition(":")[0] for name in found[decision]}
        assert len(missing) <= 0.1 * len(families), f"{decision}: {sorted(missing)}"
