"""Every error of an evaluation on one page, beside the gold, to be filtered by what went wrong and in which group.

Like the page of an article (`quoteattr.html`) it is one file without scripts that loads nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from quoteattr.evaluate import Error, ErrorKind, Report, window
from quoteattr.html import isolated, label, render_part, style
from quoteattr.schema import Document, Quote

KINDS: Mapping[ErrorKind, str] = {
    "missed": "missed",
    "spurious": "spurious",
    "boundary": "wrong boundary",
    "speaker": "wrong speaker",
    "unresolved": "name not resolved",
}
_AROUND = 250


def render_errors(gold: Sequence[Document], report: Report, groups: Mapping[str, str], title: str) -> str:
    """The page of a report on some gold documents; ``groups`` has the group of each document by its id.

    >>> from quoteattr.evaluate import evaluate
    >>> gold = Document.from_dict({"id": "1", "text": "قال علي: نعم", "speakers": [{"id": "S1", "name": "علي"}], "quotes": [
    ...     {"id": "Q1", "type": "direct", "cue": [0, 3], "source": [4, 7], "content": [9, 12], "speaker": "S1"}]})
    >>> page = render_errors([gold], evaluate([gold], [Document(gold.text, "1")]), {"1": "vso"}, "rules")
    >>> page.count("<article"), "missed <span class=\\"count\\">1</span>" in page
    (1, True)
    """
    documents = {document.id: document for document in gold}
    errors = report.errors()
    names = sorted({groups[error.document_id] for error in errors})
    kinds = Counter(error.kind for error in errors)
    counts = Counter(groups[error.document_id] for error in errors)
    detection = report.counts.detection
    size = f"{len(gold)} documents, {detection.tp + detection.fn} gold quotes, {len(errors)} errors"
    choices = [_choices("kind", [(kind, KINDS[kind], kinds[kind]) for kind in KINDS])]
    if len(names) > 1:
        choices.append(_choices("group", [(f"g{n}", label(name), counts[name]) for n, name in enumerate(names)]))
    numbers = {name: n for n, name in enumerate(names)}
    articles = [
        _article(
            documents[error.document_id], error, groups[error.document_id], f"g{numbers[groups[error.document_id]]}", f"e{n}"
        )
        for n, error in enumerate(errors, 1)
    ]
    hidden = [
        f"body:has(#{choice}:checked) article:not(.{choice}){{display:none}}"
        for choice in (*KINDS, *(f"g{n}" for n in range(len(names))))
    ]
    shown = label(title)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Errors: {shown}</title>\n<style>{style('article', 'errors')}{''.join(hidden)}</style>\n</head>\n"
        f'<body class="quoteattr">\n<h1>Errors of {shown}</h1>\n<p class="counts">{size}</p>\n'
        + "\n".join([*choices, *articles])
        + "\n</body>\n</html>\n"
    )


def _choices(name: str, choices: Sequence[tuple[str, str, int]]) -> str:
    rows = [f'<label class="all"><input type="radio" name="{name}" checked> all</label>']
    for id, shown, count in choices:
        rows.append(
            f'<label class="s0"><input type="radio" name="{name}" id="{id}"> {shown} <span class="count">{count}</span></label>'
        )
    return f'<div class="legend" role="radiogroup" aria-label="{name}">\n' + "\n".join(rows) + "\n</div>"


def _article(document: Document, error: Error, group: str, choice: str, anchor: str) -> str:
    start, end = window(document.text, error.gold, error.predicted, around=_AROUND)
    sides = [
        _side(document.text, name, quote, start, end, f"{anchor}-{name}")
        for name, quote in (("gold", error.gold), ("predicted", error.predicted))
    ]
    heading = f"{KINDS[error.kind]} · {isolated(document.id)} · {isolated(group)}"
    return f'<article class="{error.kind} {choice}" id="{anchor}">\n<h2>{heading}</h2>\n' + "\n".join(sides) + "\n</article>"


def _side(text: str, name: str, quote: Quote | None, start: int, end: int, anchor: str) -> str:
    if quote is None:
        return f'<p class="counts">{name}: none</p>'
    speaker = isolated(quote.speaker.name) if quote.speaker else "nobody"
    part = render_part(text, [quote], start, end, anchor)
    return f'<p class="counts">{name}: {quote.type}, {speaker}</p>\n<div class="text" dir="rtl" lang="ar">\n{part}\n</div>'
