"""Suites: groups and parts add up, the difference of two systems, and the command that compares them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cases import DATA, read_documents
from pages import HOSTILE, quote

from quoteattr.attributor import QuoteAttributor
from quoteattr.baselines import BASELINES, model_alone
from quoteattr.error_page import KINDS, render_errors
from quoteattr.evaluate import evaluate
from quoteattr.schema import Document, Speaker
from quoteattr.suite import EXTENSION, Suite, SuiteError, compare, difference

ARTICLES = read_documents(DATA / "articles.jsonl")
RULES = QuoteAttributor.rules()


def tagged(document: Document, phenomenon: str, **others: Any) -> Document:
    return replace(document, metadata={**document.metadata, "phenomenon": phenomenon, **others})


def silent(document: Document) -> Document:
    return Document(document.text, document.id)


SUITE = Suite(
    {
        "open": tuple(tagged(d, ("a", "b")[n % 2]) for n, d in enumerate(ARTICLES[:4])),
        "sealed": (tagged(ARTICLES[4], "a"), tagged(ARTICLES[5], "b", extension=True)),
    }
)


def write(folder: Path, suite: Suite = SUITE) -> Path:
    for name, documents in suite.parts.items():
        lines = (json.dumps(document.to_dict(), ensure_ascii=False) + "\n" for document in documents)
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def quotes(documents: tuple[Document, ...]) -> int:
    return sum(len(document.quotes) for document in documents)


def test_groups_and_parts_add_up_and_the_extension_is_apart() -> None:
    predicted = [replace(RULES(d.text), id=d.id) for d in SUITE.documents]
    result = compare(SUITE, {"rules": predicted, "gold": SUITE.documents})
    assert list(result.groups) == ["a", "b", EXTENSION]
    found = {name: reports["rules"].counts.end_to_end for name, reports in result.groups.items()}
    assert found["a"] + found["b"] == result.total["rules"].counts.end_to_end
    parts = [reports["rules"].counts.end_to_end for reports in result.parts.values()]
    assert parts[0] + parts[1] == result.total["rules"].counts.end_to_end
    detection = result.groups[EXTENSION]["gold"].counts.detection
    assert (detection.tp, detection.fn) == (len(ARTICLES[5].quotes), 0)
    assert result.total["gold"].counts.detection.tp == quotes(SUITE.documents) - len(ARTICLES[5].quotes)


def test_the_difference_of_a_system_to_itself_is_nothing_and_to_a_silent_one_everything() -> None:
    gold = evaluate(ARTICLES, ARTICLES)
    same = difference(gold, evaluate(ARTICLES, ARTICLES))
    assert (same.f1, same.interval.low, same.interval.high, same.p) == (0.0, 0.0, 0.0, 1.0)
    much = difference(gold, evaluate(ARTICLES, [silent(d) for d in ARTICLES]))
    assert (much.f1, much.interval.low) == (1.0, 1.0)
    # in a shuffle the difference is as large only where all documents change sides, or none does
    assert much.p == pytest.approx(2 / 2 ** len([d for d in ARTICLES if d.quotes]), abs=0.002)


def test_the_difference_is_that_of_the_second_to_the_first_with_the_sign_turned() -> None:
    half = [d if n % 2 else silent(d) for n, d in enumerate(ARTICLES)]
    one, other = evaluate(ARTICLES, half), evaluate(ARTICLES, [silent(d) for d in ARTICLES])
    assert difference(one, other).f1 == pytest.approx(one.counts.end_to_end.f1)
    assert difference(other, one).f1 == pytest.approx(-one.counts.end_to_end.f1)
    with pytest.raises(ValueError, match="not on the same documents"):
        difference(one, evaluate(ARTICLES[1:], ARTICLES[1:]))


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_keeps_the_quotes_and_names_somebody_of_the_text_as_speaker(name: str) -> None:
    for document in ARTICLES:
        named = BASELINES[name].attribute(document)
        assert [(q.cue, q.content) for q in named.quotes] == [(q.cue, q.content) for q in document.quotes]
        assert all(q.source is None for q in named.quotes)
        assert all(q.speaker is None or q.speaker.name in document.text for q in named.quotes)
        assert Document.from_dict(named.to_dict()) == named


def test_a_text_without_a_name_gets_no_speaker_from_a_baseline() -> None:
    document = RULES("وذكرت مصادر طبية أن المصابين غادروا المستشفى.")
    assert [quote.speaker for quote in BASELINES["most-frequent"].attribute(document).quotes] == [None]


def test_a_model_alone_finds_quotes_that_no_rule_proposed() -> None:
    text = "قال وزير النقل سامي العلي إن الجسر سيفتح غدا."
    (quote,) = model_alone()(text).quotes
    assert quote.speaker is not None
    assert (quote.cue.text, quote.speaker.name) == ("قال", "سامي العلي")


def evaluated(*arguments: object) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "quoteattr", "evaluate", *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    return run.returncode, run.stdout, run.stderr


def test_the_command_compares_the_systems_and_files_that_are_asked_for(tmp_path: Path) -> None:
    folder = write(tmp_path / "suite" if (tmp_path / "suite").mkdir() is None else tmp_path)
    rival = tmp_path / "rival.jsonl"
    rival.write_text("".join(json.dumps(silent(d).to_dict()) + "\n" for d in SUITE.documents), encoding="utf-8")
    code, out, err = evaluated("--suite", folder, rival, "--systems", "rules", "nearest-name", "--json")
    assert (code, err) == (0, "")
    record = json.loads(out)
    assert list(record["total"]) == ["rival", "rules", "nearest-name"]
    assert record["total"]["rival"]["end_to_end"]["tp"] == 0
    assert record["total"]["rules"]["end_to_end"]["tp"] > record["total"]["nearest-name"]["end_to_end"]["tp"]
    assert record["total"]["rules"]["attribution"]["total"] == record["total"]["rules"]["gold_quotes"]
    assert record["differences"]["rules"]["p"] < 0.1
    code, out, _ = evaluated("--suite", folder, "--systems", "rules")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == f"all: 5 documents, {record['total']['rules']['gold_quotes']} gold quotes"
    assert any(line.startswith("extension") for line in lines)


def test_the_page_of_errors_holds_every_error_of_the_first_system_beside_the_gold(tmp_path: Path) -> None:
    (tmp_path / "suite").mkdir()
    folder, page = write(tmp_path / "suite"), tmp_path / "errors.html"
    assert evaluated("--suite", folder, "--systems", "nearest-name", "rules", "--html", page)[0] == 0
    shown = page.read_text(encoding="utf-8")
    predicted = [BASELINES["nearest-name"](document) for document in SUITE.documents]
    errors = evaluate(SUITE.documents, predicted).errors()
    assert len(errors) > 5
    assert shown.count("<article class=") == len(errors)
    for kind in ("missed", "speaker"):
        count = sum(error.kind == kind for error in errors)
        assert shown.count(f'<article class="{kind} ') == count
        assert f'id="{kind}"> {KINDS[kind]} <span class="count">{count}</span>' in shown
    assert "<script" not in shown
    assert "nearest-name" in shown


def test_hostile_names_and_texts_are_harmless_on_the_page_of_errors() -> None:
    text = HOSTILE + " قال علي: نعم"
    start = len(text) - len("قال علي: نعم")
    own = quote(text, (start, start + 3), (start + 9, start + 12), speaker=Speaker("S1", HOSTILE))
    gold = Document(text, HOSTILE, (own.speaker,) if own.speaker else (), (own,))
    page = render_errors([gold], evaluate([gold], [silent(gold)]), {HOSTILE: HOSTILE}, HOSTILE)
    assert "<script" not in page
    assert "<img" not in page
    assert page.count("</style>") == 1
    assert not set("\x00\x1b\u202e\u2066\ud800") & set(page)


def test_a_folder_that_is_no_suite_is_named_with_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"holds no \.jsonl file"):
        Suite.read(tmp_path)
    write(tmp_path, Suite({"open": (ARTICLES[0],)}))
    with pytest.raises(SuiteError, match=f"document '{ARTICLES[0].id}' has no 'phenomenon'"):
        Suite.read(tmp_path)
    code, out, err = evaluated("--suite", tmp_path)
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    code, _, err = evaluated("--suite", tmp_path, "--errors")
    assert code == 2
    assert "--suite goes without --errors" in err
