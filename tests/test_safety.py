"""What the library must not do to its machine: no pickles, no network, no files but those asked for, nothing global."""

from __future__ import annotations

import csv
import json
import logging
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cases import DATA, read_documents

from quoteattr import Document, QuoteAttributor
from quoteattr.cli import main
from quoteattr.models import BUNDLED

TEXTS = [document.text for document in read_documents(DATA / "articles.jsonl")[:6]]

# ---------------------------------------------------------------------------------------------------------------------
# Pickles

WATCHED = """
import sys
from pathlib import Path
folder, marker = sys.argv[1:]
def watch(event, arguments):
    if event == "open" and str(arguments[0]).endswith((".bin", ".pt", ".pkl", ".pickle")):
        print("opened", arguments[0])
sys.addaudithook(watch)
from quoteattr import QuoteAttributor
from quoteattr.engine import ModelError
for engine in ("onnx", "torch"):
    try:
        QuoteAttributor.from_pretrained(folder, engine=engine)
        print(engine, "loaded")
    except ModelError as error:
        print(engine, "refused")
print(Path(marker).exists())
"""


class Bomb:
    """Makes a file where somebody unpickles it."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def test_a_pickle_in_a_models_folder_is_never_opened(tmp_path: Path) -> None:
    """Not even where it is all that there is for PyTorch."""
    model, marker = tmp_path / "model", tmp_path / "exploded"
    shutil.copytree(BUNDLED, model)
    for name in ("pytorch_model.bin", "model.bin", "checkpoint.pt", "model.pkl", "tokenizer.pickle", "onnx/encoder.pt"):
        (model / name).write_bytes(pickle.dumps(Bomb(marker)))
    (model / "model.safetensors").unlink()
    result = subprocess.run([sys.executable, "-c", WATCHED, model, marker], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == ["onnx loaded", "torch refused", "False"]


# ---------------------------------------------------------------------------------------------------------------------
# Network and files

ALONE = """
import json, os, sys
allowed = os.path.realpath(os.getcwd()) + os.sep
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.bind"):
        print("network:", event, arguments[1:], file=sys.stderr)
        os._exit(77)
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        path, mode, flags = arguments
        name = os.path.realpath(os.fsdecode(path))
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and not name.startswith((allowed, "/dev/")):
            print("written:", name, file=sys.stderr)
            os._exit(78)
sys.addaudithook(watch)
from quoteattr.cli import main
for command in json.loads(sys.argv[1]):
    if main(command) not in (0,):
        sys.exit(f"{command} failed")
"""


@pytest.mark.parametrize("model", [[], ["--model", "rules"]], ids=["model", "rules"])
def test_no_command_asks_the_network_or_leaves_a_file_elsewhere(tmp_path: Path, model: list[str]) -> None:
    work, home, temporary = (tmp_path / name for name in ("work", "home", "temporary"))
    for folder in (work, home, temporary):
        folder.mkdir()
    records = [{"id": str(n), "text": text, "date": "2026-01-05"} for n, text in enumerate(TEXTS[:3])]
    (work / "news.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    commands = [
        ["extract", *model, "news.jsonl", "--format", "html", "--output", "page.html"],
        ["score", *model, "news.jsonl", "-o", "quotes.jsonl", "--workers", "1"],
        ["score", *model, "news.jsonl", "-o", "quotes.parquet", "--workers", "2"],
        ["report", "quotes.jsonl", "-o", "report.html", "--write-groups", "groups.csv"],
        ["evaluate", "quotes.jsonl", "quotes.jsonl", "--html", "errors.html"],
        ["convert", "quotes.jsonl", "--to", "label-studio", "-o", "tasks.json"],
        ["convert", "quotes.jsonl", "--to", "brat", "-o", "brat"],
        ["convert", "brat", "--to", "jsonl", "-o", "back.jsonl"],
        ["convert", "quotes.jsonl", "--to", "web-annotation", "-o", "quotes.jsonld"],
    ]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("HF_", "XDG_", "QUOTEATTR", "ORT_", "CI"))
    }
    environment |= {"HOME": str(home), "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(
        [sys.executable, "-c", ALONE, json.dumps(commands)], cwd=work, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert [*home.iterdir(), *temporary.iterdir()] == []
    assert {path.name for path in work.iterdir()} == {
        *("news.jsonl", "page.html", "quotes.jsonl", "quotes.jsonl.meta.json", "quotes.parquet", "quotes.parquet.meta.json"),
        *("report.html", "groups.csv", "errors.html", "tasks.json", "tasks.xml", "brat", "back.jsonl", "quotes.jsonld"),
    }


IDS = [
    "../up",
    "/etc/passwd",
    "a/../../b",
    "..",
    "con",
    "nul\x00nul",
    "a" * 5000,
    "Same",
    "same",
    "SAME",
    "سطر\nآخر",
    ".ann",
    "\udc80",
]


def test_no_id_leads_out_of_a_folder_that_is_written(tmp_path: Path) -> None:
    rules = QuoteAttributor.rules()
    documents = [rules(TEXTS[0], id=id) for id in IDS]
    lines = "".join(json.dumps(document.to_dict()) + "\n" for document in documents)
    (tmp_path / "quotes.jsonl").write_text(lines, encoding="utf-8")
    out = tmp_path / "deep/folder"
    out.parent.mkdir()
    main(["convert", str(tmp_path / "quotes.jsonl"), "--to", "brat", "-o", str(out)])
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file() and path.parent != out) == ["quotes.jsonl"]
    assert all(path.stem.isdecimal() or path.name == "annotation.conf" for path in out.iterdir())
    assert main(["convert", str(out), "--to", "jsonl", "-o", str(tmp_path / "back.jsonl")]) == 0
    back = [json.loads(line)["id"] for line in (tmp_path / "back.jsonl").read_text(encoding="utf-8").splitlines()]
    assert back == IDS
    web = tmp_path / "quotes.jsonld"
    assert main(["convert", str(tmp_path / "quotes.jsonl"), "--to", "web-annotation", "-o", str(web)]) == 0
    items = json.loads(web.read_text(encoding="utf-8"))["first"]["items"]
    assert len({item["target"]["source"] for item in items}) == len(IDS)
    for form in ("jsonl", "csv", "parquet"):
        scored = tmp_path / f"scored.{form}"
        main(["score", "--model", "rules", str(tmp_path / "quotes.jsonl"), "-o", str(scored), "--workers", "1"])
        assert scored.exists()
    assert {path.name for path in tmp_path.iterdir()} >= {"quotes.jsonl", "back.jsonl", "scored.csv"}
    assert not (tmp_path / "up").exists()


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-1", "@sum", "\t=1"])
def test_no_cell_of_a_table_is_a_formula(tmp_path: Path, name: str) -> None:
    text = f"قال الوزير إن الطريق مفتوح. {name}"
    document = QuoteAttributor.rules()(text, id=name, metadata={name: name, "outlet": name, "date": "2026-01-05"})
    record = document.to_dict()
    record["speakers"][0]["name"] = name
    (tmp_path / "news.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    main(["score", "--model", "rules", str(tmp_path / "news.jsonl"), "-o", str(tmp_path / "a.csv"), "--keep-columns", name])
    main(["report", str(tmp_path / "news.jsonl"), "-o", str(tmp_path / "a.html"), "--write-groups", str(tmp_path / "b.csv")])
    for table in ("a.csv", "b.csv"):
        with (tmp_path / table).open(encoding="utf-8-sig", newline="") as lines:
            cells = [cell for row in csv.reader(lines) for cell in row]
        assert f"'{name}" in cells
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


# ---------------------------------------------------------------------------------------------------------------------
# Threads, processes, and what is global


def read_all(attributor: QuoteAttributor, texts: Sequence[str]) -> list[Document]:
    return [attributor(text) for text in texts]


@pytest.fixture(scope="module", params=["rules", "onnx", "torch"])
def attributor(request: pytest.FixtureRequest) -> QuoteAttributor:
    return QuoteAttributor.rules() if request.param == "rules" else QuoteAttributor.from_pretrained(engine=request.param)


def test_eight_threads_read_as_one_does(attributor: QuoteAttributor) -> None:
    texts = TEXTS[:3]
    expected = read_all(attributor, texts)
    assert sum(len(document.quotes) for document in expected) > 5
    turns = [n % len(texts) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        orders = [texts[k:] + texts[:k] for k in turns]
        for k, found in zip(turns, pool.map(read_all, [attributor] * 8, orders), strict=True):
            assert found == expected[k:] + expected[:k]


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("engine", ["rules", "onnx"])
def test_other_processes_read_alike_however_they_begin(engine: Any, method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    own = QuoteAttributor.rules() if engine == "rules" else QuoteAttributor.from_pretrained(engine=engine)
    expected = read_all(own, TEXTS[:2])  # before: a process that forks has used it already
    with ProcessPoolExecutor(1, multiprocessing.get_context(method)) as pool:
        assert pool.submit(read_all, own, TEXTS[:2]).result(timeout=120) == expected


GLOBAL = """
import locale, logging, os, random, signal, sys, warnings
def state():
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)]
    return [logging.root.handlers[:], logging.root.level, warnings.filters[:], dict(os.environ), os.getcwd(), sys.path[:],
            sys.excepthook, locale.setlocale(locale.LC_ALL), random.getstate(), sys.getrecursionlimit(), handlers]
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import numpy, onnxruntime, pyarrow, tokenizers
before = state()
import quoteattr, quoteattr.cli, quoteattr.score, quoteattr.report, quoteattr.convert.formats, quoteattr.tables, quoteattr.onnx
from quoteattr import QuoteAttributor
names = [name for name in logging.root.manager.loggerDict if name.startswith("quoteattr")]
assert not [name for name in names if logging.getLogger(name).handlers], names
one, other = QuoteAttributor.rules(min_confidence=0.9), QuoteAttributor.from_pretrained()
one("قال سامح شكري: نعم")
other("قال سامح شكري: نعم")
assert state() == before, [pair for pair in zip(before, state()) if pair[0] != pair[1]]
"""


def test_neither_import_nor_use_changes_anything_global() -> None:
    result = subprocess.run([sys.executable, "-c", GLOBAL], capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert logging.getLogger("quoteattr").handlers == []


def test_one_attributor_knows_nothing_of_another() -> None:
    from quoteattr import Lexicon

    text = "غرّد الوزير سالم الخطيب بأن الطريق مفتوح."
    before = QuoteAttributor.rules()(text)
    extended = QuoteAttributor.rules(Lexicon.load().extended(verbs=["غرّد"]))(text)
    assert extended != before
    assert QuoteAttributor.rules()(text) == before
