"""Recall and volume of the candidates: what is not proposed can't be found, and proposing everything is no proposal.

    python benchmarks/candidates.py [--data ../shared/data/gold] [--sets train dev] [--missed N]

For every set: share of gold cues that a proposed cue overlaps, and proposed cues a gold quote; share of gold contents that
some content of a proposed cue reaches with word overlap (intersection over union) of at least 0.8, and contents a cue; share of
gold quotes some mention of whose speaker is proposed to the word (whole phrase, its name, or a source), and mentions
in 1,000 characters.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from quoteattr.candidates import Candidates, Proposer
from quoteattr.schema import Document
from quoteattr.text import NormalizedText, fold, normalize

_EDGES = " \t\n.,،؛;:!؟?…\"'«»“”„‘’‹›()[]-–"


def _words(text: str, start: int, end: int) -> set[int]:
    found, inside = set(), False
    for at in range(start, end):
        letter = text[at].isalnum()
        if letter and not inside:
            found.add(at)
        inside = letter
    return found


def overlap(text: str, a: tuple[int, int], b: tuple[int, int]) -> float:
    """Intersection over union of the words of two spans."""
    x, y = _words(text, *a), _words(text, *b)
    return len(x & y) / len(x | y) if x | y else 0.0


def _strings(normalized: NormalizedText, candidates: Candidates) -> set[str]:
    spans = [(m.start, m.end) for m in candidates.mentions] + [m.name for m in candidates.mentions if m.name]
    spans += [(c.source.start, c.source.end) for c in candidates.cues if c.source]
    spans += [c.source.name for c in candidates.cues if c.source and c.source.name]
    return {plain(normalized.original[slice(*normalized.original_span(*s))]) for s in spans}


def plain(text: str) -> str:
    """A string for comparison: folded, without edge punctuation, spaces squeezed."""
    return " ".join(fold(text).strip(_EDGES).split())


def score(path: Path, proposer: Proposer) -> tuple[dict[str, float], list[str]]:
    """The figures of one set, and a line for every gold cue or content that no candidate reaches."""
    quotes = cues = contents = speakers = proposed = ends = mentions = characters = 0
    most = 0
    missed: list[str] = []
    for document in _documents(path):
        normalized = normalize(document.text)
        candidates = proposer(normalized)
        characters += len(document.text)
        proposed += len({c.start for c in candidates.cues})
        mentions += len(candidates.mentions)
        ends += sum(len(c.contents) for c in candidates.cues)
        most = max([most, *(len(c.contents) for c in candidates.cues)])
        strings = _strings(normalized, candidates)
        spans = [(normalized.original_span(c.start, c.end), c) for c in candidates.cues]
        for quote in document.quotes:
            quotes += 1
            here = [c for (start, end), c in spans if start < quote.cue.end and quote.cue.start < end]
            cues += bool(here)
            gold = (quote.content.start, quote.content.end)
            reached = any(
                overlap(document.text, normalized.original_span(x.start, x.end), gold) >= 0.8 for c in here for x in c.contents
            )
            contents += reached
            assert quote.speaker is not None
            known = {plain(a) for a in (quote.speaker.name, *quote.speaker.aliases)}
            right = bool(known & strings)
            speakers += right
            if not (here and reached and right):
                what = "cue" if not here else "content" if not reached else "speaker"
                text = document.text[max(0, quote.cue.start - 60) : quote.cue.end + 120].replace("\n", "¶")
                content = f"→ {quote.text[:60]} … {quote.text[-40:]}"
                missed.append("\t".join((what, document.id, quote.cue.text, quote.speaker.name, text, content)))
    return {
        "quotes": quotes,
        "cue recall": cues / quotes,
        "cues a quote": proposed / quotes,
        "content recall": contents / quotes,
        "contents a cue": ends / max(1, proposed),
        "most contents": most,
        "speaker recall": speakers / quotes,
        "mentions in 1000 characters": 1000 * mentions / characters,
    }, missed


def _documents(path: Path) -> Iterator[Document]:
    with path.open(encoding="utf8") as lines:
        for line in lines:
            yield Document.from_dict(json.loads(line))


def main() -> None:
    """Print the figures of the sets asked for."""
    parser = argparse.ArgumentParser(description="Recall and volume of the candidates.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/gold"))
    parser.add_argument("--sets", nargs="+", default=["train", "dev"])
    parser.add_argument("--missed", type=int, default=0, help="also print this many of what is missed")
    options = parser.parse_args()
    proposer = Proposer()
    for name in options.sets:
        figures, missed = score(options.data / f"{name}.jsonl", proposer)
        print(f"{name}: " + ", ".join(f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}" for k, v in figures.items()))
        for line in missed[: options.missed]:
            print("  ", line)


if __name__ == "__main__":
    main()
