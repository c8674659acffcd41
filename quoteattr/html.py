"""A document for the browser: the article with its quotes tinted by speaker, under a legend of who speaks how often.

The page is one file without scripts that loads nothing. Whatever comes from a document is escaped, and characters that
could reorder or hide text (bidi overrides, control characters) do not get into it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise, takewhile

from quoteattr.schema import Document, Quote, Span

NOBODY = "متحدث غير معروف"
_PAGE_TITLE = "من قال ماذا"
TYPES = {"direct": "مباشر", "indirect": "غير مباشر", "mixed": "مختلط"}
_QUOTES = ("لا اقتباسات", "اقتباس واحد", "اقتباسان", "اقتباسات", "اقتباسا", "اقتباس")
_SPEAKERS = ("لا متحدثين", "متحدث واحد", "متحدثان", "متحدثين", "متحدثا", "متحدث")

_LINE_ENDS = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
_DROPPED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\r\u202a-\u202e\u2066-\u206f]")
_SPACES = re.compile("[\t\v\f]")
_SURROGATES = re.compile("[\ud800-\udfff]")

# Page, text, muted text, lines; then of each speaker the tint behind a quote and the ink of its lines and number.
_LIGHT = ("#fdfcf9", "#1d1d1b", "#5c5b56", "#dcdad2")
_DARK = ("#16181b", "#ece9e2", "#a9a69e", "#3b3e43")
_LIGHT_TINTS = (
    ("#e6e6e2", "#5c5c58"),  # nobody
    ("#d6e6fa", "#1f5fa8"),
    ("#fde6b8", "#855600"),
    ("#d3efd6", "#1a6b33"),
    ("#fbd9e6", "#a8285f"),
    ("#e5dcfa", "#6a3fb5"),
    ("#cbecea", "#0b6a6a"),
    ("#fbdccb", "#a8431a"),
    ("#e9eeb8", "#5c6400"),
)
_DARK_TINTS = (
    ("#3a3c40", "#b9b9b4"),
    ("#1f3a5c", "#8dbcf5"),
    ("#50400f", "#f0c05a"),
    ("#1d4a2a", "#7fd696"),
    ("#5a2340", "#f79cc2"),
    ("#40306b", "#c3a9f7"),
    ("#134a4a", "#6fd3d1"),
    ("#5c3019", "#f5a67e"),
    ("#454a10", "#ccd65c"),
)


def _colours(base: Sequence[str], tints: Sequence[tuple[str, str]]) -> str:
    page, text, muted, line = base
    rules = [f".quoteattr{{--page:{page};--text:{text};--muted:{muted};--line:{line}}}"]
    rules += [f".quoteattr .s{n}{{--tint:{tint};--ink:{ink}}}" for n, (tint, ink) in enumerate(tints)]
    return "\n".join(rules)


_STYLE = f"""
{_colours(_LIGHT, _LIGHT_TINTS)}
@media screen and (prefers-color-scheme:dark){{
{_colours(_DARK, _DARK_TINTS)}
}}
.quoteattr{{background:var(--page);color:var(--text);font:1.1875rem/1.9 "Noto Naskh Arabic","Geeza Pro","Segoe UI",serif;
 text-align:start;margin:0;padding:1.5rem 1.25rem;overflow-wrap:anywhere;color-scheme:light dark}}
.quoteattr>*{{max-width:40rem;margin-inline:auto}}
.quoteattr h1{{font-size:1.375rem;line-height:1.5;margin-block:0 .5rem}}
.quoteattr h2{{font-size:1.1875rem;line-height:1.5;margin-block:0}}
.quoteattr article{{background:none;border:0;padding:0}}
.quoteattr article+article{{border-top:1px solid var(--line);margin-top:3rem;padding-top:2rem}}
.quoteattr nav{{margin-bottom:3rem}}
.quoteattr nav ol{{margin:0;padding-inline-start:1.75rem}}
.quoteattr a{{color:inherit;text-underline-offset:.3em}}
.quoteattr .counts,.quoteattr .marks{{color:var(--muted);font-size:1rem;margin:0}}
.quoteattr .legend{{list-style:none;display:flex;flex-wrap:wrap;gap:.5rem;margin:.75rem 0;padding:0}}
.quoteattr .legend li{{background:var(--tint);border-radius:.4rem;line-height:1.6;margin:0;padding:.1rem .7rem}}
.quoteattr .legend .n{{color:var(--ink);font-weight:bold}}
.quoteattr .legend .count{{font-size:1rem}}
.quoteattr .text{{border-top:1px solid var(--line);margin-top:1rem;padding-top:1.25rem}}
.quoteattr .text p{{margin:0 0 1rem}}
.quoteattr .q{{background:var(--tint);border-radius:.15em;-webkit-box-decoration-break:clone;box-decoration-break:clone}}
.quoteattr .q .q{{box-shadow:0 0 0 1px var(--ink)}}
.quoteattr .cue,.quoteattr .source{{text-decoration:underline dotted .12em var(--ink);text-underline-offset:.4em;
 text-decoration-skip-ink:none}}
.quoteattr .source{{text-decoration-style:solid;text-decoration-thickness:.07em}}
.quoteattr sup{{color:var(--ink);font-size:.65em;font-weight:bold;line-height:0;vertical-align:.7em;
 padding-inline:.15em;unicode-bidi:isolate}}
.quoteattr sup::before{{content:attr(data-n)}}
@media print{{.quoteattr{{padding:0}} .quoteattr *{{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
 .quoteattr p{{orphans:2;widows:2}} .quoteattr .legend li{{break-inside:avoid}}}}
"""


def render_html(documents: Sequence[Document]) -> str:
    """One self-contained page with all the documents, from right to left, under a list of them where there are several.

    A quote has the tint and number of its speaker and says speaker, type and confidence when pointed at; cues have a dotted
    and sources a plain underline. The page can be written as UTF-8 whatever the documents hold.

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
        f"<title>{title}</title>\n<style>html{{background:{_LIGHT[0]}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{html{{background:{_DARK[0]}}}}}{_STYLE}</style>\n</head>\n"
        f'<body class="quoteattr">\n' + "\n".join(parts) + "\n</body>\n</html>\n"
    )


def render_fragment(document: Document) -> str:
    """The document as one element with its own style, to stand in another page such as a notebook.

    >>> render_fragment(Document("قال علي: نعم"))[:47]
    '<div class="quoteattr" dir="rtl" lang="ar"><sty'
    """
    article = _article(document, None, "h2")
    return f'<div class="quoteattr" dir="rtl" lang="ar"><style>{_STYLE}</style>\n{article}\n</div>'


# ---------------------------------------------------------------------------------------------------------------------
# What stands around the text


def _contents(documents: Sequence[Document]) -> str:
    items = [
        f'<li><a href="#d{n}"><bdi>{_name(document, f"نص {n}")}</bdi></a> '
        f'<span class="counts">{_counted(len(document.quotes), _QUOTES)}</span></li>'
        for n, document in enumerate(documents, 1)
    ]
    return '<nav aria-label="النصوص">\n<ol>\n' + "\n".join(items) + "\n</ol>\n</nav>"


def _article(document: Document, anchor: str | None, heading: str) -> str:
    numbers = _speaker_numbers(document.quotes)
    name = _name(document, "")
    parts = [
        f'<article id="{anchor}">' if anchor else "<article>",
        f"<{heading}><bdi>{name}</bdi></{heading}>" if name else "",
        f'<p class="counts">{_counts(document, len(numbers))}</p>',
        _legend(document.quotes, numbers) if document.quotes else "",
        f'<div class="text">\n{_text(document.text, _marks(document.quotes, numbers))}\n</div>',
        "</article>",
    ]
    return "\n".join(part for part in parts if part)


def _name(document: Document, otherwise: str) -> str:
    return _label(document.id) or otherwise


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


def _legend(quotes: Sequence[Quote], numbers: dict[str, int]) -> str:
    names = {quote.speaker.id: quote.speaker.name for quote in quotes if quote.speaker}
    spoken = Counter(quote.speaker.id if quote.speaker else None for quote in quotes)
    rows = [_legend_row(numbers[speaker], names[speaker], spoken[speaker]) for speaker in numbers]
    if None in spoken:
        rows.append(_legend_row(None, NOBODY, spoken[None]))
    return (
        '<ul class="legend" aria-label="المتحدثون">\n' + "\n".join(rows) + "\n</ul>\n"
        '<p class="marks s0"><span class="cue">كلمة النقل</span>، <span class="source">المصدر كما ورد</span></p>'
    )


def _legend_row(number: int | None, name: str, count: int) -> str:
    return (
        f'<li class="{_tint(number)}"><span class="n">{_shown(number)}</span> <bdi>{_label(name)}</bdi> '
        f'<span class="count">({_counted(count, _QUOTES)})</span></li>'
    )


def _tint(number: int | None) -> str:
    return "s0" if number is None else f"s{(number - 1) % (len(_LIGHT_TINTS) - 1) + 1}"


def _shown(number: int | None) -> str:
    return "؟" if number is None else str(number)


# ---------------------------------------------------------------------------------------------------------------------
# The text with its marks


@dataclass(frozen=True, slots=True)
class _Mark:
    """A stretch of the text to be marked: the tag before it, and what stands at its very end before the closing tag."""

    start: int
    end: int
    tag: str
    last: str = ""


def _marks(quotes: Sequence[Quote], numbers: dict[str, int]) -> list[_Mark]:
    """The marks of the quotes in the order in which they open: an outer one before those inside it."""
    marks: dict[_Mark, None] = {}
    for quote in quotes:
        number = numbers[quote.speaker.id] if quote.speaker else None
        tint = _tint(number)
        tag = f'<span class="q {tint}" role="group" title="{_description(quote)}">'
        marks[_mark(quote.content, tag, f'<sup aria-hidden="true" data-n="{_shown(number)}"></sup>')] = None
        if quote.source:
            marks[_mark(quote.source, f'<span class="source {tint}">')] = None
        marks[_mark(quote.cue, f'<span class="cue {tint}">')] = None
    return sorted((m for m in marks if m.start < m.end), key=lambda m: (m.start, -m.end))


def _mark(span: Span, tag: str, last: str = "") -> _Mark:
    """The mark of a span without the white space at its edges."""
    start = span.end - len(span.text.lstrip())
    return _Mark(start, start + len(span.text.strip()), tag, last)


def _description(quote: Quote) -> str:
    parts = [f"المتحدث: {_label(quote.speaker.name) if quote.speaker else NOBODY}", f"النوع: {TYPES[quote.type]}"]
    if quote.confidence is not None:
        parts.append(f"الثقة: {quote.confidence:.0%}")
    return "؛ ".join(parts)


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
        line += [f"{mark.last if mark.end == start else ''}</span>" for mark in reversed(open_marks[kept:])]
        line += [mark.tag for mark in wanted[kept:]]
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


def _label(text: str) -> str:
    return _escaped(" ".join(text.split()))


def _escaped(text: str) -> str:
    return escape(harmless(text))


def harmless(text: str) -> str:
    """The text without characters that would change how what follows is read or shown.

    >>> harmless("قال\\u202e علي\\x00")
    'قال علي'
    """
    return _SURROGATES.sub("\ufffd", _DROPPED.sub("", _SPACES.sub(" ", text)))
