"""Web Annotation: what the model and JSON-LD ask for, and selections that find the words again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from converting import full, predictions

from quoteattr import Document
from quoteattr.convert.web_annotation import CONTEXT, quote_annotations, write_collection

OA, AS, RDF, RDFS = (
    "http://www.w3.org/ns/oa#",
    "http://www.w3.org/ns/activitystreams#",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "http://www.w3.org/2000/01/rdf-schema#",
)
# The terms of the model that are used here, with their meaning there. A term that is not in it would vanish in JSON-LD.
TERMS: dict[str, Any] = {
    "id": "@id",
    "type": "@type",
    **{
        name: OA + name for name in ("Annotation", "TextualBody", "SpecificResource", "TextPositionSelector", "TextQuoteSelector")
    },
    **{name: OA + name for name in ("identifying", "classifying", "linking", "exact", "prefix", "suffix", "start", "end")},
    "AnnotationCollection": AS + "OrderedCollection",
    "AnnotationPage": AS + "OrderedCollectionPage",
    "body": {"@id": OA + "hasBody", "@type": "@id"},
    "target": {"@id": OA + "hasTarget", "@type": "@id"},
    "source": {"@id": OA + "hasSource", "@type": "@id"},
    "selector": {"@id": OA + "hasSelector", "@type": "@id"},
    "motivation": {"@id": OA + "motivatedBy", "@type": "@vocab"},
    "purpose": {"@id": OA + "hasPurpose", "@type": "@vocab"},
    "items": {"@id": AS + "items", "@type": "@id", "@container": "@list"},
    "first": {"@id": AS + "first", "@type": "@id"},
    "partOf": {"@id": AS + "partOf", "@type": "@id"},
    "total": AS + "totalItems",
    "startIndex": AS + "startIndex",
    "value": RDF + "value",
    "label": RDFS + "label",
    "language": "http://purl.org/dc/elements/1.1/language",
}
IRI = {"type": "string", "pattern": "^(https?://|urn:uuid:)"}
SELECTED = {
    "type": "object",
    "required": ["type", "source", "selector"],
    "properties": {
        "type": {"const": "SpecificResource"},
        "source": IRI,
        "selector": {
            "prefixItems": [
                {
                    "required": ["start", "end"],
                    "properties": {"type": {"const": "TextPositionSelector"}, "start": {"minimum": 0}},
                },
                {"required": ["exact", "prefix", "suffix"], "properties": {"type": {"const": "TextQuoteSelector"}}},
            ],
            "items": False,
            "minItems": 2,
        },
    },
}
TEXTUAL = {
    "required": ["type", "value", "purpose"],
    "properties": {"type": {"const": "TextualBody"}, "value": {"type": "string"}},
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["@context", "id", "type", "first", "total"],
    "properties": {
        "@context": {"const": CONTEXT},
        "id": IRI,
        "type": {"const": "AnnotationCollection"},
        "first": {
            "required": ["id", "type", "items", "partOf", "startIndex"],
            "properties": {
                "id": IRI,
                "partOf": IRI,
                "type": {"const": "AnnotationPage"},
                "items": {
                    "items": {
                        "required": ["id", "type", "body", "target", "motivation"],
                        "properties": {
                            "id": IRI,
                            "type": {"const": "Annotation"},
                            "target": SELECTED,
                            "body": {"minItems": 2, "items": {"oneOf": [SELECTED, TEXTUAL]}},
                        },
                    }
                },
            },
        },
    },
}


def written(documents: list[Document], path: Path) -> dict[str, Any]:
    assert list(write_collection(documents, path)) == documents
    collection: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return collection


def test_the_structure_is_that_of_the_model(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    documents = [full(), *predictions()]
    collection = written(documents, tmp_path / "quotes.jsonld")
    jsonschema.Draft202012Validator(SCHEMA).validate(collection)
    items = collection["first"]["items"]
    assert collection["total"] == len(items) == sum(len(document.quotes) for document in documents)
    assert len({item["id"] for item in items}) == len(items)
    assert collection["first"]["partOf"] == collection["id"]
    assert written([], tmp_path / "none.jsonld")["total"] == 0


def test_no_term_gets_lost_in_json_ld(tmp_path: Path) -> None:
    jsonld = pytest.importorskip("pyld.jsonld", reason="pip install pyld")
    collection = written([full()], tmp_path / "quotes.jsonld")

    def no_network(url: str, options: object) -> dict[str, Any]:
        assert url == CONTEXT
        return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": {"@context": TERMS}}

    options = {"documentLoader": no_network}
    expanded = jsonld.expand(collection, options)
    back = jsonld.compact(expanded, {"@context": CONTEXT}, options)
    assert back == {**collection, "@context": CONTEXT}
    (first, *_) = expanded[0][AS + "first"][0][AS + "items"][0]["@list"]
    assert first["@type"] == [OA + "Annotation"]
    assert first[OA + "motivatedBy"] == [{"@id": OA + "identifying"}]
    assert first[OA + "hasTarget"][0][OA + "hasSource"][0]["@id"].startswith("urn:uuid:")


def test_selections_find_the_words_by_position_and_by_themselves() -> None:
    document = full()
    for annotation, quote in zip(quote_annotations(document), document.quotes, strict=True):
        bodies = {body["label"]: body for body in annotation["body"]}
        spans = {"cue": quote.cue, "source": quote.source}
        assert set(bodies) == {"type", *(["speaker"] if quote.speaker else []), *(role for role in spans if spans[role])}
        assert bodies["type"]["value"] == quote.type
        if quote.speaker:
            assert bodies["speaker"]["value"] == quote.speaker.name
        selections = [(annotation["target"], quote.content), *((bodies[r], span) for r, span in spans.items() if span)]
        for selected, span in selections:
            position, words = selected["selector"]
            assert document.text[position["start"] : position["end"]] == words["exact"] == span.text
            assert words["prefix"] + words["exact"] + words["suffix"] in document.text
            assert len(words["prefix"]) == min(32, span.start)


def test_the_text_is_known_by_its_address_where_there_is_one() -> None:
    record = full().to_dict()
    sources = {
        name: next(quote_annotations(Document.from_dict({**record, **own})))["target"]["source"]
        for name, own in {
            "url": {"url": "https://example.org/a?b=1", "id": "urn:x:y"},
            "id": {"id": "urn:x:y"},
            "neither": {"url": "no address", "id": "7"},
            "other text": {"id": "7", "text": record["text"] + " ."},
            "again": {"id": "7"},
        }.items()
    }
    assert (sources["url"], sources["id"]) == ("https://example.org/a?b=1", "urn:x:y")
    assert sources["neither"] == sources["again"] != sources["other text"]
    assert sources["neither"].startswith("urn:uuid:")
