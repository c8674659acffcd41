"""Where the time of the rules goes, on one core: the whole, each stage, long documents, and texts made to be slow.

    python benchmarks/stages.py [--text FILE ...] [--out benchmarks/results/speed-rules.json]

All times are processor time of the one process (user and system), so that other work on the machine counts little; wall
time stands beside that of the whole. Stages are timed document by document, each fed with the output of the one before.
Figures are medians of five runs over the same texts after one that warms up; lengths are run three times, slow texts once.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.resources import files
from itertools import product
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

from machine import rounded

from quoteattr import __version__
from quoteattr.attributor import QuoteAttributor, RulesReading, _document, linker
from quoteattr.candidates import Candidates, Cue, _cue, _Frames, _frames, _mentions
from quoteattr.corpus import Failure, read_texts
from quoteattr.lexicon import Lexicon
from quoteattr.rules import Report, decide
from quoteattr.speakers import Linked
from quoteattr.text import NormalizedText, normalize, not_arabic
from quoteattr.tokens import Reader, Tokens

DATA = Path("../shared/data/gold/train.jsonl")
RUNS = 5
LENGTHS = (1_000, 10_000, 100_000, 1_000_000)
MEGABYTE = 1_000_000  # in characters, as everything here
LIMIT = 3.0  # seconds for a tenth of a megabyte, above which the megabyte is not tried
START = "قال الوزير إن الطريق مفتوح.\n"  # a text that begins without Arabic is not read at all
NAMES = "أحمد محمد علي حسن خالد سعيد عمر يوسف إبراهيم محمود مصطفى سامي".split()
SLOW = {
    "one letter": "ا",
    "straight marks": '"',
    "opening marks": "«",
    "closing marks": "»",
    "marked letters": "«ا» ",
    "brackets": "(",
    "numbers": "3.5",
    "line breaks": "\n",
    "cue and complementiser": "قال إن ",
    "attributions": "، بحسب المصدر",
    "marks and cues": '"قال" ',
    "opening marks and cues": "«قال ",
    "colons": "الوزير: ",
    "headlines": "الوزير: نعم\n",
    "one name": "محمد ",
    "one title": "الوزير ",
    "speakers without names": "وأضاف الوزير أن الطريق مفتوح. وقال إنه بعيد. ",
    "many names": "".join(f"وقال {' '.join(name)} إن الطريق مفتوح. " for name in product(NAMES, repeat=3)),
}
LOAD = "import time; from quoteattr import QuoteAttributor; QuoteAttributor.rules(); print(time.process_time())"
START_UP = "import time; print(time.process_time())"


def texts(paths: Sequence[Path]) -> list[str]:
    """The texts of the files; without any those of the annotated training set, or where that is absent the bundled sample."""
    if not paths and not DATA.is_file():
        return [files("quoteattr").joinpath("data/sample.txt").read_text(encoding="utf8")] * 200
    found = []
    for path in paths or [DATA]:
        for document in read_texts(str(path)):
            if isinstance(document, Failure):
                raise SystemExit(str(document))
            found.append(document.text)
    return found


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """How long it takes, in processor and in wall time."""
    wall, processor = perf_counter(), process_time()
    work()
    return process_time() - processor, perf_counter() - wall


def whole(attributor: QuoteAttributor, corpus: Sequence[str]) -> dict[str, float]:
    """Characters per second: the first pass, while words are looked up for the first time, and the median of the later ones."""
    size = sum(map(len, corpus))

    def run() -> None:
        for text in corpus:
            attributor(text)

    first, _ = seconds(run)
    processor, wall = zip(*(seconds(run) for _ in range(RUNS)), strict=True)
    return {
        "characters per second": size / median(processor),
        "characters per second, wall time": size / median(wall),
        "characters per second, first pass": size / first,
    }


def stages(corpus: Sequence[str]) -> dict[str, float]:
    """Seconds of each stage over all texts, by name."""
    lexicon = Lexicon.load()
    reader = Reader(lexicon)
    runs = [_staged(reader, lexicon, corpus) for _ in range(RUNS + 1)][1:]
    return {name: median(run[name] for run in runs) for name in runs[0]}


def _staged(reader: Reader, lexicon: Lexicon, corpus: Sequence[str]) -> dict[str, float]:
    spent: dict[str, float] = {}

    def timed(name: str, stage: Callable[..., Any], *given: object) -> Any:
        begin = process_time()
        result = stage(*given)
        spent[name] = spent.get(name, 0.0) + process_time() - begin
        return result

    for text in corpus:
        if timed("language check", not_arabic, text) is not None:
            continue
        normalized = timed("normalization", normalize, text)
        tokens = timed("tokens", reader.read, normalized)
        frames = timed("cues", _frames, tokens)
        cues = timed("contents", _contents, tokens, frames)
        mentions = timed("mentions", tuple, _mentions(tokens))
        candidates = Candidates(tokens, cues, mentions)
        reports = timed("rules", decide, candidates)
        linked = timed("linking", _linked, normalized, candidates, reports, lexicon)
        timed("document", _document, normalized, RulesReading(candidates), reports, linked)
    return spent


def _contents(tokens: Tokens, frames: _Frames) -> tuple[Cue, ...]:
    cues = (_cue(tokens, frame, frames) for frame in frames.ordered)
    return tuple(cue for cue in cues if cue.contents)


def _linked(normalized: NormalizedText, candidates: Candidates, reports: Sequence[Report], lexicon: Lexicon) -> Linked:
    return linker(normalized, candidates, reports, lexicon.speakers).link()


def lengths(attributor: QuoteAttributor, corpus: Sequence[str], runs: int = 3) -> dict[str, float]:
    """Microseconds a character by the length of a document: the same million characters, cut into fewer and longer pieces."""
    joined = "\n".join(corpus)
    joined = (joined * (MEGABYTE // len(joined) + 1))[:MEGABYTE]

    def run(size: int) -> None:
        for start in range(0, MEGABYTE, size):
            attributor(joined[start : start + size])

    return {str(size): median(seconds(partial(run, size))[0] for _ in range(runs)) / MEGABYTE * 1e6 for size in LENGTHS}


def slow(attributor: QuoteAttributor) -> Iterator[tuple[str, dict[str, float | None]]]:
    """Seconds for a tenth of a megabyte and for a megabyte of each text made to be slow.

    Ten times as much text should take ten times as long. Where a tenth takes more than `LIMIT` the megabyte is not tried.
    """
    for name, unit in SLOW.items():
        text = START + (unit * (MEGABYTE // len(unit) + 1))[: MEGABYTE - len(START)]
        tenth, _ = seconds(partial(attributor, text[: MEGABYTE // 10]))
        yield name, {"tenth": tenth, "whole": seconds(partial(attributor, text))[0] if tenth <= LIMIT else None}


def load() -> float:
    """Seconds to import the package and load its lexicon in a new process, its own start left out."""

    def fresh(code: str) -> float:
        return median(
            float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
            for _ in range(RUNS)
        )

    return fresh(LOAD) - fresh(START_UP)


def measured(corpus: Sequence[str]) -> dict[str, Any]:
    """All figures, printed as they come."""
    attributor = QuoteAttributor.rules()
    size = sum(map(len, corpus))
    record: dict[str, Any] = {
        "quoteattr": __version__,
        "machine": {"platform": platform.platform(), "cpus": os.cpu_count(), "python": platform.python_version()},
        "texts": {"documents": len(corpus), "characters": size},
        "seconds to load": load(),
        "whole": whole(attributor, corpus),
    }
    print(f"{record['machine']}\n{len(corpus)} documents, {size:,} characters; loaded in {record['seconds to load']:.2f} s")
    for name, value in record["whole"].items():
        print(f"{name:40}{value:12,.0f}")

    spent = stages(corpus)
    total = sum(spent.values())
    record["stages"] = {name: {"characters per second": size / s, "share of time": s / total} for name, s in spent.items()}
    print(f"\n{'stage':40}{'characters/s':>12}{'share':>9}")
    for name, figures in record["stages"].items():
        print(f"{name:40}{figures['characters per second']:12,.0f}{figures['share of time']:9.1%}")

    record["microseconds a character by length of a document"] = lengths(attributor, corpus)
    print(f"\n{'length of a document, characters':40}{'µs/character':>12}")
    for name, value in record["microseconds a character by length of a document"].items():
        print(f"{int(name):<40,}{value:12.2f}")

    record["seconds for slow texts"] = {}
    print(f"\n{'a million characters of':40}{'s a tenth':>12}{'s':>12}")
    for name, took in slow(attributor):
        record["seconds for slow texts"][name] = took
        print(
            f"{name:40}{took['tenth']:12.2f}" + (f"{took['whole']:12.2f}" if took["whole"] is not None else f"{'not tried':>12}")
        )
    return record


def main() -> None:
    """Print the figures, and write them where asked."""
    parser = argparse.ArgumentParser(description="Speed of the rules on one core.")
    parser.add_argument("--text", type=Path, nargs="+", default=[], help=f"text or jsonl files (default: {DATA})")
    parser.add_argument("--out", type=Path, help="write the figures as JSON too")
    options = parser.parse_args()
    record = measured(texts(options.text))
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(rounded(record), indent=2) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
