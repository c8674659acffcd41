"""Texts longer than what is read at once: where they are cut, and that they give one document, by every entrance."""

from __future__ import annotations

import csv
import gzip
import json
import unicodedata
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cases import DATA, read_documents
from hypothesis import given
from hypothesis import strategies as st

from quoteattr import Document, QuoteAttributor, pieces
from quoteattr.cli import main
from quoteattr.corpus import Columns, Corpus
from quoteattr.integrations.batches import BatchReader
from quoteattr.pieces import LONGEST, batches
from quoteattr.score import Job, score
from quoteattr.tables import quote_rows

RULES = QuoteAttributor.rules()
ARTICLES = [document.text for document in read_documents(DATA / "articles.jsonl")]
LINES = "".join(f"قال وزير النقل سالم الخطيب إن الطريق رقم {n} سيفتح غدا. وأضاف: «الأشغال انتهت».\n" for n in range(40))


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only 200 characters are read at once."""
    monkeypatch.setattr(pieces, "LONGEST", 200)


def check(document: Document) -> None:
    """Spans fit, ids are unique, and every speaker and parent is there."""
    assert Document.from_dict(document.to_dict()) == document
    spans = [span for q in document.quotes for span in (q.cue, q.content, q.source) if span is not None]
    for span in (*spans, *(mention for speaker in document.speakers for mention in speaker.mentions)):
        assert document.text[span.start : span.end] == span.text
    ids = {quote.id for quote in document.quotes}
    assert all(quote.parent is None or quote.parent in ids - {quote.id} for quote in document.quotes)


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in pieces.pieces(text)]


# ---------------------------------------------------------------------------------------------------------------------
# Where it is cut


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("نعم. لا\n" * 70, "\n"),
        ("نعم. لا\r\n" * 70, "\r\n"),
        ("نعم. لا\u2029" * 70, "\u2029"),
        ("قال: «نعم؟!» ثم مضى و" * 20, "«نعم؟!» "),
        ("بلغ 3.5 بحسب د. علي" * 30, " "),
        ("ا" * 900, "ا"),
    ],
)
def test_a_text_is_cut_behind_a_paragraph_else_a_sentence_else_a_space_else_a_letter(text: str, ends: str) -> None:
    *parts, last = cut(text)
    assert len(parts) >= 2
    assert "".join([*parts, last]) == text
    assert all(part.endswith(ends) and 100 < len(part) <= 200 for part in parts)


ATOMS = [
    "ا",
    "ل",
    "\u0650",
    "\u0301",
    "ـ",
    "\ud83d",
    "\udc69",
    "👩\u200d👧",
    "👍🏽",
    "\u200f",
    "\r\n",
    "\n",
    " ",
    ".",
    "؟!»",
    "،",
]


@given(st.lists(st.sampled_from(ATOMS), max_size=120).map("".join), st.integers(min_value=8, max_value=40))
def test_no_piece_is_too_long_and_none_begins_inside_a_character(text: str, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "LONGEST", size)
        spans = pieces.pieces(text)
    assert [0, *(end for _, end in spans)] == [*(start for start, _ in spans), len(text)]
    assert all(end - start <= size for start, end in spans)
    for (start, at), _ in pairwise(spans):
        assert 2 * (at - start) >= size
        if at - start < size:  # else there was nowhere to cut
            assert not unicodedata.combining(text[at])
            assert text[at] not in "ـ\u200d🏽\udc69"
            assert text[at - 1] not in "\u200d\ud83d"
            assert text[at - 1 : at + 1] != "\r\n"


@given(st.lists(st.integers(min_value=0, max_value=12)))
def test_batches_keep_every_text_in_its_order_and_are_bounded(sizes: list[int]) -> None:
    texts = [str(n % 10) * size for n, size in enumerate(sizes)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "LONGEST", 10)
        lists = list(batches(texts))
    assert [text for own in lists for text in own] == texts
    assert all(own and (len(own) == 1 or sum(map(len, own)) <= 10) for own in lists)


def test_no_article_is_cut() -> None:
    assert pieces.pieces("ا" * LONGEST) == [(0, LONGEST)]
    assert len(pieces.pieces("ا" * (LONGEST + 1))) == 2


# ---------------------------------------------------------------------------------------------------------------------
# One document


def test_the_document_is_that_of_its_pieces(short: None) -> None:
    text = "\n".join(ARTICLES)
    document = RULES(text)
    check(document)
    spans = pieces.pieces(text)
    read = [(start, quote) for start, end in spans for quote in RULES(text[start:end]).quotes]
    assert len(spans) > 20
    assert [(q.content.start, q.content.end, q.cue.start, q.type, q.confidence) for q in document.quotes] == [
        (start + q.content.start, start + q.content.end, start + q.cue.start, q.type, q.confidence) for start, q in read
    ]
    assert [q.speaker and q.speaker.kind for q in document.quotes] == [q.speaker and q.speaker.kind for _, q in read]


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("attributor", [RULES, QuoteAttributor.from_pretrained()], ids=["rules", "model"])
def test_a_speaker_of_several_pieces_is_one_with_all_mentions(attributor: QuoteAttributor) -> None:
    document = attributor(LINES)
    check(document)
    assert len(document.quotes) == 80
    assert [(speaker.id, speaker.name) for speaker in document.speakers] == [("S1", "سالم الخطيب")]
    lines = [LINES[: mention.start].count("\n") for mention in document.speakers[0].mentions]
    assert lines == sorted(lines)
    assert set(lines) == set(range(40))


def test_speakers_of_one_name_and_two_kinds_stay_two(short: None) -> None:
    parts = [("قال سالم الخطيب إن الطريق مفتوح. " * 5 + "\n")[:180], "قالت شركة الخطيب إن الطريق مغلق. " * 5]
    whole = RULES("".join(parts))
    first, second = (RULES(part).speakers for part in parts)
    organisation = replace(second[0], kind="organisation", name=first[0].name)
    joined = pieces.joined(
        "".join(parts), [(0, Document(parts[0], speakers=first)), (180, Document("", speakers=(organisation,)))]
    )
    assert [(s.id, s.name, s.kind) for s in joined.speakers] == [
        ("S1", first[0].name, "person"),
        ("S2", first[0].name, "organisation"),
    ]
    check(whole)


def test_a_quote_in_a_quote_of_a_later_piece_has_its_parent(short: None) -> None:
    nested = "قال الوزير سالم الخطيب: «قال المدير نبيل السعدي إن الجسر أغلق، فطلبنا فتحه».\n"
    alone = RULES(nested)
    document = RULES(nested * 6)
    check(document)
    parents = [quote.parent for quote in document.quotes]
    assert [quote.parent for quote in alone.quotes] == [None, "Q1"]
    assert parents == [parent for n in range(6) for parent in (None, f"Q{2 * n + 1}")]


def test_doubtful_quotes_of_any_piece_are_set_apart(short: None) -> None:
    text = "\n".join(ARTICLES)
    everything = RULES(text).quotes
    document = QuoteAttributor.rules(min_confidence=0.8)(text)
    check(document)
    assert {q.id for q in document.quotes} == {q.id for q in everything if (q.confidence or 0) >= 0.8}
    assert {q.id for q in document.rejected} == {q.id for q in everything if (q.confidence or 0) < 0.8}
    assert document.rejected
    assert document.quotes


def test_long_and_short_texts_of_a_batch_keep_their_places(short: None) -> None:
    texts = [LINES, "قال علي: نعم", "No Arabic.", "\n".join(ARTICLES), "", ARTICLES[0]]
    alone = [RULES(text) for text in texts]
    assert list(RULES.pipe(texts, batch_size=4)) == alone
    assert [document.text for document in alone] == texts
    assert alone[2].metadata["warning"].startswith("no Arabic text")


def test_the_language_is_that_of_the_whole_text(short: None) -> None:
    english = "The road is open again, the ministry said.\n" * 10
    document = RULES(LINES + english + LINES)
    check(document)
    assert document.metadata == {}
    assert len(document.quotes) == 160


def test_given_quotes_keep_their_order_and_places_where_a_cut_goes_through_them(short: None) -> None:
    found = RULES(LINES).quotes
    places = [((q.cue.start, q.cue.end), (q.content.start, q.content.end)) for q in found][::-1]
    through = ((LINES.index("وأضاف"), LINES.index("وأضاف") + 5), (60, 700))
    backwards = ((1000, 1003), (20, 40))
    document = RULES.attribute(LINES, [*places, through, backwards])
    check(document)
    assert [((q.cue.start, q.cue.end), (q.content.start, q.content.end)) for q in document.quotes] == [
        *places,
        through,
        backwards,
    ]
    assert [q.id for q in document.quotes] == [f"Q{n}" for n in range(1, 83)]
    assert {q.speaker.name for q in document.quotes[:81] if q.speaker} == {"سالم الخطيب"}


# ---------------------------------------------------------------------------------------------------------------------
# At full size


def test_two_million_characters_are_one_document() -> None:
    text = "".join(f"{article}\nرقم {n}\n" for n in range(310) for article in ARTICLES)
    assert len(text) > 2_000_000
    document = RULES(text)
    check(document)
    shares = [
        sum(LONGEST * n <= q.content.start < LONGEST * (n + 1) for q in document.quotes) for n in range(len(text) // LONGEST)
    ]
    assert min(shares) > 0.9 * max(shares) > 0
    names = [(speaker.kind, speaker.name) for speaker in document.speakers]
    assert len(set(names)) == len(names)


def test_every_entrance_takes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read = RULES(("\n" * 420_000).join(ARTICLES), id="long")
    check(read)
    assert len(read.text) > 2_000_000
    assert len(read.quotes) == sum(len(RULES(article).quotes) for article in ARTICLES)
    record = {"id": "long", "text": read.text}
    line = json.dumps(record, ensure_ascii=False).encode()
    (tmp_path / "long.jsonl").write_bytes(line)
    (tmp_path / "long.jsonl.gz").write_bytes(gzip.compress(line, 1))
    pq.write_table(pa.Table.from_pylist([record]), tmp_path / "long.parquet")
    with (tmp_path / "long.csv").open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([record.keys(), record.values()])
    for name in ("long.jsonl.gz", "long.parquet", "long.csv"):
        assert [(d.id, d.text) for d in Corpus([str(tmp_path / name)], Columns()) if isinstance(d, Document)] == [
            ("long", read.text)
        ]
    output = tmp_path / "quotes.jsonl"
    counts = score(RULES, Job(Corpus([str(tmp_path / "long.csv")], Columns()), output, "jsonl", dict(RULES.facts)))
    assert (counts.documents, counts.failures) == (1, 0)
    assert Document.from_dict(json.loads(output.read_text(encoding="utf-8"))) == read
    assert main(["extract", "--model", "rules", "--format", "jsonl", str(tmp_path / "long.jsonl")]) == 0
    assert Document.from_dict(json.loads(capsys.readouterr().out)) == read
    rows = BatchReader("rules")(pa.Table.from_pylist([record])).drop(["error"]).to_pylist()
    assert rows == quote_rows(read)
