"""Ray Data on two nodes gives the rows of one machine, also where a worker is killed in mid-run."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engines import KEPT, descendants, one_machine, parent, records, wait

from quoteattr import QuoteAttributor
from quoteattr.integrations.ray import quotes
from quoteattr.tables import quote_rows

ray: Any = pytest.importorskip("ray", reason="Ray is not installed: pip install 'quoteattr[ray]'")
pytest.importorskip("ray.data", reason="Ray Data is not installed: pip install 'quoteattr[ray]'")

COLUMNS: dict[str, Any] = {"text_column": "body", "id_column": "url", "keep_columns": KEPT}


def workers() -> set[int]:
    """The processes that read records."""
    return {process for process, command in descendants().items() if command.startswith("ray::") and "BatchReader" in command}


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[None]:
    """A cluster of two nodes with two places for work each."""
    from ray.cluster_utils import Cluster

    with TemporaryDirectory(prefix="ray") as folder, pytest.MonkeyPatch.context() as patch:
        node = {"num_cpus": 2, "object_store_memory": 2**27}
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_TMPDIR", folder)
        (Path(folder) / "ray").mkdir()  # Ray writes its address there before it makes the folder
        before = set(descendants())
        cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
        cluster.add_node(**node)
        ray.init(address=cluster.address, log_to_driver=False)
        context = ray.data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        yield
        ray.shutdown()
        cluster.shutdown()
        wait(lambda: set(descendants()) <= before)


@pytest.mark.usefixtures("two_nodes")
def test_a_worker_that_is_killed_in_mid_run_changes_nothing(tmp_path: Path) -> None:
    table = records(100)
    blocks = [table.slice(start, 10) for start in range(0, len(table), 10)]
    found = quotes(ray.data.from_arrow(blocks), "rules", **COLUMNS, batch_size=10, workers=2)
    output = iter(found.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0))
    rows = next(output).to_pylist()
    before = wait(lambda: len(both := workers()) == 2 and both)
    assert len({parent(worker) for worker in before}) == 2  # one a node
    os.kill(min(before), signal.SIGKILL)
    wait(lambda: min(before) not in workers())
    seen: set[int] = set()
    for batch in output:
        rows += batch.to_pylist()
        seen |= workers()
    assert len(seen - before) == 1  # work was left for the one in its place
    assert rows == one_machine(table, tmp_path)


@pytest.mark.usefixtures("two_nodes")
def test_files_to_files_with_as_many_workers_as_there_is_room_for(tmp_path: Path) -> None:
    table = records(3)
    expected = one_machine(table, tmp_path)  # leaves news.parquet
    found = quotes(ray.data.read_parquet(str(tmp_path / "news.parquet")), "rules", **COLUMNS)
    found.write_parquet(str(tmp_path / "out"))
    written = pq.read_table(tmp_path / "out")
    assert written.column_names == list(expected[0])
    order = [(row["doc_id"], row["quote_id"]) for row in expected]
    assert sorted(written.to_pylist(), key=lambda row: order.index((row["doc_id"], row["quote_id"]))) == expected


@pytest.mark.usefixtures("two_nodes")
def test_the_bundled_model_is_the_default() -> None:
    text = "قالت وزيرة البيئة رنا الحديدي إن فرق المكافحة طوقت البقعة. وأضافت أن «السباحة ممنوعة»."
    expected = quote_rows(QuoteAttributor.from_pretrained()(text, id="a"))
    assert len(expected) == 2
    found = quotes(ray.data.from_arrow(pa.table({"id": ["a"], "text": [text]})), workers=1)
    assert found.take_all() == [{**row, "error": None} for row in expected]


@pytest.mark.usefixtures("two_nodes")
def test_a_column_that_is_not_there_is_refused_before_anything_is_read() -> None:
    with pytest.raises(ValueError, match="no column text in the records; they have id"):
        quotes(ray.data.from_arrow(pa.table({"id": ["a"]})), "rules")
