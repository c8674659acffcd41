"""Quotes with Ray Data: records are read by a pool of actors, each of which loads the model once.

    dataset = quotes(ray.data.read_parquet("s3://news/"), keep_columns=["date"])
    dataset.write_parquet("s3://quotes/")

Where a process or a machine dies, Ray starts the actor anew and gives it the batches that were lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from quoteattr.integrations.batches import BatchReader, required

if TYPE_CHECKING:
    from ray.data import Dataset


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
    """The quotes of a dataset of records, lazily: one row a quote, and one for every record that can't be done.

    Columns, ``model`` and what becomes of bad records: see `quoteattr.integrations.batches.BatchReader`. ``workers`` is the
    number of actors; left out, there are as many as the cluster has room for. Each computes on one processor. Rows come in the
    order of the records only with ``ray.data.DataContext.get_current().execution_options.preserve_order = True``. Whether an id
    stands twice is not looked for.

    Raises `ModuleNotFoundError` where Ray is not installed and `ValueError` for columns that the records are known to lack or
    that would be there twice. What is raised when the rows are asked for is Ray's own, and quotes the `ModelError` where an
    actor can't load the model.
    """
    data = required("ray.data", "ray")
    arguments = (model, text_column, id_column, tuple(keep_columns))
    columns = dataset.columns(fetch_if_missing=False)
    if columns is not None:
        BatchReader(*arguments).check(columns)
    pool = data.ActorPoolStrategy(min_size=1) if workers is None else data.ActorPoolStrategy(size=workers)
    return dataset.map_batches(
        BatchReader, fn_constructor_args=arguments, batch_format="pyarrow", batch_size=batch_size, compute=pool
    )
