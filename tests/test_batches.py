"""Arrow batches of records to tables of quotes: nothing crashes a batch, and nothing of it is lost."""

from __future__ import annotations

import pickle
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from cases import DATA, read_documents
from deadly import BREAKS, Deadly

from quoteattr import QuoteAttributor
from quoteattr.integrations import batches
from quoteattr.integrations.batches import BatchReader, required
from quoteattr.tables import quote_rows, schema

ARTICLES = read_documents(DATA / "articles.jsonl")
GOOD = "قال الوزير سالم الخطيب: «الطريق مفتوح»."


def errors(table: pa.Table) -> dict[str, str]:
    """By id; whatever a record with an error has beside it is null."""
    rows: list[dict[str, Any]] = [row for row in table.to_pylist() if row["error"] is not None]
    assert all(value is None for row in rows for name, value in row.items() if name not in ("doc_id", "error"))
    return {row["doc_id"]: row["error"] for row in rows}


@pytest.mark.parametrize("form", [pa.Table, pa.RecordBatch])
def test_the_rows_are_those_of_the_attributor(form: Any) -> None:
    records = form.from_pylist([{"url": n, "body": d.text, "date": date(2026, 1, 5)} for n, d in enumerate(ARTICLES)])
    read = pickle.loads(pickle.dumps(BatchReader("rules", "body", "url", ["date"])))
    table = read(records)
    rules = QuoteAttributor.rules()
    documents = [rules(d.text, id=str(n), metadata={"date": date(2026, 1, 5)}) for n, d in enumerate(ARTICLES)]
    expected = [{**row, "error": None} for document in documents for row in quote_rows(document, ["date"])]
    assert table.to_pylist() == expected
    assert {row["date"] for row in expected} == {"2026-01-05"}
    assert table.schema == read.schema == pa.schema([*schema(["date"]), ("error", pa.string())])


def test_the_bundled_model_is_the_default() -> None:
    records = pa.table({"id": ["a"], "text": [GOOD]})
    document = QuoteAttributor.from_pretrained()(GOOD, id="a")
    assert BatchReader()(records).drop(["error"]).to_pylist() == quote_rows(document)


def test_what_cannot_be_done_is_a_row_of_its_own_where_it_stands() -> None:
    bad = pa.array([GOOD.encode(), b"\xff\xfe", None, GOOD.encode()])
    text = pa.StringArray.from_buffers(4, bad.buffers()[1], bad.buffers()[2], bad.buffers()[0], bad.null_count)
    table = BatchReader("rules")(pa.table({"text": text, "id": ["first", "bytes", "null", "last"]}))
    assert table["doc_id"].to_pylist() == ["first", "bytes", "null", "last"]
    assert errors(table) == {
        "bytes": "'text' is not UTF-8 text",
        "null": "'text' must be a string, not NoneType",
    }


def test_values_that_python_cannot_hold_are_left_out_and_the_text_is_read() -> None:
    beyond = pa.array([2**62], pa.timestamp("s"))
    table = BatchReader("rules", keep_columns=["date"])(pa.table({"text": [GOOD], "id": ["a"], "date": beyond}))
    assert table.select(["doc_id", "text", "date", "error"]).to_pylist() == [
        {"doc_id": "a", "text": "الطريق مفتوح", "date": None, "error": None}
    ]


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ({"id": [7], "text": [1.5]}, {"7": "'text' must be a string, not float"}),
        ({"id": [b"x"], "text": [GOOD]}, {"b'x'": "document: 'id' must be a string, not bytes"}),
        ({"id": ["a"], "body": [GOOD]}, {"a": "'text' must be a string, not NoneType; there is only 'id', 'body'"}),
        ({"id": [None], "text": [None]}, {"": "'text' must be a string, not NoneType"}),
    ],
)
def test_a_column_of_another_kind_is_an_error_of_every_record(records: dict[str, Any], expected: dict[str, str]) -> None:
    assert errors(BatchReader("rules")(pa.table(records))) == expected


def test_a_text_that_brings_a_defect_to_light_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_attributor", lambda model: Deadly())
    records = pa.table({"id": [*map(str, range(40))], "text": [BREAKS if n == 20 else "a" for n in range(40)]})
    assert errors(BatchReader()(records)) == {"20": "ZeroDivisionError: broken"}


def test_no_records_are_no_rows() -> None:
    read = BatchReader("rules")
    table = read(pa.table({"id": pa.array([], pa.string()), "text": pa.array([], pa.string())}))
    assert (table.num_rows, table.schema) == (0, read.schema)


def test_columns_that_would_be_there_twice_are_refused() -> None:
    with pytest.raises(ValueError, match="would have two columns error, speaker"):
        BatchReader(keep_columns=["speaker", "date", "error"])
    with pytest.raises(ValueError, match="no column url, date in the records; they have text, id"):
        BatchReader(id_column="url", keep_columns=["date"]).check(["text", "id"])


def test_a_missing_extra_says_what_installs_it() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"^rays is not installed: pip install 'quoteattr\[ray\]'$"):
        required("rays.data", "ray")
