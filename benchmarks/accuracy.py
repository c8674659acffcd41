"""Accuracy on annotated sets: what is found in the bare text, and who is named for gold quotes.

    python benchmarks/accuracy.py [--data DIR] [--sets train dev saudi] [--model rules] [--engine torch] [--out FILE]

``--model`` is rules, model (the bundled one) or the folder of a trained model. Prints a table a set and writes all figures with
their counts to one JSON file. The measures are those of `quoteattr.evaluate`. The confidence of a model was fitted on dev, so
there every document gets that of a fit on the other folds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from quoteattr import __version__
from quoteattr.attributor import QuoteAttributor, attribute, predict
from quoteattr.calibration import cross_fitted, read_gold
from quoteattr.engine import EngineName, load_engine
from quoteattr.evaluate import Report, evaluate
from quoteattr.models import BUNDLED
from quoteattr.schema import Document

FITTED_ON = "dev"


def read(path: Path) -> list[Document]:
    """The annotated documents of a jsonl file."""
    with path.open(encoding="utf8") as lines:
        return [Document.from_dict(json.loads(line)) for line in lines if line.strip()]


def run(model: str, engine: EngineName | None, name: str, gold: Sequence[Document]) -> Report:
    """Predict every document twice, from its text alone and from its gold cues and contents, and evaluate both."""
    if model == "rules":
        attributor = QuoteAttributor.rules()
        predicted = predict(attributor, gold)
    else:
        loaded = load_engine(BUNDLED if model == "model" else model, engine)
        attributor = QuoteAttributor.of(loaded)
        read = read_gold(loaded, gold)
        predicted = cross_fitted(read) if name == FITTED_ON else [document.predicted for document in read]
    return evaluate(gold, predicted, attribute(attributor, gold))


def main() -> None:
    """Print and write the figures of the sets asked for."""
    parser = argparse.ArgumentParser(description="Accuracy on annotated sets.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/gold"), help="folder of the jsonl files")
    parser.add_argument("--sets", nargs="+", default=["train", "dev", "saudi"])
    parser.add_argument("--model", default="rules", help="rules (default), model for the bundled one, or a folder")
    parser.add_argument("--engine", choices=["onnx", "torch"], help="what runs the model (default: onnx where it has that form)")
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/accuracy-MODEL.json")
    options = parser.parse_args()
    paths = {name: options.data / f"{name}.jsonl" for name in options.sets}
    for path in paths.values():
        if not path.is_file():
            parser.error(f"no such file: {path}")
    chosen = f" --engine {options.engine}" if options.engine else ""
    suffix = f"-{options.engine}" if options.engine else ""
    out = options.out or Path(__file__).parent / "results" / f"accuracy-{Path(options.model).name}{suffix}.json"
    results = {}
    for name, path in paths.items():
        report = run(options.model, options.engine, name, read(path))
        results[name] = report.to_dict()
        print(f"== {name}\n{report.to_text()}", flush=True)
    record = {
        "quoteattr": __version__,
        "model": options.model,
        "engine": options.engine,
        "command": f"python benchmarks/accuracy.py --model {options.model}{chosen} --sets {' '.join(options.sets)}",
        "sets": results,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
