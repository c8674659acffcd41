"""Accuracy on annotated sets: what is found in the bare text, and who is named for gold quotes.

    python benchmarks/accuracy.py [--data ../shared/data/gold] [--sets train dev saudi] [--model rules] [--out FILE]

Prints a table a set and writes all figures with their counts to one JSON file. The measures are those of
`quoteattr.evaluate`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from quoteattr import __version__
from quoteattr.attributor import QuoteAttributor
from quoteattr.evaluate import Report, evaluate
from quoteattr.schema import Document

MODELS: dict[str, Callable[[], QuoteAttributor]] = {"rules": QuoteAttributor.rules}


def read(path: Path) -> list[Document]:
    """The annotated documents of a jsonl file."""
    with path.open(encoding="utf8") as lines:
        return [Document.from_dict(json.loads(line)) for line in lines if line.strip()]


def run(attributor: QuoteAttributor, gold: Sequence[Document]) -> Report:
    """Predict every document twice, from its text alone and from its gold cues and contents, and evaluate both."""
    predicted = [replace(attributor(d.text), id=d.id) for d in gold]
    attributed = [replace(attributor.attribute(d.text, [(q.cue, q.content) for q in d.quotes]), id=d.id) for d in gold]
    return evaluate(gold, predicted, attributed)


def main() -> None:
    """Print and write the figures of the sets asked for."""
    parser = argparse.ArgumentParser(description="Accuracy on annotated sets.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/gold"), help="folder of the jsonl files")
    parser.add_argument("--sets", nargs="+", default=["train", "dev", "saudi"])
    parser.add_argument("--model", choices=sorted(MODELS), default="rules")
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/accuracy-MODEL.json")
    options = parser.parse_args()
    paths = {name: options.data / f"{name}.jsonl" for name in options.sets}
    for path in paths.values():
        if not path.is_file():
            parser.error(f"no such file: {path}")
    out = options.out or Path(__file__).parent / "results" / f"accuracy-{options.model}.json"
    attributor = MODELS[options.model]()
    results = {}
    for name, path in paths.items():
        report = run(attributor, read(path))
        results[name] = report.to_dict()
        print(f"== {name}\n{report.to_text()}", flush=True)
    record = {
        "quoteattr": __version__,
        "model": options.model,
        "command": f"python benchmarks/accuracy.py --model {options.model} --sets {' '.join(options.sets)}",
        "sets": results,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
