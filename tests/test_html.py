"""The page: the whole text, every quote with its speaker, well nested, and nothing from a document taken for markup."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import HARMLESS, HOSTILE, contrast, quote

from quoteattr import Document, QuoteAttributor, Speaker
from quoteattr.html import NOBODY, render_fragment, render_html
from quoteattr.schema import Evidence, RunnerUp

VOID = {"meta", "input"}
TAGS = set("html head meta title style body h1 h2 nav ol li a article div p span sup bdi label input".split())
NEVER_SHOWN = set(map(chr, [*range(10), *range(11, 32), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]))


class Page(HTMLParser):
    """A page as a reader sees it; fails where tags do not nest."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, dict[str, str]]] = []
        self.seen: list[tuple[str, dict[str, str], list[str]]] = []
        self._path: list[int] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        assert tag in TAGS
        assert len(attributes) == len(attrs)
        self.seen.append((tag, attributes, []))
        if tag not in VOID:
            self.open.append((tag, attributes))
            self._path.append(len(self.seen) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag
        self._path.pop()

    def handle_data(self, data: str) -> None:
        """Cards stand in the text, but are no part of it."""
        card = next((n for n in self._path if "card" in self.seen[n][1].get("class", "").split()), 0)
        for n in self._path:
            if n >= card:
                self.seen[n][2].append(data)

    def elements(self, tag: str, css: str = "") -> Iterator[tuple[dict[str, str], str]]:
        """Attributes and text of the elements with the tag and the class."""
        for name, attributes, data in self.seen:
            if name == tag and (not css or css in attributes.get("class", "").split()):
                yield attributes, "".join(data)

    def paragraphs(self) -> list[str]:
        return [text for attributes, text in self.elements("p") if not attributes]

    def legend(self) -> list[str]:
        """The lines of the speakers, without the one that chooses them all."""
        (legend,) = self.elements("div", "legend")
        return [line.strip() for line in legend[1].split("\n") if line][1:]

    def cards(self) -> list[str]:
        return [" ".join(text.split()) for _, text in self.elements("span", "card")]


def shown(text: str) -> list[str]:
    """The lines of a text that are not blank, as a page may show them."""
    text = re.sub("\r(?!\n)|[\x85\u2028\u2029]", "\n", text)
    text = re.sub("[\ud800-\udfff]", "\ufffd", re.sub("[\t\v\f]", " ", text))
    text = "".join(c for c in text if c == "\n" or c not in NEVER_SHOWN)
    return [line for line in text.split("\n") if line.strip()]


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Documents with spans wherever they may fall."""
    text = draw(st.text("قال علي:«» .\n\r\t\x00\x1f\x85\u2028\u202e\u2066\ud800<>&'\"a1😀\u0651\u200f", max_size=40))
    span = st.tuples(*[st.integers(0, len(text))] * 2).map(sorted)
    speakers = [Speaker(f"S{n}", draw(st.sampled_from(["علي", "سلمى", HOSTILE, ""]))) for n in range(3)]
    fields = {
        "source": st.none() | span,
        "speaker": st.none() | st.sampled_from(speakers),
        "type": st.sampled_from(["direct", "indirect", "mixed"]),
        "confidence": st.none() | st.floats(0, 1),
    }
    made = st.builds(lambda cue, content, others: quote(text, cue, content, **others), span, span, st.fixed_dictionaries(fields))
    return Document(text, draw(st.sampled_from(["", "a.txt", HOSTILE])), tuple(speakers), tuple(draw(st.lists(made, max_size=6))))


@given(documents())
def test_tags_nest_and_the_whole_text_is_shown_wherever_spans_fall(document: Document) -> None:
    for page in (render_html([document]), render_fragment(document), render_html([document, document])):
        page.encode()
        assert NEVER_SHOWN.isdisjoint(page)
    assert Page(render_html([document])).paragraphs() == shown(document.text)
    assert Page(render_fragment(document)).paragraphs() == shown(document.text)
    assert Page(render_html([document, document])).paragraphs() == shown(document.text) * 2


@given(documents())
def test_every_speaker_is_in_the_legend_with_the_number_of_quotes(document: Document) -> None:
    counts = Counter(quote.speaker.id if quote.speaker else None for quote in document.quotes)
    page = Page(render_html([document]))
    if not counts:
        assert not list(page.elements("label"))
        return
    forms = {1: "(اقتباس واحد)", 2: "(اقتباسان)"}
    rows = page.legend()
    assert sorted(row[row.rindex("(") :] for row in rows) == sorted(forms.get(n, f"({n} اقتباسات)") for n in counts.values())
    assert [NOBODY in row for row in rows] == [False] * (len(rows) - 1) + [None in counts]


@given(documents())
def test_what_is_tinted_is_what_was_said(document: Document) -> None:
    marked = [text for _, text in Page(render_html([document])).elements("span", "q")]
    for line in {line for said in document.quotes for line in shown(said.text)}:
        assert any(text.strip() and text.strip() in line for text in marked)


@pytest.mark.parametrize("field", ["text", "id", "speaker"])
def test_hostile_strings_are_text_and_nothing_else(field: str) -> None:
    text = HOSTILE if field == "text" else "قال علي: نعم"
    speaker = Speaker("S1", HOSTILE if field == "speaker" else "علي")
    document = Document(text, HOSTILE if field == "id" else "a", (speaker,), (quote(text, (0, 3), (9, 12), speaker=speaker),))
    for page in (render_html([document, document]), document._repr_html_()):
        assert page.count("<script") == page.count("<img") == 0
        assert page.count("</style>") == 1
        texts = "".join(Page(page).seen[0][2])
        assert all(part in texts for part in HARMLESS.replace("\x85", "\n" if field == "text" else " ").split("\n"))


def test_the_card_of_a_quote_says_what_is_known_of_it() -> None:
    text = "قال علي: نعم"
    speaker = Speaker("S1", 'علي "أبو حسن"')
    evidence = Evidence("model", "model", (RunnerUp("سلمى", 0.21), RunnerUp("<b>", 0.034)))
    known = quote(
        text, (0, 3), (9, 12), source=(4, 7), speaker=speaker, type="mixed", act="deny", confidence=0.876, evidence=evidence
    )
    unknown = quote(text, (0, 3), (4, 7), type="indirect")
    page = Page(render_html([Document(text, "", (speaker,), (known, unknown))]))
    assert page.cards() == [
        "؟ متحدث غير معروف النوع: غير مباشر كلمة النقل: قال",
        '1 علي "أبو حسن" النوع: مختلط كلمة النقل: قال (نفي) المصدر كما ورد: علي الثقة: 88% مرشحون آخرون: سلمى 21%، <b> 3%',
    ]
    assert ({"class": "source s1 k1"}, "علي") in list(page.elements("span", "source"))
    assert ({"class": "cue s1 k1"}, "قال") in list(page.elements("span", "cue"))


def test_cards_are_hidden_also_where_no_style_is_read_and_belong_to_the_numbers() -> None:
    document = QuoteAttributor.rules()("قال علي: «نعم».\nوأضاف: «لا».")
    page = Page(render_html([document, document]) + render_fragment(document) + render_fragment(document))
    cards = [attributes for attributes, _ in page.elements("span", "card")]
    assert len(cards) == 8
    assert all("hidden" in attributes for attributes in cards)
    assert [attributes["aria-describedby"] for attributes, _ in page.elements("sup")] == [a["id"] for a in cards]
    assert max(Counter(attributes["id"] for _, attributes, _ in page.seen if "id" in attributes).values()) == 1
    names = Counter(attributes["name"] for attributes, _ in page.elements("input"))
    assert list(names.values()) == [2] * 4  # everybody and one speaker, of four documents


def test_a_quote_inside_a_quote_stands_inside_it() -> None:
    text = "قالت الوكالة إن الوزير أكد أن القرار نهائي."
    agency, minister = Speaker("S1", "الوكالة"), Speaker("S2", "الوزير")
    outer = quote(text, (0, 4), (16, 42), source=(5, 12), speaker=agency)
    inner = quote(text, (23, 26), (30, 42), source=(16, 22), speaker=minister)
    page = render_html([Document(text, "", (agency, minister), (outer, inner))])
    assert [text for _, text in Page(page).elements("span", "q")] == ["الوزير أكد أن القرار نهائي", "القرار نهائي"]
    assert re.findall(r'data-n="(.)"', page) == ["2", "1"]
    assert page.index('data-n="1"') < page.index(".</p>")


def test_crossing_quotes_and_quotes_over_lines_are_numbered_once_each() -> None:
    text = "أ ب ج\n\nد ه و"
    first, second = Speaker("S1", "علي"), Speaker("S2", "سلمى")
    quotes = (quote(text, (0, 1), (2, 10), speaker=first), quote(text, (0, 1), (4, 12), speaker=second))
    page = Page(render_html([Document(text, "", (first, second), quotes)]))
    assert page.paragraphs() == ["أ ب ج", "د ه و"]
    assert [(attributes["class"], text) for attributes, text in page.elements("span", "q")] == [
        ("q s1 k1", "ب ج"),
        ("q s2 k2", "ج"),
        ("q s1 k1", "د ه"),
        ("q s2 k2", "د ه"),
        ("q s2 k2", " و"),
    ]
    assert [attributes["data-n"] for attributes, _ in page.elements("sup")] == ["1", "2"]
    labels = [attributes["aria-label"].split(":")[0] for attributes, _ in page.elements("span", "q")]
    assert labels == ["اقتباس", "اقتباس", "تتمة الاقتباس", "تتمة الاقتباس", "تتمة الاقتباس"]


def test_more_speakers_than_tints_keep_their_own_numbers() -> None:
    text = "قال نعم " * 10
    speakers = [Speaker(f"S{n}", f"متحدث {n}") for n in range(10)]
    quotes = tuple(quote(text, (8 * n, 8 * n + 3), (8 * n + 4, 8 * n + 7), speaker=s) for n, s in enumerate(speakers))
    page = Page(render_html([Document(text, "", tuple(speakers), quotes)]))
    assert [a["class"] for a, _ in page.elements("span", "q")] == [
        f"q s{tint} k{n}" for n, tint in enumerate([*range(1, 9), 1, 2], 1)
    ]
    assert [a["data-n"] for a, _ in page.elements("sup")] == [str(n) for n in range(1, 11)]
    assert [row.split(" (")[0] for row in page.legend()] == [f"{n + 1} متحدث {n}" for n in range(10)]


def test_several_documents_are_listed_and_linked() -> None:
    page = Page(render_html([Document("نص", "أول"), Document("نص"), Document("نص", "ثالث")]))
    links = [(attributes["href"], text) for attributes, text in page.elements("a")]
    assert links == [("#d1", "أول"), ("#d2", "نص 2"), ("#d3", "ثالث")]
    assert [attributes["id"] for attributes, _ in page.elements("article")] == ["d1", "d2", "d3"]


def test_quotes_below_the_confidence_asked_for_are_counted() -> None:
    text = "قال علي: نعم"
    page = Page(render_html([Document(text, rejected=(quote(text, (0, 3), (9, 12)),))]))
    assert [text for _, text in page.elements("p", "counts")] == ["لا اقتباسات، دون حد الثقة المطلوب: 1"]


def test_the_page_needs_no_other_file_and_runs_nothing() -> None:
    page = QuoteAttributor.rules()("قال علي: «نعم».").to_html()
    assert "default-src 'none'" in page
    assert not re.search(r"https?:|url\(|@import|<script|<link|\bsrc=|\bon\w+=", page)
    assert '<html lang="ar" dir="rtl">' in page


def test_a_notebook_shows_the_document() -> None:
    fragment = QuoteAttributor.rules()("قال علي: «نعم».")._repr_html_()
    assert fragment.startswith('<div class="quoteattr" dir="rtl" lang="ar">')
    assert not re.search(r"<html|<body", fragment)
    style = re.sub(r"/\*.*?\*/|@[^{]*\{", "", fragment.split("<style>")[1].split("</style>")[0], flags=re.DOTALL)
    selectors = re.findall(r"([^{};]+)\{", style)
    assert len(selectors) > 20
    assert all(
        ".quoteattr" in part or part.strip().startswith("&")
        for selector in selectors
        for part in re.split(r",(?![^(]*\))", selector)
    )


def test_colours_can_be_read_in_light_and_dark() -> None:
    style = render_fragment(Document(""))
    colours = {name: pair for name, *pair in re.findall(r"--(page|card|text|muted): light-dark\((\S+), (\S+?)\)", style)}
    tints = re.findall(r"\.s(\d) \{ --tint: light-dark\((\S+), (\S+?)\); --ink: light-dark\((\S+), (\S+?)\)", style)
    assert [int(n) for n, *_ in tints] == [*range(9)]
    for scheme in (0, 1):
        page, card, text, muted = (colours[name][scheme] for name in ("page", "card", "text", "muted"))
        assert min(contrast(page, muted), contrast(card, muted)) >= 4.5
        for n, *pairs in tints:
            tint, ink = pairs[scheme], pairs[2 + scheme]
            assert contrast(tint, text) >= 7, n
            assert min(contrast(background, ink) for background in (tint, page, card)) >= 4.5, n
