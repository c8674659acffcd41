"""A suite of annotated documents that are tagged by phenomenon: systems side by side, group by group.

A suite is a folder of gold files (JSON lines). Every document says in ``phenomenon`` to which group it belongs; one with
``"extension": true`` is counted apart, since it goes beyond the guidelines. The parts of a suite are its files.

>>> gold = Document.from_dict({"id": "1", "phenomenon": "vso", "text": "قال علي: نعم", "speakers": [{"id": "S1", "name": "علي"}],
...     "quotes": [{"id": "Q1", "type": "direct", "cue": [0, 3], "source": [4, 7], "content": [9, 12], "speaker": "S1"}]})
>>> suite = Suite({"open": (gold,)})
>>> result = compare(suite, {"perfect": [gold], "silent": [Document(gold.text, "1")]})
>>> result.groups["vso"]["perfect"].counts.end_to_end.f1, result.groups["vso"]["silent"].counts.end_to_end.f1
(1.0, 0.0)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quoteattr.corpus import Failure, read_gold
from quoteattr.evaluate import Interval, Report, evaluate
from quoteattr.schema import Document

EXTENSION = "extension"
"""The group of what goes beyond the guidelines; it is in no total."""
_SHUFFLES, _SEED = 10_000, 20160101


class SuiteError(ValueError):
    """A folder is no suite; each argument is one line that says what is wrong."""


@dataclass(frozen=True, slots=True)
class Suite:
    """The documents of a suite by part, a part being called like its file."""

    parts: Mapping[str, tuple[Document, ...]]

    @classmethod
    def read(cls, folder: Path) -> Suite:
        """The suite of a folder. Raises `SuiteError` where it holds no gold file, or one with a bad or untagged document."""
        files = sorted(folder.glob("*.jsonl"))
        if not files:
            what = "holds no .jsonl file of annotated documents" if folder.is_dir() else "no such folder"
            raise SuiteError(f"{folder}: {what}")
        parts, problems = {}, []
        for file in files:
            documents = []
            for item in read_gold(str(file)):
                if isinstance(item, Failure):
                    problems.append(str(item))
                elif not isinstance(item.metadata.get("phenomenon"), str):
                    problems.append(f"{file}: document {item.id!r} has no 'phenomenon'")
                else:
                    documents.append(item)
            parts[file.stem] = tuple(documents)
        if problems:
            raise SuiteError(*problems)
        return cls(parts)

    @property
    def documents(self) -> tuple[Document, ...]:
        """All documents, in the order of the parts."""
        return tuple(document for part in self.parts.values() for document in part)


def group_of(document: Document) -> str:
    """The group in which a document is counted."""
    return EXTENSION if document.metadata.get("extension") else str(document.metadata["phenomenon"])


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better one system is than another, end to end: the difference of F1, its 95 % interval and the p-value.

    The p-value is that of a two-sided approximate randomization test with 10,000 shuffles, in each of which the outputs of every
    document change sides with probability ½ (Noreen 1989; Yeh 2000, «More accurate tests for the statistical significance of
    result differences», COLING). The interval is a paired bootstrap over documents.
    """

    f1: float
    interval: Interval
    p: float

    def to_dict(self) -> dict[str, Any]:
        """The difference as a plain dictionary."""
        return {"f1": round(self.f1, 4), **self.interval.to_dict(), "p": round(self.p, 4)}


def difference(a: Report, b: Report) -> Difference:
    """Compare the end-to-end F1 of two reports on the same documents, which must stand in the same order."""
    import numpy as np

    def rows(report: Report) -> Any:
        found = [score.counts.end_to_end for score in report.documents]
        return np.array([(2 * x.tp, 2 * x.tp + x.fp + x.fn) for x in found], dtype=float).reshape(-1, 2)

    def f1(sums: Any) -> Any:
        return np.divide(sums[..., 0], sums[..., 1], out=np.zeros(sums.shape[:-1]), where=sums[..., 1] > 0)

    if [x.id for x in a.documents] != [x.id for x in b.documents]:
        raise ValueError("the reports are not on the same documents")
    one, other = rows(a), rows(b)
    n = len(one)
    if not n:
        return Difference(math.nan, Interval(math.nan, math.nan), math.nan)
    observed = float(f1(one.sum(0)) - f1(other.sum(0)))
    random = np.random.default_rng(_SEED)
    swap = random.integers(0, 2, size=(_SHUFFLES, n))
    moved = swap @ (other - one)
    shuffled = f1(one.sum(0) + moved) - f1(other.sum(0) - moved)
    p = (1 + int((np.abs(shuffled) >= abs(observed) - 1e-12).sum())) / (1 + _SHUFFLES)
    drawn = random.multinomial(n, [1 / n] * n, size=_SHUFFLES)
    low, high = np.quantile(f1(drawn @ one) - f1(drawn @ other), [0.025, 0.975])
    return Difference(observed, Interval(float(low), float(high)), p)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The reports of some systems, each by the system's name: over all ``total`` documents, by ``parts`` and by ``groups``.

    ``differences`` compares the first system with each other one. The extension is a group and in nothing else but ``reports``,
    which are on every document.
    """

    reports: Mapping[str, Report]
    total: Mapping[str, Report]
    parts: Mapping[str, Mapping[str, Report]]
    groups: Mapping[str, Mapping[str, Report]]
    differences: Mapping[str, Difference]

    def to_dict(self) -> dict[str, Any]:
        """All figures with their counts, ready for JSON."""
        return {
            "total": {name: _figures(report) for name, report in self.total.items()},
            "parts": {part: {name: _figures(report) for name, report in own.items()} for part, own in self.parts.items()},
            "groups": {group: {name: _figures(report) for name, report in own.items()} for group, own in self.groups.items()},
            "differences": {name: own.to_dict() for name, own in self.differences.items()},
        }

    def to_text(self) -> str:
        """The tables for a terminal: the systems over all, then the groups with the end-to-end F1 of every system."""
        return "\n".join(_lines(self)) + "\n"


def compare(
    suite: Suite, predicted: Mapping[str, Sequence[Document]], attributed: Mapping[str, Sequence[Document]] | None = None
) -> Comparison:
    """Score the predictions of systems on a suite; ``attributed`` holds for some of them the gold quotes with speakers.

    Raises `EvaluationError` where predictions are not of the documents of the suite.
    """
    documents = suite.documents
    reports = {name: evaluate(documents, own, (attributed or {}).get(name)) for name, own in predicted.items()}
    scores = {name: {score.id: score for score in report.documents} for name, report in reports.items()}

    def on(chosen: Iterable[Document]) -> dict[str, Report]:
        ids = [document.id for document in chosen]
        return {name: Report.of(own[id] for id in ids) for name, own in scores.items()}

    groups: dict[str, list[Document]] = {}
    for document in documents:
        groups.setdefault(group_of(document), []).append(document)
    groups.update({EXTENSION: groups.pop(EXTENSION)} if EXTENSION in groups else {})  # last
    total = on(document for document in documents if group_of(document) != EXTENSION)
    first = next(iter(total), None)
    return Comparison(
        reports,
        total,
        {part: on(d for d in own if group_of(d) != EXTENSION) for part, own in suite.parts.items()},
        {group: on(own) for group, own in groups.items()},
        {name: difference(total[first], report) for name, report in total.items() if first is not None and name != first},
    )


def _figures(report: Report) -> dict[str, Any]:
    """What is kept of a report: the figures of the table with their counts."""
    counts = report.counts
    return {
        "documents": len(report.documents),
        "gold_quotes": counts.detection.tp + counts.detection.fn,
        "detection": counts.detection.to_dict(),
        "attribution": counts.attribution.right.to_dict(),
        "end_to_end": counts.end_to_end.to_dict(),
        "resolved": counts.resolved.to_dict(),
        "speaker_share_error": report.share_error.to_dict(),
        "intervals": {name: report.intervals[name].to_dict() for name in ("detection", "attribution", "end_to_end", "resolved")},
    }


_NAME = 26


def _lines(comparison: Comparison) -> Iterator[str]:
    for title, reports in (("all", comparison.total), *comparison.parts.items()):
        if title != "all" and len(comparison.parts) == 1:
            continue
        yield f"{title}: {_size(reports)}"
        yield f"{'':<{_NAME}}{'detection':>10}{'speaker':>9}{'end to end':>11}  {'95 %':<15}{'resolved':>9}{'share error':>12}"
        for name, report in reports.items():
            yield _row(name, report)
        yield ""
    systems = list(comparison.total)
    for name, own in comparison.differences.items():
        ends = f"{own.interval.low:+.3f} to {own.interval.high:+.3f}"
        yield f"{systems[0]} − {name}: {own.f1:+.3f} end to end ({ends}), p = {own.p:.4f}"
    if comparison.differences:
        yield ""
    names = "".join(f"{name[:13]:>14}" for name in systems)
    yield f"{'end to end F1':<{_NAME}}{'items':>6}{'quotes':>7}{names}  95 % of the first"
    for group, reports in comparison.groups.items():
        first = reports[systems[0]]
        quotes = first.counts.detection.tp + first.counts.detection.fn
        cells = "".join(f"{_shown(report.counts.end_to_end.f1):>14}" for report in reports.values())
        yield f"{group:<{_NAME}}{len(first.documents):>6}{quotes:>7}{cells}  {_ends(first.intervals['end_to_end'])}"


def _size(reports: Mapping[str, Report]) -> str:
    report = next(iter(reports.values()))
    quotes = report.counts.detection.tp + report.counts.detection.fn
    return f"{len(report.documents)} documents, {quotes} gold quotes"


def _row(name: str, report: Report) -> str:
    counts = report.counts
    return (
        f"{name:<{_NAME}}{_shown(counts.detection.f1):>10}{_shown(counts.attribution.right.rate):>9}"
        f"{_shown(counts.end_to_end.f1):>11}  {_ends(report.intervals['end_to_end']):<15}{_shown(counts.resolved.f1):>9}"
        f"{_shown(report.share_error.total):>12}"
    )


def _shown(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _ends(interval: Interval) -> str:
    return "" if math.isnan(interval.low) else f"{interval.low:.3f} to {interval.high:.3f}"
