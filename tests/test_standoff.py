"""Annotations without their texts: no word leaks, and on the same texts everything is there again."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cases import DATA, read_documents

from quoteattr.attributor import QuoteAttributor
from quoteattr.cli import main
from quoteattr.corpus import Columns, Corpus, Failure
from quoteattr.schema import Document, Speaker
from quoteattr.standoff import StandoffError, read_records, rebuild, without_text

ARTICLES = read_documents(DATA / "articles.jsonl")


def records(documents: list[Document]) -> list[dict[str, object]]:
    return [json.loads(json.dumps(without_text(document))) for document in documents]


def test_no_arabic_letter_is_left_even_of_predictions_with_evidence() -> None:
    predicted = [QuoteAttributor.rules()(d.text, id=f"{n}") for n, d in enumerate(ARTICLES)]
    assert any(q.evidence and q.evidence.runners_up for d in predicted for q in d.quotes)
    for document in [replace(d, id="1") for d in ARTICLES] + predicted:
        assert not re.search("[\u0600-\u06ff]", json.dumps(without_text(document), ensure_ascii=False))


def test_the_annotations_come_back_on_texts_with_other_ids_and_among_others() -> None:
    own = [replace(d, metadata={}) for d in ARTICLES]
    corpus = [
        Document("نص آخر", "x"),
        *(Document(d.text, f"mine-{n}") for n, d in enumerate(reversed(own))),
        Failure("y", "broken"),
    ]
    assert list(rebuild(records(own), corpus)) == own


def test_fields_that_are_kept_come_back() -> None:
    document = replace(ARTICLES[0], metadata={"outlet": "جريدة", "note": "x"})
    record = without_text(document, ["outlet", "date"])
    assert (record["outlet"], "note" in record, "date" in record) == ("جريدة", False, False)
    (found,) = rebuild([record], [document])
    assert isinstance(found, Document)
    assert found.metadata == {"outlet": "جريدة"}


def test_missing_and_altered_texts_are_told_apart() -> None:
    one, other = ARTICLES[:2]
    found = list(rebuild(records([one, other]), [replace(one, text=one.text + ".")]))
    assert found == [
        Failure(one.id, f"its text was altered: {len(one.text) + 1:,} characters instead of {len(one.text):,}, or other ones"),
        Failure(other.id, "its text is missing: neither its hash nor its id is in the corpus"),
    ]


def test_a_record_of_a_later_format_or_a_damaged_one_is_one_failure() -> None:
    good, newer, damaged = (dict(without_text(ARTICLES[0])) for _ in range(3))
    newer["standoff"] = 2
    damaged["speakers"] = [{"id": "S1", "name": [0]}]
    first, second, third = rebuild([good, newer, damaged], ARTICLES)
    assert isinstance(first, Document)
    assert second == Failure("record 2", "has the standoff format 2; this version reads 1")
    assert isinstance(third, Failure)


def test_a_name_that_is_not_in_the_text_is_refused() -> None:
    document = Document("قال الوزير إن الطريق مفتوح.", "7", (Speaker("S1", "سالم الخطيب"),))
    with pytest.raises(StandoffError, match="document '7': the name 'سالم الخطيب' does not stand in the text"):
        without_text(document)


def test_the_commands_take_the_texts_away_and_put_them_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gold, standoff, news, again = (tmp_path / name for name in ("gold.jsonl", "standoff.jsonl", "news.jsonl", "again.jsonl"))
    own = [replace(document, metadata={}) for document in ARTICLES]
    gold.write_text("".join(json.dumps(d.to_dict()) + "\n" for d in own), encoding="utf-8")
    assert main(["convert", str(gold), "--to", "standoff", "-o", str(standoff)]) == 0
    texts = [{"id": f"mine-{n}", "text": d.text} for n, d in enumerate(own)]
    news.write_text("".join(json.dumps(text) + "\n" for text in texts), encoding="utf-8")
    command = ["convert", str(standoff), "--corpus", str(news), "--to", "jsonl", "-o", str(again)]
    assert main(command) == 0
    assert [Document.from_dict(json.loads(line)) for line in again.read_text(encoding="utf-8").splitlines()] == own
    capsys.readouterr()
    news.write_text("".join(json.dumps(text) + "\n" for text in texts[1:]), encoding="utf-8")
    standoff.write_text(standoff.read_text(encoding="utf-8") + "{}\n", encoding="utf-8")
    assert main(command) == 1
    messages = capsys.readouterr().err.splitlines()
    assert messages[0].endswith(":" + str(len(own) + 1) + ": no standoff record: 'quoteattr convert --to standoff' makes them")
    assert messages[-2] == f"quoteattr: {own[0].id}: its text is missing: neither its hash nor its id is in the corpus"
    assert messages[-1].endswith(f"{len(own) - 1} documents done, 2 failed, {sum(len(d.quotes) for d in own[1:])} quotes")
    assert main([*command[:-4], "--to", "brat", "-o", str(tmp_path / "brat")]) == 2


NEWS = Path(__file__).parents[1] / "training" / "news.jsonl"


def _news() -> list[dict[str, Any]]:
    found = list(read_records(str(NEWS)))
    assert [item for item in found if isinstance(item, Failure)] == []
    return [record for record in found if isinstance(record, dict)]


def test_the_annotations_of_news_to_train_on_hold_no_word_of_it() -> None:
    found = _news()
    assert len(found) > 300
    assert len({record["sha256"] for record in found}) == len(found)
    for record in found:
        assert not re.search("[\u0600-\u06ff]", json.dumps({**record, "id": ""}, ensure_ascii=False))
        speakers = {speaker["id"] for speaker in record["speakers"]}
        for quote in record["quotes"]:
            assert quote["speaker"] in speakers
            assert 0 <= quote["content"][0] < quote["content"][1] <= record["characters"]


@pytest.mark.slow
def test_the_annotations_of_news_to_train_on_come_back_on_the_news(shared_data: Path) -> None:
    paths = sorted(map(str, (shared_data / "raw").glob("*.jsonl.gz")))
    failures = [item for item in rebuild(_news(), Corpus(paths, Columns())) if isinstance(item, Failure)]
    assert failures == []
