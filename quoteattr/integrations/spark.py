"""Quotes with Spark: records are read by the Python workers of its executors, each of which loads the model once.

    frame = quotes(spark.read.parquet("s3://news/"), keep_columns=["date"])
    frame.write.parquet("s3://quotes/")

Where a worker or a machine dies, Spark does its partition again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from quoteattr.integrations.batches import BatchReader, required

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def quotes(
    frame: DataFrame,
    model: str | Path | None = None,
    *,
    text_column: str = "text",
    id_column: str = "id",
    keep_columns: Sequence[str] = (),
) -> DataFrame:
    """The quotes of a frame of records, lazily: one row a quote, and one for every record that can't be done.

    Columns, ``model`` and what becomes of bad records: see `quoteattr.integrations.batches.BatchReader`. There are as many
    workers as the executors have room for tasks, each computes on ``spark.task.cpus`` processors, and the rows of a partition
    keep the order of its records. A frame of few partitions is best spread with ``frame.repartition``. Whether an id stands
    twice is not looked for.

    Raises `ModuleNotFoundError` where PySpark is not installed and `ValueError` for columns that the records lack or that would
    be there twice. What is raised when the rows are asked for is Spark's own, and quotes the `ModelError` where a worker can't
    load the model.
    """
    types = required("pyspark.sql.types", "spark")
    read = BatchReader(model, text_column, id_column, keep_columns)
    read.check(frame.columns)
    spark_types = {pa.string(): types.StringType(), pa.float64(): types.DoubleType(), pa.int64(): types.LongType()}

    def read_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from read(batch).to_batches()

    output = types.StructType([types.StructField(field.name, spark_types[field.type]) for field in read.schema])
    return frame.select(*read.inputs).mapInArrow(read_partition, output)
