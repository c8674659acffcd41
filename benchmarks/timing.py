"""The clock that all measured programs share, those of the peers too: it needs nothing but Python."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, pairwise
from pathlib import Path
from statistics import median
from time import perf_counter

BATCH = 16


def parser(description: str | None) -> argparse.ArgumentParser:
    """What every measured program is told: its texts and how to run through them."""
    found = argparse.ArgumentParser(description=description)
    found.add_argument("--texts", type=Path, required=True, help="JSON file with a list of strings")
    found.add_argument("--documents", type=int, default=10**9, help="how many of them to read")
    found.add_argument("--warm", type=int, default=4 * BATCH, help="how many to read before the clock starts")
    found.add_argument("--repeats", type=int, default=3, help="passes over the texts, of which the median counts")
    return found


def texts_of(options: argparse.Namespace) -> list[str]:
    """The texts that a program shall read: whole batches, so that the end of a pass is the end of a batch."""
    found = json.loads(options.texts.read_text(encoding="utf-8"))[: options.documents]
    return found[: max(BATCH, len(found) // BATCH * BATCH)]


def passes(pipe: Callable[[Iterator[str]], Iterable[object]], texts: Sequence[str], warm: int, repeats: int) -> list[float]:
    """Seconds of each pass over the texts, all in one stream behind ``warm`` of them.

    The clock starts when the last of those comes out. So neither the start of processes nor the first look at a word counts, and
    what works in several processes is measured while all are busy. A pass should be many batches long: a process may be a batch
    ahead of what comes out.

    >>> [round(seconds, 3) for seconds in passes(iter, ["a", "b"], 1, 2)]
    [0.0, 0.0]
    """
    head = [texts[n % len(texts)] for n in range(warm)]
    stream = chain(head, *[texts] * repeats)
    ends = {warm + n * len(texts) for n in range(repeats + 1)}
    marks = [perf_counter() for count, _ in enumerate(pipe(stream), 1) if count in ends]
    return [end - begin for begin, end in pairwise(marks)]


def rate(texts: Sequence[str], seconds: Sequence[float]) -> dict[str, object]:
    """What a program prints of its passes."""
    size = sum(map(len, texts))
    return {
        "characters per second": size / median(seconds),
        "documents": len(texts),
        "characters": size,
        "seconds of each pass": list(seconds),
    }


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
