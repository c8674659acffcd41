"""The gold of ``tests/data``: small cases written as strings, articles written as documents.

All texts were written for this project; the events, people and statements in them are invented.
A line of ``cases.jsonl`` names cue, source and content by the strings themselves, so that a reader can check it by eye.
`resolve` finds their places: the content first, then the cue nearest to it, then the source nearest to the cue. Where
that would pick the wrong place, the quote carries ``"at": {"cue": 2}``: the second place, counted from 1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quoteattr.attributor import linker
from quoteattr.candidates import Proposer
from quoteattr.rules import choose, decide, end_features, features
from quoteattr.schema import Document, Span
from quoteattr.text import normalize

DATA = Path(__file__).parent / "data"
_WORD = re.compile(r"[\w\u064b-\u0652\u0670]")
_CLITICS = ("و", "ف", "ب", "ل", "ك", "وب", "ول", "فل")


@dataclass(frozen=True, slots=True)
class Case:
    """One phenomenon in one to four sentences. ``document`` holds its gold quotes; a case may have none."""

    id: str
    phenomenon: str
    document: Document
    note: str = ""


def places(text: str, string: str) -> list[int]:
    """Where ``string`` stands in ``text`` as whole words; letters such as و and ل may be attached before it.

    >>> places("وقال الوزير للوزير", "قال"), places("وقال الوزير للوزير", "الوزير")
    ([1], [5])
    """
    return [
        match.start()
        for match in re.finditer(f"(?={re.escape(string)})", text)
        if _starts_word(text, match.start()) and _ends_word(text, match.start() + len(string))
    ]


def resolve(text: str, quote: Mapping[str, Any]) -> dict[str, Span]:
    """The spans of content, cue and (where it has one) source. Raises `ValueError`, naming the string not found.

    >>> resolve("قال الوزير إن الطريق مفتوح", {"cue": "قال", "source": "الوزير", "content": "الطريق مفتوح"})["source"]
    Span(start=4, end=10, text='الوزير')
    """
    spans: dict[str, Span] = {}
    beside: Span | None = None
    for role in ("content", "cue", "source"):
        if quote[role] is None:
            continue
        found = [Span.of(text, start, start + len(quote[role])) for start in places(text, quote[role])]
        nth = quote.get("at", {}).get(role)
        if len(found) < (nth or 1):
            raise ValueError(f"{role} {quote[role]!r} not found in {text!r}")
        if nth is None:
            spans[role] = min(found, key=lambda span: _gap(span, beside) if beside else 0)
        else:
            spans[role] = found[nth - 1]
        beside = spans[role]
    return spans


def read_cases(path: Path = DATA / "cases.jsonl") -> tuple[Case, ...]:
    """Every case of the file, its strings resolved. Raises `ValueError`, naming the case, where that fails."""
    return tuple(_case(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines())


def read_documents(path: Path) -> tuple[Document, ...]:
    """The gold documents of a file in the document format, such as ``articles.jsonl``."""
    return tuple(Document.from_dict(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines())


def _case(record: Mapping[str, Any]) -> Case:
    text = record["text"]
    ids = {name: f"S{n}" for n, name in enumerate(record["speakers"], 1)}
    aliases: dict[str, list[str]] = {name: [name] for name in ids}
    quotes = []
    for n, quote in enumerate(record["quotes"], 1):
        try:
            spans = resolve(text, quote)
            speaker = ids[quote["speaker"]]
        except (KeyError, ValueError) as error:
            raise ValueError(f"{record['id']}, quote {n}: {error}") from error
        if "source" in spans and spans["source"].text not in aliases[quote["speaker"]]:
            aliases[quote["speaker"]].append(spans["source"].text)
        offsets = {role: [span.start, span.end] for role, span in spans.items()}
        quotes.append({"id": f"Q{n}", "type": quote["type"], "speaker": speaker, **offsets})
    speakers = [
        {
            "id": ids[name],
            "name": name,
            "kind": kind,
            "aliases": aliases[name],
            "mentions": _mentions(text, aliases[name]),
        }
        for name, kind in record["speakers"].items()
    ]
    document = Document.from_dict({"id": record["id"], "text": text, "speakers": speakers, "quotes": quotes})
    return Case(record["id"], record["phenomenon"], document, record.get("note", ""))


def _mentions(text: str, aliases: list[str]) -> list[tuple[int, int]]:
    """The places of the aliases, without those that stand inside a longer one."""
    spans = sorted({(start, start + len(alias)) for alias in aliases for start in places(text, alias)})
    return [a for a in spans if not any(b != a and b[0] <= a[0] and a[1] <= b[1] for b in spans)]


def _gap(a: Span, b: Span) -> int:
    return max(0, a.start - b.end, b.start - a.end)


def _starts_word(text: str, start: int) -> bool:
    if not _WORD.match(text[start]):
        return True
    first = start
    while first > 0 and _WORD.match(text[first - 1]):
        first -= 1
    return first == start or text[first:start] in _CLITICS


def _ends_word(text: str, end: int) -> bool:
    return end == len(text) or not _WORD.match(text[end]) or not _WORD.match(text[end - 1])


def feature_names(texts: Iterable[str]) -> dict[str, set[str]]:
    """The names of the features that the rules yield for texts, by decision (cue, end, link)."""
    proposer = Proposer()
    found: dict[str, set[str]] = {"cue": set(), "end": set(), "link": set()}
    for text in texts:
        normalized = normalize(text)
        candidates = proposer(normalized)
        for cue in candidates.cues:
            found["cue"].update(name for name, _ in features(candidates.tokens, cue, choose(candidates.tokens, cue)))
            found["end"].update(n for content in cue.contents for n in end_features(candidates.tokens, cue, content))
        resolver = linker(normalized, candidates, decide(candidates))
        linked = resolver.link()
        for n, utterance in enumerate(resolver.utterances):
            found["link"].update(x for names in resolver.offers(utterance, linked.links[:n]).values() for x in names)
    return found
