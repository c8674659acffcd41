"""How far a second annotator of the phenomena suite agrees with the first: the ceiling of what a system can reach there.

    python benchmarks/agreement.py

``phenomena/again/second.jsonl`` holds 80 items of the open half, 20 of them whole articles, drawn by chance and annotated
anew from their texts alone. Prints what `quoteattr.agreement.agree` says of both and writes ``results/agreement.json``.
"""

from __future__ import annotations

import json
from pathlib import Path

from quoteattr.agreement import agree
from quoteattr.schema import Document

HERE = Path(__file__).resolve().parent


def _read(name: str) -> list[Document]:
    lines = (HERE / "phenomena" / name).read_text(encoding="utf-8").splitlines()
    return [Document.from_dict(json.loads(line)) for line in lines]


def main() -> None:
    """Compare the two."""
    first = {document.id: document for document in _read("open.jsonl")}
    second = _read("again/second.jsonl")
    agreement = agree([first[document.id] for document in second], second)
    target = HERE / "results" / "agreement.json"
    target.write_text(json.dumps(agreement.to_dict(), indent=1) + "\n", encoding="utf-8")
    print(agreement.to_text(), end="")


if __name__ == "__main__":
    main()
