"""Spark gives the rows of one machine, also where its workers are killed in mid-run."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from engines import KEPT, descendants, one_machine, parent, records, wait

from quoteattr import QuoteAttributor
from quoteattr.integrations.spark import quotes
from quoteattr.tables import quote_rows

sql: Any = pytest.importorskip("pyspark.sql", reason="PySpark is not installed: pip install 'quoteattr[spark]'")
pytestmark = pytest.mark.skipif(
    shutil.which("java") is None and "JAVA_HOME" not in os.environ, reason="no Java: neither java on the path nor JAVA_HOME"
)

COLUMNS: dict[str, Any] = {"text_column": "body", "id_column": "url", "keep_columns": KEPT}


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two tasks at a time, each in a Python process of its own; a task may fail three times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        builder = sql.SparkSession.builder.master("local[2, 4]")
        for name, value in {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")),
        }.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
        java = session.sparkContext._gateway.proc
        yield session
        session.stop()
        java.stdin.close()  # which ends it
        java.wait()


def rows(frame: Any) -> list[dict[str, Any]]:
    return [row.asDict() for row in frame.collect()]


def test_the_rows_are_those_of_one_machine(spark: Any, tmp_path: Path) -> None:
    table = records(20)
    frame = spark.createDataFrame(table)
    assert frame.rdd.getNumPartitions() == 2
    found = quotes(frame, "rules", **COLUMNS)
    expected = one_machine(table, tmp_path)
    assert found.columns == list(expected[0])
    assert rows(found) == expected


def workers() -> set[int]:
    """The processes that run tasks: those that a daemon has forked."""
    daemons = {process for process, command in descendants().items() if "pyspark.daemon" in command}
    return {process for process in daemons if parent(process) in daemons}


def computed(process: int) -> float:
    """Seconds that a process has computed."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_workers_that_are_killed_in_mid_run_change_nothing(spark: Any, tmp_path: Path) -> None:
    table = records(150)
    tracker = spark.sparkContext.statusTracker()
    before = {worker: computed(worker) for worker in workers()}
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(rows, quotes(spark.createDataFrame(table), "rules", **COLUMNS))
        (stage,) = wait(tracker.getActiveStageIds)
        killed = wait(lambda: {worker for worker in workers() if computed(worker) > before.get(worker, 0) + 0.3})
        for worker in killed:
            os.kill(worker, signal.SIGKILL)
        wait(lambda: tracker.getStageInfo(stage).numFailedTasks)
        assert found.result() == one_machine(table, tmp_path)
    assert workers().isdisjoint(killed)


def test_files_to_files(spark: Any, tmp_path: Path) -> None:
    expected = one_machine(records(3), tmp_path)  # leaves news.parquet
    frame = spark.read.parquet(str(tmp_path / "news.parquet")).repartition(4)
    quotes(frame, "rules", **COLUMNS).write.parquet(str(tmp_path / "out"))
    order = [(row["doc_id"], row["quote_id"]) for row in expected]
    written = rows(spark.read.parquet(str(tmp_path / "out")))
    assert sorted(written, key=lambda row: order.index((row["doc_id"], row["quote_id"]))) == expected


def test_bytes_that_are_no_text(spark: Any) -> None:
    frame = spark.sql("SELECT cast(unhex('FFFE') AS string) AS text, 7 AS id UNION ALL SELECT 'قال الوزير: «نعم».', 8")
    found = rows(quotes(frame, "rules"))
    assert [(row["doc_id"], row["text"], row["error"]) for row in found] == [
        ("7", None, "'text' is not UTF-8 text"),
        ("8", "نعم", None),
    ]


def test_the_bundled_model_is_the_default(spark: Any) -> None:
    text = "قالت وزيرة البيئة رنا الحديدي إن فرق المكافحة طوقت البقعة. وأضافت أن «السباحة ممنوعة»."
    expected = quote_rows(QuoteAttributor.from_pretrained()(text, id="a"))
    assert len(expected) == 2
    found = quotes(spark.createDataFrame(pa.table({"id": ["a"], "text": [text]})))
    assert rows(found) == [{**row, "error": None} for row in expected]


def test_a_column_that_is_not_there_is_refused_before_anything_is_read(spark: Any) -> None:
    with pytest.raises(ValueError, match="no column text in the records; they have id"):
        quotes(spark.createDataFrame(pa.table({"id": ["a"]})), "rules")
