"""Make ``quoteattr/data/news_words.tsv``: the common words of Arabic news, with what their surroundings say of them.

    python benchmarks/build_words.py [--raw ../shared/data/raw]

One folded word a line with the base-2 logarithm of its count (rounded), and ``v`` where it is a finite verb: words after قد، لم،
لن، سوف، الذي، التي، الذين are verbs if they are no function words; a form is one where at least 4 % of its occurrences (and at
least three) stand there; other words stay far below. Kept are verbs, and all words seen 24 times or more. Only single words
and counts leave the raw texts.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter
from itertools import pairwise
from math import log2
from pathlib import Path

from quoteattr.text import LETTERS, fold
from quoteattr.words import function_words

TARGET = Path(__file__).resolve().parent.parent / "quoteattr/data/news_words.tsv"
BEFORE = frozenset(fold(w) for w in "قد وقد فقد لم ولم لن ولن سوف وسوف الذي التي الذين والذي والتي والذين لقد".split())
MIN_COUNT = 24
HEADER = (
    "# Common words of Arabic news (folded), log2 of their count, v for finite verbs; made by benchmarks/build_words.py.\n"
    "word\tlog2\tverb\n"
)


def main() -> None:
    """Count and write."""
    parser = argparse.ArgumentParser(description="Make the list of common words and finite verb forms.")
    parser.add_argument("--raw", type=Path, default=Path("../shared/data/raw"))
    options = parser.parse_args()
    total: Counter[str] = Counter()
    verbal: Counter[str] = Counter()
    word = re.compile(f"[{LETTERS}]+|[^\\s]")
    for path in sorted(options.raw.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf8") as lines:
            for line in lines:
                words = word.findall(fold(json.loads(line)["text"]))
                total.update(words)
                verbal.update(b for a, b in pairwise(words) if a in BEFORE)
    functions = function_words()
    rows = []
    for form, count in sorted(total.items()):
        if len(form) < 2 or not form[0].isalpha() or form[0].isascii() or form in functions:
            continue
        seen = verbal[form]
        verb = seen >= 3 and seen >= 0.04 * count and len(form) > 2 and form[:2] not in ("ال", "لل")
        if verb or count >= MIN_COUNT:
            rows.append(f"{form}\t{round(log2(count))}" + ("\tv" if verb else ""))
    TARGET.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf8")
    print(f"{len(rows)} of {len(total)} forms, {sum(r.endswith('v') for r in rows)} finite verbs")


if __name__ == "__main__":
    main()
