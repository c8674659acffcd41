"""What each part of the model and its training is worth: short runs that differ in one thing.

    python benchmarks/ablations.py VARIANT --encoder DIR --out DIR [--silver FILE] [--data ../shared/data/gold]

All runs have the shipped recipe with one pass through train and no silver, but for what the variant says:

- ``base``: gold as it stands, one pass
- ``varied``: each document as a varied copy
- ``silver``: varied copies, and as many silver documents
- ``alone``: without anything that the rules know: no features of words, boundaries and links, no scores of theirs
- ``left-out``: without the outlets `LEFT_OUT`; dev is reported for them and for the others

``--encoder`` is the starting encoder: with and without the masked-language training it is two runs of one variant. Prints and
adds the figures on dev to ``benchmarks/results/ablations.json``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accuracy import read
from torch import Tensor

from quoteattr.batching import Batch, Pairs, Pointers
from quoteattr.encoding import PAIR_FEATURES
from quoteattr.evaluate import Report
from quoteattr.model import QuoteModel
from quoteattr.schema import Document
from quoteattr.train import Recipe, Trainer, accuracy, fresh_model

LEFT_OUT = ("Ahdath.info", "Al-Khaleej")
VARIANTS = ("base", "varied", "silver", "alone", "left-out")
_OWN = torch.tensor([name in ("same sentence", "same paragraph", "same quotation", "cue") for name in PAIR_FEATURES])
RESULTS = Path(__file__).parent / "results" / "ablations.json"


class ModelAlone(QuoteModel):
    """The model without what the rules know."""

    def _begin_with_rules(self) -> None:
        with torch.no_grad():
            self.link_rule.zero_()
            self.cue[1].bias.fill_(-4.0)  # few words are cues
        self.link_rule.requires_grad_(False)

    def states(self, batch: Batch) -> Tensor:
        return super().states(_ignorant(batch))

    def cues(self, states: Tensor, batch: Batch) -> Tensor:
        return super().cues(states, _ignorant(batch))

    def starts(self, role: str, states: Tensor, at: Pointers) -> Tensor:
        return super().starts(role, states, replace(at, features=at.features * _OWN))

    def ends(self, role: str, states: Tensor, at: Pointers, first: Tensor) -> Tensor:
        return super().ends(role, states, replace(at, features=at.features * _OWN), first)

    def links(self, states: Tensor, pairs: Pairs) -> Tensor:
        return super().links(states, replace(pairs, known=torch.zeros_like(pairs.known)))


def _ignorant(batch: Batch) -> Batch:
    """The same texts with the first value of every feature for every word, and no log odds of the rules."""
    return replace(batch, features=torch.zeros_like(batch.features), rules=torch.zeros_like(batch.rules))


def figures(report: Report) -> dict[str, Any]:
    """What the table shows of a report."""
    counts = report.counts
    forms = {form: round(rate.rate, 3) for form, rate in counts.attribution.by_form.items()}
    return {
        "quotes": counts.attribution.right.total,
        "detection F1": round(counts.detection.f1, 3),
        "content exact": round(counts.fields["content"].exact.rate, 3),
        "attribution": round(counts.attribution.right.rate, 3),
        **forms,
        "end-to-end F1": round(counts.end_to_end.f1, 3),
        "resolved end-to-end F1": round(counts.resolved.f1, 3),
    }


def outside(documents: Sequence[Document], outlets: Sequence[str]) -> list[Document]:
    """The documents of other outlets."""
    return [document for document in documents if document.metadata.get("outlet") not in outlets]


def main() -> None:
    """Run one variant and report it."""
    parser = argparse.ArgumentParser(description="Short training runs that differ in one thing.")
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("--encoder", required=True, help="folder of the starting encoder")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--silver", type=Path, help="for the variant silver")
    parser.add_argument("--name", help="in the results (default: the variant)")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/gold"), help="folder of the jsonl files")
    options = parser.parse_args()
    train, dev = read(options.data / "train.jsonl"), read(options.data / "dev.jsonl")
    silver = read(options.silver) if options.variant == "silver" else []
    recipe = Recipe(epochs=1, variations=options.variant in ("varied", "silver"))
    model, tokenizer = fresh_model(options.encoder, recipe.seed)
    if options.variant == "alone":
        torch.manual_seed(recipe.seed)
        model = ModelAlone(model.config, model.encoder)
    elif options.variant == "left-out":
        train = outside(train, LEFT_OUT)
    Trainer(model, tokenizer, train, dev[:1], options.out, recipe, lambda facts: print(facts, flush=True), silver).run()
    others = outside(dev, LEFT_OUT)
    sets = {"dev": dev}
    if options.variant == "left-out":
        sets = {
            "dev, outlets left out": [document for document in dev if document.metadata["outlet"] in LEFT_OUT],
            "dev, others": others,
        }
    found = {name: figures(accuracy(model, tokenizer, documents)) for name, documents in sets.items()}
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    results[options.name or options.variant] = {"documents": len(train), "silver": len(silver), "sets": found}
    RESULTS.write_text(json.dumps(results, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
