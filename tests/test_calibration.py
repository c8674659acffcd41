"""Confidence: fitted to how often quotes are right, and for a set itself on the documents of other folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from encoders import ARTICLES, build_model
from transformers import AutoTokenizer

from quoteattr.calibration import FOLDS, Read, cross_fitted, fit, read_gold, with_confidences
from quoteattr.model import loaded
from quoteattr.rules import logistic
from quoteattr.schema import Document, Quote, Span

Signs = Mapping[str, float]


def read(signs: Sequence[Signs], right: Sequence[bool], id: str = "") -> Read:
    quotes = tuple(Quote(f"Q{n}", "indirect", Span(4, 8, "نعم."), Span(0, 3, "قال"), None, None) for n in range(len(signs)))
    return Read(Document("قال نعم.", id=id, quotes=quotes), tuple(signs), tuple(right))


def confidence(weights: Mapping[str, float], signs: Signs) -> float:
    (quote,) = with_confidences(read([signs], [True]), weights).quotes
    assert quote.confidence is not None
    return quote.confidence


def test_the_fit_gives_the_frequencies_that_it_was_shown() -> None:
    plain, marked = {"bias": 1.0, "marked": 0.0}, {"bias": 1.0, "marked": 1.0}
    weights = fit([read([plain] * 500, [n % 5 == 0 for n in range(500)]), read([marked] * 500, [n % 10 > 0 for n in range(500)])])
    assert confidence(weights, plain) == pytest.approx(0.2, abs=0.01)
    assert confidence(weights, marked) == pytest.approx(0.9, abs=0.01)


def test_log_odds_that_are_probabilities_already_are_kept() -> None:
    levels = (-2.0, -1.0, 0.0, 1.0, 2.0)
    rows = [{"bias": 1.0, "cue": level} for level in levels for _ in range(200)]
    right = [n < 200 * logistic(level) for level in levels for n in range(200)]
    weights = fit([read(rows, right)])
    assert weights["bias"] == pytest.approx(0, abs=0.1)
    assert weights["cue"] == pytest.approx(1, abs=0.1)


def test_few_quotes_that_are_all_right_give_no_certainty() -> None:
    weights = fit([read([{"bias": 1.0, "cue": 3.0}] * 3, [True] * 3)])
    assert 0.5 < confidence(weights, {"bias": 1.0, "cue": 3.0}) < 0.9999


@pytest.mark.parametrize("documents", [[], [read([], [])]], ids=["no document", "no quote"])
def test_without_quotes_nothing_is_fitted(documents: list[Read]) -> None:
    assert fit(documents) == {}
    assert cross_fitted(documents) == [document.predicted for document in documents]


def test_a_document_gets_its_confidence_from_the_other_folds_alone() -> None:
    common = {"bias": 1.0, "odd": 0.0}
    odd = {"bias": 1.0, "odd": 1.0}
    documents = [read([common] * 4, [True, True, True, False], str(n)) for n in range(2 * FOLDS)]
    documents[3] = read([odd] * 5, [False] * 5, "3")
    found = cross_fitted(documents)
    assert [document.id for document in found] == [document.predicted.id for document in documents]
    others = fit([document for n, document in enumerate(documents) if n % FOLDS != 3])
    assert [quote.confidence for quote in found[3].quotes] == [confidence(others, odd)] * 5
    # of the other documents none has the odd sign, so it says nothing; with its own it would say: wrong
    assert found[3].quotes[0].confidence == pytest.approx(0.75, abs=0.02)
    assert confidence(fit(documents), odd) < 0.4
    # a document of another fold was told by the odd one, and by those of the odd one's fold
    told = fit([document for n, document in enumerate(documents) if n % FOLDS != 4])
    assert found[4].quotes[0].confidence == found[14].quotes[0].confidence == confidence(told, common)


def test_a_single_document_is_not_told_by_itself() -> None:
    (found,) = cross_fitted([read([{"bias": 1.0}] * 4, [False] * 4)])
    assert [quote.confidence for quote in found.quotes] == [0.5] * 4


def test_confidences_change_nothing_else() -> None:
    before = read([{"bias": 1.0}, {"bias": 1.0}], [True, False], "a")
    after = with_confidences(before, {"bias": 2.0})
    assert [quote.confidence for quote in after.quotes] == [0.8808] * 2
    assert [(q.id, q.content, q.cue) for q in after.quotes] == [(q.id, q.content, q.cue) for q in before.predicted.quotes]
    assert (after.id, after.text) == ("a", before.predicted.text)


def test_gold_is_read_with_the_signs_and_the_truth_of_every_quote(encoders: Mapping[str, Path]) -> None:
    model = build_model(encoders["bert"])
    tokenizer = AutoTokenizer.from_pretrained(encoders["bert"])
    found = read_gold(loaded(model, tokenizer), ARTICLES)
    assert [x.predicted.id for x in found] == [document.id for document in ARTICLES]
    assert [x.predicted.text for x in found] == [document.text for document in ARTICLES]
    for own in found:
        assert len(own.signs) == len(own.right) == len(own.predicted.quotes) > 0
        for quote, signs in zip(own.predicted.quotes, own.signs, strict=True):
            assert signs["bias"] == 1
            assert quote.source is not None or signs["named"] == 0
    assert {yes for own in found for yes in own.right} == {True, False}
