"""Files to documents: text files, JSON lines, folders and standard input.

What can't be read is a value too (`Failure`), so that one bad file or line never stops the others.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from quoteattr.schema import Document, SchemaError

STDIN = "-"
_SUFFIXES = (".txt", ".jsonl")
_ANNOTATIONS = ("speakers", "quotes", "rejected")
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


def _read(name: str, gold: bool) -> Iterator[Document | Failure]:
    shown = "stdin" if name == STDIN else name
    suffix = os.path.splitext(name)[1].lower()
    try:
        with nullcontext(sys.stdin.buffer) if name == STDIN else open(name, "rb") as stream:
            lines = _first_lines(stream)
            head = b"".join(lines).removeprefix(_BOM)
            if not head.strip():
                yield Failure(shown, "empty")
            elif gold or suffix == ".jsonl" or (suffix != ".txt" and _BEGINS_AS_OBJECT.match(head)):
                yield from _documents(chain(lines, stream), shown, gold)
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


def _documents(lines: Iterable[bytes], shown: str, gold: bool) -> Iterator[Document | Failure]:
    offset = 0
    for number, line in enumerate(lines, 1):
        text = _decode(line, shown, offset)
        offset += len(line)
        if not isinstance(text, Failure):
            if text.strip():
                yield _document(text.rstrip(), f"{shown}:{number}", gold)
        elif number == 1:  # not a damaged line but a file in another encoding
            yield text
            return
        else:
            yield Failure(f"{shown}:{number}", text.reason)


def _document(line: str, where: str, gold: bool) -> Document | Failure:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        return Failure(where, f"not JSON (column {error.colno}): {error.msg}")
    except (ValueError, RecursionError) as error:
        return Failure(where, f"not readable as JSON: {error}")
    if isinstance(record, dict) and not gold:
        record = {"id": where, **{key: value for key, value in record.items() if key not in _ANNOTATIONS}}
    try:
        return Document.from_dict(record)
    except SchemaError as error:
        return Failure(where, str(error))


def _decode(data: bytes, shown: str, offset: int = 0) -> str | Failure:
    """UTF-8 bytes that stand ``offset`` bytes into a file as text, or where they fail and how to convert them."""
    start = len(_BOM) if offset == 0 and data.startswith(_BOM) else 0
    try:
        return data[start:].decode("utf-8")
    except UnicodeDecodeError as error:
        at = start + error.start
        encoding = "UTF-16" if offset == 0 and data.startswith(_UTF16_BOMS) else "WINDOWS-1256"
        return Failure(
            shown,
            f"not UTF-8 text (byte 0x{data[at]:02X} at offset {offset + at}); "
            f"convert it first, for example with: iconv -f {encoding} -t UTF-8 FILE",
        )
