"""The rules on the small cases of ``data/cases.jsonl``, phenomenon by phenomenon.

A case passes where every gold quote is found with its content, cue and speaker, and nothing else is. What the rules
can't do is listed in ``data/known_failures.json``; such a case must go on failing, in the way listed. After a change
of the rules ``python tests/test_cases.py`` writes the list anew and prints the share of each phenomenon that passes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

import pytest
from cases import DATA, Case, read_cases

from quoteattr.attributor import QuoteAttributor
from quoteattr.evaluate import CLOSE, match, right_speaker
from quoteattr.schema import Document

LIST = DATA / "known_failures.json"
KNOWN: dict[str, str] = json.loads(LIST.read_text(encoding="utf-8"))
REASONS = ("missed", "spurious", "boundary", "speaker")
CASES = read_cases()


def failure(gold: Document, predicted: Document) -> str | None:
    """The gravest thing that is wrong with a prediction, one of `REASONS`; ``None`` where nothing is."""
    matches = match(gold, predicted)
    if len(matches) < len(gold.quotes):
        return "missed"
    if len(matches) < len(predicted.quotes):
        return "spurious"
    if any(m.overlap < CLOSE or not m.gold.cue.overlaps(m.predicted.cue) for m in matches):
        return "boundary"
    if not all(right_speaker(m.gold, m.predicted) for m in matches):
        return "speaker"
    return None


def failures(cases: Iterable[Case]) -> dict[str, str]:
    """What the rules get wrong now: the id of a case and the reason."""
    attributor = QuoteAttributor.rules()
    found = ((case.id, failure(case.document, attributor(case.document.text))) for case in cases)
    return {id: reason for id, reason in found if reason is not None}


def _parameters() -> list[object]:
    listed = {id: [pytest.mark.xfail(reason=reason, raises=AssertionError, strict=True)] for id, reason in KNOWN.items()}
    return [pytest.param(case, id=case.id, marks=listed.get(case.id, [])) for case in CASES]


@pytest.fixture(scope="module")
def attributor() -> QuoteAttributor:
    return QuoteAttributor.rules()


@pytest.mark.parametrize("case", _parameters())
def test_case(case: Case, attributor: QuoteAttributor) -> None:
    reason = failure(case.document, attributor(case.document.text))
    listed = KNOWN.get(case.id, reason)
    if reason is not None and reason != listed:
        pytest.fail(f"{reason}, but {LIST.name} says {listed}: run python tests/test_cases.py")
    assert reason is None, case.document.text


def test_the_list_names_cases_and_reasons() -> None:
    assert set(KNOWN) <= {case.id for case in CASES}
    assert set(KNOWN.values()) <= set(REASONS)


def test_most_cases_pass() -> None:
    assert len(KNOWN) <= 0.4 * len(CASES)


if __name__ == "__main__":
    now = failures(CASES)
    LIST.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
    total = Counter(case.phenomenon for case in CASES)
    failed = Counter(case.phenomenon for case in CASES if case.id in now)
    for phenomenon in sorted(total, key=lambda p: (-failed[p] / total[p], p)):
        print(f"{phenomenon:28} {total[phenomenon] - failed[phenomenon]:2} of {total[phenomenon]:2}")
    print(f"{len(CASES) - len(now)} of {len(CASES)} cases pass; {dict(Counter(now.values()))}")
