"""A naive cross-encoder: BERT of base size reads every quote beside every candidate, in the pipeline of transformers.

    python -m peers.cross_encoder --pairs FILE --tokenizer FOLDER [--score N] [--batch N]

Its weights are random, which costs the same as trained ones. FILE has pairs of a text around a quote and a candidate for its
speaker, and how many there are in all for how many characters; ``--score`` of them, drawn at random, are scored.
"""

from __future__ import annotations

import argparse
import json
import random
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import torch
from timing import cores
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast, pipeline
from transformers.utils import logging

LENGTH = 256


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder of any fast tokenizer for Arabic")
    parser.add_argument("--score", type=int, default=96, help="how many pairs to score")
    parser.add_argument("--batch", type=int, default=8)
    options = parser.parse_args()
    logging.set_verbosity_error()
    torch.set_num_threads(cores())
    torch.manual_seed(0)
    given = json.loads(options.pairs.read_text(encoding="utf-8"))
    drawn = random.Random(0).sample(given["pairs"], min(options.score, len(given["pairs"])))
    pairs = [{"text": text, "text_pair": candidate} for text, candidate in drawn]

    tokenizer = PreTrainedTokenizerFast.from_pretrained(options.tokenizer)
    config = BertConfig(num_labels=1, vocab_size=max(30_522, len(tokenizer)))
    model = BertForSequenceClassification(config).eval()
    classify = pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu")

    def score(chosen: list[dict[str, str]]) -> float:
        begun = perf_counter()
        with torch.inference_mode():
            classify(chosen, batch_size=options.batch, truncation="only_first", max_length=LENGTH, padding=True)
        return perf_counter() - begun

    score(pairs[: options.batch])
    seconds = score(pairs) / len(pairs)
    pieces = [len(tokenizer(**pair, truncation="only_first", max_length=LENGTH)["input_ids"]) for pair in pairs]
    record = {
        "characters per second": given["characters"] / (seconds * len(given["pairs"])),
        "pairs per second": 1 / seconds,
        "pairs per document": len(given["pairs"]) / given["documents"],
        "pairs scored": len(pairs),
        "pieces per pair": sum(pieces) / len(pieces),
        "versions": {name: version(name) for name in ("torch", "transformers", "tokenizers")},
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main()
