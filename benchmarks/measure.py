"""One figure of quoteattr, measured in a process of its own and printed as a line of JSON; `speed.py` runs it.

    python benchmarks/measure.py WHAT --texts FILE --model MODEL [--engine onnx|torch] [--bfloat16] [--processes N]

WHAT is ``pipe``, the characters a second of `QuoteAttributor.pipe`; ``latency``, the milliseconds of one article at a time; or
``lengths``, the microseconds of a character by the length of a document. MODEL is rules or the folder of a model.
"""

from __future__ import annotations

import json
from contextlib import nullcontext
from statistics import mean, median, quantiles
from time import perf_counter
from typing import Any

from stages import lengths
from timing import BATCH, parser, passes, rate, texts_of

from quoteattr.attributor import QuoteAttributor


def latency(attributor: QuoteAttributor, texts: list[str], warm: int) -> dict[str, Any]:
    """How long one article takes when it comes alone."""
    for text in texts[:warm]:
        attributor(text)
    took = []
    for text in texts:
        begun = perf_counter()
        attributor(text)
        took.append((perf_counter() - begun) * 1000)
    return {
        "milliseconds, median": median(took),
        "milliseconds, 95 % below": quantiles(took, n=20)[-1],
        "milliseconds, mean": mean(took),
        "documents": len(texts),
        "characters of a document, mean": mean(map(len, texts)),
    }


def main() -> None:
    """Measure and print."""
    options_parser = parser(__doc__)
    options_parser.add_argument("what", choices=["pipe", "latency", "lengths"])
    options_parser.add_argument("--model", default="rules")
    options_parser.add_argument("--engine", choices=["onnx", "torch"])
    options_parser.add_argument("--bfloat16", action="store_true", help="products of the torch engine in bfloat16")
    options_parser.add_argument("--processes", type=int, default=1)
    options = options_parser.parse_args()
    texts = texts_of(options)
    if options.model == "rules":
        attributor = QuoteAttributor.rules()
    else:
        attributor = QuoteAttributor.from_pretrained(options.model, engine=options.engine)
    if options.bfloat16:
        import torch

        precision: Any = torch.autocast("cpu", dtype=torch.bfloat16)
    else:
        precision = nullcontext()
    with precision:
        if options.what == "latency":
            found: Any = latency(attributor, texts, options.warm)
        elif options.what == "lengths":
            for text in texts[: options.warm]:
                attributor(text)
            found = lengths(attributor, texts, options.repeats)
        else:
            size = BATCH if options.processes > 1 else None
            seconds = passes(
                lambda stream: attributor.pipe(stream, size, options.processes), texts, options.warm, options.repeats
            )
            found = rate(texts, seconds)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
