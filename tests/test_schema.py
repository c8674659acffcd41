"""The document format: what goes in comes out, and what is wrong is named."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoteattr import Document, Span
from quoteattr.schema import QUOTE_TYPES, SPEAKER_KINDS, Evidence, Quote, RunnerUp, SchemaError, Speaker

TEXT = "أعلنت هدى النجار أن المكتبة ستفتح غدا. وأضافت أن الدخول مجاني."


def record(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "id": "a1",
        "text": TEXT,
        "speakers": [{"id": "S1", "name": "هدى النجار", "kind": "person", "aliases": ["هدى النجار"], "mentions": [[6, 16]]}],
        "quotes": [
            {"id": "Q1", "type": "indirect", "cue": [0, 5], "source": [6, 16], "content": [20, 37], "speaker": "S1"},
            {"id": "Q2", "type": "indirect", "cue": [39, 45], "source": None, "content": [49, 61], "speaker": "S1"},
        ],
    }
    return {**base, **changes}


def quote(**changes: Any) -> dict[str, Any]:
    return {**record()["quotes"][0], **changes}


def test_a_record_reads_as_values() -> None:
    document = Document.from_dict(record())
    first, second = document.quotes
    assert first.text == "المكتبة ستفتح غدا"
    assert first.source is not None
    assert first.source.text == "هدى النجار"
    assert (second.cue.text, second.source) == ("وأضافت", None)
    assert second.speaker is document.speakers[0]


def test_a_full_record_survives_the_round_trip() -> None:
    full = record(
        outlet="مثال",
        date="2024-05-01",
        tags=["أ", 1, None],
        rejected=[quote(id="Q3", type="mixed", confidence=0.25)],
    )
    full["quotes"][0] |= {
        "confidence": 0.9,
        "act": "announce",
        "parent": "Q2",
        "evidence": {"found_by": "verb", "linked_by": "name", "runners_up": [{"speaker": "S1", "probability": 0.1}]},
    }
    assert Document.from_dict(full).to_dict() == full
    assert json.loads(json.dumps(Document.from_dict(full).to_dict(), ensure_ascii=False)) == full


def test_fields_that_are_not_known_are_left_out() -> None:
    written = Document.from_dict(record()).to_dict()
    assert "rejected" not in written
    assert set(written["quotes"][0]) == {"id", "type", "cue", "source", "content", "speaker"}


def test_metadata_never_replaces_a_field_of_the_format() -> None:
    document = Document("نص", "a1", metadata={"text": "غيره", "id": "b2", "url": "x"})
    assert document.to_dict() == {"id": "a1", "text": "نص", "url": "x", "speakers": [], "quotes": []}


def test_confidence_is_written_with_four_decimals() -> None:
    speaker = Speaker("S1", "هدى النجار")
    written = Quote("Q1", "direct", Span.of(TEXT, 20, 37), Span.of(TEXT, 0, 5), speaker=speaker, confidence=0.123456).to_dict()
    assert written["confidence"] == 0.1235


def test_the_quotes_of_a_speaker() -> None:
    speakers = [*record()["speakers"], {"id": "S2", "name": "المكتبة", "kind": "organisation"}]
    document = Document.from_dict(record(speakers=speakers, quotes=[quote(), quote(id="Q2", speaker="S2")]))
    assert [q.id for q in document.quotes_of("S2")] == ["Q2"]
    assert [q.id for q in document.quotes_of(document.speakers[0])] == ["Q1"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"text": None}, "'text' must be a string, not NoneType"),
        ({"text": "قصير"}, r"speakers\[0\].mentions\[0\]: offsets \[6, 16\] do not fit a text of 4 characters"),
        ({"id": ["a"]}, "'id' must be a string, not list"),
        ({"speakers": {}}, "'speakers' must be a list, not dict"),
        ({"speakers": ["هدى"]}, r"speakers\[0\] must be an object, not str"),
        ({"speakers": record()["speakers"] * 2}, r"speakers\[1\]: the id 'S1' stands twice"),
        ({"speakers": [{"id": "S1", "name": "هدى", "kind": "robot"}]}, "'kind' is 'robot', expected one of person"),
        ({"speakers": [{"id": "S1", "name": "هدى", "aliases": [1]}]}, r"speakers\[0\]: 'aliases' must be strings"),
        ({"speakers": [{"id": "S1"}]}, r"speakers\[0\]: 'name' must be a string"),
        ({"quotes": "Q1"}, "'quotes' must be a list, not str"),
        ({"quotes": [quote(), quote()]}, r"quotes\[1\]: the id 'Q1' stands twice"),
        ({"quotes": [quote(content=[20, 900])]}, r"quotes\[0\].content: offsets \[20, 900\] do not fit"),
        ({"quotes": [quote(content=[37, 20])]}, r"quotes\[0\].content: offsets"),
        ({"quotes": [quote(content=[-3, 5])]}, r"quotes\[0\].content: offsets"),
        ({"quotes": [quote(cue=[0.0, 5])]}, r"quotes\[0\].cue: expected \[start, end\] as two whole numbers"),
        ({"quotes": [quote(cue=[False, True])]}, r"quotes\[0\].cue: expected \[start, end\]"),
        ({"quotes": [quote(cue=None)]}, r"quotes\[0\].cue: expected \[start, end\]"),
        ({"quotes": [quote(source="هدى")]}, r"quotes\[0\].source: expected \[start, end\]"),
        ({"quotes": [quote(speaker="S9")]}, r"quotes\[0\]: its speaker 'S9' is not among the speakers"),
        ({"quotes": [quote(type="reported")]}, "'type' is 'reported', expected one of direct, indirect, mixed"),
        ({"quotes": [quote(act="sing")]}, "'act' is 'sing', expected one of assert"),
        ({"quotes": [quote(confidence=1.5)]}, "'confidence' must be a number from 0 to 1"),
        ({"quotes": [quote(confidence=float("nan"))]}, "'confidence' must be a number from 0 to 1"),
        ({"quotes": [quote(confidence=True)]}, "'confidence' must be a number from 0 to 1"),
        ({"quotes": [quote(evidence={"found_by": "x"})]}, r"quotes\[0\].evidence: 'linked_by' must be a string"),
        ({"rejected": [quote(speaker="S9")]}, r"rejected\[0\]: its speaker 'S9'"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        Document.from_dict(record(**wrong))


@pytest.mark.parametrize("value", [None, [], "نص", 3])
def test_a_document_must_be_an_object(value: Any) -> None:
    with pytest.raises(SchemaError, match="a document must be an object"):
        Document.from_dict(value)


def test_whole_numbers_are_accepted_as_ids() -> None:
    assert Document.from_dict({"id": 7, "text": ""}).id == "7"


@given(st.text(), st.integers(-3, 12), st.integers(-3, 12))
def test_a_span_is_the_text_between_its_offsets_or_an_error(text: str, start: int, end: int) -> None:
    if 0 <= start <= end <= len(text):
        span = Span.of(text, start, end)
        assert span.text == text[span.start : span.end]
        assert len(span.text) == end - start
    else:
        with pytest.raises(SchemaError):
            Span.of(text, start, end)


def test_spans_that_touch_do_not_overlap() -> None:
    a, b, c = Span.of(TEXT, 0, 5), Span.of(TEXT, 5, 6), Span.of(TEXT, 4, 6)
    assert not a.overlaps(b)
    assert a.overlaps(c)
    assert c.overlaps(a)


def test_values_cannot_be_changed() -> None:
    document = Document.from_dict(record())
    with pytest.raises(FrozenInstanceError):
        document.quotes[0].cue.start = 3  # type: ignore[misc]


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(st.text("قال الوزير «نعم» a1😀\u064e\u200f\n", min_size=1, max_size=40))

    def span() -> Span:
        start = draw(st.integers(0, len(text)))
        return Span.of(text, start, draw(st.integers(start, len(text))))

    speakers = tuple(
        Speaker(f"S{n}", text, draw(st.sampled_from(SPEAKER_KINDS)), (text,), (span(),)) for n in range(draw(st.integers(0, 3)))
    )
    quotes = tuple(
        Quote(
            id=f"Q{n}",
            type=draw(st.sampled_from(QUOTE_TYPES)),
            content=span(),
            cue=span(),
            source=span() if draw(st.booleans()) else None,
            speaker=draw(st.sampled_from((None, *speakers))),
            confidence=draw(st.none() | st.integers(0, 10000).map(lambda n: n / 10000)),
            evidence=Evidence("a", "b", (RunnerUp("S0", 0.5),)) if draw(st.booleans()) else None,
        )
        for n in range(draw(st.integers(0, 3)))
    )
    cut = draw(st.integers(0, len(quotes)))
    return Document(text, draw(st.text(max_size=5)), speakers, quotes[:cut], quotes[cut:], {"outlet": "x"})


@given(documents())
def test_every_document_survives_the_round_trip(document: Document) -> None:
    assert Document.from_dict(json.loads(json.dumps(document.to_dict()))) == document


def test_annotated_news_is_read_and_written_unchanged(shared_data: Any) -> None:
    for line in (shared_data / "gold" / "dev.jsonl").read_text(encoding="utf-8").splitlines():
        assert Document.from_dict(json.loads(line)).to_dict() == json.loads(line)
