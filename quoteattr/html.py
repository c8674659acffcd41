"""A document for the browser: the article with its quotes tinted by speaker, beside a legend of who speaks how often.

The page is one file without scripts that loads nothing: choosing a speaker in the legend and the card of a quote are
plain CSS. Whatever comes from a document is escaped, and characters that could reorder or hide text (bidi overrides,
control characters) do not get into it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from importlib.resources import files
from itertools import pairwise, takewhile
from secrets import token_hex

from quoteattr.schema import Document, Quote, Span

NOBODY = "متحدث غير معروف"
_PAGE_TITLE = "من قال ماذا"
_ALL = "الكل"
TYPES = {"direct": "مباشر", "indirect": "غير مباشر", "mixed": "مختلط"}
ACTS = {
    "assert": "إخبار",
    "add": "إضافة",
    "explain": "توضيح",
    "announce": "إعلان",
    "deny": "نفي",
    "admit": "إقرار",
    "warn": "تحذير",
    "expect": "توقع",
    "claim": "زعم",
    "ask": "سؤال",
    "demand": "مطالبة",
    "praise": "إشادة",
    "criticise": "انتقاد",
}
_QUOTES = ("لا اقتباسات", "اقتباس واحد", "اقتباسان", "اقتباسات", "اقتباسا", "اقتباس")
_SPEAKERS = ("لا متحدثين", "متحدث واحد", "متحدثان", "متحدثين", "متحدثا", "متحدث")

_LINE_ENDS = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
_DROPPED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\r\u202a-\u202e\u2066-\u206f]")
_SPACES = re.compile("[\t\v\f]")
_SURROGATES = re.compile("[\ud800-\udfff]")

_TINTS = 8  # of speakers in data/article.css; nobody has one more


def render_html(documents: Sequence[Document]) -> str:
    """One self-contained page with all the documents, from right to left, under a list of them where there are several.

    A quote has the tint and number of its speaker, cues have a dotted and sources a plain underline. A quote that is
    pointed at, or whose number has the focus, shows a card: who speaks, type, cue, source, confidence, and who else was
    considered. A speaker chosen in the legend leaves only his or her quotes marked. The page can be written as UTF-8
    whatever the documents hold.

    >>> page = render_html([Document("قال علي: نعم", id="<1>")])
    >>> page.startswith("<!DOCTYPE html>"), "<title>&lt;1&gt;</title>" in page
    (True, True)
    """
    single = len(documents) == 1
    title = _name(documents[0], _PAGE_TITLE) if single else _PAGE_TITLE
    parts = [] if single else [f"<h1>{title}</h1>", _contents(documents)]
    parts += [_article(document, f"d{n}", "h1" if single else "h2") for n, document in enumerate(documents, 1)]
    return (
        '<!DOCTYPE html>\n<html lang="ar" dir="rtl">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{style('article', 'page')}{_filter(documents)}</style>\n</head>\n"
        f'<body class="quoteattr">\n' + "\n".join(parts) + "\n</body>\n</html>\n"
    )


def render_fragment(document: Document) -> str:
    """The document as one element with its own style, to stand in another page such as a notebook.

    >>> render_fragment(Document("قال علي: نعم"))[:47]
    '<div class="quoteattr" dir="rtl" lang="ar"><sty'
    """
    article = _article(document, f"quoteattr-{token_hex(4)}", "h2")  # the page may show this or another document as well
    rules = f"<style>{style('article')}{_filter([document])}</style>"
    return f'<div class="quoteattr" dir="rtl" lang="ar">{rules}\n{article}\n</div>'


def render_part(text: str, quotes: Sequence[Quote], start: int, end: int, anchor: str) -> str:
    """The paragraphs of ``text[start:end]`` with the marks of the quotes, which lie in it; ``anchor`` is unique on the page."""
    moved = [_moved(quote, -start) for quote in quotes]
    return _text(text[start:end], _marks(moved, _speaker_numbers(moved), anchor))


def _moved(quote: Quote, by: int) -> Quote:
    def span(own: Span) -> Span:
        return Span(own.start + by, own.end + by, own.text)

    source = None if quote.source is None else span(quote.source)
    return replace(quote, content=span(quote.content), cue=span(quote.cue), source=source)


@cache
def style(*names: str) -> str:
    """The style sheets of the package by name."""
    return "".join((files("quoteattr") / "data" / f"{name}.css").read_text(encoding="utf-8") for name in names)


def _filter(documents: Sequence[Document]) -> str:
    """The style that takes the marks off all quotes but those of the speaker chosen, and mutes the rest of the text."""
    speakers = max((len(_speaker_numbers(document.quotes)) for document in documents), default=0)
    others = [f".quoteattr article:has(.k{n}:checked) .text :is(.q,.cue,.source):not(.k{n})" for n in range(speakers + 1)]
    return (
        ".quoteattr article:has([class]:checked) .text{--voice:var(--muted)}\n"
        + ",\n".join(others)
        + "{--edge:0;--ink:transparent;--seen:hidden;--tint:transparent;--voice:inherit;pointer-events:none}\n"
    )


# ---------------------------------------------------------------------------------------------------------------------
# What stands around the text


def _contents(documents: Sequence[Document]) -> str:
    items = [
        f'<li><a href="#d{n}"><bdi>{_name(document, f"نص {n}")}</bdi></a> '
        f'<span class="counts">{_counted(len(document.quotes), _QUOTES)}</span></li>'
        for n, document in enumerate(documents, 1)
    ]
    return '<nav aria-label="النصوص">\n<ol>\n' + "\n".join(items) + "\n</ol>\n</nav>"


def _article(document: Document, anchor: str, heading: str) -> str:
    numbers = _speaker_numbers(document.quotes)
    name = _name(document, "")
    parts = [
        f'<article id="{anchor}">',
        f"<{heading}><bdi>{name}</bdi></{heading}>" if name else "",
        f'<p class="counts">{_counts(document, len(numbers))}</p>',
        _legend(document.quotes, numbers, anchor) if document.quotes else "",
        f'<div class="text">\n{_text(document.text, _marks(document.quotes, numbers, anchor))}\n</div>',
        "</article>",
    ]
    return "\n".join(part for part in parts if part)


def _name(document: Document, otherwise: str) -> str:
    return label(document.id) or otherwise


def _counts(document: Document, speakers: int) -> str:
    counts = [_counted(len(document.quotes), _QUOTES)]
    if document.quotes:
        counts.append(_counted(speakers, _SPEAKERS))
    if document.rejected:
        counts.append(f"دون حد الثقة المطلوب: {len(document.rejected)}")
    return "، ".join(counts)


def _counted(number: int, forms: Sequence[str]) -> str:
    """The number with its noun in the form it takes: none, one, two, 3-10, 11-99, hundreds.

    >>> [_counted(n, _QUOTES) for n in (1, 2, 7, 18, 100, 103)]
    ['اقتباس واحد', 'اقتباسان', '7 اقتباسات', '18 اقتباسا', '100 اقتباس', '103 اقتباسات']
    """
    none, one, two, few, many, hundreds = forms
    if number <= 2:
        return (none, one, two)[number]
    rest = number % 100
    return f"{number} {few if 3 <= rest <= 10 else many if rest > 10 else hundreds}"


def _speaker_numbers(quotes: Sequence[Quote]) -> dict[str, int]:
    """A number from 1 for each speaker id, in the order in which they first speak."""
    ids = dict.fromkeys(quote.speaker.id for quote in quotes if quote.speaker)
    return {speaker: n for n, speaker in enumerate(ids, 1)}


def _legend(quotes: Sequence[Quote], numbers: Mapping[str, int], anchor: str) -> str:
    names = {quote.speaker.id: quote.speaker.name for quote in quotes if quote.speaker}
    spoken = Counter(quote.speaker.id if quote.speaker else None for quote in quotes)
    radio = f'<input type="radio" name="{anchor}-speaker"'
    rows = [f'<label class="all">{radio} checked> {_ALL} {_count(len(quotes))}</label>']
    for speaker, number in [*numbers.items(), *([(None, None)] if None in spoken else [])]:
        name = NOBODY if speaker is None else names[speaker]
        row = f'{radio} class="k{number or 0}"> {_named(number, name)} {_count(spoken[speaker])}'
        rows.append(f'<label class="{_tint(number)}">{row}</label>')
    return (
        '<div class="side">\n<div class="legend" role="radiogroup" aria-label="المتحدثون">\n' + "\n".join(rows) + "\n</div>\n"
        '<p class="marks s0"><span class="cue">كلمة النقل</span>، <span class="source">المصدر كما ورد</span></p>\n</div>'
    )


def _count(number: int) -> str:
    return f'<span class="count">({_counted(number, _QUOTES)})</span>'


def _named(number: int | None, name: str) -> str:
    return f'<span class="n">{_shown(number)}</span> {isolated(name)}'


def _tint(number: int | None) -> str:
    return "s0" if number is None else f"s{(number - 1) % _TINTS + 1}"


def _shown(number: int | None) -> str:
    return "؟" if number is None else str(number)


# ---------------------------------------------------------------------------------------------------------------------
# The text with its marks


@dataclass(frozen=True, slots=True)
class _Mark:
    """A stretch of the text to be marked. It may have to be closed and opened again: ``tag`` opens it at its start and
    ``again`` later on, ``pause`` stands at the end of every piece but the last, and ``last`` at the end of that."""

    start: int
    end: int
    tag: str
    again: str
    pause: str = ""
    last: str = ""


def _marks(quotes: Sequence[Quote], numbers: Mapping[str, int], anchor: str) -> list[_Mark]:
    """The marks of the quotes in the order in which they open: an outer one before those inside it."""
    marks: dict[_Mark, None] = {}
    for n, quote in enumerate(quotes, 1):
        number = numbers[quote.speaker.id] if quote.speaker else None
        speaker = f"{_tint(number)} k{number or 0}"
        marks[_quote_mark(quote, number, speaker, f"{anchor}-q{n}")] = None
        for span, kind in ((quote.source, "source"), (quote.cue, "cue")):
            if span is not None:
                tag = f'<span class="{kind} {speaker}">'
                marks[_Mark(*_stripped(span), tag, tag)] = None
    return sorted((m for m in marks if m.start < m.end), key=lambda m: (m.start, -m.end))


def _quote_mark(quote: Quote, number: int | None, classes: str, card: str) -> _Mark:
    name = label(quote.speaker.name) if quote.speaker else NOBODY
    tag = f'<span class="q {classes}" role="group" tabindex="-1" aria-label='
    rows = _card(quote, number)
    return _Mark(
        *_stripped(quote.content),
        tag=f'{tag}"اقتباس: {name}">',
        again=f'{tag}"تتمة الاقتباس: {name}">',
        pause=f'<span class="card" role="tooltip" hidden>{rows}</span>',
        last=(
            f'<sup role="note" tabindex="0" aria-label="{_shown(number)}، {name}" aria-describedby="{card}" '
            f'data-n="{_shown(number)}"></sup><span class="card" role="tooltip" id="{card}" hidden>{rows}</span>'
        ),
    )


def _stripped(span: Span) -> tuple[int, int]:
    """The offsets of a span without the white space at its edges."""
    start = span.end - len(span.text.lstrip())
    return start, start + len(span.text.strip())


def _card(quote: Quote, number: int | None) -> str:
    """What is known of a quote, a line each."""
    cue = isolated(quote.cue.text)
    others = [other for other in quote.evidence.runners_up if other.probability >= 0.005] if quote.evidence else []
    rows = {
        "النوع": TYPES[quote.type],
        "كلمة النقل": f"{cue} ({ACTS[quote.act]})" if quote.act else cue,
        "المصدر كما ورد": isolated(quote.source.text) if quote.source else "",
        "الثقة": "" if quote.confidence is None else f"{quote.confidence:.0%}",
        "مرشحون آخرون": "، ".join(f"{isolated(other.speaker)} {other.probability:.0%}" for other in others),
    }
    lines = [f'<span><span class="key">{key}:</span> {value}</span>' for key, value in rows.items() if value]
    name = quote.speaker.name if quote.speaker else NOBODY
    return " ".join([f'<span class="who">{_named(number, name)}</span>', *lines])


def _text(text: str, marks: Sequence[_Mark]) -> str:
    """The text in paragraphs, its lines. Where marks cross or run over a line end they are closed and opened again."""
    text = _LINE_ENDS.sub("\n", text) + "\n"
    paragraphs: list[str] = []
    line: list[str] = []
    visible = False
    open_marks: list[_Mark] = []
    for start, end, covering in _segments(text, marks):
        at_line_end = text[start] == "\n"
        wanted = [] if at_line_end else covering
        kept = sum(1 for _ in takewhile(lambda pair: pair[0] is pair[1], zip(open_marks, wanted, strict=False)))
        line += [f"{mark.last if mark.end == start else mark.pause}</span>" for mark in reversed(open_marks[kept:])]
        line += [mark.tag if mark.start == start else mark.again for mark in wanted[kept:]]
        open_marks = wanted
        if at_line_end:
            if visible:
                paragraphs.append(f"<p>{''.join(line)}</p>")
            line, visible = [], False
        else:
            shown = _escaped(text[start:end])
            line.append(shown)
            visible |= bool(shown.strip())
    return "\n".join(paragraphs)


def _segments(text: str, marks: Sequence[_Mark]) -> Iterator[tuple[int, int, list[_Mark]]]:
    """The text cut at every edge of a mark and around every line end, with the marks that cover each piece."""
    breaks = [n for found in re.finditer("\n", text) for n in found.span()]
    cuts = sorted({0, *breaks, *(n for mark in marks for n in (mark.start, mark.end))})
    covering: list[_Mark] = []
    opened = 0
    for start, end in pairwise(cuts):
        covering = [mark for mark in covering if mark.end > start]
        while opened < len(marks) and marks[opened].start == start:
            covering.append(marks[opened])
            opened += 1
        yield start, end, covering


def isolated(text: str) -> str:
    """A label of one line that does not reorder what stands around it, for HTML."""
    return f"<bdi>{label(text)}</bdi>"


def label(text: str) -> str:
    """A text as a label of one line, for HTML."""
    return _escaped(" ".join(text.split()))


def _escaped(text: str) -> str:
    return escape(harmless(text))


def harmless(text: str) -> str:
    """The text without characters that would change how what follows is read or shown.

    >>> harmless("قال\\u202e علي\\x00")
    'قال علي'
    """
    return _SURROGATES.sub("\ufffd", _DROPPED.sub("", _SPACES.sub(" ", text)))
