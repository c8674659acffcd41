"""Texts that no newspaper prints, at full size: each is read to the end, its spans fit, and everything can be made of it.

How long they take is measured by ``benchmarks/stages.py``, and texts that nobody thought of come from ``benchmarks/fuzz``.
"""

from __future__ import annotations

import base64
import random
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoteattr import Document, QuoteAttributor, Span
from quoteattr.convert.label_studio import from_task, to_task
from quoteattr.convert.marks import MarkError
from quoteattr.convert.web_annotation import quote_annotations
from quoteattr.corpus import Failure
from quoteattr.html import render_html
from quoteattr.render import render_table
from quoteattr.score import read_batch
from quoteattr.tables import documents_to_arrow
from quoteattr.workers import Workers

NEWS = "قال وزير النقل سالم الخطيب إن الطريق الساحلي سيفتح غدا. وأضاف: «الأشغال انتهت». "
PAGE = (
    f"<!DOCTYPE html><div class='a&b' onclick=\"alert('x')\"><p>{NEWS}</p><script>if (a < b) {{}}</script>&nbsp;&#1600;</div>\n"
)
CHANCE = random.Random(7)
HARD = {
    "a megabyte of one letter": NEWS + "ا" * 1_000_000,
    "a megabyte in one word": NEWS + "".join(CHANCE.choices("ابتثجحخدذرزسشصضطظعغفقكلمنهويءآأؤإئة", k=1_000_000)),
    "100,000 quotation marks": NEWS + "".join(CHANCE.choices("«»“”\"'‘’‹›", k=100_000)) + NEWS,
    "10,000 nested quotations": NEWS + "قال علي «" * 10_000 + "نعم" + "»" * 10_000 + NEWS,
    "50,000 cues": "قال علي إن " * 50_000 + NEWS,
    "cues alone": "قال " * 50_000,
    "overrides": "".join(f"\u202e{word}\u202c\u2067{word}\u2069\u200f " for word in (NEWS * 50).split()),
    "overrides that nobody ends": NEWS + "\u202e\u2066" * 20_000 + NEWS,
    "mixed normal forms": "".join(unicodedata.normalize(form, NEWS) for form in ("NFC", "NFD", "NFKC", "NFKD") * 50),
    "presentation forms": "ﻗﺎﻝ ﺍﻟﻮﺯﻳﺮ ﺇﻥ ﺍﻟﻄﺮﻳﻖ ﻣﻔﺘﻮﺡ. ﷺ ﷲ ﻻ " * 2000 + NEWS,
    "100,000 marks on one letter": NEWS + "قا" + "\u0650\u0301" * 50_000 + "ل" + NEWS,
    "HTML": PAGE * 300,
    "base64": NEWS + base64.b64encode(CHANCE.randbytes(200_000)).decode() + "\n" + NEWS,
    "lone surrogates and NUL": "".join(letter + "\ud800\x00\udfff" for letter in NEWS * 20) + NEWS,
    "joiners and pictures": NEWS + "👩‍👩‍👧‍👦" * 20_000 + NEWS,
    "140,000 line breaks": NEWS + "\r\n\u2028\u2029\x85\v\f" * 20_000 + NEWS,
    "20,000 paragraphs of one cue": "قال:\n" * 20_000 + NEWS,
    "100,000 spaces before a cue": NEWS + "\n" + " " * 100_000 + NEWS,
    "brackets": NEWS + "(" * 50_000 + "[" * 50_000 + NEWS,
    "numbers": NEWS + "3.5,٣٫٥/" * 20_000 + NEWS,
}
RULES = QuoteAttributor.rules()


def spans(document: Document) -> Iterator[Span]:
    for quote in document.quotes:
        yield from (span for span in (quote.cue, quote.content, quote.source) if span is not None)
    for speaker in document.speakers:
        yield from speaker.mentions


def check(document: Document, text: str) -> None:
    assert document.text == text
    for span in spans(document):
        assert 0 <= span.start < span.end <= len(text)
        assert text[span.start : span.end] == span.text


@pytest.mark.parametrize("name", HARD)
def test_the_rules_read_it(name: str) -> None:
    check(RULES(HARD[name]), HARD[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", HARD)
def test_the_model_reads_it(name: str) -> None:
    check(QuoteAttributor.from_pretrained()(HARD[name]), HARD[name])


@pytest.fixture(scope="module")
def model() -> QuoteAttributor:
    return QuoteAttributor.from_pretrained()


def shorter(name: str) -> str:
    """The two ends of a hard text."""
    return HARD[name][:1200] + HARD[name][-300:]


def test_a_hard_text_reads_alike_in_any_batch_and_any_number_of_processes(model: QuoteAttributor) -> None:
    texts = [shorter(name) for name in HARD]
    together = list(model.pipe(texts))
    for document, text in zip(together, texts, strict=True):
        check(document, text)
    assert list(model.pipe(texts, batch_size=3)) == together
    assert list(model.pipe(texts, batch_size=1)) == together
    assert list(model.pipe(texts, batch_size=4, n_process=2)) == together
    assert list(RULES.pipe(texts, batch_size=5, n_process=2)) == [RULES(text) for text in texts]


@pytest.mark.parametrize("name", HARD)
def test_everything_can_be_made_of_it(name: str) -> None:
    document = RULES(shorter(name), id=name + "\ud800")
    assert Document.from_dict(document.to_dict()) == document
    assert "<script" not in render_html([document])
    render_table(document, 40, True)
    assert documents_to_arrow([document], offsets="utf-16").num_rows == len(document.quotes)
    assert len(list(quote_annotations(document))) == len(document.quotes)
    try:
        task = to_task(document)
    except MarkError:
        return
    task["annotations"] = task["predictions"]
    back = from_task(task, "task")
    assert not isinstance(back, Failure)
    assert back.quotes == document.quotes


@settings(max_examples=60)
@given(st.lists(st.sampled_from([*(NEWS * 2).split(), "«", "»", '"', "\u202e", "\ud800", "\x00", "<b>", "\n", ""]), max_size=40))
def test_any_mixture_reads_alike_in_any_batch(model: QuoteAttributor, words: list[str]) -> None:
    text = " ".join(words)
    check(alone := model(text), text)
    assert list(model.pipe([NEWS, text, NEWS * 3], batch_size=3))[1] == alone


PIECES = [
    *(NEWS * 2).split(),
    "«",
    "»",
    '"',
    "\x00",
    "\ud800",
    "\udfff",
    "\u202e",
    "\u2066",
    "\u200f",
    "\ufeff",
    "\r\n",
    "\u0651ـ",
    "👩‍👧",
    "ﷺ",
]
FORMED = st.builds(unicodedata.normalize, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]), st.sampled_from(NEWS.split()))
ANYTHING = st.lists(st.sampled_from(PIECES) | FORMED | st.text(st.characters(), max_size=8), max_size=40).map(" ".join)


@pytest.fixture(scope="module", params=[(engine, count) for engine in ("rules", "onnx", "torch") for count in (1, 2)])
def crowd(request: pytest.FixtureRequest) -> Iterator[tuple[QuoteAttributor, Workers[Document, Document | Failure]]]:
    """An attributor, and processes that have it too."""
    engine, count = request.param
    own = QuoteAttributor.rules() if engine == "rules" else QuoteAttributor.from_pretrained(engine=engine)
    with Workers(own, read_batch, count) as workers:
        yield own, workers


@settings(max_examples=15)
@given(texts=st.lists(ANYTHING, min_size=1, max_size=5), size=st.integers(1, 4))
def test_any_texts_read_alike_on_every_engine_in_any_batch_and_any_number_of_processes(
    crowd: tuple[QuoteAttributor, Workers[Document, Document | Failure]], texts: list[str], size: int
) -> None:
    own, workers = crowd
    alone = [own(text) for text in texts]
    for document, text in zip(alone, texts, strict=True):
        check(document, text)
    assert list(own.pipe(texts, batch_size=size)) == alone
    batches = [[Document(text) for text in texts[n : n + size]] for n in range(0, len(texts), size)]
    assert [document for batch in workers(batches) for document in batch] == alone
