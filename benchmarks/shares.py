"""Where the time of the model goes, on one core: the shares of each stage of `QuoteAttributor.pipe`.

    python benchmarks/shares.py [--model FOLDER] [--text FILE ...] [--documents N] [--out benchmarks/results/shares-model.json]

The clock is read around the calls of each stage of one thread, so the stages add up to the whole; what stands in none of them
(decoding, linking, making documents) is the rest.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from time import perf_counter
from typing import Any

import machine
from stages import DATA, texts

from quoteattr import __version__
from quoteattr.attributor import QuoteAttributor
from quoteattr.candidates import Proposer
from quoteattr.encoding import Encoder
from quoteattr.models import BUNDLED
from quoteattr.onnx import OnnxEngine

STAGES: dict[str, list[tuple[type, str]]] = {
    "candidates": [(Proposer, "__call__")],
    "tokenizer and features": [(Encoder, "__call__")],
    "encoder": [(OnnxEngine, "states")],
    "heads": [(OnnxEngine, name) for name in ("starts", "ends", "links", "nobodies")],
}
REST = "decoding, linking, documents"


def timed(call: Callable[..., Any], stage: str, spent: Counter[str]) -> Callable[..., Any]:
    """A function that also adds the seconds it takes to those of its stage."""

    @wraps(call)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        begun = perf_counter()
        try:
            return call(*arguments, **named)
        finally:
            spent[stage] += perf_counter() - begun

    return wrapper


def main() -> None:
    """Print the shares, and write them where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", type=Path, default=BUNDLED, help="folder of a model with its onnx form (default: bundled)")
    parser.add_argument("--text", type=Path, nargs="+", default=[], help=f"text or jsonl files (default: {DATA})")
    parser.add_argument("--documents", type=int, default=256, help="documents that are timed (default: 256)")
    parser.add_argument("--out", type=Path, help="write the figures as JSON too")
    options = parser.parse_args()
    machine.keep_to(1)
    corpus = texts(options.text)
    random.Random(0).shuffle(corpus)
    attributor = QuoteAttributor.from_pretrained(options.model, engine="onnx")
    for _ in attributor.pipe(corpus[options.documents : options.documents + 64]):  # warms up
        pass
    spent: Counter[str] = Counter()
    for stage, calls in STAGES.items():
        for owner, name in calls:
            setattr(owner, name, timed(getattr(owner, name), stage, spent))
    given = corpus[: options.documents]
    begun = perf_counter()
    for _ in attributor.pipe(given):
        pass
    whole = perf_counter() - begun
    spent[REST] = whole - sum(spent.values())
    characters = sum(map(len, given))
    print(f"{len(given)} documents, {characters:,} characters, {whole:.1f} s: {characters / whole:,.0f} characters a second")
    for stage, seconds in spent.most_common():
        print(f"{stage:40}{seconds / whole:8.1%}")
    if options.out is not None:
        record = {
            "quoteattr": __version__,
            "model": options.model.name,
            "machine": machine.describe(1),
            "documents": len(given),
            "characters": characters,
            "characters per second": characters / whole,
            "shares": {stage: seconds / whole for stage, seconds in spent.most_common()},
        }
        options.out.write_text(json.dumps(machine.rounded(record), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
