"""Files to documents: text files, JSON lines, CSV and Parquet tables, folders and standard input, compressed or not.

What can't be read is a value too (`Failure`), so that one bad file, line or row never stops the others.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from glob import glob, has_magic
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from quoteattr.schema import Document, SchemaError

if TYPE_CHECKING:  # imported where a table is read: reading text does without
    import pyarrow as pa

STDIN = "-"
_SUFFIXES = (".txt", ".jsonl")
_TABLES = (".csv", ".parquet")
_PACKED = (".gz", ".zst")
_LONGEST_FIELD = 100_000_000
"""Characters of a field of CSV, beyond which its closing mark is taken to be missing."""
_ROWS = 512
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
_ANNOTATIONS = ("speakers", "quotes", "rejected")
_BEGINS_AS_ARRAY = re.compile(rb"\s*\[\s*(?:\{|$)")
_FILES = {b"%PDF": "PDF", b"PK\x03\x04": "Word or ZIP", b"PAR1": "Parquet", b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
"""How files begin that are no text."""
_BEGINS_AS_OBJECT = re.compile(rb'\s*\{\s*["}]')
_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Failure:
    """A file or line that could not be read, or a document that could not be done.

    >>> print(Failure("news.jsonl:3", "not JSON"))
    news.jsonl:3: not JSON
    """

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


@dataclass(frozen=True, slots=True)
class NoColumn(Failure):
    """A table or a record that has no field of the name under which texts are looked for."""


def find_files(inputs: Iterable[str]) -> Iterator[str | Failure]:
    """The files that the inputs name: a file (or ``-``) itself, a folder the .txt and .jsonl files below it, sorted."""
    for name in inputs:
        if not os.path.isdir(name):
            yield name
            continue
        found = [path for path in Path(name).rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file()]
        if found:
            yield from map(str, sorted(found))
        else:
            yield Failure(name, "no .txt or .jsonl file in this folder")


def find_corpus(inputs: Iterable[str]) -> Iterator[str | Failure]:
    """The files of a corpus: what `find_files` finds, and tables and compressed files; a pattern (``2026-*.parquet``) names all
    files that fit, sorted."""
    for name in inputs:
        if os.path.isdir(name):
            found = [path for path in Path(name).rglob("*") if _kind(str(path)) in (*_SUFFIXES, *_TABLES) and path.is_file()]
            if not found:
                yield Failure(name, "no .txt, .jsonl, .csv or .parquet file in this folder, compressed or not")
            yield from map(str, sorted(found))
        elif name != STDIN and not os.path.exists(name) and has_magic(name):
            matches = sorted(glob(name, recursive=True))
            if not matches:
                yield Failure(name, "no file fits this pattern")
            yield from matches
        else:
            yield name


def _kind(name: str) -> str:
    """The suffix of a file without that of its compression."""
    stem, suffix = os.path.splitext(name.lower())
    return os.path.splitext(stem)[1] if suffix in _PACKED else suffix


@dataclass(frozen=True, slots=True)
class Columns:
    """Which fields of a record hold its text and its id."""

    text: str = "text"
    id: str = "id"


class Corpus:
    """The documents of some files, in order, without quotes; the other fields of a record are metadata.

    ``size`` counts the bytes of the files as they lie on the disk, ``done`` those read so far.
    """

    def __init__(self, files: Sequence[str | Failure], columns: Columns) -> None:
        self._files = files
        self._columns = columns
        self.size = sum(_size(name) for name in files if isinstance(name, str))
        self.done = 0

    def __iter__(self) -> Iterator[Document | Failure]:
        for name in self._files:
            before = self.done
            if isinstance(name, Failure):
                yield name
                continue
            size = _size(name)
            yield from self._read(name)
            self.done = before + _size(name)
            if _size(name) < size:
                yield Failure(name, f"became shorter while it was read: {size:,} bytes, then {_size(name):,}")

    def lacks_text(self) -> Failure | None:
        """That no record of the first file has the column of the text, if it is so. Standard input is not looked into."""
        name = next((name for name in self._files if isinstance(name, str)), STDIN)
        if name == STDIN:
            return None
        first: Failure | None = None
        for item in self._read(name):
            if not isinstance(item, NoColumn):
                first = None
                break
            first = first or item
        self.done = 0
        return first

    def _read(self, name: str) -> Iterator[Document | Failure]:
        kind = _kind(name)
        try:
            if kind == ".parquet":
                yield from self._parquet(name)
            elif kind == ".csv":
                yield from self._csv(name)
            elif kind == ".txt" and name.lower().endswith(kind):
                yield from read_texts(name)
            else:
                yield from self._lines(name)
        except OSError as error:
            yield Failure(name, (error.strerror or str(error)).lower())

    @contextmanager
    def _opened(self, name: str) -> Iterator[Iterator[bytes]]:
        """The lines of a file, unpacked; `done` follows the bytes read."""
        import pyarrow as pa

        if name == STDIN:
            yield iter(sys.stdin.buffer)
            return
        begun = self.done
        with open(name, "rb") as raw:
            packed = name.lower().endswith(_PACKED)
            form = "zstd" if name.lower().endswith(".zst") else "gzip"
            stream = io.BufferedReader(pa.CompressedInputStream(raw, form)) if packed else raw

            def lines() -> Iterator[bytes]:
                for line in stream:
                    self.done = begun + raw.tell() if packed else self.done + len(line)
                    yield line

            yield lines()

    def _lines(self, name: str) -> Iterator[Document | Failure]:
        shown = "stdin" if name == STDIN else name
        empty = True
        with self._opened(name) as lines:
            for item in _documents(lines, shown, self._columns):
                empty = False
                yield item
        if empty:
            yield Failure(shown, "empty")

    def _csv(self, name: str) -> Iterator[Document | Failure]:
        csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_FIELD))  # of the process: never less than somebody else set
        with self._opened(name) as lines:
            text = (line.decode("utf-8-sig" if n == 0 else "utf-8", "surrogateescape") for n, line in enumerate(lines))
            rows = csv.DictReader(text, strict=True)
            try:
                header = rows.fieldnames
            except csv.Error as error:
                yield Failure(f"{name}:1", f"not CSV: {error}")
                return
            wrong = _wrong_header(name, header, self._columns)
            if wrong is not None:
                yield wrong
                return
            number = 1
            while True:
                number += 1
                try:
                    row = next(rows, None)
                except csv.Error as error:
                    yield Failure(f"{name}:{number}", f"not CSV: {error}")
                    continue
                if row is None:
                    return
                row.pop(None, None)
                yield document_of(row, f"{name}:{number}", self._columns)

    def _parquet(self, name: str) -> Iterator[Document | Failure]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        begun, size = self.done, os.path.getsize(name)
        try:
            with pq.ParquetFile(name) as table:
                number = 0
                wrong = _wrong_header(name, table.schema_arrow.names, self._columns)
                if wrong is not None:
                    yield wrong
                    return
                for batch in table.iter_batches(_ROWS):
                    for row in rows_of(batch):
                        number += 1
                        yield document_of(row, f"{name}:{number}", self._columns)
                    self.done = begun + size * number // max(1, table.metadata.num_rows)
        except pa.ArrowException as error:
            yield Failure(name, f"not readable as Parquet: {str(error).splitlines()[0]}")


def _size(name: str) -> int:
    return os.path.getsize(name) if os.path.isfile(name) else 0


def _wrong_header(where: str, names: Sequence[str] | None, columns: Columns) -> Failure | None:
    """Why a table with these columns holds no texts.

    >>> print(_wrong_header("news.csv", ["url", "body"], Columns()))
    news.csv: no column 'text'; its header has 'url', 'body': name the one of the text (--text-column)
    """
    if not names:
        return Failure(where, "empty")
    if columns.text in names:
        return None
    if names[0].startswith("\udcff\udcfe") or names[0].startswith("\udcfe\udcff"):
        return Failure(where, _not_utf8("UTF-16"))
    shown = ", ".join(repr(name if len(name) <= 30 else f"{name[:30]}…") for name in names[:8])
    return NoColumn(where, f"no column {columns.text!r}; its header has {shown}: name the one of the text (--text-column)")


def rows_of(table: pa.Table | pa.RecordBatch) -> list[dict[str, Any]]:
    """The rows of an Arrow table. Bytes of a text that are no UTF-8 become lone surrogates, any other value that Python can't
    hold (a date beyond the year 9999) becomes ``None``."""
    try:
        rows: list[dict[str, Any]] = table.to_pylist()
    except (ValueError, OverflowError):
        values = ([_value(scalar) for scalar in column] for column in table.columns)
        rows = [dict(zip(table.schema.names, row, strict=True)) for row in zip(*values, strict=True)]
    return rows


def _value(scalar: pa.Scalar) -> Any:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return scalar.as_buffer().to_pybytes().decode("utf-8", "surrogateescape") if hasattr(scalar, "as_buffer") else None


def document_of(row: Mapping[str, Any], where: str, columns: Columns) -> Document | Failure:
    """A row of a table as a document without annotations, called ``where`` if it has no id.

    Refused are a text that is none and one that is not UTF-8 (with lone surrogates, as `rows_of` gives it).

    >>> document_of({"id": 7, "text": "نعم", "date": "2026-01-05"}, "news.csv:2", Columns())
    Document(text='نعم', id='7', speakers=(), quotes=(), rejected=(), metadata={'date': '2026-01-05'})
    >>> print(document_of({"text": None}, "news.csv:2", Columns()))
    news.csv:2: 'text' must be a string, not NoneType
    """
    text = row.get(columns.text)
    if isinstance(text, str) and any("\udc80" <= c <= "\udcff" for c in text):
        return Failure(where, f"{columns.text!r} is not UTF-8 text")
    return _from_record(row, where, columns)


def _from_record(record: Mapping[str, Any], where: str, columns: Columns) -> Document | Failure:
    """A record of a corpus as a document without annotations."""
    if columns.text not in record:
        others = f"; there is only {', '.join(map(repr, record))}" if record else ""
        return NoColumn(where, f"{columns.text!r} must be a string, not NoneType{others}")
    rest = {key: value for key, value in record.items() if key not in (*_ANNOTATIONS, columns.text, columns.id)}
    own = record.get(columns.id)
    try:
        return Document.from_dict({**rest, "id": where if own is None or own == "" else own, "text": record[columns.text]})
    except SchemaError as error:
        return Failure(own if isinstance(own, str) and own else where, str(error))


def as_cell(value: Any) -> Any:
    """A value for CSV that no spreadsheet takes for a formula: text that begins like one gets an apostrophe.

    >>> as_cell("=1+1"), from_cell(as_cell("=1+1")), as_cell(-1)
    ("'=1+1", '=1+1', -1)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value


def from_cell(value: str) -> str:
    """The text of a cell that `as_cell` wrote."""
    return value[1:] if value.startswith("'") and value[1:].startswith(_FORMULAS) else value


def read_texts(name: str) -> Iterator[Document | Failure]:
    """The texts of a file as documents without quotes, each read when it is asked for.

    A .txt file is one document; a .jsonl file has one a line, of which text, id and metadata are kept and annotations
    are not. Anything else, and ``-`` for standard input, is JSON lines where it begins as a JSON object, otherwise one
    text. A document without an id gets the name of its file, with the line number in JSON lines. A byte order mark is
    left out; line ends stay as they are.
    """
    return _read(name, gold=False)


def read_gold(name: str) -> Iterator[Document | Failure]:
    """The annotated documents of a file of JSON lines; `Document.from_dict` says what is refused."""
    return _read(name, gold=True)


def read_text(name: str) -> str | Failure:
    """The text of a file, or of standard input for ``-``, as it lies there, a byte order mark included."""
    shown = "stdin" if name == STDIN else name
    try:
        data = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
    except OSError as error:
        return Failure(shown, (error.strerror or str(error)).lower())
    text = _decode(data, shown)
    return "\ufeff" + text if isinstance(text, str) and data.startswith(_BOM) else text


def read_json(name: str) -> Any | Failure:
    """What a JSON file holds."""
    text = read_text(name)
    return text if isinstance(text, Failure) else _parsed(text.removeprefix("\ufeff"), "stdin" if name == STDIN else name)


def _read(name: str, gold: bool) -> Iterator[Document | Failure]:
    shown = "stdin" if name == STDIN else name
    suffix = os.path.splitext(name)[1].lower()
    try:
        with nullcontext(sys.stdin.buffer) if name == STDIN else open(name, "rb") as stream:
            lines = _first_lines(stream)
            head = b"".join(lines).removeprefix(_BOM)
            if not head.strip():
                yield Failure(shown, "empty")
            elif suffix in _TABLES and not gold:
                yield Failure(shown, f"a table; 'quoteattr score {shown} -o OUT' reads it")
            elif (
                gold
                or suffix == ".jsonl"
                or (suffix != ".txt" and (_BEGINS_AS_OBJECT.match(head) or _BEGINS_AS_ARRAY.match(head)))
            ):
                yield from _documents(chain(lines, stream), shown, None if gold else Columns())
            else:
                text = _decode(b"".join(chain(lines, stream)), shown)
                yield text if isinstance(text, Failure) else Document(text, shown)
    except OSError as error:
        yield Failure(shown, (error.strerror or str(error)).lower())


def _first_lines(stream: BinaryIO) -> list[bytes]:
    """The lines up to the first that is not blank."""
    lines = []
    for line in stream:
        lines.append(line)
        if line.removeprefix(_BOM).strip():
            break
    return lines


def _documents(lines: Iterable[bytes], shown: str, columns: Columns | None) -> Iterator[Document | Failure]:
    """The documents of lines of JSON: records of a corpus, or annotated ones where there are no ``columns``."""
    offset = 0
    for number, line in enumerate(lines, 1):
        if number == 1 and _BEGINS_AS_ARRAY.match(line.removeprefix(_BOM)):
            yield Failure(shown, "a JSON array, not one JSON object a line; convert it, for example with: jq -c '.[]' FILE")
            return
        text = _decode(line, shown, offset)
        offset += len(line)
        if not isinstance(text, Failure):
            if text.strip():
                yield _document(text.rstrip(), f"{shown}:{number}", columns)
        elif number == 1:  # not a damaged line but a file in another encoding
            yield text
            return
        else:
            yield Failure(f"{shown}:{number}", text.reason)


def _parsed(text: str, where: str) -> Any | Failure:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        return Failure(where, f"not JSON (column {error.colno}): {error.msg}; every line must be one JSON object")
    except (ValueError, RecursionError) as error:
        return Failure(where, f"not readable as JSON: {error}")


def _document(line: str, where: str, columns: Columns | None) -> Document | Failure:
    record = _parsed(line, where)
    if isinstance(record, Failure):
        return record
    if columns is not None and isinstance(record, dict):
        return _from_record(record, where, columns)
    try:
        return Document.from_dict(record)
    except SchemaError as error:
        return Failure(where, str(error))


def _decode(data: bytes, shown: str, offset: int = 0) -> str | Failure:
    """UTF-8 bytes that stand ``offset`` bytes into a file as text, or where they fail and how to convert them."""
    start = len(_BOM) if offset == 0 and data.startswith(_BOM) else 0
    kind = next((kind for begin, kind in _FILES.items() if offset == 0 and data.startswith(begin)), None)
    if kind is not None:
        return Failure(shown, f"a {kind} file, not plain text; save its text as UTF-8 first")
    if offset == 0 and not data.startswith(_UTF16_BOMS) and sum(byte < 8 for byte in data[:1000]) > len(data[:1000]) / 4:
        return Failure(shown, _not_utf8("UTF-16"))
    try:
        return data[start:].decode("utf-8")
    except UnicodeDecodeError as error:
        at = start + error.start
        encoding = "UTF-16" if offset == 0 and data.startswith(_UTF16_BOMS) else "WINDOWS-1256"
        return Failure(shown, _not_utf8(encoding, f" (byte 0x{data[at]:02X} at offset {offset + at})"))


def _not_utf8(encoding: str, where: str = "") -> str:
    return f"not UTF-8 text{where}; convert it first, for example with: iconv -f {encoding} -t UTF-8 FILE"
