"""What users get wrong, and the one line that each mistake ends in: what was wrong, where, and what to do."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from quoteattr import Document, Lexicon, QuoteAttributor
from quoteattr.cli import main
from quoteattr.engine import ModelError
from quoteattr.models import BUNDLED

TEXT = "قال وزير النقل سالم الخطيب إن الطريق الساحلي سيفتح غدا. وأضاف أن الأشغال انتهت."
GOLD: dict[str, Any] = {
    "id": "1",
    "text": TEXT,
    "speakers": [{"id": "S1", "name": "سالم الخطيب"}],
    "quotes": [{"id": "Q1", "type": "indirect", "cue": [0, 3], "source": [4, 26], "content": [30, 54], "speaker": "S1"}],
}
PAGE = f"<!DOCTYPE html><html><head></head><body><p>{TEXT}</p></body></html>"
ICONV = "convert it first, for example with: iconv -f {} -t UTF-8 FILE"


def lines(*records: Any) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def gold(**changes: Any) -> dict[str, Any]:
    return GOLD | {"quotes": [GOLD["quotes"][0] | changes]}


FILES: dict[str, bytes] = {
    "a.txt": TEXT.encode(),
    "empty.txt": b"",
    "windows.txt": TEXT.encode("cp1256"),
    "bom.txt": TEXT.encode("utf-16"),
    "utf16.txt": TEXT.encode("utf-16-le"),
    "english.txt": b"The minister said that the road was open.",
    "page.html": PAGE.encode(),
    "paper.pdf": b"%PDF-1.7\n\xff",
    "paper.docx": b"PK\x03\x04\xff",
    "array.json": json.dumps([{"text": TEXT}]).encode(),
    "array.jsonl": json.dumps([{"text": TEXT}], indent=1).encode(),
    "body.csv": f"url,body\n1,{TEXT}\n".encode(),
    "bare.csv": f"1,{TEXT}\n2,{TEXT}\n".encode(),
    "utf16.csv": f"text,date\n{TEXT},1\n".encode("utf-16"),
    "windows.csv": f"text,date\n{TEXT},1\n".encode("cp1256"),
    "good.csv": f"text,date\n{TEXT},1\n".encode(),
    "empty.csv": b"",
    "broken.parquet": b"no table",
    "there.csv": b"",
    "gold.jsonl": lines(GOLD),
    "plain.jsonl": lines({"id": "1", "text": TEXT}),
    "offsets.jsonl": lines(GOLD, gold(content=[30, 300]) | {"id": "2"}),
    "type.jsonl": lines(gold(type="reported")),
    "speaker.jsonl": lines(gold(speaker="S9")),
    "twice.jsonl": lines(GOLD, GOLD),
    "others.jsonl": lines(GOLD | {"id": "7"}),
    "changed.jsonl": lines(GOLD | {"text": TEXT + "!"}),
    "verbs.json": '{"verb": ["غرّد"]}'.encode(),
    "verbs.tsv": "Verb\tAct\nغرّد\tassert\n".encode(),
}

EXTRACT, SCORE, EVALUATE = (f"{command} --model rules " for command in ("extract", "score", "evaluate"))
COMMANDS: list[tuple[str, int, str]] = [
    ("report none.jsonl -o r.html", 1, "none.jsonl: no such file or directory"),
    ("report a.txt -o r.html", 1, "a.txt: no quotes: the name must end with .jsonl, .csv or .parquet"),
    (
        "report gold.jsonl -o r.html --groups good.csv",
        2,
        "good.csv: line 1: the column 'speaker' is missing; the columns are "
        "speaker, kind, outlet, first date, last date, quotes, group",
    ),
    (
        "convert gold.jsonl --to docx -o x",
        2,
        "argument --to: invalid choice: 'docx' (choose from 'jsonl', 'label-studio', 'brat', 'web-annotation', 'standoff'); "
        "see 'quoteattr convert --help'",
    ),
    ("evaluate --suite folder", 1, "folder: holds no .jsonl file of annotated documents"),
    (
        "evaluate --suite folder --systems nobody",
        2,
        "argument --systems: 'nobody' is no folder and none of model, model-alone, rules, nearest-name, last-subject, "
        "most-frequent",
    ),
    ("agree gold.jsonl none.jsonl", 1, "none.jsonl: no such file or directory"),
    ("", 2, "the following arguments are required: COMMAND; see 'quoteattr --help'"),
    (
        "extrct a.txt",
        2,
        "argument COMMAND: invalid choice: 'extrct' (choose from {commands}); see 'quoteattr --help'",
    ),
    ("extract a.txt --modle rules", 2, "there is no '--modle' here; did you mean --model?; see 'quoteattr extract --help'"),
    (EXTRACT + "a.txt --min-confidence 80", 2, "argument --min-confidence: '80' is not a number from 0 to 1; {help}"),
    (EXTRACT + "none.txt", 1, "none.txt: no such file or directory"),
    (EXTRACT + "folder", 1, "folder: no .txt or .jsonl file in this folder"),
    (EXTRACT + "empty.txt", 1, "empty.txt: empty"),
    (EXTRACT + "windows.txt", 1, "windows.txt: not UTF-8 text (byte 0xDE at offset 0); " + ICONV.format("WINDOWS-1256")),
    (EXTRACT + "bom.txt", 1, "bom.txt: not UTF-8 text (byte 0xFF at offset 0); " + ICONV.format("UTF-16")),
    (EXTRACT + "utf16.txt", 1, "utf16.txt: not UTF-8 text; " + ICONV.format("UTF-16")),
    (EXTRACT + "english.txt", 0, "english.txt: no Arabic text: 0 % of its letters are Arabic"),
    (
        EXTRACT + "page.html",
        0,
        "page.html: the text looks like HTML: its tags are read as words; take the text out of the page first",
    ),
    (EXTRACT + "paper.pdf", 1, "paper.pdf: a PDF file, not plain text; save its text as UTF-8 first"),
    (EXTRACT + "paper.docx", 1, "paper.docx: a Word or ZIP file, not plain text; save its text as UTF-8 first"),
    (EXTRACT + "array.json", 1, "array.json: {array}"),
    (EXTRACT + "array.jsonl", 1, "array.jsonl: {array}"),
    (EXTRACT + "good.csv", 1, "good.csv: a table; 'quoteattr score good.csv -o OUT' reads it"),
    (EXTRACT + "a.txt --output folder", 2, "folder: is a directory"),
    (EXTRACT + "a.txt --output none/out", 2, "none/out: there is no folder none; make it first"),
    (EXTRACT + "a.txt --output a.txt", 2, "a.txt: is one of the files to be read and would be overwritten"),
    (EXTRACT + "a.txt --lexicon none", 2, "none: no such file or directory"),
    (
        EXTRACT + "a.txt --lexicon verbs.json",
        2,
        "verbs.json: additions: unknown field 'verb'; the fields are verbs, titles, speakers",
    ),
    (
        EXTRACT + "a.txt --lexicon verbs.tsv",
        2,
        "verbs.tsv: a table of additions needs a header with the column lemma (verbs), word (titles) or name (speakers)",
    ),
    (
        "extract a.txt --model later",
        2,
        "the model has format 9, this quoteattr reads up to 1: upgrade quoteattr",
    ),
    (SCORE + "a.txt", 2, "the following arguments are required: -o/--output; see 'quoteattr score --help'"),
    (SCORE + "a.txt -o out.xls", 2, "out.xls: the name must end with .jsonl, .csv, .parquet"),
    (SCORE + "a.txt -o there.csv", 2, "there.csv: exists; choose another name or delete it"),
    (
        SCORE + "a.txt -o out.csv --workers 0",
        2,
        "argument --workers: '0' is not a whole number from 1; see 'quoteattr score --help'",
    ),
    (SCORE + "body.csv -o out.csv", 2, "body.csv: {header}"),
    (SCORE + "body.parquet -o out.csv", 2, "body.parquet: {header}"),
    (SCORE + "good.csv body.csv -o out.jsonl --text-column body", 2, "good.csv: {other header}"),
    (SCORE + "bare.csv -o out.csv", 2, "bare.csv: {bare header}"),
    (SCORE + "gold.jsonl -o out.csv --text-column body", 2, "gold.jsonl:1: {no field}"),
    (SCORE + "none.csv -o out.csv", 2, "none.csv: no such file or directory"),
    (SCORE + "none-*.csv -o out.csv", 2, "none-*.csv: no file fits this pattern"),
    (EVALUATE + "offsets.jsonl", 1, "offsets.jsonl:2: quotes[0].content: offsets [30, 300] do not fit a text of 79 characters"),
    (EVALUATE + "type.jsonl", 1, "type.jsonl:1: quotes[0]: 'type' is 'reported', expected one of direct, indirect, mixed"),
    (EVALUATE + "speaker.jsonl", 1, "speaker.jsonl:1: quotes[0]: its speaker 'S9' is not among the speakers"),
    (EVALUATE + "plain.jsonl", 1, "plain.jsonl: {unquoted}"),
    (EVALUATE + "a.txt", 1, "a.txt:1: not JSON (column 1): Expecting value; every line must be one JSON object"),
    (EVALUATE + "array.json", 1, "array.json: {array}"),
    (EVALUATE + "twice.jsonl", 1, "the id '1' stands twice in the gold documents"),
    (
        EVALUATE + "gold.jsonl others.jsonl",
        1,
        "1 missing from the predicted documents: '1'; both files must hold the same documents",
    ),
    (
        EVALUATE + "gold.jsonl changed.jsonl",
        1,
        "document '1': its text in the predicted documents differs from that in the gold documents at character 79",
    ),
    (EVALUATE + "gold.jsonl --json --errors", 2, "--json prints the figures only; leave out --errors and --worst"),
    ("train plain.jsonl --dev gold.jsonl -o out", 1, "plain.jsonl: {unquoted}"),
    ("train gold.jsonl --dev plain.jsonl -o out", 1, "plain.jsonl: {unquoted}"),
    (
        "train gold.jsonl --dev gold.jsonl -o out",
        2,
        "gold.jsonl: 1 of its texts are among those to learn from; give --dev other documents",
    ),
    ("train gold.jsonl -o out", 2, "the following arguments are required: --dev; see 'quoteattr train --help'"),
    ("train gold.jsonl --dev other.jsonl -o out", 1, "other.jsonl: no such file or directory"),
    ("train gold.jsonl --dev changed.jsonl -o a.txt", 2, "a.txt: is a file; -o names the folder of the model"),
]
SAID = {
    "help": "see 'quoteattr extract --help'",
    "array": "a JSON array, not one JSON object a line; convert it, for example with: jq -c '.[]' FILE",
    "header": "no column 'text'; its header has 'url', 'body': name the one of the text (--text-column)",
    "other header": "no column 'body'; its header has 'text', 'date': name the one of the text (--text-column)",
    "bare header": f"no column 'text'; its header has '1', '{TEXT[:30]}…': name the one of the text (--text-column)",
    "no field": "'body' must be a string, not NoneType; there is only 'id', 'text', 'speakers', 'quotes'",
    "unquoted": "no document has 'quotes', so there is nothing to compare with or learn from",
}

RECORDS: list[tuple[str, str]] = [
    ("good.csv body.csv", "body.csv: no column 'text'; its header has 'url', 'body': name the one of the text (--text-column)"),
    ("utf16.csv", "utf16.csv: not UTF-8 text; " + ICONV.format("UTF-16")),
    ("windows.csv", "windows.csv:2: 'text' is not UTF-8 text"),
    ("empty.csv", "empty.csv: empty"),
    ("array.json", "array.json: " + SAID["array"]),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    pq.write_table(pa.table({"url": ["1"], "body": [TEXT]}), tmp_path / "body.parquet")
    shutil.copytree(BUNDLED, tmp_path / "later", ignore=shutil.ignore_patterns("*.safetensors", "SHA256SUMS"))
    config = json.loads((tmp_path / "later/config.json").read_text("utf-8"))
    (tmp_path / "later/config.json").write_text(json.dumps(config | {"format": 9}), "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    """The exit code and the lines of standard error."""
    try:
        code: Any = main(arguments)
    except SystemExit as stop:
        code = stop.code
    return code, capsys.readouterr().err.splitlines()


@pytest.mark.parametrize(("command", "code", "line"), COMMANDS, ids=[command or "nothing" for command, *_ in COMMANDS])
def test_a_mistake_on_the_command_line_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str, code: int, line: str
) -> None:
    found, messages = run(capsys, *command.split())
    assert found == code
    (message,) = messages
    if "{commands}" in line:
        before, after = line.split("{commands}")
        assert message.startswith("quoteattr: " + before)
        assert message.endswith(after)
        assert "'extract'" in message
    else:
        assert message == "quoteattr: " + line.format(**SAID)


@pytest.mark.parametrize(("names", "reason"), RECORDS, ids=[names for names, _ in RECORDS])
def test_the_first_record_that_fails_is_said(folder: Path, capsys: pytest.CaptureFixture[str], names: str, reason: str) -> None:
    code, messages = run(capsys, "score", "--model", "rules", *names.split(), "-o", "out.csv", "--workers", "1")
    assert code == 1
    assert messages[-1] == f"quoteattr: out.csv.errors.jsonl names every failure; the first: {reason}"
    assert len(messages) == 2  # and the counts


def test_a_kept_column_that_no_record_has_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, messages = run(capsys, *"score --model rules good.csv -o out.csv --workers 1 --keep-columns dat date".split())
    assert (code, messages[0]) == (0, "quoteattr: no record has the kept column dat; there is date")


def test_a_corpus_can_be_read_again_with_the_right_column(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = "score --model rules body.csv -o out.csv --workers 1"
    before = set(folder.iterdir())
    assert run(capsys, *command.split())[0] == 2
    assert set(folder.iterdir()) == before  # nothing that would be in the way of the next run
    assert run(capsys, *command.split(), "--text-column", "body")[0] == 0
    assert (folder / "out.csv").read_text(encoding="utf-8").count("سالم الخطيب") == 3


def test_a_file_that_may_not_be_read_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: Any, **options: Any) -> Any:
        raise PermissionError(13, "Permission denied", "a.txt")

    monkeypatch.setattr("quoteattr.corpus.open", refused, raising=False)  # root may read anything
    assert run(capsys, "extract", "--model", "rules", "a.txt") == (1, ["quoteattr: a.txt: permission denied"])


@pytest.mark.parametrize("command", ["export folder", "train gold.jsonl --dev changed.jsonl -o out"])
def test_a_missing_extra_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    for name in ("torch", "quoteattr.export", "quoteattr.model", "quoteattr.train"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "meta_path", [_Without("torch"), *sys.meta_path])
    line = f"quoteattr: {command.split()[0]} needs torch: pip install 'quoteattr[train]' installs it"
    assert run(capsys, *command.split()) == (2, [line])


class _Without:
    """A finder by which a package is not installed."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] == self.name:
            raise ModuleNotFoundError(f"No module named {self.name!r}", name=self.name)


RULES = QuoteAttributor.rules()
CALLS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "bytes": (lambda: RULES(TEXT.encode()), TypeError, "text must be a string, not bytes: decode it first"),  # type: ignore[arg-type]
    "none": (lambda: RULES(None), TypeError, "text must be a string, not NoneType"),  # type: ignore[arg-type]
    "list": (lambda: RULES([TEXT]), TypeError, "text must be a string, not list: pipe(texts) reads many"),  # type: ignore[arg-type]
    "pipe": (lambda: list(RULES.pipe(TEXT)), TypeError, "pipe takes many texts; one text is read by calling the attributor"),
    "given text": (lambda: RULES.attribute(None, []), TypeError, "text must be a string, not NoneType"),  # type: ignore[arg-type]
    "given span": (
        lambda: RULES.attribute(TEXT, [((0, 3), (30, 54)), ((0, 3), (30, 300))]),
        ValueError,
        "quotes[1], content: offsets [30, 300] do not fit a text of 79 characters",
    ),
    "given string": (
        lambda: RULES.attribute(TEXT, [("قال", (30, 54))]),  # type: ignore[list-item]
        ValueError,
        "quotes[0], cue: expected a span or (start, end), not 'قال'",
    ),
    "lexicon": (
        lambda: QuoteAttributor.rules("words.json"),  # type: ignore[arg-type]
        TypeError,
        "lexicon must be a Lexicon, not str: Lexicon.from_file(path) reads one",
    ),
    "confidence": (
        lambda: QuoteAttributor.rules(min_confidence=80),
        ValueError,
        "min_confidence must lie between 0 and 1, not 80",
    ),
    "engine": (
        lambda: QuoteAttributor.from_pretrained(engine="tensorflow"),  # type: ignore[arg-type]
        ModelError,
        "there is no engine 'tensorflow', only 'onnx' and 'torch'",
    ),
    "processes": (
        lambda: list(RULES.pipe([TEXT], n_process=0)),
        ValueError,
        "there must be one process at least, not 0",
    ),
    "json": (lambda: Document.from_dict("{}"), ValueError, "a document must be an object, not str"),  # type: ignore[arg-type]
    "verb": (
        lambda: Lexicon.load().extended(verbs=["tweeted"]),
        ValueError,
        "verbs[0]: 'lemma' must be one Arabic verb (third person perfect, as أضاف), not 'tweeted'",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_mistake_in_python_is_one_line(name: str) -> None:
    call, kind, line = CALLS[name]
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == line


def test_markup_is_read_and_warned_of() -> None:
    document = RULES(PAGE)
    assert document.metadata["warning"].startswith("the text looks like HTML")
    assert [quote.text for quote in document.quotes] == ["الطريق الساحلي سيفتح غدا", "الأشغال انتهت"]


@pytest.mark.parametrize("text", ["", " \n"])
def test_a_text_of_nothing_has_no_quotes(text: str) -> None:
    document = RULES(text)
    assert (document.quotes, document.text) == ((), text)
    assert document.metadata["warning"] == "no Arabic text: it has no letters"


def test_models_that_are_none_are_said(folder: Path) -> None:
    from quoteattr.model import load, moved

    shutil.copytree(BUNDLED, "cut", ignore=shutil.ignore_patterns("onnx", "SHA256SUMS"))
    with open("cut/model.safetensors", "r+b") as weights:
        weights.truncate(100_000)
    for name, line in {
        "folder": "folder: no model here: the folder has no config.json with a model_type",
        "a.txt": "a.txt: no model here: it is a file, and a model is a folder",
        "no/such": "no/such: no model here: there is no such folder, and the Hub did not give it either: ",
        "cut": "cut: this model can't be read, copy it again: ",
    }.items():
        with pytest.raises(ModelError) as caught:
            load(name)
        assert str(caught.value).startswith(line)
        assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="the device 'gpu' can't be used here, take 'cpu': "):
        moved(load(BUNDLED)[0], "gpu")
