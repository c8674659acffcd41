"""The report: reading what `score` wrote, and the page as a browser shows it: charts, filters, contexts, hostile text."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from quoteattr import Document, Span, Speaker
from quoteattr.cli import main
from quoteattr.corpus import Columns, Corpus
from quoteattr.people import grouped
from quoteattr.report import AROUND, Quotes, appearances, around, read, read_date, render_report
from quoteattr.schema import Quote
from quoteattr.tables import documents_to_arrow

if TYPE_CHECKING:
    from playwright.sync_api import Page

Opened = Callable[..., "Page"]
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> \u202eقلب\u2066 & $x^2$ <b>ع</b> </script><!--"
SHOWN = HOSTILE.replace("\u202e", "").replace("\u2066", "")


def document(
    id: str, speaker: str, content: str, cue: str = "قال", type: str = "indirect", kind: str = "person", **metadata: Any
) -> Document:
    """A document with one quote, between two sentences."""
    text = f"انعقد الاجتماع صباح أمس. {cue} {speaker} إن {content}. وانصرف الحاضرون بعد ذلك."
    at = [text.index(part) for part in (f"{cue} {speaker}", f"{speaker} إن", f"{content}. وانصرف")]
    source = Span.of(text, at[1], at[1] + len(speaker))
    who = Speaker("S1", speaker, kind, (speaker,), (source,))  # type: ignore[arg-type]
    quote = Quote(
        "Q1", type, Span.of(text, at[2], at[2] + len(content)), Span.of(text, at[0], at[0] + len(cue)), source, who, 0.9
    )  # type: ignore[arg-type]
    return Document(text, id, (who,), (quote,), metadata=metadata)


NEWS = (
    document("1", "سالم الخطيب", "الرصيف الجديد جاهز لاستقبال السفن", date="2026-01-05", outlet="الميناء"),
    document("2", "الخطيب", "الأعمال انتهت قبل موعدها", "وأضاف", "direct", date="2026-01-20", outlet="الميناء"),
    document("3", "رنا الوزان", "نسبة الحموضة في المياه ارتفعت", "حذرت", "direct", date="2026-03-02", outlet="النهار"),
    document("4", "رنا الوزان", "المسؤولة عن المختبر استقالت", "ونفت", "mixed", date="2026-03-09", outlet="النهار"),
    document(
        "5",
        "هيئة الموانئ",
        "الرسوم لن ترتفع هذا العام",
        "أكدت",
        kind="organisation",
        date="2026-03-09T10:00:00Z",
        outlet="النهار",
    ),
    document("6", "مصدر أمني", "الحريق أُخمد فجرا", "يقول", date="أمس", outlet="الميناء"),
)


def report(quotes: Quotes) -> str:
    return render_report(quotes, grouped(appearances(quotes.said)))


def quotes_of(documents: Sequence[Document], folder: Path) -> Quotes:
    """The quotes of documents, read from a file as `score` writes it."""
    path = folder / "quotes.jsonl"
    path.write_text("".join(json.dumps(d.to_dict(), ensure_ascii=False) + "\n" for d in documents), encoding="utf-8")
    return read([str(path)], "date", "outlet")


def ready(page: Page) -> Page:
    page.wait_for_selector("body[data-ready]", state="attached")
    return page


def said(page: Page) -> list[str]:
    return page.locator("#quotes .said").all_inner_texts()


def speakers(page: Page) -> list[str]:
    """The speakers that the first chart says it shows, with their counts."""
    label = page.locator("#speakers-chart .plot").get_attribute("aria-label") or ""
    return [re.sub("[\u2067\u2069]", "", part) for part in label.split("، ")]


def wait_for_count(page: Page, number: int) -> None:
    page.wait_for_function("number => document.querySelectorAll('#quotes .said').length === number", arg=number)


# ---------------------------------------------------------------------------------------------------------------------
# Reading


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_says_the_same_as_the_documents(suffix: str, tmp_path: Path) -> None:
    table = documents_to_arrow(NEWS, ["date", "outlet"])
    path = tmp_path / f"quotes{suffix}"
    if suffix == ".parquet":
        pq.write_table(table, path)
    else:
        with path.open("w", encoding="utf-8", newline="") as out:
            rows = csv.DictWriter(out, table.column_names)
            rows.writeheader()
            rows.writerows(table.to_pylist())
    documents = quotes_of(NEWS, tmp_path)
    alone = read([str(path)], "date", "outlet")
    assert alone.failures == documents.failures == []
    assert alone.undated == documents.undated == 1
    assert [s.context for s in alone.said] == [None] * len(NEWS)
    with_texts = read([str(path)], "date", "outlet", Corpus([str(tmp_path / "quotes.jsonl")], Columns()))
    assert with_texts.said == documents.said
    assert with_texts.contexts.all() == documents.contexts.all()


def test_another_corpus_gives_no_context(tmp_path: Path) -> None:
    pq.write_table(documents_to_arrow(NEWS), tmp_path / "quotes.parquet")
    other = tmp_path / "news.jsonl"
    other.write_text("".join(json.dumps({"id": d.id, "text": "نص آخر"}) + "\n" for d in NEWS), encoding="utf-8")
    quotes = read([str(tmp_path / "quotes.parquet")], "date", "outlet", Corpus([str(other)], Columns()))
    assert [s.context for s in quotes.said] == [None] * len(NEWS)


def test_nan_is_nothing_as_data_frames_write_it(tmp_path: Path) -> None:
    table = documents_to_arrow(NEWS)
    for name in ("source_start", "source_end", "confidence"):
        table = table.set_column(table.column_names.index(name), name, [[float("nan")] * len(NEWS)])
    pq.write_table(table, tmp_path / "quotes.parquet")
    quotes = read([str(tmp_path / "quotes.parquet")], "date", "outlet")
    assert quotes.failures == []
    assert {s.confidence for s in quotes.said} == {None}


@pytest.mark.parametrize("name", ["news.csv", "news.parquet", "news.txt", "news.jsonl", "none.csv"])
def test_files_of_something_else_are_failures(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if not name.startswith("none"):
        path.write_text("id,text\n1,نعم\n", encoding="utf-8")
    quotes = read([str(path)], "date", "outlet")
    assert quotes.said == []
    assert quotes.failures
    assert all(str(tmp_path) in failure.where for failure in quotes.failures)


def test_a_context_reaches_around_quote_and_cue_to_whole_words() -> None:
    text = "كلمة " * 200 + "قال إن الأمر انتهى" + " كلمة" * 200
    start = text.index("قال")
    row = {
        "start": start + 7,
        "end": start + 18,
        "cue_start": start,
        "cue_end": start + 3,
        "source_start": None,
        "source_end": None,
    }
    pieces = around(text, row)
    shown = "".join(part for _, part in pieces)
    assert [part for mask, part in pieces if mask] == ["قال", "الأمر انتهى"]
    assert shown.startswith("… كلمة")
    assert shown.endswith("كلمة …")
    assert shown.strip("… ") in text
    assert 2 * AROUND < len(shown) < 2 * AROUND + 50


# ---------------------------------------------------------------------------------------------------------------------
# The page


@pytest.fixture
def page(open_page: Opened, tmp_path: Path) -> Page:
    return ready(open_page(report(quotes_of(NEWS, tmp_path))))


def test_all_is_there_the_newest_first(page: Page) -> None:
    assert said(page)[0] in (NEWS[3].quotes[0].text, NEWS[4].quotes[0].text)
    assert said(page)[-1] == NEWS[5].quotes[0].text
    assert speakers(page)[:2] == ["سالم الخطيب: 2", "رنا الوزان: 2"] or speakers(page)[:2] == ["رنا الوزان: 2", "سالم الخطيب: 2"]
    facts = page.locator("#facts").inner_text()
    assert "6 اقتباسات" in facts
    assert "4 متحدثين" in facts
    assert "بتاريخ لا يُقرأ: 1" in facts
    charts = page.locator("figure:visible .main-svg").count()
    assert charts >= 6
    verbs = page.locator("#verbs-chart .plot").get_attribute("aria-label") or ""
    assert "قال: 2" in verbs  # قال and يقول
    assert "نفي: 1" in (page.locator("#acts-chart .plot").get_attribute("aria-label") or "")


@pytest.mark.parametrize(
    ("words", "number"), [("المسئوله", 1), ("المسؤولة استقالت", 1), ("رصيف", 1), ("ارْتفعت", 1), ("لا شيء", 0), ("(", 0)]
)
def test_words_are_found_in_any_spelling(page: Page, words: str, number: int) -> None:
    page.fill("#words", words)
    wait_for_count(page, number)
    if number:
        assert page.locator("#quotes .said mark").count() >= 1
    else:
        assert "لا اقتباس" in page.locator("#count").inner_text()


def test_a_speaker_is_chosen_with_the_keyboard_and_charts_follow(page: Page) -> None:
    page.focus("#speaker")
    page.keyboard.type("خطيب")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    wait_for_count(page, 2)
    assert page.input_value("#speaker") == "سالم الخطيب"
    assert page.locator("#speakers").is_hidden()
    assert speakers(page) == ["سالم الخطيب: 2"]
    page.click("#reset")
    wait_for_count(page, len(NEWS))
    assert page.input_value("#speaker") == ""


def test_filters_add_up(page: Page) -> None:
    page.select_option("#outlet", label="النهار (3)")
    wait_for_count(page, 3)
    page.select_option("#type", label="مباشر (2)")
    wait_for_count(page, 1)
    page.select_option("#type", index=0)
    page.select_option("#kind", label="جهات (1)")
    wait_for_count(page, 1)
    assert said(page) == [NEWS[4].quotes[0].text]
    page.click("#reset")
    page.select_option("#act", label="تحذير (1)")
    wait_for_count(page, 1)
    page.click("#reset")
    page.fill("#from", "2026-01-06")
    page.fill("#to", "2026-03-02")
    wait_for_count(page, 2)


def test_a_bar_is_a_filter(page: Page) -> None:
    page.locator("#outlets-chart .point path").first.click(force=True)
    wait_for_count(page, 3)
    assert page.input_value("#outlet") != ""


def test_a_quote_opens_in_its_context(page: Page) -> None:
    page.fill("#words", "الرصيف")
    wait_for_count(page, 1)
    page.click(".open")
    context = page.locator(".context .text")
    assert context.inner_text() == NEWS[0].text
    assert context.locator("mark").inner_text() == NEWS[0].quotes[0].text
    assert context.locator(".cue").inner_text() == "قال"
    assert context.locator(".source").inner_text() == "سالم الخطيب"
    page.click(".open")
    assert context.is_hidden()


def test_the_table_says_how_much_is_quoted_directly(page: Page) -> None:
    page.click("#table summary")
    page.locator("#table tbody tr").first.wait_for()
    rows = [row.split("\t") for row in page.locator("#table tbody tr").all_inner_texts()]
    assert {row[0]: row[1:4] for row in rows}["سالم الخطيب"] == ["2", "50٪", "1"]


def test_who_speaks_without_dates_has_no_line_in_time(open_page: Opened, tmp_path: Path) -> None:
    dated = [document(str(n), "رنا الوزان", "لا", date=f"2026-0{n}-05") for n in (1, 2)]
    undated = [document(f"u{n}", "سالم الخطيب", "نعم") for n in range(3)]
    page = ready(open_page(report(quotes_of([*dated, *undated], tmp_path))))
    assert speakers(page) == ["سالم الخطيب: 3", "رنا الوزان: 2"]
    assert page.locator("#people-chart .plot").get_attribute("aria-label") == "رنا الوزان: 2"
    assert page.locator("#people-chart .legend li").all_inner_texts() == ["رنا الوزان"]


def test_a_field_of_spaces_or_digits_is_no_date() -> None:
    assert [read_date(unit * 500_000) for unit in (" ", "5", "5/", " 5")] == [None] * 4
    assert read_date(" " * 500_000 + "5/1/2026") == read_date("2026-01-05")


def test_a_date_is_shown_as_exactly_as_it_is_known(open_page: Opened, tmp_path: Path) -> None:
    dates = ("2026-02-03", "2026-02", "2025")
    page = ready(open_page(report(quotes_of([document(d, "سالم الخطيب", "نعم", date=d) for d in dates], tmp_path))))
    shown = page.locator("#quotes .about").all_inner_texts()
    assert [text.rpartition("، ")[2] for text in shown] == ["3 فبراير 2026", "فبراير 2026", "2025"]
    assert "من 2025 إلى 2026" in page.locator("#facts").inner_text()


def test_pages_are_turned(open_page: Opened, tmp_path: Path) -> None:
    many = [document(str(n), "سالم الخطيب", f"السفينة رقم {n} وصلت", date="2026-01-05") for n in range(60)]
    page = ready(open_page(report(quotes_of(many, tmp_path))))
    assert len(said(page)) == 25
    page.click("#next")
    page.click("#next")
    wait_for_count(page, 10)
    assert page.locator("#next").is_disabled()
    assert said(page)[-1] == "السفينة رقم 59 وصلت"


def test_hostile_text_is_shown_as_text(open_page: Opened, tmp_path: Path) -> None:
    hostile = document("{{script}}", HOSTILE, HOSTILE, date=HOSTILE, outlet=HOSTILE)
    page = ready(open_page(report(quotes_of([hostile, document("javascript:alert(3)", "سالم", "لا")], tmp_path))))
    page.fill("#words", "<script>")
    wait_for_count(page, 1)
    assert said(page) == [SHOWN]
    page.click(".open")
    page.wait_for_selector(".context .text")
    everything = page.locator("body").inner_text()
    assert "\u202e" not in everything
    assert "\u2066" not in everything
    assert SHOWN in page.locator(".context .text").inner_text()
    assert "{{script}}" in page.locator(".context .about").inner_text()
    assert page.locator("main img, main script, main b, main a[href^='javascript']").count() == 0


@pytest.mark.parametrize(
    "documents",
    [
        [],
        [Document("لا أحد يتكلم هنا.", "1")],
        [document("1", "سالم الخطيب", "نعم")],
        [document("1", "سالم الخطيب", "نعم", date="2026")],
    ],
)
def test_few_quotes_without_dates_and_outlets_make_a_page(open_page: Opened, tmp_path: Path, documents: list[Document]) -> None:
    page = ready(open_page(report(quotes_of(documents, tmp_path))))
    number = sum(len(d.quotes) for d in documents)
    assert len(said(page)) == number
    assert page.locator("#outlets-chart").is_hidden()
    assert page.locator("#outlet").is_hidden()
    assert page.locator("#from").is_visible() == any(d.metadata.get("date") for d in documents)
    assert page.locator("#filters").is_visible() == bool(number)


def test_a_quote_without_speaker_and_text_is_shown(open_page: Opened, tmp_path: Path) -> None:
    table = documents_to_arrow(NEWS[:1]).to_pylist()
    with (tmp_path / "quotes.csv").open("w", encoding="utf-8", newline="") as out:
        rows = csv.DictWriter(out, list(table[0]))
        rows.writeheader()
        rows.writerow({**table[0], "speaker": "", "speaker_kind": "", "source": "", "source_start": "", "source_end": ""})
    page = ready(open_page(report(read([str(tmp_path / "quotes.csv")], "date", "outlet"))))
    assert page.locator("#quotes .name").inner_text() == "متحدث غير معروف"
    assert page.locator("#speakers-chart").is_hidden()
    page.click(".open")
    assert "كلمة النقل: قال" in page.locator(".context").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_it_fits_any_window(open_page: Opened, tmp_path: Path, width: int, scheme: str) -> None:
    long = document("http://" + "x" * 200, "سالم " + "ال" * 80, "ل" * 300, date="2026-01-05", outlet="ص" * 90)
    page = ready(
        open_page(report(quotes_of([*NEWS, long], tmp_path)), viewport={"width": width, "height": 800}, color_scheme=scheme)
    )
    for n in range(page.locator(".open").count()):
        page.locator(".open").nth(n).click()
    page.click("#table summary")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(253, 252, 249)"
    assert dark == (scheme == "dark")


# ---------------------------------------------------------------------------------------------------------------------
# The command


def written(folder: Path) -> Path:
    quotes_of(NEWS, folder)
    return folder / "quotes.jsonl"


def test_the_command_writes_page_and_groups_and_takes_them_corrected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], open_page: Opened
) -> None:
    quotes, out, groups = written(tmp_path), tmp_path / "report.html", tmp_path / "groups.csv"
    assert main(["report", str(quotes), "-o", str(out), "--write-groups", str(groups)]) == 0
    assert "6 quotes, 4 speakers" in capsys.readouterr().err
    text = groups.read_text(encoding="utf-8-sig")
    assert "مصدر أمني,person,الميناء,,,1,مصدر أمني" in text
    groups.write_text(text.replace(",1,مصدر أمني", ",1,رنا الوزان"), encoding="utf-8")
    assert main(["report", str(quotes), "-o", str(out), "--groups", str(groups)]) == 0
    assert speakers(ready(open_page(out.read_text(encoding="utf-8"))))[0] == "رنا الوزان: 3"


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\xff\xfe", None])
def test_groups_that_cannot_be_used_are_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    groups = tmp_path / "groups.csv"
    if content is not None:
        groups.write_bytes(content)
    assert main(["report", str(written(tmp_path)), "-o", str(tmp_path / "report.html"), "--groups", str(groups)]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "groups.csv" in message
    assert not (tmp_path / "report.html").exists()


def test_a_bad_line_is_named_and_the_rest_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quotes = written(tmp_path)
    with quotes.open("a", encoding="utf-8") as out:
        out.write("{}\n")
    assert main(["report", str(quotes), "-o", str(tmp_path / "report.html")]) == 1
    error = capsys.readouterr().err
    assert "quotes.jsonl:7" in error
    assert "6 quotes" in error


def test_where_nothing_can_be_read_a_report_is_left_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    out.write_text("before", encoding="utf-8")
    assert main(["report", str(tmp_path / "none.csv"), "-o", str(out)]) == 1
    assert out.read_text(encoding="utf-8") == "before"


def test_without_the_extra_one_line_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    assert main(["report", str(written(tmp_path)), "-o", str(tmp_path / "report.html")]) == 2
    assert "pip install 'quoteattr[report]'" in capsys.readouterr().err


def test_the_quotes_are_not_overwritten(tmp_path: Path) -> None:
    quotes = written(tmp_path)
    before = quotes.read_bytes()
    assert main(["report", str(quotes), "-o", str(quotes)]) == 2
    assert quotes.read_bytes() == before
