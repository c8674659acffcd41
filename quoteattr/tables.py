"""Documents as flat tables: one row a quote, for data frames, CSV and Parquet.

>>> from quoteattr import QuoteAttributor
>>> document = QuoteAttributor.rules()("قال الوزير سالم الخطيب: «الطريق مفتوح».", id="a", metadata={"date": "2026-01-05"})
>>> row = quote_rows(document, ["date"])[0]
>>> row["speaker"], row["text"], row["start"], row["date"]
('سالم الخطيب', 'الطريق مفتوح', 25, '2026-01-05')
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

import pyarrow as pa

from quoteattr.schema import Document
from quoteattr.utf16 import Utf16

Offsets = Literal["code points", "utf-16"]
"""What offsets count: the characters of a Python string, or the units of one in JavaScript, Java or C#."""
_OFFSETS = ("start", "end", "cue_start", "cue_end", "source_start", "source_end")

_FIELDS: Mapping[str, pa.DataType] = {
    "doc_id": pa.string(),
    "quote_id": pa.string(),
    "type": pa.string(),
    "text": pa.string(),
    "cue": pa.string(),
    "source": pa.string(),
    "speaker": pa.string(),
    "speaker_kind": pa.string(),
    "confidence": pa.float64(),
    "start": pa.int64(),
    "end": pa.int64(),
    "cue_start": pa.int64(),
    "cue_end": pa.int64(),
    "source_start": pa.int64(),
    "source_end": pa.int64(),
    "parent": pa.string(),
    "act": pa.string(),
}
COLUMNS = tuple(_FIELDS)
"""The columns of every table of quotes; those kept of the records follow."""


def quote_rows(document: Document, keep: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The quotes of a document, each as one flat record; offsets are those of the document's text.

    ``keep`` names fields of the document's metadata that every row repeats, as text; one that it lacks is ``None``.
    """
    kept = {name: as_text(document.metadata.get(name)) for name in keep}
    rows = []
    for quote in document.quotes:
        speaker, source = quote.speaker, quote.source
        rows.append(
            {
                "doc_id": document.id,
                "quote_id": quote.id,
                "type": quote.type,
                "text": quote.content.text,
                "cue": quote.cue.text,
                "source": source.text if source else None,
                "speaker": speaker.name if speaker else None,
                "speaker_kind": speaker.kind if speaker else None,
                "confidence": quote.confidence,
                "start": quote.content.start,
                "end": quote.content.end,
                "cue_start": quote.cue.start,
                "cue_end": quote.cue.end,
                "source_start": source.start if source else None,
                "source_end": source.end if source else None,
                "parent": quote.parent,
                "act": quote.act,
                **kept,
            }
        )
    return rows


def schema(keep: Sequence[str] = ()) -> pa.Schema:
    """The Arrow schema of a table of quotes with the kept fields."""
    return pa.schema([*_FIELDS.items(), *((name, pa.string()) for name in keep)])


def documents_to_arrow(documents: Iterable[Document], keep: Sequence[str] = (), *, offsets: Offsets = "code points") -> pa.Table:
    """All quotes of some documents as an Arrow table, which other libraries take as it is: ``.to_pandas()``,
    ``polars.from_arrow``, ``datasets.Dataset``, ``duckdb``.

    ``offsets`` says what they count, for tables that JavaScript or Java reads. A lone surrogate, which Arrow's text can't hold,
    becomes a replacement character. Raises `ValueError` for offsets that there are not.

    >>> quote = {"id": "Q1", "type": "direct", "cue": [2, 5], "content": [11, 14]}
    >>> document = Document.from_dict({"text": "😀 قال علي: نعم", "quotes": [quote]})
    >>> documents_to_arrow([document], offsets="utf-16")["start"].to_pylist()
    [12]
    """
    if offsets not in get_args(Offsets):
        raise ValueError(f"offsets must be one of {', '.join(get_args(Offsets))}, not {offsets!r}")
    rows = (row for document in documents for row in _counted(quote_rows(document, keep), document, offsets))
    return rows_to_arrow(rows, schema(keep))


def _counted(rows: list[dict[str, Any]], document: Document, offsets: Offsets) -> list[dict[str, Any]]:
    if offsets == "utf-16" and rows:
        units = Utf16(document.text).units
        rows = [{**row, **{name: units(row[name]) for name in _OFFSETS if row[name] is not None}} for row in rows]
    return rows


def rows_to_arrow(rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Flat records as an Arrow table of that schema; a field that a record lacks is null."""
    return pa.Table.from_pylist([{name: storable(value) for name, value in row.items()} for row in rows], schema=schema)


def as_text(value: Any) -> str | None:
    """A field of a record as text: text as it is, what JSON has (numbers, lists) as JSON, anything else as it prints.

    >>> from datetime import date
    >>> as_text(date(2026, 1, 5)), as_text(["أ", 1]), as_text(True)
    ('2026-01-05', '["أ", 1]', 'true')
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | int | float | list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def storable(value: Any) -> Any:
    """A value whose text is valid Unicode."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value
