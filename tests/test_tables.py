"""Tables of quotes in the libraries that people read tables with: the same rows, and offsets that select the words there."""

from __future__ import annotations

from typing import Any

import pytest
from cases import DATA, read_documents

from quoteattr import Document, QuoteAttributor
from quoteattr.tables import documents_to_arrow, quote_rows

TEXT = "🚨 عاجل 😀\nقال وزير النقل سالم الخطيب إن الطريق الساحلي سيفتح غدا. وأضاف أن «الأشغال 🚧 انتهت»."
SPANS = {"text": ("start", "end"), "cue": ("cue_start", "cue_end"), "source": ("source_start", "source_end")}


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    rules = QuoteAttributor.rules()
    articles = [document.text for document in read_documents(DATA / "articles.jsonl")]
    return [rules(text, id=str(n), metadata={"date": "2026-01-05"}) for n, text in enumerate([TEXT, *articles])]


def expected(documents: list[Document]) -> list[dict[str, Any]]:
    return [row for document in documents for row in quote_rows(document, ["date"])]


def test_a_data_frame_of_pandas_is_one_line(documents: list[Document]) -> None:
    pandas = pytest.importorskip("pandas")
    frame = documents_to_arrow(documents, ["date"]).to_pandas()
    assert len(frame) == len(expected(documents)) > len(documents)
    frame = frame.astype(object).where(pandas.notna(frame), None)
    assert frame.to_dict("records") == expected(documents)


def test_a_data_frame_of_polars_is_one_line(documents: list[Document]) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.from_arrow(documents_to_arrow(documents, ["date"]))
    assert frame.to_dicts() == expected(documents)
    assert frame.schema["start"] == polars.Int64
    by_speaker = frame.filter(polars.col("doc_id") == "0").group_by("speaker").len().to_dicts()
    assert by_speaker == [{"speaker": "سالم الخطيب", "len": 2}]


def test_offsets_in_utf_16_select_the_words_in_javas_and_javascripts_strings(documents: list[Document]) -> None:
    rows = documents_to_arrow(documents, offsets="utf-16").to_pylist()
    texts = {document.id: document.text.encode("utf-16-le") for document in documents}
    for row in rows:
        for words, (start, end) in SPANS.items():
            if row[words] is not None:
                assert texts[row["doc_id"]][2 * row[start] : 2 * row[end]].decode("utf-16-le") == row[words]
    as_they_are = documents_to_arrow(documents).to_pylist()
    assert [row["start"] - own["start"] for row, own in zip(rows, as_they_are, strict=True)][:2] == [2, 2]
    assert [row["end"] - own["end"] for row, own in zip(rows, as_they_are, strict=True)][:2] == [2, 3]
    assert [row["text"] for row in rows] == [row["text"] for row in as_they_are]


def test_other_offsets_are_refused(documents: list[Document]) -> None:
    with pytest.raises(ValueError, match="offsets must be one of code points, utf-16, not 'bytes'"):
        documents_to_arrow(documents, offsets="bytes")  # type: ignore[arg-type]
