"""What the tests of Ray and Spark share: records, and what one machine makes of them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from cases import DATA, read_documents

from quoteattr import QuoteAttributor
from quoteattr.corpus import Columns, Corpus
from quoteattr.pieces import LONGEST
from quoteattr.score import Job, score

T = TypeVar("T")
KEPT = ("outlet", "n")


def records(copies: int) -> pa.Table:
    """The articles of the tests some times over, each with a name of its own, a record that can't be done and a long text."""
    articles = read_documents(DATA / "articles.jsonl")
    rows = [
        {"url": f"{document.id}-{n}", "body": document.text, "outlet": "مثال", "n": n}
        for n in range(copies)
        for document in articles
    ]
    rows[3:3] = [{"url": "null", "body": None, "outlet": "مثال", "n": 0}]
    rows[7:7] = [{"url": "long", "body": f"{articles[0].text}\n" * (LONGEST // 500), "outlet": None, "n": None}]
    return pa.Table.from_pylist(rows)


def one_machine(table: pa.Table, folder: Path) -> list[dict[str, Any]]:
    """The rows that `quoteattr.score` makes of records by the rules, failures among them where their records stand."""
    source, out = folder / "news.parquet", folder / "quotes.parquet"
    pq.write_table(table, source)
    attributor = QuoteAttributor.rules()
    corpus = Corpus([str(source)], Columns("body", "url"))
    score(attributor, Job(corpus, out, "parquet", dict(attributor.facts), KEPT))
    rows = [{**row, "error": None} for row in pq.read_table(out).to_pylist()]
    nothing = dict.fromkeys(rows[0])
    lines = (folder / "quotes.parquet.errors.jsonl").read_text(encoding="utf-8").splitlines()
    rows += [{**nothing, "doc_id": x["id"], "error": x["reason"]} for x in map(json.loads, lines)]
    place = {id: n for n, id in enumerate(table["url"].to_pylist())}
    return sorted(rows, key=lambda row: place[row["doc_id"]])


def descendants() -> dict[int, str]:
    """The processes that this one has started, and those that they have started, with their command lines."""
    parents, commands = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):  # it has just ended
                parents[int(folder.name)] = parent(int(folder.name))
                commands[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    found = {os.getpid()}
    while more := {child for child, above in parents.items() if above in found} - found:
        found |= more
    return {child: commands[child] for child in found - {os.getpid()} if commands.get(child)}  # the dead have none


def parent(process: int) -> int:
    """The process that has started this one."""
    return int(Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[1])


def wait(until: Callable[[], T], seconds: float = 60) -> T:
    """The first value that is something, asked for again and again."""
    end = time.monotonic() + seconds
    while not (value := until()):
        assert time.monotonic() < end, f"waited {seconds} s"
        time.sleep(0.02)
    return value
