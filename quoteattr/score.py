"""Whole corpora to one file of quotes: in parts, so that a run that was stopped goes on where it was.

    quoteattr score CORPUS -o OUT

Records are numbered as they are read and worked on in parts of `PART`. A part that is done lies in ``OUT.parts`` as data,
failures and a note of its counts, and the note is renamed into place last: a part either has its note and is whole, or it is done
again. At the end the parts become OUT, ``OUT.errors.jsonl`` and ``OUT.meta.json``, and their folder goes.
"""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from quoteattr import __version__
from quoteattr.attributor import QuoteAttributor
from quoteattr.corpus import Corpus, Failure, as_cell
from quoteattr.schema import Document
from quoteattr.workers import Workers

PART = 512
"""Records in a part."""
BATCH = 16
"""Documents that are read at once."""
Format = Literal["jsonl", "csv", "parquet"]
FORMATS: tuple[Format, ...] = ("jsonl", "csv", "parquet")


class ScoreError(ValueError):
    """A run can't begin or go on; the message says why and what to do."""


@dataclass(slots=True)
class Counts:
    """What was done so far; ``speakers`` counts those of each document."""

    documents: int = 0
    quotes: int = 0
    speakers: int = 0
    failures: int = 0

    def add(self, other: Counts) -> None:
        """Add the counts of a part."""
        self.documents += other.documents
        self.quotes += other.quotes
        self.speakers += other.speakers
        self.failures += other.failures


@dataclass(frozen=True, slots=True)
class Job:
    """What to do with a corpus. ``facts`` name the model in the output; with another value of them a stopped run does not go
    on. ``keep`` are the fields of the records that every row of a table repeats."""

    corpus: Corpus
    out: Path
    format: Format
    facts: dict[str, Any]
    keep: tuple[str, ...] = ()
    workers: int = 1
    say: Callable[[str], None] = lambda message: None
    watch: Callable[[Counts, float], None] = lambda counts, share: None
    resumed: Counts = field(default_factory=Counts)


def format_of(out: Path) -> Format:
    """The format that a file's name asks for. Raises `ScoreError` for a name that asks for none."""
    found = next((name for name in FORMATS if out.suffix.lower() == f".{name}"), None)
    if found is None:
        raise ScoreError(f"{out}: the name must end with {', '.join('.' + name for name in FORMATS)}")
    return found


def score(attributor: QuoteAttributor, job: Job) -> Counts:
    """Do a job, from where it was stopped, and return the counts of all that is in the output.

    A job that was finished before is not done again. Raises `ScoreError` where the output is there already and of another job,
    another run works on it, a stopped run was of another kind, or no record of the first file has the column of the text.
    `OSError` (no space left, say) leaves what is done, for the next run to go on from.
    """
    parts = job.out.with_name(job.out.name + ".parts")
    if _before(job, parts) is None and (reason := job.corpus.lacks_text()) is not None:
        raise ScoreError(str(reason))
    parts.mkdir(parents=True, exist_ok=True)
    lock = FileLock(parts / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ScoreError(f"{job.out}: another run is writing it") from None
    try:
        finished = _before(job, parts)  # once more: another run may have ended it just now
        if finished is None:
            _check_settings(parts, job)
            counts = _all_parts(attributor, job, parts)
            _finish(job, parts, counts)
        else:
            job.say(f"{job.out}: finished before; delete it to have it done again")
            job.resumed.add(finished)
            counts = finished
    except sqlite3.Error as error:  # the table of ids
        raise OSError(errno.EIO, str(error), str(parts)) from error
    finally:
        lock.release()
    shutil.rmtree(parts)
    return counts


def _before(job: Job, parts: Path) -> Counts | None:
    """The counts of the job where it is done. Raises `ScoreError` where the output is that of another job."""
    finished = _finished(job)
    if finished is None and job.out.exists() and not _settings_file(parts).exists():
        raise ScoreError(f"{job.out}: exists; choose another name or delete it")
    return finished


def _settings_file(parts: Path) -> Path:
    return parts / "settings.json"


def _settings(job: Job) -> dict[str, Any]:
    """What tells one job from another, as JSON gives it back."""
    settings = {"format": job.format, "keep_columns": job.keep, "corpus_bytes": job.corpus.size, **job.facts}
    same: dict[str, Any] = json.loads(json.dumps(settings))
    return same


def _finished(job: Job) -> Counts | None:
    """The counts of the output if it is there and of the same job."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        meta = json.loads(_meta(job).read_text(encoding="utf-8"))
        if job.out.exists() and all(meta[name] == value for name, value in _settings(job).items()):
            return Counts(**{name: meta[name] for name in asdict(Counts())})
    return None


def _meta(job: Job) -> Path:
    return job.out.with_name(job.out.name + ".meta.json")


def _check_settings(parts: Path, job: Job) -> None:
    settings = {"part": PART, **_settings(job)}
    path = _settings_file(parts)
    if not path.exists():
        for left in parts.glob("part-*"):  # of a finished run that was killed while it cleaned up
            left.unlink()
        _replace(path, json.dumps(settings, ensure_ascii=False, indent=2).encode())
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    other = sorted(name for name in {*settings, *before} if settings.get(name) != before.get(name))
    if other:
        raise ScoreError(f"{parts}: holds a stopped run with another {', '.join(other)}; repeat its command or delete the folder")


# ---------------------------------------------------------------------------------------------------------------------
# Parts


def _all_parts(attributor: QuoteAttributor, job: Job, parts: Path) -> Counts:
    """Do what is not done yet, part by part."""
    total = Counts()
    unseen, others = dict.fromkeys(job.keep), dict[str, None]()

    def noted(records: Iterable[Document | Failure]) -> Iterator[Document | Failure]:
        for record in records:
            if unseen and isinstance(record, Document):
                others.update(dict.fromkeys(record.metadata))
                for name in record.metadata:
                    unseen.pop(name, None)
            yield record

    def died(deaths: int) -> None:
        job.say(f"a process died ({deaths} so far); a new one goes on")

    with _ids(parts) as fresh, Workers(attributor, read_batch, job.workers, died) as workers:
        numbered = enumerate(_chunks(noted(_checked(job.corpus, fresh)), PART), 1)
        todo: list[tuple[int, list[Document | Failure]]] = []

        def batches() -> Iterator[list[Document]]:
            for number, records in numbered:
                if (done := _done(parts, number)) is not None:
                    total.add(done)
                    job.resumed.add(done)
                    continue
                todo.append((number, records))
                documents = [record for record in records if isinstance(record, Document)]
                yield from _chunks(documents, BATCH)
                yield []  # the end of a part

        results: list[Document | Failure] = []
        for batch in workers(batches()):
            if batch:
                results += [x if isinstance(x, Document | Failure) else Failure("", x.reason) for x in batch]
                job.watch(_with_part(total, results), job.corpus.done / max(1, job.corpus.size))
                continue
            number, records = todo.pop(0)
            done = _write_part(parts, number, job, list(_in_order(records, results)))
            results = []
            total.add(done)
    if unseen and total.documents:
        there = f"; there is {', '.join(others)}" if others else ""
        job.say(f"no record has the kept column {', '.join(unseen)}{there}")
    return total


def _with_part(total: Counts, results: Sequence[Document | Failure]) -> Counts:
    """The counts so far with those of a part that is not written yet."""
    counts = replace(total)
    counts.add(_count(results))
    return counts


def _count(results: Iterable[Document | Failure]) -> Counts:
    counts = Counts()
    for result in results:
        if isinstance(result, Failure):
            counts.failures += 1
        else:
            counts.documents += 1
            counts.quotes += len(result.quotes)
            counts.speakers += len(result.speakers)
    return counts


def read_batch(attributor: QuoteAttributor, documents: Sequence[Document]) -> list[Document | Failure]:
    """A batch as the attributor reads it; where one text brings a defect to light, the others are read alone."""
    try:
        read = list(attributor.pipe(document.text for document in documents))
    except Exception:
        return [_read_one(attributor, document) for document in documents]
    return [_with_record(own, document) for own, document in zip(read, documents, strict=True)]


def _read_one(attributor: QuoteAttributor, document: Document) -> Document | Failure:
    try:
        return _with_record(attributor(document.text), document)
    except Exception as error:
        return Failure(document.id, f"{type(error).__name__}: {error}".removesuffix(": "))


def _with_record(read: Document, document: Document) -> Document:
    return replace(read, id=document.id, metadata={**document.metadata, **read.metadata})


def _in_order(records: Sequence[Document | Failure], results: Sequence[Document | Failure]) -> Iterator[Document | Failure]:
    """The records with the results in place of the documents; who died without a name gets its own."""
    rest = iter(results)
    for record in records:
        if isinstance(record, Failure):
            yield record
            continue
        result = next(rest)
        yield Failure(record.id, result.reason) if isinstance(result, Failure) else result


@contextmanager
def _ids(parts: Path) -> Iterator[Callable[[str], bool]]:
    """Whether an id is new, asked of a table on the disk: memory does not grow with the corpus."""
    path = parts / "ids.sqlite"
    path.unlink(missing_ok=True)
    table = sqlite3.connect(path, isolation_level=None)
    try:
        table.execute("PRAGMA journal_mode=OFF")
        table.execute("PRAGMA synchronous=OFF")
        table.execute("CREATE TABLE ids (id BLOB PRIMARY KEY) WITHOUT ROWID")
        table.execute("BEGIN")

        def fresh(id: str) -> bool:
            key = sha256(id.encode("utf-8", "surrogatepass")).digest()[:16]
            return table.execute("INSERT OR IGNORE INTO ids VALUES (?)", (key,)).rowcount == 1

        yield fresh
    finally:
        table.close()
        path.unlink(missing_ok=True)


def _checked(records: Iterable[Document | Failure], fresh: Callable[[str], bool]) -> Iterator[Document | Failure]:
    for record in records:
        if isinstance(record, Document) and not fresh(record.id):
            yield Failure(record.id, "this id stands twice in the corpus; the first document has it")
        else:
            yield record


def _chunks(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def _paths(parts: Path, number: int, form: Format) -> tuple[Path, Path, Path]:
    """Data, failures and note of a part."""
    stem = parts / f"part-{number:08}"
    return stem.with_suffix(f".{form}"), stem.with_suffix(".errors"), stem.with_suffix(".json")


def _done(parts: Path, number: int) -> Counts | None:
    with suppress(OSError, ValueError, TypeError):
        return Counts(**json.loads(_paths(parts, number, "jsonl")[2].read_text(encoding="utf-8")))
    return None


def _write_part(parts: Path, number: int, job: Job, results: Sequence[Document | Failure]) -> Counts:
    data, errors, note = _paths(parts, number, job.format)
    failures = [{"id": x.where, "reason": x.reason} for x in results if isinstance(x, Failure)]
    lines = "".join(json.dumps(failure, ensure_ascii=False) + "\n" for failure in failures)
    counts = _count(results)
    _replace(data, _encoded([x for x in results if isinstance(x, Document)], job))
    _replace(errors, lines.encode("utf-8", "backslashreplace"))
    _replace(note, json.dumps(asdict(counts)).encode())
    return counts


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that it is there as a whole or not at all."""
    fresh = path.with_name(path.name + ".tmp")
    with fresh.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    os.replace(fresh, path)


# ---------------------------------------------------------------------------------------------------------------------
# Formats


def _encoded(documents: Sequence[Document], job: Job) -> bytes:
    """Documents as they stand in a part."""
    if job.format == "jsonl":
        lines = (json.dumps(document.to_dict(), ensure_ascii=False, default=str) for document in documents)
        return "".join(line + "\n" for line in lines).encode("utf-8", "backslashreplace")
    from quoteattr.tables import documents_to_arrow, quote_rows

    if job.format == "parquet":
        import pyarrow.parquet as pq

        sink = io.BytesIO()
        pq.write_table(documents_to_arrow(documents, job.keep), sink)
        return sink.getvalue()
    text = io.StringIO(newline="")
    out = csv.writer(text)
    for document in documents:
        out.writerows([as_cell(value) for value in row.values()] for row in quote_rows(document, job.keep))
    return text.getvalue().encode("utf-8", "backslashreplace")


def _finish(job: Job, parts: Path, counts: Counts) -> None:
    """Make the output of the parts."""
    numbers = range(1, sum(1 for _ in parts.glob("part-*.json")) + 1)
    fresh = job.out.with_name(job.out.name + ".tmp")
    if job.format == "parquet":
        _join_parquet(fresh, [_paths(parts, number, job.format)[0] for number in numbers], job)
    else:
        with fresh.open("wb") as out:
            if job.format == "csv":
                from quoteattr.tables import COLUMNS

                header = io.StringIO(newline="")
                csv.writer(header).writerow(map(as_cell, (*COLUMNS, *job.keep)))
                out.write(header.getvalue().encode("utf-8", "backslashreplace"))
            for number in numbers:
                with _paths(parts, number, job.format)[0].open("rb") as part:
                    shutil.copyfileobj(part, out)
            out.flush()
            os.fsync(out.fileno())
    errors = job.out.with_name(job.out.name + ".errors.jsonl")
    if counts.failures:
        with errors.with_name(errors.name + ".tmp").open("wb") as out:
            for number in numbers:
                out.write(_paths(parts, number, job.format)[1].read_bytes())
        os.replace(errors.with_name(errors.name + ".tmp"), errors)
    else:
        errors.unlink(missing_ok=True)
    facts = {"quoteattr": __version__, **_settings(job), **asdict(counts), "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
    _replace(_meta(job), json.dumps(facts, ensure_ascii=False, indent=2).encode())
    os.replace(fresh, job.out)


def _join_parquet(target: Path, paths: Sequence[Path], job: Job) -> None:
    import pyarrow.parquet as pq

    from quoteattr.tables import schema

    named = schema(job.keep).with_metadata({f"quoteattr.{name}": str(value) for name, value in job.facts.items()})
    with pq.ParquetWriter(target, named) as out:
        for path in paths:
            table = pq.read_table(path)
            if table.num_rows:
                out.write_table(table.replace_schema_metadata(named.metadata))
