"""The component for spaCy: found without an import, its spans those of the attributor, kept when docs are stored or sent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cases import DATA, read_documents

from quoteattr import Document, QuoteAttributor

spacy: Any = pytest.importorskip("spacy", reason="spaCy is not installed: pip install 'quoteattr[spacy]'")
from spacy.tokens import Doc, DocBin  # noqa: E402

TEXTS = [document.text for document in read_documents(DATA / "articles.jsonl")]
TEXT = "قالت وزيرة البيئة رنا الحديدي إن فرق المكافحة 🐠 طوقت البقعة. وأضافت أن «السباحة ممنوعة»، وفق تعبيرها."


@pytest.fixture(scope="module")
def nlp() -> Any:
    nlp = spacy.blank("ar")
    nlp.add_pipe("quoteattr", config={"model": "rules"})
    return nlp


def facts(doc: Any) -> list[tuple[Any, ...]]:
    """Whatever a doc says of its quotes."""
    return [
        (s.id_, s.label_, s.text, s._.speaker, s._.cue.text, s._.source and s._.source.text, s._.confidence)
        for s in doc.spans["quotes"]
    ]


def test_it_is_found_where_the_package_is_installed_and_nothing_of_it_was_imported() -> None:
    code = (
        "import spacy; nlp = spacy.blank('ar'); nlp.add_pipe('quoteattr', config={'model': 'rules'});"
        "doc = nlp('قال الوزير سالم الخطيب: «الطريق مفتوح».');"
        "print([(span._.said, span.label_, span._.speaker) for span in doc.spans['quotes']])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8").stdout
    assert out == "[('الطريق مفتوح', 'direct', 'سالم الخطيب')]\n"


def test_the_quotes_are_those_of_the_attributor(nlp: Any) -> None:
    for text in [TEXT, *TEXTS]:
        doc, document = nlp(text), QuoteAttributor.rules()(text)
        assert doc._.quoteattr == document
        for span, quote in zip(doc.spans["quotes"], document.quotes, strict=True):
            assert (span.id_, span.label_, span._.said, span._.confidence) == (quote.id, quote.type, quote.text, quote.confidence)
            assert span._.speaker == (quote.speaker and quote.speaker.name)
            for own, place in ((span, quote.content), (span._.cue, quote.cue), (span._.source, quote.source)):
                assert (own is None) == (place is None)
                if own is not None and place is not None:  # whole tokens, no more of them than it takes
                    assert own.start_char <= place.start < own[0].idx + len(own[0])
                    assert own[-1].idx < place.end <= own.end_char


def test_a_quote_that_begins_inside_a_token_takes_it_whole_and_is_exact_in_the_document() -> None:
    nlp = spacy.blank("ar")
    nlp.tokenizer = spacy.tokenizer.Tokenizer(nlp.vocab)  # words between spaces, with all that touches them
    nlp.add_pipe("quoteattr", config={"model": "rules"})
    doc = nlp("قال الوزير سالم الخطيب: «الطريق مفتوح».")
    assert [(span.text, span._.said) for span in doc.spans["quotes"]] == [("«الطريق مفتوح».", "الطريق مفتوح")]


def test_a_stream_gives_what_single_texts_give_also_in_several_processes(nlp: Any) -> None:
    expected = [facts(nlp(text)) for text in TEXTS]
    assert sum(map(len, expected)) > len(TEXTS)
    assert [facts(doc) for doc in nlp.pipe(TEXTS, batch_size=3)] == expected
    assert [facts(doc) for doc in nlp.pipe(TEXTS, batch_size=3, n_process=2)] == expected
    pairs = list(nlp.pipe([(TEXT, 7), ("", 8)], as_tuples=True))
    assert [(len(facts(doc)), context) for doc, context in pairs] == [(2, 7), (0, 8)]


def test_all_of_it_survives_being_stored(nlp: Any, tmp_path: Path) -> None:
    docs = [nlp(text) for text in (TEXT, "نعم", "Only English here, and nothing to be said about it.")]
    binary = DocBin(store_user_data=True, docs=docs).to_bytes()
    (tmp_path / "doc").write_bytes(docs[0].to_bytes())
    vocab = spacy.blank("ar").vocab
    again = [*DocBin().from_bytes(binary).get_docs(vocab), Doc(vocab).from_disk(tmp_path / "doc")]
    for doc, own in zip(again, [*docs, docs[0]], strict=True):
        assert facts(doc) == facts(own)
        assert doc._.quoteattr == own._.quoteattr
    assert "warning" in again[2]._.quoteattr.metadata


def test_the_configuration_reaches_the_attributor_and_is_saved_with_the_pipeline(tmp_path: Path) -> None:
    nlp = spacy.blank("ar")
    nlp.add_pipe("quoteattr", config={"model": "rules", "min_confidence": 0.9})
    nlp.to_disk(tmp_path / "pipeline")
    strict = QuoteAttributor.rules(min_confidence=0.9)
    for again in (nlp, spacy.load(tmp_path / "pipeline")):
        documents: list[Document] = [doc._.quoteattr for doc in again.pipe(TEXTS)]
        assert documents == [strict(text) for text in TEXTS]
        assert any(document.rejected for document in documents)


def test_the_bundled_model_is_the_default() -> None:
    nlp = spacy.blank("ar")
    nlp.add_pipe("quoteattr")
    assert nlp(TEXT)._.quoteattr == QuoteAttributor.from_pretrained()(TEXT)


def test_other_spans_and_docs_say_nothing(nlp: Any) -> None:
    doc = spacy.blank("ar")(TEXT)
    assert doc._.quoteattr is None
    assert [getattr(doc[:2]._, name) for name in ("said", "speaker", "cue", "source", "confidence")] == [None] * 5
    assert nlp(TEXT)[:2]._.speaker is None
