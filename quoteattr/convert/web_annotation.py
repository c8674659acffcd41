"""W3C Web Annotation: every quote as an annotation of its words, for any reader of that model. There is no way back.

The words are selected twice, by position and, so that they are found again in a page around the text, by themselves with
what stands before and after. Positions are code points in logical order, as the model wants them. Bodies are the type of the
quote, its speaker, and, as further selections of the same text with a ``label``, its cue and its source.

>>> document = Document.from_dict({
...     "id": "https://example.org/1", "text": "قال علي: نعم", "speakers": [{"id": "S1", "name": "علي"}],
...     "quotes": [{"id": "Q1", "type": "direct", "cue": [0, 3], "content": [9, 12], "speaker": "S1"}]})
>>> (annotation,) = quote_annotations(document)
>>> annotation["target"]["selector"][0], annotation["body"][1]["value"]
({'type': 'TextPositionSelector', 'start': 9, 'end': 12}, 'علي')
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from quoteattr.schema import Document, Quote, Span

CONTEXT = "http://www.w3.org/ns/anno.jsonld"
_NAMES = UUID("5b0f1e0c-6b0c-5c1d-9a53-3d0f6a7f2c11")
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:[^\s<>\"{}|\\^`]+")
_AROUND = 32
"""Characters before and after a selection that are repeated."""


def write_collection(documents: Iterable[Document], out: Path) -> Iterator[Document]:
    """Write the annotations of all documents as one collection of one page; yields each document when it is done. Raises
    `OSError` where the file can't be written."""
    total, digest = 0, sha256()
    with out.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
        head = {"@context": CONTEXT, "type": "AnnotationCollection", "label": out.stem}
        stream.write(
            json.dumps(head, ensure_ascii=False)[:-1] + ', "first": {"type": "AnnotationPage", "startIndex": 0, "items": ['
        )
        for document in documents:
            for annotation in quote_annotations(document):
                stream.write((",\n" if total else "\n") + json.dumps(annotation, ensure_ascii=False))
                digest.update(annotation["id"].encode())
                total += 1
            yield document
        id, page = (_urn(f"{kind} {digest.hexdigest()}") for kind in ("collection", "page"))
        stream.write(f'\n], "id": "{page}", "partOf": "{id}"}}, "id": "{id}", "total": {total}}}\n')


def quote_annotations(document: Document) -> Iterator[dict[str, Any]]:
    """The quotes of a document as annotations. The text is known by the record's ``url``, else by its id where that is an IRI,
    else by a name made of id and text."""
    source = _iri(document)
    for quote in document.quotes:
        yield {
            "id": _urn(f"{source} {quote.id}"),
            "type": "Annotation",
            "motivation": "identifying",
            "body": list(_bodies(document.text, source, quote)),
            "target": _selected(document.text, source, quote.content),
        }


def _iri(document: Document) -> str:
    for name in (document.metadata.get("url"), document.id):
        if isinstance(name, str) and _IRI.fullmatch(name):
            return name
    return _urn(f"text {document.id} {sha256(document.text.encode('utf-8', 'surrogatepass')).hexdigest()}")


def _urn(name: str) -> str:
    """An IRI that stands for a name, always the same."""
    return uuid5(_NAMES, name.encode("utf-8", "backslashreplace").decode()).urn  # an id may hold lone surrogates


def _bodies(text: str, source: str, quote: Quote) -> Iterator[dict[str, Any]]:
    yield {"type": "TextualBody", "purpose": "classifying", "label": "type", "value": quote.type, "language": "en"}
    if quote.speaker is not None:
        name = quote.speaker.name
        yield {"type": "TextualBody", "purpose": "identifying", "label": "speaker", "value": name, "language": "ar"}
    yield {**_selected(text, source, quote.cue), "purpose": "linking", "label": "cue"}
    if quote.source is not None:
        yield {**_selected(text, source, quote.source), "purpose": "linking", "label": "source"}


def _selected(text: str, source: str, span: Span) -> dict[str, Any]:
    """A stretch of a text as a resource."""
    before, after = text[max(0, span.start - _AROUND) : span.start], text[span.end : span.end + _AROUND]
    return {
        "type": "SpecificResource",
        "source": source,
        "selector": [
            {"type": "TextPositionSelector", "start": span.start, "end": span.end},
            {"type": "TextQuoteSelector", "exact": span.text, "prefix": before, "suffix": after},
        ],
    }
