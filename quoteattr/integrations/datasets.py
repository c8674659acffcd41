"""Quotes with Hugging Face Datasets: `Dataset.map` over the records, whose results its cache keeps.

dataset = quotes(load_dataset("parquet", data_files="news/*.parquet", split="train"), keep_columns=["date"])
dataset.to_parquet("quotes.parquet")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from quoteattr import __version__
from quoteattr.integrations.batches import BatchReader, required

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True, slots=True)
class _Read:
    """What is mapped. The cache knows a function by what it is made of, so the version and the files of the model are in it."""

    reader: BatchReader
    version: tuple[str, ...]

    def __call__(self, records: pa.Table) -> pa.Table:
        return self.reader(records)


def quotes(
    dataset: Dataset,
    model: str | Path | None = None,
    *,
    text_column: str = "text",
    id_column: str = "id",
    keep_columns: Sequence[str] = (),
    batch_size: int = 64,
    workers: int | None = None,
) -> Dataset:
    """The quotes of a dataset of records: one row a quote, and one for every record that can't be done.

    Columns, ``model`` and what becomes of bad records: see `quoteattr.integrations.batches.BatchReader`. ``workers`` processes
    share the work; left out, this one does it. Rows come in the order of the records. Whether an id stands twice is not looked
    for. The result is read from the cache of Datasets where the same records were read before with the same model by the same
    version.

    Raises `ModuleNotFoundError` where Datasets is not installed, `ValueError` for columns that the records lack or that would be
    there twice, and `ModelError` where the model can't be loaded.
    """
    datasets = required("datasets", "datasets")
    read = BatchReader(model, text_column, id_column, keep_columns)
    read.check(dataset.column_names)
    mapped = dataset.with_format("arrow").map(
        _Read(read, (__version__, *_files(model))),
        batched=True,
        batch_size=batch_size,
        num_proc=workers,
        remove_columns=dataset.column_names,
        features=datasets.Features.from_arrow_schema(read.schema),
        desc="quotes",
    )
    return mapped.with_format(None)


def _files(model: str | Path | None) -> list[str]:
    """The files of a model in a folder, each with its size and when it was changed."""
    folder = Path(model) if model is not None else None
    if folder is None or not folder.is_dir():
        return []
    found = [(path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file()]
    return [f"{path.relative_to(folder)} {stat.st_size} {stat.st_mtime_ns}" for path, stat in found]
