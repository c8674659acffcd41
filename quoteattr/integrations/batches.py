"""A batch of records to a table of quotes: what every engine that passes Arrow batches around can call.

>>> read = BatchReader("rules", keep_columns=["date"])
>>> texts = ["قال الوزير سالم الخطيب: «الطريق مفتوح».", None]
>>> records = pa.table({"id": ["a", "b"], "text": texts, "date": ["2026-01-05", None]})
>>> for row in read(records).to_pylist():
...     print(row["doc_id"], row["speaker"], row["text"], row["date"], row["error"])
a سالم الخطيب الطريق مفتوح 2026-01-05 None
b None None None 'text' must be a string, not NoneType
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa

from quoteattr.attributor import QuoteAttributor
from quoteattr.corpus import Columns, Failure, document_of, rows_of
from quoteattr.schema import Document
from quoteattr.score import BATCH, read_batch
from quoteattr.tables import COLUMNS, as_text, quote_rows, rows_to_arrow, schema

ERROR = "error"
"""The last column: why a record could not be done."""


class BatchReader:
    """Maps a table of records to one of quotes, in the order of the records; it can be pickled and sent to other processes.

    The output has the columns of `quoteattr.tables.schema` and a last one, `ERROR`. A record that can't be done (its text is
    null, no text or not UTF-8, or brings a defect to light) is one row with its id and the error and nothing else. A record
    without quotes has no row, a record without an id has an empty ``doc_id``.

    ``model`` is "rules", or the folder or Hub id of a trained model (``None``: the bundled one). Each process loads it when it
    gets its first batch, so a folder must be there on every machine. Raises `ValueError` where ``keep_columns`` name a column
    that the table of quotes has already.
    """

    def __init__(
        self, model: str | Path | None = None, text_column: str = "text", id_column: str = "id", keep_columns: Sequence[str] = ()
    ) -> None:
        names = [*COLUMNS, *keep_columns, ERROR]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"the table of quotes would have two columns {', '.join(twice)}")
        self._model = None if model is None else str(model)
        self._columns = Columns(text_column, id_column)
        self._keep = tuple(keep_columns)
        self.inputs = tuple(dict.fromkeys((text_column, id_column, *keep_columns)))
        """The columns that it reads."""
        self.schema = schema(keep_columns).append(pa.field(ERROR, pa.string()))
        """The schema of its output."""

    def check(self, columns: Sequence[str]) -> None:
        """Raises `ValueError` where the records lack a column."""
        if missing := [name for name in self.inputs if name not in columns]:
            raise ValueError(f"no column {', '.join(missing)} in the records; they have {', '.join(columns)}")

    def __call__(self, records: pa.Table | pa.RecordBatch) -> pa.Table:
        """The quotes of some records. Raises `ModelError` where the model can't be loaded."""
        return rows_to_arrow(self._rows(self._read(records)), self.schema)

    def _read(self, records: pa.Table | pa.RecordBatch) -> Iterator[Document | Failure]:
        attributor = _attributor(self._model)
        names = records.schema.names
        if self._columns.text in names:  # else all shall stand in the error
            records = records.select([name for name in names if name in self.inputs])
        items = [document_of(row, as_text(row.get(self._columns.id)) or "", self._columns) for row in rows_of(records)]
        for start in range(0, len(items), BATCH):
            part = items[start : start + BATCH]
            read = iter(read_batch(attributor, [item for item in part if isinstance(item, Document)]))
            yield from (item if isinstance(item, Failure) else next(read) for item in part)

    def _rows(self, results: Iterable[Document | Failure]) -> Iterator[dict[str, Any]]:
        for result in results:
            if isinstance(result, Failure):
                yield {"doc_id": result.where, ERROR: result.reason}
            else:
                yield from quote_rows(result, self._keep)


@lru_cache(maxsize=1)
def _attributor(model: str | None) -> QuoteAttributor:
    """That of this process."""
    return QuoteAttributor.rules() if model == "rules" else QuoteAttributor.from_pretrained(model)


def required(module: str, extra: str) -> Any:
    """A module that an extra brings. Raises `ModuleNotFoundError` with the command that installs it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        message = f"{error.name} is not installed: pip install 'quoteattr[{extra}]'"
        raise ModuleNotFoundError(message, name=error.name) from None
