"""A long run of ``quoteattr score``: memory and speed from beginning to end, as JSON and as a picture.

    python benchmarks/endurance.py --model rules --documents 200000 [--workers 1]

The articles of ``--raw`` are repeated with fresh ids until there are enough. Every second the memory of the command and all its
processes is added up, and the parts that are done are counted. The hash of the quotes says whether one and two workers find the
same.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Any

import machine
import matplotlib
import numpy as np
from pyarrow import parquet

from quoteattr import __version__
from quoteattr.corpus import Columns, Corpus, find_corpus
from quoteattr.schema import Document
from quoteattr.score import PART

RAW = Path("../shared/data/raw")
RESULTS = Path(__file__).parent / "results"
LIMIT = 800
"""Megabytes that a run with one worker may take."""
POINTS = 200
TENTHS = 10


def articles(folder: Path, count: int) -> Iterator[dict[str, str]]:
    """That many articles of all outlets in random order; the same text comes again with another id."""
    found = (record for record in Corpus(list(find_corpus([str(folder)])), Columns()) if isinstance(record, Document))
    texts = [document.text for document in found]
    if not texts:
        sys.exit(f"{folder}: no articles there")
    Random(0).shuffle(texts)
    for number, text in enumerate(islice(cycle(texts), count)):
        yield {"id": f"{number:09}", "text": text}


def run(model: str | None, corpus: Path, count: int, workers: int, form: str) -> dict[str, Any]:
    """Score a corpus and say what it took."""
    out = corpus.with_name(f"out.{form}")
    parts = out.with_name(f"{out.name}.parts")
    done: list[tuple[float, int]] = []

    def watch(seconds: float) -> None:
        if parts.is_dir():
            done.append((seconds, min(count, PART * sum(1 for _ in parts.glob("part-*.json")))))

    command = [sys.executable, "-m", "quoteattr", "score", corpus, "-o", out, f"--workers={workers}"]
    found = machine.run([*command, *([f"--model={model}"] if model else [])], every=1.0, watch=watch)
    done.append((found.seconds, count))
    facts = json.loads(out.with_name(f"{out.name}.meta.json").read_text(encoding="utf-8"))
    megabytes = [(seconds, size / machine.MB) for seconds, size in found.memory]
    return {
        "documents": facts["documents"],
        "quotes": facts["quotes"],
        "failures": facts["failures"],
        "model": facts["model"],
        "workers": workers,
        "seconds": found.seconds,
        "processor seconds": found.processor_seconds,
        "documents per second": count / found.seconds,
        "documents per second in each tenth": _by_tenth(done, count),
        "peak memory, MB": found.peak / machine.MB,
        "memory in the last tenth / in the second": _growth(megabytes),
        "bytes in, compressed": corpus.stat().st_size,
        "bytes out": out.stat().st_size,
        "sha256 of the quotes": _hash(out),
        "memory, MB": _thinned(megabytes),
    }


def _hash(out: Path) -> str:
    """The SHA-256 of the rows of a file, whatever its own metadata say."""
    if out.suffix != ".parquet":
        return hashlib.sha256(out.read_bytes()).hexdigest()
    found = hashlib.sha256()
    for batch in parquet.ParquetFile(out).iter_batches():
        found.update("\n".join(map(str, batch.to_pylist())).encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def _by_tenth(done: Sequence[tuple[float, int]], count: int) -> list[float]:
    """Documents a second while each tenth of them was done.

    >>> [round(speed) for speed in _by_tenth([(1.0, 0), (2.0, 100), (4.0, 200)], 200)[::9]]
    [100, 50]
    """
    first = {documents: seconds for seconds, documents in reversed(done)}  # when each number was first seen
    numbers = sorted(first)
    moments = np.interp(np.linspace(0, count, TENTHS + 1), numbers, [first[number] for number in numbers])
    speeds: list[float] = (count / TENTHS / np.diff(moments)).tolist()
    return speeds


def _growth(memory: Sequence[tuple[float, float]]) -> float | None:
    """How much more memory there is in the last tenth of a run than in its second; a run of a few seconds says nothing."""
    width = len(memory) // TENTHS
    if not width:
        return None
    second, last = memory[width : 2 * width], memory[-width:]
    return sum(size for _, size in last) / sum(size for _, size in second)


def _thinned(series: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most `POINTS` points: the highest of every stretch."""
    width = -(-len(series) // POINTS)
    return [max(series[at : at + width], key=lambda point: point[1]) for at in range(0, len(series), width)]


def plot(record: dict[str, Any], path: Path) -> None:
    """Draw memory over time, and documents a second below it."""
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "quoteattr"  # the same figures give the same file
    from matplotlib import pyplot

    figure, (upper, lower) = pyplot.subplots(2, 1, figsize=(8, 5), height_ratios=[2, 1], layout="constrained")
    seconds, memory = zip(*record["memory, MB"], strict=True)
    upper.plot(seconds, memory)
    upper.set(xlabel="seconds", ylabel="memory, MB", ylim=(0, 1.1 * max(LIMIT, *memory)), xlim=(0, record["seconds"]))
    upper.axhline(LIMIT, linestyle="--", color="grey")
    workers = f"{record['workers']} worker{'s' if record['workers'] > 1 else ''}"
    upper.set_title(f"quoteattr score, {record['model']}, {record['documents']:,} articles, {workers}")
    lower.bar(range(1, TENTHS + 1), record["documents per second in each tenth"])
    lower.set(xlabel="tenth of the articles", ylabel="articles/s", xticks=range(1, TENTHS + 1))
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)


def main() -> None:
    """Run, print, write and draw."""
    parser = argparse.ArgumentParser(description="A long run of quoteattr score: memory and speed from beginning to end.")
    parser.add_argument("--model", default="default", help="rules, default for the bundled model, or a folder")
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--cores", type=int, default=2, help="processors to use (default: 2)")
    parser.add_argument("--format", choices=["parquet", "jsonl", "csv"], default="parquet")
    parser.add_argument("--raw", type=Path, default=RAW, help=f"folder of the articles (default: {RAW})")
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/endurance-MODEL-WORKERS.json, .svg")
    options = parser.parse_args()
    name = "model" if options.model == "default" else Path(options.model).name
    path = options.out or RESULTS / f"endurance-{name}-{options.workers}.json"
    cores = machine.keep_to(options.cores)
    with tempfile.TemporaryDirectory() as work:
        corpus = Path(work) / "news.jsonl.gz"
        with gzip.open(corpus, "wt", compresslevel=1, encoding="utf-8") as out:
            for article in articles(options.raw, options.documents):
                out.write(json.dumps(article, ensure_ascii=False) + "\n")
        model = None if options.model == "default" else options.model
        record = run(model, corpus, options.documents, options.workers, options.format)
    record = {"quoteattr": __version__, "machine": machine.describe(cores), **record}
    for label, value in record.items():
        if label not in ("machine", "memory, MB"):
            print(f"{label:45}{value}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(machine.rounded(record)) + "\n", encoding="utf-8")
    plot(record, path.with_suffix(".svg"))
    print(f"{path}, {path.with_suffix('.svg')}")


if __name__ == "__main__":
    main()
