"""spaCy's blank Arabic pipeline, which cuts Arabic texts into words and does nothing more.

Run it in the folder above::

    python -m peers.spacy_arabic --texts FILE [--processes N] [--batch N]
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

import spacy
from timing import parser, passes, rate, texts_of


def main() -> None:
    """Measure and print."""
    options_parser = parser(__doc__)
    options_parser.add_argument("--processes", type=int, default=1)
    options_parser.add_argument("--batch", type=int, default=32)
    options = options_parser.parse_args()
    texts = texts_of(options)
    pipeline = spacy.blank("ar")
    seconds = passes(
        lambda stream: pipeline.pipe(stream, batch_size=options.batch, n_process=options.processes),
        texts,
        options.warm,
        options.repeats,
    )
    record: dict[str, Any] = rate(texts, seconds)
    record["versions"] = {name: version(name) for name in ("spacy", "numpy")}
    print(json.dumps(record))


if __name__ == "__main__":
    main()
