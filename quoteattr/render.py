"""A document for the eye: the table that a terminal shows.

The columns run from right to left as Arabic is read. Each line of Arabic stands in an isolate of its own (U+2067 …
U+2069), so that a terminal that orders bidirectional text keeps the columns where one that does not has them too.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from quoteattr.schema import Document, Quote

NOTHING = "—"
_MIN_WIDTH = 60
_STYLES = {"conf": "dim", "type": "dim", "quote": "", "cue": "green", "speaker": "bold cyan", "#": "dim"}
_ESCAPES = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")


def render_table(document: Document, width: int, colour: bool = False) -> str:
    """The quotes of a document as a table at most ``width`` cells wide (60 at least), under a line with id and counts.

    From right to left: number, speaker, cue, the whole quote, type, confidence. Escape sequences, control characters
    and direction marks of the text are left out, so that it can't disturb the terminal.

    >>> record = {"id": "1", "text": "قال علي: نعم", "speakers": [{"id": "S1", "name": "علي"}],
    ...           "quotes": [{"id": "Q1", "type": "direct", "cue": [0, 3], "content": [9, 12], "speaker": "S1"}]}
    >>> lines = render_table(Document.from_dict(record), 60).splitlines()
    >>> lines[0], [cell.strip("\u2067\u2069") for cell in lines[-1].split()]
    ('1: 1 quote, 1 speaker', ['—', 'direct', 'نعم', 'قال', 'علي', '1'])
    """
    out = io.StringIO()
    width = max(width, _MIN_WIDTH)
    console = Console(
        file=out,
        width=width,
        height=25,
        force_terminal=colour,
        force_jupyter=False,
        legacy_windows=False,
        highlight=False,
    )
    console.print(_headline(document), soft_wrap=True)
    if document.quotes:
        console.print(_table(document.quotes, width, console))
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().split("\n"))


def _headline(document: Document) -> Text:
    speakers = {quote.speaker.id for quote in document.quotes if quote.speaker}
    counts = [_count(len(document.quotes), "quote"), _count(len(speakers), "speaker")]
    if document.rejected:
        counts.append(f"{len(document.rejected)} below the confidence asked for")
    name = f"{_clean(document.id)}: " if document.id else ""
    return Text(name, style="bold").append(", ".join(counts), style="not bold")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _table(quotes: Sequence[Quote], width: int, console: Console) -> Table:
    cells: dict[str, Sequence[str]] = {
        "conf": [NOTHING if quote.confidence is None else f"{quote.confidence:.2f}" for quote in quotes],
        "type": [quote.type for quote in quotes],
        "quote": [_clean(quote.text) for quote in quotes],
        "cue": [_clean(quote.cue.text) for quote in quotes],
        "speaker": [_clean(quote.speaker.name) if quote.speaker else NOTHING for quote in quotes],
        "#": [str(n) for n in range(1, len(quotes) + 1)],
    }
    limits = {"quote": 0, "cue": width // 8, "speaker": width // 5}
    widths = {name: min(limits.get(name, width), max(map(cell_len, (name, *column)))) for name, column in cells.items()}
    widths["quote"] = width - sum(widths.values()) - 2 * (len(cells) - 1)

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0), leading=1, header_style="dim")
    shown: list[list[Text]] = []
    for name, column in cells.items():
        justify: JustifyMethod = "left" if name in ("conf", "type") else "right"
        table.add_column(name, style=_STYLES[name], justify=justify, width=widths[name], no_wrap=True)
        shown.append([_isolates(cell, widths[name], console) if name in limits else Text(cell) for cell in column])
    for row in zip(*shown, strict=True):
        table.add_row(*row)
    return table


def _isolates(text: str, width: int, console: Console) -> Text:
    """The text in lines of at most ``width`` cells, each of them a right-to-left isolate."""
    return Text("\n".join(f"\u2067{line.plain.strip()}\u2069" for line in Text(text).wrap(console, width)))


def _clean(text: str) -> str:
    """The text in one line, without what a terminal would obey instead of show."""
    text = _CONTROLS.sub("", _ESCAPES.sub("", " ".join(text.split())))
    return text.encode("utf-8", "replace").decode("utf-8")
