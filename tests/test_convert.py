"""``quoteattr convert`` as a user types it, and the way to a tool and back as a whole."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from cases import DATA
from converting import full, predictions

from quoteattr import Document
from quoteattr.cli import main
from quoteattr.convert.label_studio import INTERFACE


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with documents in it."""
    monkeypatch.chdir(tmp_path)
    lines = [json.dumps(document.to_dict(), ensure_ascii=False) + "\n" for document in (full(), *predictions())]
    (tmp_path / "quotes.jsonl").write_text("".join(lines), encoding="utf-8")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    """The exit code and the lines of standard error; nothing goes to standard output."""
    try:
        code: Any = main(["convert", *arguments])
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    assert captured.out == ""
    return code, captured.err.splitlines()


def documents(path: Path) -> list[Document]:
    return [Document.from_dict(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def annotated(path: Path) -> list[Any]:
    """The tasks of a file as if somebody had submitted each as it is."""
    tasks = json.loads(path.read_text(encoding="utf-8"))
    return [{**t, "id": n, "annotations": [{"result": t["predictions"][0]["result"]}]} for n, t in enumerate(tasks, 1)]


def test_to_label_studio_and_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, messages = run(capsys, "quotes.jsonl", "--to", "label-studio", "-o", "tasks.json")
    before = documents(folder / "quotes.jsonl")
    count = f"{len(before)} documents done, 0 failed, {sum(len(d.quotes) for d in before)} quotes"
    assert (code, messages) == (
        0,
        [f"quoteattr: tasks.json: {count}", "quoteattr: tasks.xml: the labelling interface for the settings of the project"],
    )
    assert (folder / "tasks.xml").read_text(encoding="utf-8") == INTERFACE
    (folder / "export.json").write_text(json.dumps(annotated(folder / "tasks.json")), encoding="utf-8")
    assert run(capsys, "export.json", "--to", "jsonl", "-o", "gold.jsonl") == (0, [f"quoteattr: gold.jsonl: {count}"])
    assert documents(folder / "gold.jsonl") == before
    assert main(["evaluate", "gold.jsonl", "quotes.jsonl", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["documents"] == len(before)


def test_to_brat_and_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "quotes.jsonl", "--to", "brat", "-o", "brat")[0] == 0
    standoff = folder / "brat/000002.ann"
    standoff.write_text(re.sub(r"\A(T1\t)\w+", r"\1mixed", standoff.read_text(encoding="utf-8")), encoding="utf-8")
    assert run(capsys, "brat", "--to", "jsonl", "-o", "gold.jsonl")[0] == 0
    before, after = documents(folder / "quotes.jsonl"), documents(folder / "gold.jsonl")
    assert [d.id for d, own in zip(after, before, strict=True) if d != own] == [before[1].id]
    assert [q.confidence is None for q in after[1].quotes] == [True] + [False] * (len(after[1].quotes) - 1)
    assert after[1].quotes[0].type == "mixed"


def test_to_web_annotation_from_standard_input(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((DATA / "articles.jsonl").read_bytes())))
    code, (message,) = run(capsys, "-", "--to", "web-annotation", "-o", "quotes.jsonld")
    collection = json.loads((folder / "quotes.jsonld").read_text(encoding="utf-8"))
    assert (code, message.endswith(f"0 failed, {collection['total']} quotes")) == (0, True)


def test_what_is_bad_is_named_in_one_line_and_the_others_are_done(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "quotes.jsonl", "--to", "label-studio", "-o", "tasks.json")[0] == 0
    tasks = annotated(folder / "tasks.json")[:4]
    tasks[1]["annotations"] = []
    tasks[2]["annotations"][0]["result"].pop(0)
    (folder / "export.json").write_text(json.dumps(tasks), encoding="utf-8")
    (folder / "more.jsonl").write_text('{"id": "b1", "text": 1}\n{"id": "b2", "text": "نعم"}\n', encoding="utf-8")
    code, messages = run(capsys, "none.jsonl", "export.json", "more.jsonl", "--to", "jsonl", "-o", "out.jsonl")
    assert code == 1
    assert [document.id for document in documents(folder / "out.jsonl")] == ["harbour", tasks[3]["data"]["id"], "b2"]
    assert messages[0] == "quoteattr: none.jsonl: no such file or directory"
    assert messages[1] == "quoteattr: export.json: task 2: nobody has annotated it"
    assert messages[2].startswith("quoteattr: export.json: task 3: ")
    assert messages[3] == "quoteattr: more.jsonl:1: 'text' must be a string, not int"
    assert re.fullmatch(r"quoteattr: out.jsonl: 3 documents done, 4 failed, \d+ quotes", messages[4])


def test_the_format_can_be_given(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, messages = run(capsys, "quotes.jsonl", "--from", "label-studio", "--to", "jsonl", "-o", "out.jsonl")
    assert (code, len(messages)) == (1, 2)
    assert messages[0].startswith("quoteattr: quotes.jsonl: not JSON")
    (folder / "empty").mkdir()
    assert run(capsys, "empty", "--to", "jsonl", "-o", "out.jsonl")[1][0] == "quoteattr: empty: no .ann file in this folder"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["quotes.jsonl", "--to", "jsonl", "-o", "quotes.jsonl"], "is one of the files to be read and would be overwritten"),
        (["quotes.jsonl", "--to", "jsonl", "-o", "none/out.jsonl"], "none/out.jsonl: no such file or directory"),
        (["quotes.jsonl", "--to", "brat", "-o", "there"], "there: file exists"),
        (["quotes.jsonl", "--to", "word", "-o", "a"], "invalid choice: 'word'"),
        (["quotes.jsonl", "--to", "jsonl"], "the following arguments are required: -o/--output"),
    ],
)
def test_wrong_usage(folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    (folder / "there").mkdir()
    before = (folder / "quotes.jsonl").read_bytes()
    code, messages = run(capsys, *arguments)
    assert code == 2
    assert message in messages[-1]
    assert (folder / "quotes.jsonl").read_bytes() == before
