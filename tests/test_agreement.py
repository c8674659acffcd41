"""Agreement of two annotations."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from cases import DATA, read_documents

from quoteattr.agreement import agree, kappa
from quoteattr.cli import main
from quoteattr.evaluate import EvaluationError

ARTICLES = read_documents(DATA / "articles.jsonl")


def test_kappa_is_that_of_the_textbook() -> None:
    # Cohen's table of two readers of 50 proposals: 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    assert kappa(pairs) == pytest.approx(0.4)
    assert kappa([("a", "b"), ("b", "a")]) == -1.0
    assert kappa([("a", "a")]) == 1.0
    assert math.isnan(kappa([]))


def test_what_two_annotations_share_and_where_they_part() -> None:
    document = next(d for d in ARTICLES if len(d.quotes) >= 4 and len(d.speakers) >= 2)
    first, second, *rest = document.quotes
    stranger = next(s for s in document.speakers if first.speaker is not None and s.id != first.speaker.id)
    other_type = "direct" if second.type == "indirect" else "indirect"
    changed = replace(document, quotes=(replace(first, speaker=stranger), replace(second, type=other_type), *rest[:-1]))
    found = agree([document], [changed])
    n = len(document.quotes)
    assert (found.detection.tp, found.detection.fn, found.detection.fp) == (n - 1, 1, 0)
    assert (found.speaker.right, found.speaker.total) == (n - 2, n - 1)
    assert found.exact["content"].rate == 1.0
    assert found.type < 1.0
    assert 0 < found.words < 1.0
    assert sorted(error.kind for error in found.report.errors()) == [
        "missed",
        "unresolved",
    ]  # the source as written is still right


def test_agreement_is_the_same_from_both_sides() -> None:
    fewer = [replace(d, quotes=d.quotes[1:]) for d in ARTICLES]
    one, other = agree(ARTICLES, fewer), agree(fewer, ARTICLES)
    assert one.detection.f1 == other.detection.f1 < 1
    assert (one.speaker, one.words, one.type) == (other.speaker, other.words, other.type)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    lines = [json.dumps(d.to_dict(), ensure_ascii=False) for d in ARTICLES]
    first.write_text("\n".join(lines), encoding="utf-8")
    second.write_text("\n".join(json.dumps(replace(d, quotes=d.quotes[1:]).to_dict()) for d in ARTICLES), encoding="utf-8")
    assert main(["agree", str(first), str(second), "--differences", "1"]) == 0
    out = capsys.readouterr().out
    assert f"{len(ARTICLES)} documents; " in out
    assert "missed · " in out
    assert main(["agree", str(first), str(second), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["detection"]["precision"] == 1.0
    second.write_text(lines[0], encoding="utf-8")
    assert main(["agree", str(first), str(second)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"quoteattr: {len(ARTICLES) - 1} missing from the second annotation: '")


def test_annotations_of_other_texts_are_refused() -> None:
    with pytest.raises(EvaluationError, match="its text in the second annotation differs from that in the first annotation"):
        agree(ARTICLES[:1], [replace(ARTICLES[1], id=ARTICLES[0].id)])
