"""Make ``quoteattr/data/finite_verbs.txt``: word forms that news uses as finite verbs.

    python benchmarks/build_verbs.py [--raw ../shared/data/raw]

A form counts as a verb by where it stands: words after قد، لم، لن، سوف، الذي، التي، الذين are verbs, if they are no function
words. A form is kept where at least 4 % of its occurrences (and at least three) stand there; other words stay far below. Only
single words and their order in a list leave the raw texts.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter
from pathlib import Path

from quoteattr.phrases import function_words
from quoteattr.text import LETTERS, fold

TARGET = Path(__file__).resolve().parent.parent / "quoteattr/data/finite_verbs.txt"
BEFORE = frozenset(fold(w) for w in "قد وقد فقد لم ولم لن ولن سوف وسوف الذي التي الذين والذي والتي والذين لقد".split())


def main() -> None:
    """Count and write."""
    parser = argparse.ArgumentParser(description="Make the list of finite verb forms.")
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
                verbal.update(b for a, b in zip(words, words[1:], strict=False) if a in BEFORE)
    functions = function_words()
    kept = sorted(
        w
        for w, n in verbal.items()
        if n >= 3 and n >= 0.04 * total[w] and len(w) > 2 and w not in functions and w[:2] not in ("ال", "لل") and w[0].isalpha()
    )
    header = "# Folded word forms that news uses as finite verbs; counted by benchmarks/build_verbs.py. Own work, Apache-2.0.\n"
    TARGET.write_text(header + "\n".join(kept) + "\n", encoding="utf8")
    print(f"{len(kept)} forms of {len(total)}")


if __name__ == "__main__":
    main()
