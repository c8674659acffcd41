"""Files of one format to files of another: what ``quoteattr convert`` does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from quoteattr.convert import brat, label_studio, web_annotation
from quoteattr.corpus import STDIN, Columns, Corpus, Failure, find_corpus, read_gold
from quoteattr.schema import Document
from quoteattr.standoff import StandoffError, read_records, rebuild, without_text

Input = Literal["jsonl", "label-studio", "brat"]
Output = Literal["jsonl", "label-studio", "brat", "web-annotation", "standoff"]

_READERS: Mapping[Input, Callable[[str], Iterator[Document | Failure]]] = {
    "jsonl": read_gold,
    "label-studio": label_studio.read_tasks,
    "brat": brat.read_folder,
}


def convert(inputs: Iterable[str], source: Input | None, target: Output, out: Path) -> Iterator[Document | Failure]:
    """Write the documents of some files in a format; yields each that was written, and each that could not be read or written
    with the reason. Without a ``source``, the format of each input is found by `format_of`. Raises `OSError` where ``out``
    can't be written."""
    failures: list[Failure] = []

    def documents() -> Iterator[Document]:
        for name in inputs:
            for item in _READERS[source or format_of(name)](name):
                if isinstance(item, Failure):
                    failures.append(item)
                else:
                    yield item

    for result in _WRITERS[target](documents(), out):
        yield from failures
        failures.clear()
        yield result
    yield from failures


def restore(names: Iterable[str], corpus: Iterable[str], out: Path) -> Iterator[Document | Failure]:
    """Write the documents of standoff files with the texts of a corpus (files, folders, patterns) as JSON lines; yields what was
    written and what could not be. Raises `OSError` where ``out`` can't be written."""
    read = [record for name in names for record in read_records(name)]
    records = [record for record in read if not isinstance(record, Failure)]
    found = list(rebuild(records, Corpus(list(find_corpus(list(corpus))), Columns())))
    yield from (record for record in read if isinstance(record, Failure))
    yield from _write_lines([item for item in found if isinstance(item, Document)], out)
    yield from (item for item in found if isinstance(item, Failure))


def format_of(name: str) -> Input:
    """The format of a file or folder: a folder is brat's, a file that begins with a list one of Label Studio's, any other JSON
    lines."""
    path = Path(name)
    if name != STDIN and path.is_dir():
        return "brat"
    if name != STDIN and path.is_file():
        with path.open("rb") as stream:
            if stream.read(256).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
                return "label-studio"
    return "jsonl"


def _write_standoff(documents: Iterable[Document], out: Path) -> Iterator[Document | Failure]:
    with out.open("w", encoding="utf-8", newline="\n") as stream:
        for document in documents:
            try:
                record = without_text(document)
            except StandoffError as error:
                yield Failure(document.id, str(error))
                continue
            stream.write(json.dumps(record, ensure_ascii=False) + "\n")
            yield document


def _write_lines(documents: Iterable[Document], out: Path) -> Iterator[Document]:
    with out.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
        for document in documents:
            stream.write(json.dumps(document.to_dict(), ensure_ascii=False) + "\n")
            yield document


_WRITERS: Mapping[Output, Callable[[Iterable[Document], Path], Iterator[Document | Failure]]] = {
    "jsonl": _write_lines,
    "label-studio": label_studio.write_tasks,
    "brat": brat.write_folder,
    "web-annotation": web_annotation.write_collection,
    "standoff": _write_standoff,
}
