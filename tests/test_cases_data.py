"""The gold data checks itself: every span is where the annotation guidelines put it, and no text is copied."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from cases import DATA, places, read_cases, read_documents, resolve

from quoteattr.schema import Document, Quote
from quoteattr.text import fold

CASES = read_cases()
ARTICLES = read_documents(DATA / "articles.jsonl")
SAMPLE = read_documents(DATA / "sample.jsonl")
DOCUMENTS = (*(case.document for case in CASES), *ARTICLES, *SAMPLE)
MARKS = "«»“”„‘’\"'"
COMPLEMENTISERS = {"ان", "انه", "انها", "انهم", "بان", "بانه", "بانها", "فان"}


def _quotes() -> Iterator[tuple[Document, Quote]]:
    return ((document, quote) for document in DOCUMENTS for quote in document.quotes)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", fold(text))


def test_there_are_enough_cases_of_enough_kinds() -> None:
    assert len(CASES) >= 120
    assert len({case.phenomenon for case in CASES}) >= 25
    assert sum(not case.document.quotes for case in CASES) >= 20
    assert len(ARTICLES) == 6


def test_ids_and_texts_are_unique() -> None:
    assert len({document.id for document in DOCUMENTS}) == len(DOCUMENTS)
    assert len({tuple(_words(document.text)) for document in DOCUMENTS}) == len(DOCUMENTS)


def test_a_case_is_named_after_its_phenomenon() -> None:
    assert [case.id for case in CASES if not re.fullmatch(rf"{case.phenomenon}-\d\d", case.id)] == []


def test_contents_end_in_words_and_leave_the_complementiser_out() -> None:
    for document, quote in _quotes():
        assert quote.text.strip(MARKS + " \n.،؛:") == quote.text, document.id
        assert _words(quote.text)[0] not in COMPLEMENTISERS, document.id


def test_type_agrees_with_the_quotation_marks() -> None:
    for document, quote in _quotes():
        before = document.text[: quote.content.start].rstrip()[-1:]
        after = document.text[quote.content.end :].lstrip()[:1]
        opened = before != "" and before in MARKS + ","
        closed = after != "" and after in MARKS
        if quote.type == "direct":
            assert opened or before == ":" or quote.cue.text == ":", document.id
        elif quote.type == "mixed":
            assert any(mark in quote.text for mark in MARKS), document.id
        else:
            assert not (opened and closed), document.id


def test_cue_and_source_stand_apart() -> None:
    for document, quote in _quotes():
        if quote.source is not None:
            assert not quote.cue.overlaps(quote.source), document.id


def test_every_speaker_speaks_and_is_named_in_the_text() -> None:
    for document in DOCUMENTS:
        assert {q.speaker for q in document.quotes} == set(document.speakers), document.id
        for speaker in document.speakers:
            assert speaker.name in document.text, document.id
            assert {mention.text for mention in speaker.mentions} <= set(speaker.aliases), document.id
    for document, quote in _quotes():
        assert quote.speaker is not None
        assert quote.source is None or quote.source.text in quote.speaker.aliases, document.id


def test_quotes_stand_in_the_order_of_their_contents() -> None:
    for document in (*ARTICLES, *SAMPLE):
        starts = [quote.content.start for quote in document.quotes]
        assert starts == sorted(starts), document.id


def test_the_bundled_sample_is_the_text_that_is_annotated() -> None:
    bundled = files("quoteattr") / "data/sample.txt"
    assert [document.text for document in SAMPLE] == [bundled.read_text(encoding="utf-8").rstrip("\n")]
    assert 350 <= len(SAMPLE[0].text.split()) <= 450


def test_resolve_takes_the_nearest_place_unless_told_another() -> None:
    text = "قال علي نعم. وبعد ساعة قال عمر نعم."
    quote = {"cue": "قال", "source": None, "content": "نعم"}
    assert resolve(text, quote)["cue"].start == 0
    second = resolve(text, {**quote, "at": {"content": 2}})
    assert second["content"].start == text.rindex("نعم")
    assert second["cue"].start == text.rindex("قال")


@pytest.mark.parametrize("role", ["cue", "source", "content"])
def test_resolve_names_the_string_that_is_missing(role: str) -> None:
    quote = {"cue": "قال", "source": "علي", "content": "نعم"}
    with pytest.raises(ValueError, match=f"{role} 'غائب'"):
        resolve("قال علي نعم", {**quote, role: "غائب"})


def test_places_are_whole_words() -> None:
    assert places("قالت وقال", "قال") == [6]


def test_no_ten_words_in_a_row_come_from_the_shared_data(shared_data: Path) -> None:
    ours = {run: document.id for document in DOCUMENTS for run in _runs(_words(document.text))}
    for path in sorted((shared_data / "gold").glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                copied = {ours[run] for run in _runs(_words(record["text"])) if run in ours}
                assert not copied, f"{sorted(copied)} repeats {record['id']}"


def _runs(words: list[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(words[n:] for n in range(10)), strict=False)
