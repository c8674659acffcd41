"""brat: a document as a text file, a file of standoff annotations and its record, and back when the annotations were edited.

A folder of documents is one that brat can serve: each has NAME.txt, its text, NAME.ann, its marks as text-bound annotations, its
links as relations, speakers as notes and their kinds as attributes, and NAME.json, its record, which brat leaves alone.
``annotation.conf`` says what there is to annotate. Offsets are code points, as in Python; so that no program counts a line break
otherwise, each one in NAME.txt is a line feed, the one of Windows with a space before it.

brat keeps every annotation on one line, so a mark that runs over line breaks becomes one of several fragments:

>>> quote = {"id": "Q1", "type": "direct", "cue": [0, 3], "content": [5, 12]}
>>> document = Document.from_dict({"text": "قال: نعم\\nنعم", "quotes": [quote]})
>>> [line.split("\\t") for line in standoff(document).splitlines()]
[['T1', 'direct 5 8;9 12', 'نعم نعم'], ['T2', 'cue 0 3', 'قال'], ['R1', 'cue_of Arg1:T1 Arg2:T2']]
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from quoteattr.convert.marks import LABELS, Mark, MarkError, Marks, corrected, marks_of, with_speakers
from quoteattr.corpus import Failure, read_json, read_text
from quoteattr.schema import QUOTE_TYPES, SPEAKER_KINDS, Document, SchemaError

_CONTENT = "|".join(QUOTE_TYPES)
CONFIGURATION = f"""\
[entities]
{chr(10).join(LABELS)}

[relations]
cue_of\tArg1:{_CONTENT}, Arg2:cue
source_of\tArg1:{_CONTENT}, Arg2:source
inside\tArg1:{_CONTENT}, Arg2:{_CONTENT}
<OVERLAP>\tArg1:<ENTITY>, Arg2:<ENTITY>, <OVL-TYPE>:<ANY>

[events]

[attributes]
kind\tArg:{_CONTENT}, Value:{"|".join(SPEAKER_KINDS)}
"""
"""What goes into ``annotation.conf``."""

_BREAKS = re.compile(r"\n+")
_ODD_BREAKS = re.compile("\r(?!\n)|[\v\f\x1c-\x1e\x85\u2028\u2029]")
_TEXT_BOUND = re.compile(r"(\S+) (\d+ \d+(?:;\d+ \d+)*)")
_RELATION = re.compile(r"\S+ Arg1:(\S+) Arg2:(\S+)\s*")


def write_folder(documents: Iterable[Document], out: Path) -> Iterator[Document | Failure]:
    """Write a new folder of documents for brat, numbered in their order; yields what became of each. Raises `OSError` where
    it is there already, lest what people annotated in it is lost, or can't be written."""
    out.mkdir(parents=True)
    (out / "annotation.conf").write_text(CONFIGURATION, encoding="utf-8")
    for number, document in enumerate(documents, 1):
        try:
            text, annotated = _in_lines(document.text).encode(), standoff(document).encode()
        except MarkError as error:
            yield Failure(document.id, str(error))
            continue
        except UnicodeEncodeError:
            yield Failure(document.id, "has lone surrogates, which a text file can't hold")
            continue
        path = out / f"{number:06d}"
        path.with_suffix(".txt").write_bytes(text)
        path.with_suffix(".ann").write_bytes(annotated)
        record = json.dumps(document.to_dict(), ensure_ascii=False) + "\n"
        path.with_suffix(".json").write_text(record, encoding="utf-8", errors="backslashreplace")
        yield document


def read_folder(name: str) -> Iterator[Document | Failure]:
    """The documents of a folder as their annotations are now, in the order of their names."""
    paths = sorted(Path(name).rglob("*.ann"))
    if not paths:
        yield Failure(name, "no .ann file in this folder")
    yield from map(read_annotated, paths)


def read_annotated(path: Path) -> Document | Failure:
    """The document of a .ann file, whose text lies beside it. Without a record beside it, all quotes in it are new."""
    text, annotated = (read_text(str(path.with_suffix(suffix))) for suffix in (".txt", ".ann"))
    if isinstance(text, Failure):
        return text
    if isinstance(annotated, Failure):
        return annotated
    record: Any = {"id": path.stem, "text": text}
    if path.with_suffix(".json").exists():
        record = read_json(str(path.with_suffix(".json")))
        if isinstance(record, Failure):
            return record
    try:
        document = Document.from_dict(record)
        if _in_lines(document.text) != _in_lines(text):
            raise MarkError(f"the text of {path.stem}.txt is not that of {path.stem}.json any more")
        return corrected(document, _marks(annotated.removeprefix("\ufeff"), document))
    except (MarkError, SchemaError) as error:
        return Failure(str(path), str(error))


# ---------------------------------------------------------------------------------------------------------------------
# To standoff


def standoff(document: Document) -> str:
    """The marks of a document in brat's standoff format. Raises `MarkError` for a mark that covers no text."""
    marks = marks_of(document)
    ends = {mark.id: "inside" if mark.is_content else f"{mark.label}_of" for mark in marks.marks}
    text = _in_lines(document.text)
    lines = [_text_bound(mark, text) for mark in marks.marks]
    lines += [f"R{n}\t{ends[end]} Arg1:{start} Arg2:{end}" for n, (start, end) in enumerate(marks.links, 1)]
    named = [mark for mark in marks.marks if mark.kind is not None]
    lines += [f"A{n}\tkind {mark.id} {mark.kind}" for n, mark in enumerate(named, 1)]
    lines += [f"#{n}\tAnnotatorNotes {mark.id}\t{mark.speaker}" for n, mark in enumerate(named, 1)]
    return "".join(f"{line}\n" for line in lines)


def _in_lines(text: str) -> str:
    """A text of the same length whose only line breaks are line feeds.

    >>> _in_lines("قال\\r\\nنعم\\r")
    'قال \\nنعم\\n'
    """
    return _ODD_BREAKS.sub("\n", text).replace("\r\n", " \n")


def _text_bound(mark: Mark, text: str) -> str:
    fragments = _fragments(text, mark.start, mark.end)
    places = ";".join(f"{start} {end}" for start, end in fragments)
    return f"{mark.id}\t{mark.label} {places}\t{_reference(text, fragments)}"


def _fragments(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """A stretch of a text in pieces without line breaks.

    >>> _fragments("قال\\n\\nنعم\\n", 0, 9)
    [(0, 3), (5, 8)]
    """
    edges = [start, *(edge for match in _BREAKS.finditer(text, start, end) for edge in match.span()), end]
    return [(edges[n], edges[n + 1]) for n in range(0, len(edges), 2) if edges[n] < edges[n + 1]]


def _reference(text: str, fragments: Sequence[tuple[int, int]]) -> str:
    """The words of an annotation as its line repeats them."""
    return " ".join(text[start:end] for start, end in fragments)


# ---------------------------------------------------------------------------------------------------------------------
# From standoff


def _marks(annotated: str, document: Document) -> Marks:
    """The marks in a file of annotations. Annotations of other types, which a project may have too, are left out."""
    marks: dict[str, Mark] = {}
    links: list[tuple[str, str]] = []
    speakers: dict[str, str] = {}
    kinds: dict[str, str] = {}
    text = _in_lines(document.text)
    given = {mark.id: mark for mark in marks_of(document).marks}
    for line in filter(None, map(str.rstrip, annotated.split("\n"))):
        id, _, rest = line.partition("\t")
        data, _, tail = rest.partition("\t")
        if id.startswith("T"):
            if id in marks:
                raise MarkError(f"the id {id} stands twice")
            if data.partition(" ")[0] in LABELS:
                marks[id] = _mark(id, data, tail, text, given)
        elif id.startswith("R"):
            if (relation := _RELATION.fullmatch(data)) is None:
                raise MarkError(f"no relation with Arg1 and Arg2: {line!r}")
            links.append((relation[1], relation[2]))
        elif id.startswith(("A", "M")) and data.startswith("kind "):
            _once(kinds, *(*data.split(), "", "")[1:3])
        elif id.startswith("#") and data.startswith("AnnotatorNotes "):
            _once(speakers, (*data.split(), "")[1], tail)
    whole = with_speakers(marks.values(), speakers, kinds)
    return Marks(whole, tuple(link for link in links if set(link) <= set(marks)))


def _once(values: dict[str, str], id: str, value: str) -> None:
    """Note what is said of an annotation, where nothing else was said of it."""
    if values.setdefault(id, value) != value:
        raise MarkError(f"{id} is both {values[id]} and {value}")


def _mark(id: str, data: str, said: str, text: str, given: dict[str, Mark]) -> Mark:
    """The mark of a text-bound annotation. Where it stands in the place of the document's own mark of that id, it is this one, so
    that line breaks at its edges, which fragments leave out, are not lost."""
    parsed = _TEXT_BOUND.fullmatch(data)
    if parsed is None:
        raise MarkError(f"{id}: no type with offsets: {data!r}")
    fragments = [(int(start), int(end)) for start, end in (pair.split(" ") for pair in parsed[2].split(";"))]
    places = sorted(fragments)
    if not all(0 <= start < end <= len(text) for start, end in places):
        raise MarkError(f"{id}: the offsets {parsed[2]} do not fit a text of {len(text)} characters")
    if "".join(said.split()) != "".join("".join(text[start:end] for start, end in fragments).split()):
        raise MarkError(f"{id} is «{said}» in the annotation and «{_reference(text, fragments)}» in the text")
    for (_, end), (start, _) in pairwise(places):
        if text[end:start].strip():
            raise MarkError(f"{id} leaves out «{text[end:start]}» in its middle, which no quote can")
    start, end = places[0][0], max(end for _, end in places)
    own = given.get(id)
    if own is not None and _fragments(text, own.start, own.end) == _fragments(text, start, end):
        start, end = own.start, own.end
    return Mark(id, parsed[1], start, end)
