"""The command as a user types it: what is printed where, and with which exit code."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from quoteattr import Document, QuoteAttributor, __version__
from quoteattr.cli import main

TEXT = "قال وزير النقل سالم الخطيب إن الطريق الساحلي سيفتح غدا. وأضاف أن الأشغال انتهت."
QUOTES = ["الطريق الساحلي سيفتح غدا", "الأشغال انتهت"]
COMMAND = [sys.executable, "-m", "quoteattr"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, list[str]]:
    """The exit code, standard output, and the lines of standard error."""
    try:
        code: Any = main(arguments)
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err.splitlines()


def typed(monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))


def documents(out: str) -> list[Document]:
    return [Document.from_dict(json.loads(line)) for line in out.splitlines()]


# extract


def test_a_text_file_gives_its_quotes_as_a_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    code, out, messages = run(capsys, "extract", "a.txt")
    assert (code, messages) == (0, [])
    assert out.startswith("a.txt: 2 quotes, 1 speaker\n")
    assert all(quote in out for quote in QUOTES)
    assert out.count("سالم الخطيب") == 2
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 100 + 6  # the isolates take no width


def test_json_lines_hold_documents_whose_offsets_fit_the_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = {"id": 7, "text": TEXT, "outlet": "مثال", "quotes": [], "speakers": []}
    (folder / "a.jsonl").write_text(json.dumps(record), encoding="utf-8")
    code, out, messages = run(capsys, "extract", "--format", "jsonl", "a.jsonl")
    assert (code, messages) == (0, [])
    (document,) = documents(out)
    assert (document.id, document.text, document.metadata["outlet"]) == ("7", TEXT, "مثال")
    assert [quote.text for quote in document.quotes] == QUOTES
    assert [quote.speaker.name for quote in document.quotes if quote.speaker] == ["سالم الخطيب"] * 2
    assert "مثال" in out  # not escaped


@pytest.mark.parametrize("arguments", [[], ["-"]])
@pytest.mark.parametrize("content", [TEXT, json.dumps({"text": TEXT})])
def test_standard_input_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], content: str
) -> None:
    typed(monkeypatch, content)
    code, out, messages = run(capsys, "extract", *arguments)
    assert (code, messages) == (0, [])
    assert out.startswith("stdin")
    assert all(quote in out for quote in QUOTES)


def test_what_fails_is_named_and_the_others_are_done(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "news").mkdir()
    (folder / "news/a.txt").write_text(TEXT, encoding="utf-8")
    (folder / "news/b.txt").write_bytes(TEXT.encode("cp1256"))
    (folder / "news/c.txt").touch()
    (folder / "news/d.jsonl").write_text('{"id": "d1", "text": "سطر"}\n{"id": \n{"id": "d3", "text": "سطر"}', "utf-8")
    (folder / "z.txt").write_text(TEXT, encoding="utf-8")
    code, out, messages = run(capsys, "extract", "--format", "jsonl", "none.txt", "news", "z.txt")
    assert code == 1
    assert [document.id for document in documents(out)] == ["news/a.txt", "d1", "d3", "z.txt"]
    assert [message.split("(")[0].rstrip() for message in messages] == [
        "quoteattr: none.txt: no such file or directory",
        "quoteattr: news/b.txt: not UTF-8 text",
        "quoteattr: news/c.txt: empty",
        "quoteattr: news/d.jsonl:2: not JSON",
        "quoteattr: 4 documents done, 4 failed, 4 quotes found",
    ]


def test_a_defect_on_one_text_does_not_stop_the_others(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = QuoteAttributor.__call__

    def broken(self: QuoteAttributor, text: str, **others: Any) -> Document:
        if text == "x":
            raise IndexError("out of range")
        return whole(self, text, **others)

    monkeypatch.setattr(QuoteAttributor, "__call__", broken)
    (folder / "a.jsonl").write_text(f'{{"text": "x"}}\n{{"text": "{TEXT}"}}\n', encoding="utf-8")
    code, out, messages = run(capsys, "extract", "a.jsonl")
    assert code == 1
    assert messages[0] == "quoteattr: a.jsonl:1: IndexError: out of range"
    assert out.startswith("a.jsonl:2: 2 quotes")


def test_a_text_that_is_not_arabic_is_said_and_done(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    typed(monkeypatch, "The minister said that the road was open.")
    code, out, messages = run(capsys, "extract")
    assert (code, out) == (0, "stdin: 0 quotes, 0 speakers\n")
    assert messages == ["quoteattr: stdin: no Arabic text: 0 % of its letters are Arabic"]


def test_results_can_go_to_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    code, out, _ = run(capsys, "extract", "a.txt", "--format", "jsonl", "--output", "out.jsonl")
    assert (code, out) == (0, "")
    (document,) = documents((folder / "out.jsonl").read_text(encoding="utf-8"))
    assert len(document.quotes) == 2


@pytest.mark.parametrize("output", [None, "out.html"])
def test_all_texts_go_into_one_html_page(folder: Path, capsys: pytest.CaptureFixture[str], output: str | None) -> None:
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    (folder / "b.txt").write_text(f"{TEXT} <b>\u202e", encoding="utf-8")
    options = ["--output", output] if output else []
    code, out, messages = run(capsys, "extract", "--format", "html", "a.txt", "none.txt", "b.txt", *options)
    page = (folder / output).read_text(encoding="utf-8") if output else out
    assert bool(out) is not bool(output)
    assert code == 1
    assert messages == [
        "quoteattr: none.txt: no such file or directory",
        "quoteattr: 2 documents done, 1 failed, 4 quotes found",
    ]
    assert (page.count("<!DOCTYPE html>"), page.count("</html>")) == (1, 1)
    assert [page.count(name) for name in ("<h2><bdi>a.txt<", "<h2><bdi>b.txt<", *QUOTES)] == [1, 1, 2, 2]
    assert "&lt;b&gt;" in page


@pytest.mark.usefixtures("folder")
def test_no_page_is_written_where_no_text_could_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "extract", "--format", "html", "none.txt")
    assert (code, out) == (1, "")


@pytest.mark.parametrize("given", ["a.txt", ".", "./a.txt"])
def test_an_input_is_never_overwritten(folder: Path, capsys: pytest.CaptureFixture[str], given: str) -> None:
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    code, _, messages = run(capsys, "extract", given, "--output", "a.txt")
    assert code == 2
    assert messages == ["quoteattr: a.txt: is one of the files to be read and would be overwritten"]
    assert (folder / "a.txt").read_text(encoding="utf-8") == TEXT


def test_the_lexicon_can_be_extended(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.txt").write_text("دندن سالم الخطيب أن الطريق الساحلي سيفتح غدا.", encoding="utf-8")
    (folder / "more.tsv").write_text("lemma\ttakes\nدندن\t\n", encoding="utf-8")
    assert "0 quotes" in run(capsys, "extract", "a.txt")[1]
    assert "الطريق الساحلي سيفتح غدا" in run(capsys, "extract", "a.txt", "--lexicon", "more.tsv")[1]


def test_quotes_below_the_confidence_asked_for_are_left_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    _, out, _ = run(capsys, "extract", "a.txt", "--min-confidence", "1", "--format", "jsonl")
    (document,) = documents(out)
    assert document.quotes == ()
    assert [quote.text for quote in document.rejected] == QUOTES


def test_nul_and_lone_surrogates_are_written(folder: Path) -> None:
    text = f"{TEXT}\x00 \ud800"
    (folder / "a.jsonl").write_text(json.dumps({"id": "\udc80", "text": text}), encoding="utf-8")
    result = subprocess.run([*COMMAND, "extract", "--format", "jsonl", "a.jsonl"], capture_output=True, check=True)
    document = Document.from_dict(json.loads(result.stdout))
    assert (document.id, document.text, len(document.quotes)) == ("\udc80", text, 2)
    result = subprocess.run([*COMMAND, "extract", "a.jsonl"], capture_output=True, check=True)
    assert "2 quotes" in result.stdout.decode()


# evaluate


@pytest.fixture
def gold(folder: Path) -> Path:
    record = {
        "id": "g1",
        "text": TEXT,
        "speakers": [{"id": "S1", "name": "سالم الخطيب", "aliases": ["وزير النقل"], "mentions": [[15, 26]]}],
        "quotes": [
            {"id": "Q1", "type": "indirect", "cue": [0, 3], "source": [4, 26], "content": [30, 54], "speaker": "S1"},
            {"id": "Q2", "type": "indirect", "cue": [56, 61], "source": None, "content": [65, 78], "speaker": "S1"},
        ],
    }
    assert [TEXT[30:54], TEXT[65:78]] == QUOTES
    (folder / "gold.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    half = {**record, "quotes": record["quotes"][:1]}
    (folder / "half.jsonl").write_text(json.dumps(half) + "\n", encoding="utf-8")
    return folder / "gold.jsonl"


def figures(out: str) -> tuple[int, int, int]:
    score = json.loads(out)["end_to_end"]
    return score["tp"], score["fp"], score["fn"]


@pytest.mark.usefixtures("gold")
def test_the_model_is_run_where_no_predictions_are_given(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, messages = run(capsys, "evaluate", "gold.jsonl", "--json")
    assert (code, messages) == (0, [])
    assert figures(out) == (2, 0, 0)
    assert json.loads(out)["attribution"]["gold"]["total"] == 2  # the links of the gold quotes are measured as well


@pytest.mark.usefixtures("gold")
def test_predictions_are_compared_with_gold(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "evaluate", "gold.jsonl", "half.jsonl", "--json")
    assert code == 0
    assert figures(out) == (1, 0, 1)


@pytest.mark.usefixtures("gold")
def test_what_extract_writes_is_what_evaluate_reads(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "extract", "gold.jsonl", "--format", "jsonl", "--output", "p.jsonl")[0] == 0
    code, out, _ = run(capsys, "evaluate", "gold.jsonl", "p.jsonl", "--json")
    assert code == 0
    assert figures(out) == (2, 0, 0)


@pytest.mark.usefixtures("gold")
def test_the_report_names_documents_and_errors_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    short = run(capsys, "evaluate", "gold.jsonl", "half.jsonl")[1]
    assert short.startswith("1 documents, 2 gold quotes, 1 predicted quotes\n")
    assert "missed · g1" not in short
    full = run(capsys, "evaluate", "gold.jsonl", "half.jsonl", "--worst", "3", "--errors")[1]
    assert full.startswith(short)
    assert "       1  g1\n" in full[len(short) :]
    assert full.count("missed · g1") == 1
    turned = run(capsys, "evaluate", "half.jsonl", "gold.jsonl", "--errors", "1")[1]
    assert turned.count("spurious · g1") == 1


@pytest.mark.usefixtures("gold")
def test_only_so_many_errors_as_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "none.jsonl").write_text(json.dumps({"id": "g1", "text": TEXT}), encoding="utf-8")
    assert run(capsys, "evaluate", "gold.jsonl", "none.jsonl", "--errors")[1].count("missed · g1") == 2
    assert run(capsys, "evaluate", "gold.jsonl", "none.jsonl", "--errors", "1")[1].count("missed · g1") == 1


def test_gold_with_a_bad_line_gives_no_figures(gold: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = gold.read_text(encoding="utf-8")
    gold.write_text(good + good.replace("[30, 54]", "[30, 540]") + "{\n", encoding="utf-8")
    code, out, messages = run(capsys, "evaluate", "gold.jsonl")
    assert (code, out) == (1, "")
    assert len(messages) == 2
    assert messages[0].startswith("quoteattr: gold.jsonl:2: quotes[0].content: offsets [30, 540] do not fit a text of")
    assert messages[1].startswith("quoteattr: gold.jsonl:3: not JSON")


def test_predictions_for_other_documents_are_refused(gold: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = gold.read_text(encoding="utf-8").replace('"g1"', '"g2"')
    Path("other.jsonl").write_text(other, encoding="utf-8")
    code, out, messages = run(capsys, "evaluate", "gold.jsonl", "other.jsonl")
    assert (code, out) == (1, "")
    assert len(messages) == 1
    assert "g1" in messages[0]


def test_the_article_the_project_started_from(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "evaluate", str(shared_data / "gold" / "seed.jsonl"), "--json")
    resolved = json.loads(out)["resolved_end_to_end"]
    spurious = json.loads(out)["detection"]["0.5"]["fp"]
    assert code == 0
    assert resolved["tp"] >= 16
    assert spurious <= 1


# usage


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["extract", "--model", "none/at/all"], "none/at/all: no model here"),
        (["evaluate", "gold.jsonl", "--model", "."], ".: no model here: the folder has no config.json with a model_type"),
        (["extract", "--lexicon", "none.tsv"], "none.tsv: no such file or directory"),
        (["extract", "--lexicon", "bad.json"], "bad.json: not JSON"),
        (["extract", "bad.json", "--output", "none/out.txt"], "none/out.txt: there is no folder none; make it first"),
        (["evaluate", "gold.jsonl", "--json", "--errors"], "--json prints the figures only"),
        (["extract", "--min-confidence", "1.5"], "'1.5' is not a number from 0 to 1"),
        (["extract", "--min-confidence", "nan"], "'nan' is not a number from 0 to 1"),
        (["extract", "--min-confidence", "high"], "'high' is not a number from 0 to 1"),
        (["extract", "--format", "pdf"], "invalid choice: 'pdf'"),
        (["evaluate", "gold.jsonl", "--worst", "0"], "'0' is not a whole number from 1"),
        (["evaluate"], "evaluate needs GOLD"),
        ([], "required: COMMAND"),
    ],
)
def test_wrong_usage_is_said_with_exit_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    (folder / "bad.json").write_text("{", encoding="utf-8")
    code, out, messages = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert message in messages[-1]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"quoteattr {__version__}\n", [])


@pytest.mark.parametrize("command", [["--help"], ["extract", "--help"], ["evaluate", "--help"]])
def test_help_shows_an_example(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    code, out, _ = run(capsys, *command)
    assert code == 0
    assert f"quoteattr {command[0] if len(command) > 1 else 'extract'} " in out.split("example")[-1]


# the process


def test_a_reader_who_has_seen_enough_ends_it_quietly(folder: Path) -> None:
    (folder / "a.jsonl").write_text((json.dumps({"text": TEXT}) + "\n") * 300, encoding="utf-8")
    with subprocess.Popen(
        [*COMMAND, "extract", "--format", "jsonl", "a.jsonl"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 0


@pytest.mark.skipif(os.name == "nt", reason="no such signal to send")
def test_an_interrupt_ends_it_with_one_line() -> None:
    with subprocess.Popen(
        [*COMMAND, "extract", "--format", "jsonl"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # who runs tests in the background ignores it
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(json.dumps({"text": TEXT}).encode() + b"\n")
        process.stdin.flush()
        assert process.stdout.readline(), "a line of input gives a line of output before the next is there"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert process.stderr.read() == b"quoteattr: interrupted\n"


def test_no_bar_is_drawn_where_no_terminal_is(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as notebooks set it for the processes that they start
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    code, _, messages = run(capsys, "score", "--model", "rules", "a.txt", "-o", "out.csv", "--workers", "1")
    assert code == 0
    assert len(messages) == 1
    assert "\x1b" not in messages[0]
