"""Hugging Face Datasets: the rows of one machine, and a cache that knows what they were made with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from engines import KEPT, one_machine, records

from quoteattr import QuoteAttributor
from quoteattr.integrations import datasets as ours
from quoteattr.integrations.batches import BatchReader
from quoteattr.integrations.datasets import quotes
from quoteattr.tables import quote_rows

datasets: Any = pytest.importorskip("datasets", reason="Datasets is not installed: pip install 'quoteattr[datasets]'")

COLUMNS: dict[str, Any] = {"text_column": "body", "id_column": "url", "keep_columns": KEPT}
TEXT = "قالت وزيرة البيئة رنا الحديدي إن فرق المكافحة طوقت البقعة. وأضافت أن «السباحة ممنوعة»."


@pytest.fixture(autouse=True)
def _environ(monkeypatch: pytest.MonkeyPatch) -> None:
    """`Dataset.map` with several processes leaves a copy in place of ``os.environ``, which later tests must not meet."""
    monkeypatch.setattr(os, "environ", os.environ)


@pytest.fixture
def expected(tmp_path: Path) -> list[dict[str, Any]]:
    """The rows that are wanted; leaves news.parquet."""
    return one_machine(records(2), tmp_path)


@pytest.fixture
def news(tmp_path: Path, expected: object) -> Any:
    """Records from a file, so that results are cached."""
    return datasets.load_dataset(
        "parquet", data_files=str(tmp_path / "news.parquet"), split="train", cache_dir=str(tmp_path / "cache")
    )


@pytest.mark.parametrize("workers", [None, 2])
def test_the_rows_are_those_of_one_machine(news: Any, expected: list[dict[str, Any]], workers: int | None) -> None:
    found = quotes(news, "rules", **COLUMNS, batch_size=3, workers=workers)
    assert found.to_list() == expected
    assert found.features.arrow_schema.remove_metadata() == BatchReader("rules", **COLUMNS).schema
    assert found.filter(lambda row: row["error"] is None).num_rows == sum(row["error"] is None for row in expected)


def test_the_cache_knows_records_model_and_version(news: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    whole = BatchReader.__call__

    def counted(self: BatchReader, table: Any) -> Any:
        calls.append(table.num_rows)
        return whole(self, table)

    monkeypatch.setattr(BatchReader, "__call__", counted)
    first = quotes(news, "rules", **COLUMNS)
    assert sum(calls) == news.num_rows
    again = quotes(news, "rules", **COLUMNS)
    assert sum(calls) == news.num_rows  # read from the cache
    assert again.to_list() == first.to_list()
    quotes(news.select(range(4)), "rules", **COLUMNS)
    assert sum(calls) == news.num_rows + 4
    monkeypatch.setattr(ours, "__version__", "9.9")
    quotes(news, "rules", **COLUMNS)
    assert sum(calls) == 2 * news.num_rows + 4


def test_a_folder_whose_files_changed_is_another_model(tmp_path: Path) -> None:
    def known_as() -> str:
        read = ours._Read(BatchReader(tmp_path), tuple(ours._files(tmp_path)))
        found: str = datasets.fingerprint.Hasher.hash(read)
        return found

    (tmp_path / "weights").write_text("a")
    first = known_as()
    assert known_as() == first
    (tmp_path / "weights").write_text("ab")
    assert known_as() != first


def test_the_bundled_model_is_the_default() -> None:
    expected = quote_rows(QuoteAttributor.from_pretrained()(TEXT, id="a"))
    assert len(expected) == 2
    found = quotes(datasets.Dataset.from_dict({"id": ["a"], "text": [TEXT]}))
    assert found.to_list() == [{**row, "error": None} for row in expected]


def test_columns_that_are_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="no column text in the records; they have id"):
        quotes(datasets.Dataset.from_dict({"id": ["a"]}), "rules")


def test_records_without_quotes_are_no_rows() -> None:
    found = quotes(datasets.Dataset.from_dict({"id": ["a"], "text": ["نعم"]}), "rules")
    assert (found.num_rows, found.column_names[0]) == (0, "doc_id")
