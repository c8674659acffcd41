"""The table: right columns at the right, nothing lost, nothing that disturbs a terminal."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from quoteattr import Document, Quote, Span, Speaker
from quoteattr.render import render_table

ISOLATES = "\u2067\u2069"
LONG = "نريد أن تبقى المدرسة مفتوحة لكل أبناء الحي " * 12


def document(content: str, name: str | None = "سالم الخطيب", cue: str = "قال", **fields: Any) -> Document:
    text = f"{cue} {content}"
    speakers = () if name is None else (Speaker("S1", name),)
    quote = Quote(
        id="Q1",
        type=fields.get("type", "indirect"),
        content=Span.of(text, len(cue) + 1, len(text)),
        cue=Span.of(text, 0, len(cue)),
        speaker=speakers[0] if speakers else None,
        confidence=fields.get("confidence"),
    )
    return Document(text, fields.get("id", "a"), speakers, (quote,))


def columns(table: str) -> list[str]:
    """The cells of the first row, from left to right."""
    row = table.split("\n")[3]
    return [cell.strip(ISOLATES) for cell in re.split(r"\s{2,}", row)]


def test_columns_run_from_right_to_left() -> None:
    table = render_table(document("الدرس سهل", confidence=0.876, type="mixed"), 100)
    assert re.split(r"\s{2,}", table.split("\n")[1]) == ["conf", "type", "quote", "cue", "speaker", "#"]
    assert columns(table) == ["0.88", "mixed", "الدرس سهل", "قال", "سالم الخطيب", "1"]


def test_what_is_not_known_is_a_dash() -> None:
    assert columns(render_table(document("الدرس سهل", name=None), 100)) == [
        "—",
        "indirect",
        "الدرس سهل",
        "قال",
        "—",
        "1",
    ]


@pytest.mark.parametrize(
    ("quotes", "counts"),
    [(0, "a: 0 quotes, 0 speakers"), (1, "a: 1 quote, 1 speaker"), (2, "a: 2 quotes, 1 speaker")],
)
def test_the_first_line_counts(quotes: int, counts: str) -> None:
    one = document("الدرس سهل")
    shown = render_table(Document(one.text, "a", one.speakers, one.quotes * quotes), 100)
    assert shown.split("\n")[0] == counts
    assert len(shown.split("\n")) == {0: 1, 1: 4, 2: 6}[quotes]


def test_quotes_below_the_confidence_asked_for_are_counted() -> None:
    one = document("الدرس سهل")
    shown = render_table(Document(one.text, "", one.speakers, (), one.quotes), 100)
    assert shown == "0 quotes, 0 speakers, 1 below the confidence asked for"


@pytest.mark.parametrize("width", [20, 60, 80, 120, 200])
def test_a_long_quote_is_wrapped_and_whole(width: int) -> None:
    lines = render_table(document(LONG, name="المتحدثة باسم نقابة معلمي المرحلة الابتدائية"), width).split("\n")
    assert all(cell_len(line) <= max(width, 60) for line in lines)
    words = [word.strip(ISOLATES) for line in lines[3:] for word in line.split()]
    assert [word for word in words if word in LONG.split()] == LONG.split()
    assert {"المتحدثة", "نقابة", "معلمي", "الابتدائية"} <= set(words)


def test_a_word_wider_than_its_column_is_whole_too() -> None:
    lines = render_table(document("ه" * 150), 60).split("\n")
    assert "".join(lines[3:]).count("ه") == 150


def test_every_line_of_arabic_is_an_isolate_at_the_right_edge_of_its_column() -> None:
    lines = render_table(document(LONG), 80).split("\n")[3:]
    ends = {cell_len(line[: line.index("\u2069")]) for line in lines}
    assert len(ends) == 1
    assert all(line.count("\u2067") == line.count("\u2069") >= 1 for line in lines)


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ("سطر\nوسطر\r\nوآخر\tهنا", "سطر وسطر وآخر هنا"),
        ("\x1b[31mأحمر\x1b[0m", "أحمر"),
        ("\x1b]8;;http://x\x07رابط\x1b]8;;\x1b\\", "رابط"),
        ("\x1b]0;عنوان\x1b\\نص", "نص"),
        ("\x9b2Jنص", "نص"),
        ("نص\x1b", "نص"),
        ("جر\x07س\x00\x08", "جرس"),
        ("\u202eقلب\u202c \u2066عزل\u2069 \u200fعلامة", "قلب عزل علامة"),
        ("\ud800نص", "?نص"),
        ("[b]نص[/b] :smile:", "[b]نص[/b] :smile:"),
    ],
)
def test_what_a_terminal_would_obey_is_not_shown(content: str, shown: str) -> None:
    for cells in (
        columns(render_table(document(content), 100))[2],
        columns(render_table(document("x", name=content), 100))[4],
        render_table(document("x", id=content), 100).split("\n")[0].removesuffix(": 1 quote, 1 speaker"),
    ):
        assert cells == shown


@given(st.text("قال ،\n\t\r\x1b[];m\x9b\x07\u202a\u202e\u2066\u2069\u2028😀\u0301a1\ud800\u200f", max_size=40))
def test_no_text_breaks_the_table(content: str) -> None:
    table = render_table(document(content, name=content), 80)
    assert "\x1b" not in table
    assert table.encode()
    depth = 0
    for line in table.split("\n"):
        assert cell_len(line) <= 80
        for character in line:
            depth += {"\u2067": 1, "\u2069": -1}.get(character, 0)
            assert depth in (0, 1)
        assert depth == 0


def test_colour_only_where_it_is_asked_for_and_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" not in render_table(document("الدرس سهل"), 80)
    assert "\x1b[1;36m" in render_table(document("الدرس سهل"), 80, colour=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "36m" not in render_table(document("الدرس سهل"), 80, colour=True)
