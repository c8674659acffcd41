"""Annotations without their texts: offsets and hashes, to publish what may be published, and to put it back on one's own copy.

News belongs to its publishers, annotations to those who made them. A standoff record holds the spans of a document, the
SHA-256 of its text, and no word of it: names and aliases of speakers are offsets too. Whoever has the text, under any id,
gets the annotated document again, checked character by character.

>>> record = {"id": "1", "text": "قال علي: نعم", "speakers": [{"id": "S1", "name": "علي", "mentions": [[4, 7]]}], "quotes": [
...     {"id": "Q1", "type": "direct", "cue": [0, 3], "source": [4, 7], "content": [9, 12], "speaker": "S1"}]}
>>> document = Document.from_dict(record)
>>> standoff = without_text(document)
>>> standoff["speakers"][0]["name"], "علي" in str(standoff)
([4, 7], False)
>>> [found] = rebuild([standoff], [Document("قال علي: نعم", "another id")])
>>> found == document
True
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from quoteattr.corpus import Failure
from quoteattr.schema import Document, SchemaError

FORMAT = 1
"""Of the records; one of a later format is refused."""


class StandoffError(ValueError):
    """A document can't be given away without its text; the message says why."""


def text_hash(text: str) -> str:
    """The hash that stands for a text: SHA-256 of its UTF-8 form, in hexadecimal."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def without_text(document: Document, keep: Sequence[str] = ()) -> dict[str, Any]:
    """The standoff record of an annotated document, with the fields of its metadata that ``keep`` names.

    Raises `StandoffError` where a speaker's name or alias does not stand in the text: it would have to be published as it is.
    """
    text = document.text
    record: dict[str, Any] = {
        "standoff": FORMAT,
        "id": document.id,
        "sha256": text_hash(text),
        "characters": len(text),
        **{name: document.metadata[name] for name in keep if name in document.metadata},
        "speakers": [],
        "quotes": [replace(quote, evidence=None).to_dict() for quote in document.quotes],  # evidence names speakers
    }
    for speaker in document.speakers:
        places = {name: _place(text, name, document.id) for name in (speaker.name, *speaker.aliases)}
        own = speaker.to_dict()
        record["speakers"].append({**own, "name": places[speaker.name], "aliases": [places[name] for name in speaker.aliases]})
    return record


def _place(text: str, name: str, id: str) -> list[int]:
    start = text.find(name)
    if start < 0 or not name:
        raise StandoffError(f"document {id!r}: the name {name!r} does not stand in the text and would have to be published")
    return [start, start + len(name)]


def read_records(name: str) -> Iterator[dict[str, Any] | Failure]:
    """The standoff records of a file of JSON lines; a line that is none is a `Failure`."""
    try:
        with open(name, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    record = json.loads(line)
                except ValueError:
                    record = None
                if isinstance(record, dict) and "standoff" in record:
                    yield record
                elif line.strip():
                    yield Failure(f"{name}:{number}", "no standoff record: 'quoteattr convert --to standoff' makes them")
    except (OSError, UnicodeDecodeError) as error:
        yield Failure(name, str(error.strerror).lower() if isinstance(error, OSError) else "not UTF-8 text")


def rebuild(records: Iterable[Mapping[str, Any]], texts: Iterable[Document | Failure]) -> Iterator[Document | Failure]:
    """The annotated documents of standoff records on somebody's own texts, in the order of the records.

    A text is known by its hash, whatever its id is. A record whose text is not there is a `Failure` that says whether a text of
    its id is there that was altered (with both lengths) or none at all.
    """
    wanted = list(records)
    hashes = {record["sha256"] for record in wanted if isinstance(record.get("sha256"), str)}
    ids = {str(record.get("id")) for record in wanted}
    found: dict[str, str] = {}
    others: dict[str, int] = {}
    for item in texts:
        if isinstance(item, Failure):
            continue
        key = text_hash(item.text)
        if key in hashes:
            found[key] = item.text
        elif item.id in ids:
            others[item.id] = len(item.text)
    for number, record in enumerate(wanted, 1):
        yield _rebuilt(record, f"record {number}", found, others)


def _rebuilt(record: Mapping[str, Any], where: str, found: Mapping[str, str], others: Mapping[str, int]) -> Document | Failure:
    id = str(record.get("id"))
    if record.get("standoff") != FORMAT:
        return Failure(where, f"has the standoff format {record.get('standoff')!r}; this version reads {FORMAT}")
    text = found.get(str(record.get("sha256")))
    if text is None and id in others:
        size = record.get("characters")
        sizes = f"{others[id]:,} characters instead of {f'{size:,}' if isinstance(size, int) else size}"
        return Failure(id, f"its text was altered: {sizes}, or other ones")
    if text is None:
        return Failure(id, "its text is missing: neither its hash nor its id is in the corpus")
    try:
        return Document.from_dict({**_plain(record, text), "text": text})
    except (SchemaError, TypeError, ValueError, KeyError) as error:
        return Failure(id, str(error))


def _plain(record: Mapping[str, Any], text: str) -> dict[str, Any]:
    """The record as the document format has it: names as strings, and nothing that belongs to standoff."""

    def said(place: Sequence[int]) -> str:
        start, end = place
        return text[start:end]

    speakers = [
        {**own, "name": said(own["name"]), "aliases": [said(place) for place in own.get("aliases", ())]}
        for own in record["speakers"]
    ]
    rest = {key: value for key, value in record.items() if key not in ("standoff", "sha256", "characters")}
    return {**rest, "speakers": speakers}
