"""Corpora to one file: the same quotes as one text at a time, whatever stops a run, and every bad record named."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
from cases import DATA, read_cases, read_documents
from deadly import BREAKS, KILLS, Deadly
from filelock import FileLock

from quoteattr import score as module
from quoteattr.attributor import QuoteAttributor
from quoteattr.corpus import Columns, Corpus, find_corpus
from quoteattr.score import Counts, Job, ScoreError, format_of, score
from quoteattr.tables import COLUMNS, quote_rows

RULES = QuoteAttributor.rules()
ARTICLES = read_documents(DATA / "articles.jsonl")
FORMATS = ("jsonl", "csv", "parquet")


def corpus_file(folder: Path, records: Sequence[object], name: str = "news.jsonl") -> Path:
    lines = [record if isinstance(record, str) else json.dumps(record, ensure_ascii=False) for record in records]
    path = folder / name
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def news(tmp_path: Path) -> Path:
    """A corpus of a few articles, each several times."""
    return corpus_file(
        tmp_path, [{"id": f"{d.id}-{n}", "text": d.text, "date": f"2026-0{n + 1}-01", "n": n} for n in range(4) for d in ARTICLES]
    )


def job(path: Path, out: Path, keep: tuple[str, ...] = (), workers: int = 1, **others: Any) -> Job:
    corpus = Corpus(list(find_corpus([str(path)])), Columns())
    return Job(corpus, out, format_of(out), dict(RULES.facts), keep, workers, **others)


def read(out: Path) -> list[dict[str, Any]]:
    if out.suffix == ".jsonl":
        return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    if out.suffix == ".parquet":
        rows: list[dict[str, Any]] = pq.read_table(out).to_pylist()
        return rows
    with out.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def failures(out: Path) -> dict[str, str]:
    path = out.with_name(out.name + ".errors.jsonl")
    return {record["id"]: record["reason"] for record in read(path)} if path.exists() else {}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("workers", [1, 2])
def test_the_output_is_what_the_attributor_gives_text_by_text(news: Path, tmp_path: Path, form: str, workers: int) -> None:
    out = tmp_path / f"out.{form}"
    counts = score(RULES, job(news, out, ("date", "n"), workers))
    documents = [RULES(r["text"], id=r["id"], metadata={"date": r["date"], "n": r["n"]}) for r in read(news)]
    rows = [row for document in documents for row in quote_rows(document, ("date", "n"))]
    if form == "jsonl":
        assert read(out) == [json.loads(json.dumps(document.to_dict())) for document in documents]
    elif form == "parquet":
        assert read(out) == rows
        assert pq.read_schema(out).metadata[b"quoteattr.model"] == b"rules"
    else:
        assert read(out) == [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows]
        assert out.read_text(encoding="utf-8").splitlines()[0] == ",".join([*COLUMNS, "date", "n"])
    speakers = sum(len(document.speakers) for document in documents)
    assert counts == Counts(len(documents), len(rows), speakers, 0)
    meta = json.loads((tmp_path / f"out.{form}.meta.json").read_text(encoding="utf-8"))
    assert (meta["model"], meta["quotes"]) == ("rules", len(rows))
    assert len(meta["model_hash"]) == 64
    assert {path.name for path in tmp_path.iterdir()} == {"news.jsonl", out.name, f"{out.name}.meta.json"}


CODE = """
import sys
from pathlib import Path
from quoteattr import score
from quoteattr.attributor import QuoteAttributor
from quoteattr.corpus import Columns, Corpus
score.PART = 4
attributor = QuoteAttributor.rules()
job = score.Job(Corpus([sys.argv[1]], Columns()), Path(sys.argv[2]), sys.argv[3], {"model": "rules"}, (), int(sys.argv[4]))
print(score.score(attributor, job), job.resumed.documents)
"""


@pytest.mark.parametrize(("form", "workers"), [("jsonl", 1), ("parquet", 1), ("csv", 2)])
def test_a_run_that_is_killed_again_and_again_ends_as_one_that_was_not(tmp_path: Path, form: str, workers: int) -> None:
    records = [{"id": f"{d.id}-{n}", "text": d.text} for n in range(60) for d in ARTICLES] + [{"id": "bad", "text": None}]
    path = corpus_file(tmp_path, records)
    whole, out = tmp_path / f"whole.{form}", tmp_path / f"out.{form}"
    assert subprocess.run([sys.executable, "-c", CODE, path, whole, form, "1"], check=True).returncode == 0
    parts = tmp_path / f"out.{form}.parts"
    kills = seen = 0
    for _ in range(40):
        run = subprocess.Popen([sys.executable, "-c", CODE, path, out, form, str(workers)], stdout=subprocess.PIPE, text=True)
        wanted = len(list(parts.glob("part-*.json"))) + 12
        while run.poll() is None and len(list(parts.glob("part-*.json"))) < wanted:
            time.sleep(0.005)
        if run.poll() is None and kills < 4:
            os.kill(run.pid, signal.SIGKILL)
            kills += 1
            run.wait()
            continue
        said, _ = run.communicate()
        assert run.returncode == 0
        seen = int(said.split()[-1])
        break
    assert kills == 4
    assert seen > 0
    assert not parts.exists()
    assert read(out) == read(whole)
    assert failures(out) == failures(whole) == {"bad": "'text' must be a string, not NoneType"}


@pytest.mark.slow
def test_a_command_that_is_killed_at_any_moment_ends_as_one_that_was_not(tmp_path: Path) -> None:
    texts = [document.text for document in ARTICLES] + [case.document.text for case in read_cases()]
    path = corpus_file(tmp_path, [{"id": f"{n}", "text": texts[n % len(texts)], "n": n} for n in range(6 * module.PART)])

    def command(out: Path) -> list[str]:
        options = ["--model", "rules", "--workers", "2", "--keep-columns", "n"]
        return [sys.executable, "-m", "quoteattr", "score", str(path), "-o", str(out), *options]

    begun = time.monotonic()
    whole = tmp_path / "whole.csv"
    subprocess.run(command(whole), check=True, stderr=subprocess.DEVNULL)
    longest = time.monotonic() - begun
    moments = Random(0)
    kills = 0
    for n in range(int(os.environ.get("QUOTEATTR_KILLS", "20"))):
        out = tmp_path / f"out-{n}.csv"
        parts = out.with_name(f"{out.name}.parts")
        latest, finished = longest / 2, False
        while not finished:
            with subprocess.Popen(command(out), stderr=subprocess.PIPE, text=True) as run:
                try:
                    _, said = run.communicate(timeout=moments.uniform(0, latest))
                    assert run.returncode == 0, said
                    finished = True
                except subprocess.TimeoutExpired:
                    run.kill()
                    kills += 1
            latest = 1.2 * longest
        assert out.read_bytes() == whole.read_bytes()
        assert not parts.exists()
    assert kills > 0


def test_every_bad_record_is_named_and_the_others_are_done(tmp_path: Path) -> None:
    good = {"id": "good", "text": "قال الوزير إن الطريق مفتوح."}
    path = corpus_file(
        tmp_path,
        [
            good,
            {"id": "null", "text": None},
            {"id": "number", "text": 7},
            {"id": "none"},
            good,
            "{broken",
            "[1, 2]",
        ],
    )
    with path.open("ab") as out:
        out.write(b'\n{"id": "bytes", "text": "\xff\xfe"}\n')
    counts = score(RULES, job(path, tmp_path / "out.jsonl"))
    assert [record["id"] for record in read(tmp_path / "out.jsonl")] == ["good"]
    found = failures(tmp_path / "out.jsonl")
    assert (counts.documents, counts.failures) == (1, 7)
    assert found["null"] == "'text' must be a string, not NoneType"
    assert found["number"] == "'text' must be a string, not int"
    assert found[f"{path}:4"] == "'text' must be a string, not NoneType; there is only 'id'"
    assert found["good"].startswith("this id stands twice")
    assert "not JSON" in found[f"{path}:6"]
    assert "must be an object" in found[f"{path}:7"]
    assert "not UTF-8" in found[f"{path}:8"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_text_that_brings_a_defect_to_light_is_one_failure(tmp_path: Path, workers: int) -> None:
    texts = ["a", "b", BREAKS, "c", KILLS]
    path = corpus_file(tmp_path, [{"id": text, "text": text} for text in texts])
    said: list[str] = []
    counts = score(Deadly(), job(path, tmp_path / "out.jsonl", workers=workers, say=said.append))  # type: ignore[arg-type]
    assert counts.documents == 3
    assert failures(tmp_path / "out.jsonl") == {
        BREAKS: "ZeroDivisionError: broken",
        KILLS: "the process that worked on it died twice (killed, or out of memory)",
    }
    assert [line.partition(" so far")[0] for line in said] == ["a process died (1", "a process died (2"]


def test_an_output_that_is_there_stays(news: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("mine", encoding="utf-8")
    with pytest.raises(ScoreError, match="exists; choose another name or delete it"):
        score(RULES, job(news, out))
    assert out.read_text(encoding="utf-8") == "mine"


def test_a_job_that_was_finished_is_not_done_again(news: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    counts = score(RULES, job(news, out))
    written = out.stat().st_mtime_ns
    (tmp_path / "out.csv.parts").mkdir()  # a process that was killed just before its end leaves these
    said: list[str] = []
    again = job(news, out, say=said.append)
    assert score(RULES, again) == again.resumed == counts
    assert said == [f"{out}: finished before; delete it to have it done again"]
    assert out.stat().st_mtime_ns == written
    assert not (tmp_path / "out.csv.parts").exists()
    with pytest.raises(ScoreError, match="exists"):
        score(RULES, job(news, out, ("date",)))
    with news.open("a", encoding="utf-8") as more:
        more.write('\n{"id": "more", "text": "قال الوزير إن الطريق مفتوح."}')
    with pytest.raises(ScoreError, match="exists"):
        score(RULES, job(news, out))


def test_a_stopped_run_of_another_kind_is_not_gone_on_with(news: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out.csv"

    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_finish", stop)
        with pytest.raises(KeyboardInterrupt):
            score(RULES, job(news, out))
    with pytest.raises(ScoreError, match="holds a stopped run with another keep_columns"):
        score(RULES, job(news, out, ("date",)))
    again = job(news, out)
    counts = score(RULES, again)
    assert again.resumed == counts


def test_two_runs_do_not_write_one_output(news: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    parts = tmp_path / "out.csv.parts"
    parts.mkdir()
    with FileLock(parts / "lock"), pytest.raises(ScoreError, match="another run is writing it"):
        score(RULES, job(news, out))


def test_the_name_tells_the_format(tmp_path: Path) -> None:
    assert [format_of(tmp_path / name) for name in ("a.jsonl", "b.CSV", "c.parquet")] == ["jsonl", "csv", "parquet"]
    with pytest.raises(ScoreError, match=r"must end with .jsonl, .csv, .parquet"):
        format_of(tmp_path / "out.xlsx")


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    path = corpus_file(tmp_path, [{"id": "=1+1", "text": "قال الوزير: «الطريق مفتوح»."}])
    score(RULES, job(path, tmp_path / "out.csv"))
    assert read(tmp_path / "out.csv")[0]["doc_id"] == "'=1+1"


def test_progress_counts_documents_and_reaches_the_end(news: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, float]] = []
    score(RULES, job(news, tmp_path / "out.csv", watch=lambda counts, share: seen.append((counts.documents, share))))
    assert seen == sorted(seen)
    assert seen[-1] == (4 * len(ARTICLES), pytest.approx(1.0))
