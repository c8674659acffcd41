"""The model that ships with the package: it loads without a network and reads news better than the rules."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cases import DATA, read_documents

from quoteattr import Document, Lexicon, QuoteAttributor
from quoteattr.models import BUNDLED

ARTICLES = read_documents(DATA / "articles.jsonl")[:8]
TEXT = (
    "قالت وزيرة البيئة رنا الحديدي إن فرق المكافحة طوقت البقعة خلال ساعات. "
    "وأضافت أن «الأولوية الآن لإنقاذ الشعاب المرجانية»، بينما نفت شركة الملاحة أن يكون خطأ بشري وراء الحادث. "
    "وبعد ظهر أمس أكدت الوزيرة أن السباحة ممنوعة."
)


@pytest.fixture(scope="module")
def attributor() -> QuoteAttributor:
    return QuoteAttributor.from_pretrained()


def test_it_loads_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert QuoteAttributor.from_pretrained()(TEXT).quotes


def test_elided_subjects_and_titles_come_down_to_the_person(attributor: QuoteAttributor) -> None:
    document = attributor(TEXT)
    assert [(quote.cue.text, quote.speaker and quote.speaker.name, quote.text) for quote in document.quotes] == [
        ("قالت", "رنا الحديدي", "فرق المكافحة طوقت البقعة خلال ساعات"),
        ("وأضافت", "رنا الحديدي", "الأولوية الآن لإنقاذ الشعاب المرجانية"),
        ("نفت", "شركة الملاحة", "يكون خطأ بشري وراء الحادث"),
        ("أكدت", "رنا الحديدي", "السباحة ممنوعة"),
    ]
    for quote in document.quotes:
        assert quote.confidence is not None
        assert 0 < quote.confidence < 1
        assert quote.evidence is not None
        assert quote.evidence.found_by == "model"


def test_what_is_described_does_not_speak(attributor: QuoteAttributor) -> None:
    document = attributor(f"{TEXT} ووصفت عمل المتطوعين بأنه «مشرف بكل المقاييس».")
    described = document.quotes[-1]
    assert (described.cue.text, described.speaker and described.speaker.name) == ("ووصفت", "رنا الحديدي")


def test_doubtful_quotes_are_set_apart(attributor: QuoteAttributor) -> None:
    confidences = sorted(quote.confidence or 0 for quote in attributor(TEXT).quotes)
    strict = QuoteAttributor.from_pretrained(min_confidence=confidences[1])(TEXT)
    assert [len(strict.quotes), len(strict.rejected)] == [3, 1]


def test_a_folder_can_be_named(attributor: QuoteAttributor) -> None:
    assert QuoteAttributor.from_pretrained(BUNDLED)(TEXT) == attributor(TEXT)


@pytest.mark.parametrize("make", [QuoteAttributor.rules, lambda lexicon: QuoteAttributor.from_pretrained(lexicon=lexicon)])
def test_a_title_may_denote_a_known_speaker(make: Callable[[Lexicon], QuoteAttributor]) -> None:
    known = {"name": "رنا الحديدي", "aliases": ["وزيرة البيئة"], "gender": "f"}
    document = make(Lexicon.load().extended(speakers=[known]))("أعلنت وزيرة البيئة أن المحمية ستفتح غدا. وقالت إنها سعيدة.")
    assert [quote.speaker and quote.speaker.name for quote in document.quotes] == ["رنا الحديدي"] * 2


def test_the_weights_are_small_and_of_safe_kinds() -> None:
    assert (BUNDLED / "model.safetensors").stat().st_size < 40_000_000
    assert sum(path.stat().st_size for path in (BUNDLED / "onnx").iterdir()) < 20_000_000
    assert {path.suffix for path in BUNDLED.rglob("*") if path.is_file() and path.name != "SHA256SUMS"} <= {
        ".json",
        ".md",
        ".onnx",
        ".safetensors",
    }


def test_both_forms_of_the_weights_read_alike(attributor: QuoteAttributor) -> None:
    def said(document: Document) -> list[object]:
        return [(q.cue, q.content, q.source, q.speaker and q.speaker.name) for q in document.quotes]

    assert said(QuoteAttributor.from_pretrained(engine="torch")(TEXT)) == said(attributor(TEXT))


def test_the_model_needs_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from quoteattr import QuoteAttributor; QuoteAttributor.from_pretrained()('قال سامح شكري: نعم'); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0


def test_the_rules_need_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from quoteattr import QuoteAttributor; QuoteAttributor.rules()('قال علي: نعم'); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0


def test_a_text_reads_the_same_whatever_else_is_in_its_batch(attributor: QuoteAttributor) -> None:
    texts = [TEXT, *(document.text for document in ARTICLES)]
    alone = list(attributor.pipe(texts, batch_size=1))
    assert sum(len(document.quotes) for document in alone) > 10
    assert list(attributor.pipe(texts, batch_size=5)) == list(attributor.pipe(texts)) == alone
