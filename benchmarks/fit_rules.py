"""Fit the weights of the rules on annotated news and write them to ``quoteattr/data/rule_weights.json``.

    quoteattr convert training/news.jsonl --corpus ../shared/data/raw --to jsonl -o news.jsonl
    python benchmarks/fit_rules.py ../shared/data/gold/train.jsonl news.jsonl training/written.jsonl

Logistic regression with an L2 penalty over the named features of `quoteattr.rules.features`; a cue is right where its
first content overlaps the content of a gold quote with that cue by half of the words or more.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from candidates import overlap, plain
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from quoteattr.attributor import linker
from quoteattr.candidates import Candidates, Proposer
from quoteattr.rules import choose, decide, end_features, features, weights
from quoteattr.schema import Document
from quoteattr.text import NormalizedText, normalize

TARGET = Path(__file__).resolve().parent.parent / "quoteattr/data/rule_weights.json"


ROUNDS = 4


def _read(paths: Sequence[Path]) -> Iterator[tuple[Document, NormalizedText, Candidates]]:
    """The documents of gold sets with what is proposed for them."""
    proposer = Proposer()
    for path in paths:
        with path.open(encoding="utf8") as lines:
            for line in lines:
                document = Document.from_dict(json.loads(line))
                normalized = normalize(document.text)
                yield document, normalized, proposer(normalized)


def examples(paths: Sequence[Path]) -> tuple[list[dict[str, float]], list[bool]]:
    """The features of every proposed cue of gold sets, and whether it is right."""
    rows: list[dict[str, float]] = []
    labels: list[bool] = []
    for document, normalized, candidates in _read(paths):
        for cue in candidates.cues:
            start, end = normalized.original_span(cue.start, cue.end)
            chosen = choose(candidates.tokens, cue)
            content = normalized.original_span(chosen.start, chosen.end)
            labels.append(
                any(
                    start < q.cue.end
                    and q.cue.start < end
                    and overlap(document.text, content, (q.content.start, q.content.end)) >= 0.5
                    for q in document.quotes
                )
            )
            rows.append(dict(features(candidates.tokens, cue, chosen)))
    return rows, labels


def ends(paths: Sequence[Path]) -> tuple[list[list[list[str]]], list[int]]:
    """For every gold quote whose cue has several contents: their features, and which one fits best (0.8 or more)."""
    rows: list[list[list[str]]] = []
    labels: list[int] = []
    for document, normalized, candidates in _read(paths):
        for cue in candidates.cues:
            start, end = normalized.original_span(cue.start, cue.end)
            golds = [q for q in document.quotes if start < q.cue.end and q.cue.start < end]
            if len(cue.contents) < 2 or not golds:
                continue
            fits = [
                max(
                    overlap(document.text, normalized.original_span(c.start, c.end), (q.content.start, q.content.end))
                    for q in golds
                )
                for c in cue.contents
            ]
            if max(fits) >= 0.8:
                rows.append([list(end_features(candidates.tokens, cue, c)) for c in cue.contents])
                labels.append(fits.index(max(fits)))
    return rows, labels


def fit(rows: list[dict[str, float]], labels: list[bool], penalty: float = 0.5) -> dict[str, float]:
    """Weights of a logistic regression, one a feature."""
    names = sorted({name for row in rows for name in row})
    index = {name: n for n, name in enumerate(names)}
    data = [(r, index[name], value) for r, row in enumerate(rows) for name, value in row.items()]
    x = csr_matrix(([v for *_, v in data], ([r for r, *_ in data], [c for _, c, _ in data])), shape=(len(rows), len(names)))
    y = np.array(labels, dtype=float)

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        z = x @ w
        value = np.logaddexp(0, z).sum() - y @ z + penalty / 2 * w @ w
        return float(value), x.T @ (1 / (1 + np.exp(-z)) - y) + penalty * w

    result = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return {name: round(float(w), 3) for name, w in zip(names, result.x, strict=True) if abs(w) >= 0.02}


def links(paths: Sequence[Path]) -> tuple[list[list[list[str]]], list[int]]:
    """For every gold quote without a name beside it: the features of everyone who may be meant, and which one is right."""
    rows: list[list[list[str]]] = []
    labels: list[int] = []
    for document, normalized, candidates in _read(paths):
        reports = decide(candidates)
        resolver = linker(normalized, candidates, reports)
        linked = resolver.link()
        for n, report in enumerate(reports):
            found = linked.links[n]
            if found.rule.startswith("source"):
                continue
            cue = normalized.original_span(report.cue.start, report.cue.end)
            gold = next((q for q in document.quotes if cue[0] < q.cue.end and q.cue.start < cue[1]), None)
            if gold is None or gold.speaker is None:
                continue
            known = {plain(a) for a in (gold.speaker.name, *gold.speaker.aliases)}
            right = {
                index
                for index, entity in enumerate(linked.entities)
                if known
                & {
                    plain(normalized.original[slice(*normalized.original_span(*s))])
                    for m in entity.mentions
                    for s in ((m.start, m.end), m.name or (m.start, m.end))
                }
            }
            offers = resolver.offers(resolver.utterances[n], linked.links[:n])
            order = list(offers)
            target = next((k for k, index in enumerate(order) if index in right), None)
            if target is not None and len(order) > 1:
                rows.append([offers[index] for index in order])
                labels.append(target)
    return rows, labels


def fit_choice(rows: list[list[list[str]]], labels: list[int], penalty: float = 1.0) -> dict[str, float]:
    """Weights of a conditional logit: one choice a row, one number a feature."""
    names = sorted({name for row in rows for option in row for name in option})
    index = {name: n for n, name in enumerate(names)}
    flat = [option for row in rows for option in row]
    cells = [(r, index[name]) for r, option in enumerate(flat) for name in option]
    x = csr_matrix((np.ones(len(cells)), ([r for r, _ in cells], [c for _, c in cells])), shape=(len(flat), len(names)))
    group = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    first = np.cumsum([0, *(len(row) for row in rows)])[:-1]
    chosen = first + np.array(labels)

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        z = x @ w
        top = np.maximum.reduceat(z, first)
        e = np.exp(z - top[group])
        total = np.add.reduceat(e, first)
        p = e / total[group]
        value = (np.log(total) + top).sum() - z[chosen].sum() + penalty / 2 * w @ w
        p[chosen] -= 1
        return float(value), x.T @ p + penalty * w

    result = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return {name: round(float(w), 3) for name, w in zip(names, result.x, strict=True) if abs(w) >= 0.02}


def write(tables: dict[str, dict[str, float]]) -> None:
    """Write the tables to where the rules read them."""
    TARGET.write_text(json.dumps(tables, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf8")
    weights.cache_clear()


def main() -> None:
    """Fit and write the weights: first those of the cues, then those of the links, each on the links before."""
    parser = argparse.ArgumentParser(description="Fit the weights of the rules.")
    parser.add_argument("data", type=Path, nargs="+", help="annotated documents, JSON lines")
    options = parser.parse_args()
    tables: dict[str, dict[str, float]] = {"cue": {}, "end": {}, "link": {}}
    write(tables)
    choices, targets = ends(options.data)
    tables["end"] = fit_choice(choices, targets)
    print(f"{len(choices)} ends, {len(tables['end'])} weights")
    write(tables)
    rows, labels = examples(options.data)
    tables["cue"] = fit(rows, labels)
    print(f"{len(rows)} cues, {sum(labels)} right, {len(tables['cue'])} weights")
    write(tables)
    for _ in range(ROUNDS):
        choices, targets = links(options.data)
        tables["link"] = fit_choice(choices, targets, penalty=3.0)
        print(f"{len(choices)} links, {len(tables['link'])} weights")
        write(tables)


if __name__ == "__main__":
    main()
