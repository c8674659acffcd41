"""The texts that were written for the project, the phenomena suite and those for training, are what they say they are: sound
spans, enough of everything, halves by hash, nobody else's text, and the suite apart from what is trained on."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from itertools import combinations
from pathlib import Path

import pytest
from cases import read_documents

from quoteattr.schema import Document
from quoteattr.suite import Suite
from quoteattr.text import fold

FOLDER = Path(os.environ.get("QUOTEATTR_SUITE", Path(__file__).parents[1] / "benchmarks" / "phenomena"))
TRAINING = Path(__file__).parents[1] / "training" / "written.jsonl"
GRAM = 8
"""Words in a row that two texts share by chance only where they are a formula of the trade."""

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the suite is not there: {FOLDER}")


@cache
def suite() -> Suite:
    return Suite.read(FOLDER)


@cache
def written() -> tuple[Document, ...]:
    """The documents of the suite and those for training."""
    return (*suite().documents, *read_documents(TRAINING))


@cache
def grams(text: str) -> frozenset[str]:
    words = re.findall(r"\w+", fold(text))
    return frozenset(" ".join(words[n : n + GRAM]) for n in range(len(words) - GRAM + 1))


def phenomenon(document: Document) -> str:
    return str(document.metadata["phenomenon"])


def test_the_half_that_is_sealed_is_chosen_by_the_hash_of_the_id() -> None:
    for part, documents in suite().parts.items():
        for document in documents:
            assert ("open", "sealed")[sha256(document.id.encode()).digest()[0] % 2] == part, document.id


def test_there_is_enough_of_everything() -> None:
    counts = Counter(map(phenomenon, suite().documents))
    articles = [d for d in suite().documents if phenomenon(d) == "article"]
    assert len(articles) >= 60
    assert all(150 <= len(d.text.split()) <= 600 for d in articles)
    assert {name: count for name, count in counts.items() if count < 12} == {}
    assert len({d.metadata["country"] for d in suite().documents}) >= 15


def test_spans_begin_and_end_at_words_and_every_speaker_speaks() -> None:
    edges = ' \n\t«»"“”.,،؛:'
    for document in written():
        assert {q.speaker.id for q in document.quotes if q.speaker} == {s.id for s in document.speakers}, document.id
        for quote in document.quotes:
            where = (document.id, quote.id)
            assert quote.content.text == quote.content.text.strip(edges), where
            assert quote.speaker is not None, where
            assert quote.source is None or quote.source.text == quote.source.text.strip(" \n\t,،؛:"), where
            assert quote.cue.text.strip(), where
            before = re.search(r"\w*\Z", document.text[: quote.content.start])
            assert before is not None
            assert before.group() in ("", "و", "ف", "ب", "ل"), where  # attached, and no part of what was said


def test_no_item_stands_twice_or_nearly() -> None:
    documents = written()
    assert [id for id, count in Counter(d.id for d in documents).items() if count > 1] == []
    holders: dict[str, list[str]] = {}
    for document in documents:
        for gram in grams(document.text):
            holders.setdefault(gram, []).append(document.id)
    shared = Counter(pair for ids in holders.values() if len(ids) > 1 for pair in combinations(ids, 2))
    assert {pair: count for pair, count in shared.items() if count > 3} == {}


def news(shared: Path) -> Iterator[tuple[str, str]]:
    """Id and text of every article that the project was given."""
    for path in sorted((shared / "gold").glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            yield from ((record["id"], record["text"]) for record in map(json.loads, lines))
    for path in sorted((shared / "raw").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from ((record["id"], record["text"]) for record in map(json.loads, lines))


def test_no_item_is_a_near_copy_of_the_news_that_the_project_was_given(shared_data: Path) -> None:
    own: dict[str, list[str]] = {}
    for document in written():
        for gram in grams(document.text):
            own.setdefault(gram, []).append(document.id)
    found = Counter[tuple[str, str]]()
    for id, text in news(shared_data):
        words = re.findall(r"\w+", fold(text))
        for n in range(len(words) - GRAM + 1):
            for item in own.get(" ".join(words[n : n + GRAM]), ()):
                found[item, id] += 1
    assert {pair: count for pair, count in found.items() if count > 2} == {}


def test_the_second_annotation_is_of_the_same_texts() -> None:
    first = {document.id: document.text for document in suite().documents}
    second = read_documents(FOLDER / "again" / "second.jsonl")
    assert len({document.id for document in second}) == len(second) == 80
    assert all(first[document.id] == document.text for document in second)
