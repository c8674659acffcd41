"""The page in a real browser: choosing a speaker, cards, schemes, narrow screens, print, keyboard, hostile text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from pages import HOSTILE, contrast, quote

from quoteattr import Document, QuoteAttributor, Speaker
from quoteattr.html import render_fragment, render_html
from quoteattr.schema import Evidence, RunnerUp

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect, Locator, Page

Open = Callable[..., "Page"]

WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}

TEXT = """قالت الوكالة إن الوزير أكد أن القرار نهائي، ولم تذكر موعدا.
وقالت سلمى حداد: «لن نغادر الحي قبل أن يصل الماء.
انتظرنا عاما كاملا، وهذا يكفي». وأضافت أن الخزان فارغ منذ أيار.
ورد مسؤول بأن الشبكة قديمة."""
AGENCY, MINISTER, SALMA = Speaker("S1", "الوكالة"), Speaker("S2", "الوزير"), Speaker("S3", "سلمى حداد")


def said(cue: str, content: str, **fields: Any) -> Any:
    """A quote of TEXT by its words."""
    spans = {"cue": cue, "content": content, **({"source": fields.pop("source")} if "source" in fields else {})}
    offsets = {name: (TEXT.index(words), TEXT.index(words) + len(words)) for name, words in spans.items()}
    return quote(TEXT, **offsets, **fields)


QUOTES = (
    said("قالت", "الوزير أكد أن القرار نهائي", source="الوكالة", speaker=AGENCY, type="indirect", confidence=0.93),
    said("أكد", "القرار نهائي", source="الوزير", speaker=MINISTER, type="indirect", confidence=0.71, parent="Q1"),
    said("وقالت", "لن نغادر الحي قبل أن يصل الماء.\nانتظرنا عاما كاملا، وهذا يكفي", source="سلمى حداد", speaker=SALMA),
    said(
        "وأضافت",
        "الخزان فارغ منذ أيار",
        speaker=SALMA,
        type="indirect",
        act="add",
        confidence=0.84,
        evidence=Evidence("model", "model", (RunnerUp("الوكالة", 0.12),)),
    ),
    said("ورد", "الشبكة قديمة", type="indirect"),
)
DOCUMENT = Document(TEXT, "الماء", (AGENCY, MINISTER, SALMA), QUOTES)
SAID = ["الوزير أكد أن القرار نهائي", "القرار نهائي", "لن نغادر الحي قبل أن يصل الماء.", "انتظرنا عاما كاملا، وهذا يكفي"]
SAID += ["الخزان فارغ منذ أيار", "الشبكة قديمة"]


def tinted(article: Page | Locator) -> list[str]:
    """The words of the pieces of quotes that have a tint."""
    return article.locator(".q").evaluate_all(
        """pieces => pieces.filter(piece => getComputedStyle(piece).backgroundColor !== "rgba(0, 0, 0, 0)").map(piece => {
            const words = piece.cloneNode(true);
            words.querySelectorAll(".card").forEach(card => card.remove());
            return words.textContent;
        })"""
    )


def numbers(article: Page | Locator) -> list[str]:
    """The numbers that can be seen, in their order."""
    seen = "all => all.filter(n => n.checkVisibility({visibilityProperty: true})).map(n => n.dataset.n)"
    return article.locator("sup").evaluate_all(seen)


def shown_cards(page: Page) -> list[Locator]:
    page.evaluate("Promise.allSettled(document.getAnimations().map(change => change.finished))")  # they come and go with a delay
    return page.locator(".card:visible").all()


def cards(page: Page) -> list[str]:
    """The words of the cards that are shown."""
    return [" ".join(card.inner_text().split()) for card in shown_cards(page)]


def box_of_card(page: Page) -> FloatRect:
    """Where the one card that is shown stands."""
    (card,) = shown_cards(page)
    box = card.bounding_box()
    assert box is not None
    return box


def point_at(page: Page, words: str) -> None:
    """Move the pointer to the middle of the innermost quote with these words."""
    x, y = page.locator(".q", has_text=words).last.evaluate(
        """(quote) => {
            const words = document.createRange();
            words.selectNodeContents(quote.firstChild);
            const line = words.getClientRects()[0];
            return [line.left + line.width / 2, line.top + line.height / 2];
        }"""
    )
    page.mouse.move(x, y)


def test_a_speaker_chosen_keeps_only_his_or_her_quotes(open_page: Open) -> None:
    page = open_page(render_html([DOCUMENT]), viewport=WIDE)
    assert tinted(page) == SAID
    assert numbers(page) == ["2", "1", "3", "3", "؟"]
    page.get_by_role("radio", name="سلمى حداد").click()
    assert tinted(page) == SAID[2:5]
    assert numbers(page) == ["3", "3"]
    page.get_by_text("الوزير (اقتباس واحد)").click()  # the label does as well
    assert tinted(page) == SAID[1:2]
    page.get_by_role("radio", name="متحدث غير معروف").click()
    assert tinted(page) == SAID[5:]
    page.get_by_role("radio", name="الكل").click()
    assert tinted(page) == SAID


def test_the_quotes_of_others_lose_underlines_and_cards_and_stay_readable(open_page: Open) -> None:
    page = open_page(render_html([DOCUMENT]), viewport=WIDE)
    colour = "e => getComputedStyle(e).color"
    page.get_by_role("radio", name="الوكالة").click()
    lines = page.locator(".text :is(.cue, .source)").evaluate_all(
        'all => all.filter(e => getComputedStyle(e).textDecorationColor !== "rgba(0, 0, 0, 0)").map(e => e.textContent)'
    )
    assert lines == ["قالت", "الوكالة"]
    assert page.locator(".text p").last.evaluate(colour) != page.locator(".q").first.evaluate(colour)
    assert page.locator(".q .q").evaluate(colour) == page.locator(".q").first.evaluate(colour)  # inside what is kept
    point_at(page, "الشبكة قديمة")
    assert cards(page) == []
    point_at(page, "القرار نهائي")
    assert [card[:9] for card in cards(page)] == ["1 الوكالة"]
    assert colours(page)


def test_the_keyboard_chooses_and_goes_to_the_quotes_kept(open_page: Open) -> None:
    page = open_page(render_html([DOCUMENT]), viewport=WIDE)
    page.keyboard.press("Tab")
    focused = "document.activeElement.closest('label')?.innerText.trim() ?? document.activeElement.ariaLabel"
    assert page.evaluate(focused).startswith("الكل")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    assert page.evaluate(focused).startswith("3 سلمى حداد")
    assert tinted(page) == SAID[2:5]
    stops = []
    for _ in range(3):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(focused))
    assert stops[:2] == ["3، سلمى حداد"] * 2
    assert stops[2] is None  # past the last quote kept


def test_the_quote_pointed_at_shows_its_card_and_moves_nothing(open_page: Open) -> None:
    page = open_page(render_html([DOCUMENT]), viewport=WIDE)
    assert cards(page) == []
    boxes = [p.bounding_box() for p in page.locator(".text p").all()]
    point_at(page, "الخزان")
    assert cards(page) == [
        "3 سلمى حداد النوع: غير مباشر كلمة النقل: وأضافت (إضافة) الثقة: 84% مرشحون آخرون: الوكالة 12%",
    ]
    assert [p.bounding_box() for p in page.locator(".text p").all()] == boxes
    page.mouse.move(1, 1)
    assert cards(page) == []


@pytest.mark.parametrize("viewport", [WIDE, PHONE])
def test_the_pointer_can_go_to_the_card(viewport: dict[str, int], open_page: Open) -> None:
    page = open_page(render_html([DOCUMENT]), viewport=viewport)
    point_at(page, "الخزان")
    box = box_of_card(page)
    page.mouse.move(box["x"] + box["width"] - 10, box["y"] + 10)
    assert len(cards(page)) == 1


def test_of_quotes_inside_quotes_only_the_innermost_shows_its_card(open_page: Open) -> None:
    page = open_page(render_html([DOCUMENT]), viewport=WIDE)
    point_at(page, "القرار نهائي")
    assert [card.split(" النوع")[0] for card in cards(page)] == ["2 الوزير"]
    page.locator(".q .source").hover()  # of the inner quote, in the outer
    assert [card.split(" النوع")[0] for card in cards(page)] == ["1 الوكالة"]


def test_a_quote_over_two_paragraphs_is_one_with_its_card_at_both(open_page: Open) -> None:
    page = open_page(render_html([DOCUMENT]), viewport=WIDE)
    for words in ("لن نغادر", "انتظرنا"):
        point_at(page, words)
        assert [card.split(" النوع")[0] for card in cards(page)] == ["3 سلمى حداد"]
    assert page.locator("sup").count() == len(QUOTES)


def test_a_number_with_the_focus_shows_the_card_unless_another_quote_is_pointed_at(open_page: Open) -> None:
    page = open_page(render_html([DOCUMENT]), viewport=WIDE)
    page.locator("sup").first.focus()
    assert [card.split(" النوع")[0] for card in cards(page)] == ["2 الوزير"]
    point_at(page, "انتظرنا")
    assert [card.split(" النوع")[0] for card in cards(page)] == ["3 سلمى حداد"]
    page.mouse.move(1, 1)
    assert [card.split(" النوع")[0] for card in cards(page)] == ["2 الوزير"]


def test_a_tap_shows_the_card(open_page: Open) -> None:
    page = open_page(render_html([DOCUMENT]), viewport=PHONE, has_touch=True, is_mobile=True)
    page.get_by_text("الخزان فارغ").tap()
    assert [card.split(" النوع")[0] for card in cards(page)] == ["3 سلمى حداد"]
    page.get_by_text("الماء").first.tap()
    assert cards(page) == []


def test_a_screen_reader_gets_roles_names_and_descriptions(open_page: Open) -> None:
    page = open_page(render_html([DOCUMENT]), viewport=WIDE)
    tree = page.locator("article").aria_snapshot()
    assert '- radiogroup "المتحدثون":' in tree
    assert '- radio "1 الوكالة (اقتباس واحد)"' in tree
    assert 'group "اقتباس: سلمى حداد"' in tree
    assert 'group "تتمة الاقتباس: سلمى حداد"' in tree
    assert "كلمة النقل:" not in tree  # cards are read with the number that has the focus, not with the text
    node = nodes(page)["3، سلمى حداد"][1]
    assert node["description"]["value"] == (
        "3 سلمى حداد النوع: غير مباشر كلمة النقل: وأضافت (إضافة) الثقة: 84% مرشحون آخرون: الوكالة 12%"
    )


def nodes(page: Page) -> dict[str, list[dict[str, Any]]]:
    """The notes of Chromium's accessibility tree by their names."""
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    found: dict[str, list[dict[str, Any]]] = {}
    for node in tree:
        if node.get("role", {}).get("value") == "note":
            found.setdefault(node["name"]["value"], []).append(node)
    return found


def colours(page: Page) -> list[tuple[str, str, str]]:
    """Words that can be seen with their colour and the one behind them; fails where they can't be told apart."""
    seen: list[tuple[str, str, str]] = page.evaluate(
        """() => {
            const hex = colour => "#" + colour.match(/\\d+/g).slice(0, 3).map(n => (+n).toString(16).padStart(2, "0")).join("");
            const behind = e => {
                const colour = getComputedStyle(e).backgroundColor;
                return /, 0\\)/.test(colour) ? behind(e.parentElement) : hex(colour);
            };
            const seen = [];
            for (const e of document.body.querySelectorAll("*")) {
                if (!e.checkVisibility({visibilityProperty: true})) continue;
                const words = e.dataset.n ?? [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join("").trim();
                if (words) seen.push([words, hex(getComputedStyle(e).color), behind(e)]);
            }
            return seen;
        }"""
    )
    assert len(seen) > 10
    assert [(words, a, b) for words, a, b in seen if contrast(a, b) < 4.5] == []
    return seen


def test_light_and_dark_differ_and_can_both_be_read(open_page: Open) -> None:
    schemes = []
    for scheme in ("light", "dark"):
        page = open_page(render_html([many_speakers()]), viewport=WIDE, color_scheme=scheme)
        page.locator("sup").first.focus()
        assert cards(page)
        schemes.append(colours(page))
    light, dark = schemes
    assert [words for words, _, _ in light] == [words for words, _, _ in dark]
    assert all(a != b and behind != under for (_, a, behind), (_, b, under) in zip(light, dark, strict=True))


def many_speakers() -> Document:
    """Twelve speakers and nobody, each with a long name, on lines of their own."""
    line = "قال المتحدث إن الأعمال في الميناء القديم تستأنف صباح الأحد بعد توقف دام ثلاثة أسابيع"
    at = line.index("الأعمال")
    speakers = [Speaker(f"S{n}", f"المتحدث باسم الهيئة العامة للموانئ البحرية والنهرية رقم {n}") for n in range(1, 13)]
    text = "\n".join([line] * 13)
    starts = range(0, len(text), len(line) + 1)
    quotes = [
        quote(text, (n, n + 3), (n + at, n + len(line)), source=(n + 4, n + 11), speaker=s, confidence=0.5)
        for n, s in zip(starts, [*speakers, None], strict=True)
    ]
    return Document(text, "الميناء", tuple(speakers), tuple(quotes))


def test_more_speakers_than_tints_are_told_apart_by_number_and_by_choice(open_page: Open) -> None:
    page = open_page(render_html([many_speakers()]), viewport=WIDE)
    assert numbers(page) == [*map(str, range(1, 13)), "؟"]
    page.get_by_role("radio", name="رقم 12").click()
    assert numbers(page) == ["12"]
    assert len(tinted(page)) == 1


@pytest.mark.parametrize("document", [DOCUMENT, many_speakers()], ids=["nested", "many"])
@pytest.mark.parametrize("width", [360, 700, 1280])
def test_nothing_runs_off_the_page(width: int, document: Document, open_page: Open) -> None:
    page = open_page(render_html([document]), viewport={"width": width, "height": 500})
    assert page.evaluate("document.scrollingElement.scrollWidth") == width
    for number in page.locator("sup").all()[::3]:
        number.scroll_into_view_if_needed()
        number.focus()
        box = box_of_card(page)
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 500
        assert page.evaluate("document.scrollingElement.scrollWidth") == width


@pytest.mark.parametrize("viewport", [WIDE, PHONE])
def test_the_card_of_a_quote_longer_than_the_window_is_in_sight(viewport: dict[str, int], open_page: Open) -> None:
    content = "لن نغادر الحي قبل أن يصل الماء إلى كل بيت فيه. " * 60
    text = f"قالت سلمى: {content}"
    page = open_page(render_html([Document(text, quotes=(quote(text, (0, 4), (11, len(text))),))]), viewport=viewport)
    page.evaluate("scrollTo(0, 400)")
    page.mouse.move(viewport["width"] / 2, viewport["height"] / 2)
    box = box_of_card(page)
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= viewport["height"]


def test_print_shows_the_legend_and_the_numbers_but_no_cards(open_page: Open) -> None:
    page = open_page(render_html([DOCUMENT]), viewport=WIDE, color_scheme="dark")
    page.locator("sup").first.focus()
    assert cards(page)
    page.emulate_media(media="print")
    assert cards(page) == []
    assert numbers(page) == ["2", "1", "3", "3", "؟"]
    assert [label.inner_text() for label in page.locator("label:visible").all()] == [
        "1 الوكالة (اقتباس واحد)",
        "2 الوزير (اقتباس واحد)",
        "3 سلمى حداد (اقتباسان)",
        "؟ متحدث غير معروف (اقتباس واحد)",
    ]
    assert page.locator("input:visible").count() == 0
    assert {behind for words, _, behind in colours(page) if words.startswith("ولم")} <= {"#fdfcf9"}
    assert len(page.pdf()) > 1000


HOST = """<!DOCTYPE html><html><head><style>
html {{ font-size: 10px; background: #111; color: #eee }} * {{ box-sizing: border-box }}
label {{ display: inline-block; font-weight: bold; margin-bottom: 5px; color: #eee }}
sup {{ color: #eee }} p, span {{ color: inherit }}
article {{ background: #222; padding: 2em }} ul {{ margin: 0 }} input {{ margin: 4px 0 0 }} h2 {{ color: inherit }}
</style></head><body data-jp-theme-light="{light}"><main>{content}</main></body></html>"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("light", ["true", "false", ""])
def test_a_fragment_can_be_read_in_a_page_with_other_styles(light: str, scheme: str, open_page: Open) -> None:
    page = open_page(HOST.format(light=light, content=render_fragment(DOCUMENT)), viewport=WIDE, color_scheme=scheme)
    page.locator("sup").first.focus()
    assert len(cards(page)) == 1
    behind = {behind for words, _, behind in colours(page) if words.startswith("قالت")}
    assert behind <= {"#fdfcf9" if light == "true" or (not light and scheme == "light") else "#16181b"}
    size = page.locator(".text p").first.evaluate("p => getComputedStyle(p).fontSize")
    assert float(size.removesuffix("px")) >= 17


def test_documents_on_one_page_do_not_disturb_each_other(open_page: Open) -> None:
    fragments = render_fragment(DOCUMENT) + render_fragment(replace(DOCUMENT, quotes=QUOTES[:3])) + render_fragment(DOCUMENT)
    for page in (open_page(fragments), open_page(render_html([DOCUMENT, replace(DOCUMENT, quotes=QUOTES[:3]), DOCUMENT]))):
        first, second, third = page.locator("article").all()
        first.get_by_role("radio", name="سلمى حداد").click()
        third.get_by_role("radio", name="الوزير").click()
        assert tinted(first) == SAID[2:5]
        assert tinted(second) == SAID[:4]
        assert tinted(third) == SAID[1:2]


BREAKOUTS = [
    HOSTILE,
    "</style><script>document.title = 'owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "' autofocus onfocus='document.title=`owned`' x='",
    "</title><link rel=stylesheet href=//example.org/x.css>",
    "}} body{display:none} .x{background:url(//example.org/x.png)}",
    "<!-- <style>*{display:none}",
    "&#60;iframe srcdoc='x'&#62;",
    "\u202e\u2066\u2067\u202b\u061c\u200f" * 20 + "نص",
    "ن" + "\u0651\u064e" * 200,
    "طويل" * 500,
]


@pytest.mark.parametrize("hostile", BREAKOUTS, ids=range(len(BREAKOUTS)))
def test_hostile_strings_do_nothing(hostile: str, open_page: Open) -> None:
    text = f"قال علي: {hostile} انتهى"
    speaker = Speaker("S1", hostile, aliases=(hostile,))
    evidence = Evidence(hostile, hostile, (RunnerUp(hostile, 0.2),))
    said = quote(
        text, (0, 8 + len(hostile)), (9, 9 + len(hostile)), source=(4, 9 + len(hostile)), speaker=speaker, evidence=evidence
    )
    document = Document(text, hostile, (speaker,), (said,), metadata={"title": hostile, hostile: hostile})
    for content in (render_html([document, document]), HOST.format(light="", content=render_fragment(document))):
        page = open_page(content, viewport=PHONE)
        page.locator("sup").first.focus()
        assert len(cards(page)) == 1
        assert page.title() != "owned"
        assert page.evaluate("document.querySelectorAll('script, img, link, iframe, [onfocus], [onerror]').length") == 0
        assert page.locator("article").last.is_visible()
        assert page.get_by_text("انتهى").last.is_visible()
        assert page.evaluate("document.scrollingElement.scrollWidth") == PHONE["width"]
        assert page.evaluate("document.activeElement.tagName") == "SUP"


def test_bidi_overrides_do_not_turn_the_text_around(open_page: Open) -> None:
    """The letters of a Latin word stand from left to right, whatever comes before it."""
    text = "قال علي: \u202eabcdef\u202c نعم"
    page = open_page(render_html([Document(text, quotes=(quote(text, (0, 3), (9, len(text) - 4)),))]))
    edges: Sequence[float] = page.evaluate(
        """() => {
            const words = document.querySelector(".q").firstChild, range = document.createRange();
            return [..."abcdef"].map(c => {
                const at = words.data.indexOf(c);
                range.setStart(words, at); range.setEnd(words, at + 1);
                return range.getBoundingClientRect().left;
            });
        }"""
    )
    assert all(a < b for a, b in pairwise(edges))


@pytest.fixture(scope="module")
def sample() -> Document:
    return QuoteAttributor.rules()((files("quoteattr") / "data" / "sample.txt").read_text(encoding="utf-8"))


@pytest.mark.parametrize("viewport", [WIDE, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_the_rules_find_in_news_is_shown(viewport: dict[str, int], scheme: str, sample: Document, open_page: Open) -> None:
    page = open_page(sample.to_html(), viewport=viewport, color_scheme=scheme)
    assert page.locator("sup").count() == len(sample.quotes) > 10
    assert page.evaluate("document.scrollingElement.scrollWidth") == viewport["width"]
    for n in (0, 7, -1):
        page.locator("sup").nth(n).focus()
        assert len(cards(page)) == 1
    colours(page)
