"""Scores to confidences: how probable it is that a quote and its speaker are both right.

A logistic regression over the few numbers of `quoteattr.decode.signs`, fitted on annotated documents that the model was not
trained on. `cross_fitted` gives every document the confidences of a fit on the others, so that a set can be used for the fit
and still say how good it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import minimize

from quoteattr.attributor import QuoteAttributor
from quoteattr.engine import Loaded
from quoteattr.evaluate import match, right_speaker
from quoteattr.rules import logistic
from quoteattr.schema import Document

FOLDS = 10
_PENALTY = 0.1


@dataclass(frozen=True, slots=True)
class Read:
    """A gold document as the model reads it, with the signs of every quote and whether quote and speaker are right."""

    predicted: Document
    signs: tuple[Mapping[str, float], ...]
    right: tuple[bool, ...]


def read_gold(loaded: Loaded, gold: Sequence[Document]) -> list[Read]:
    """Gold documents as the model reads them from their texts alone."""
    seen: list[Mapping[str, float]] = []
    attributor = QuoteAttributor.of(loaded, watch=seen.append)
    found = []
    for document, predicted in zip(gold, attributor.pipe(d.text for d in gold), strict=True):
        own = tuple(seen[: len(predicted.quotes)])
        del seen[: len(predicted.quotes)]
        matches = {x.predicted.id: x.gold for x in match(document, predicted)}
        right = tuple(q.id in matches and right_speaker(matches[q.id], q) for q in predicted.quotes)
        found.append(Read(replace(predicted, id=document.id), own, right))
    return found


def fit(read: Sequence[Read]) -> dict[str, float]:
    """The weights of the regression, one a sign."""
    rows = [own for document in read for own in document.signs]
    labels = np.array([yes for document in read for yes in document.right], dtype=float)
    if not rows:
        return {}
    names = list(rows[0])
    x = np.array([[row[name] for name in names] for row in rows])

    def loss(w: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[float, np.ndarray[Any, np.dtype[np.float64]]]:
        z = x @ w
        value = np.logaddexp(0, z).sum() - labels @ z + _PENALTY / 2 * w @ w
        return float(value), x.T @ (1 / (1 + np.exp(-z)) - labels) + _PENALTY * w

    result = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B")
    return {name: round(float(weight), 4) for name, weight in zip(names, result.x, strict=True)}


def cross_fitted(read: Sequence[Read]) -> list[Document]:
    """The predicted documents, each with the confidences of a fit on the documents of the other folds."""
    done: list[Document] = [document.predicted for document in read]
    for fold in range(FOLDS):
        weights = fit([document for n, document in enumerate(read) if n % FOLDS != fold])
        for n in range(fold, len(read), FOLDS):
            done[n] = with_confidences(read[n], weights)
    return done


def with_confidences(read: Read, weights: Mapping[str, float]) -> Document:
    """The predicted document with the confidences of given weights."""
    quotes = tuple(
        replace(quote, confidence=round(logistic(sum(weights.get(name, 0.0) * value for name, value in own.items())), 4))
        for quote, own in zip(read.predicted.quotes, read.signs, strict=True)
    )
    return replace(read.predicted, quotes=quotes)
