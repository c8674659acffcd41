"""A component for spaCy: ``nlp.add_pipe("quoteattr")``, without an import, once ``quoteattr[spacy]`` is installed.

>>> nlp = spacy.blank("ar")
>>> _ = nlp.add_pipe("quoteattr", config={"model": "rules"})
>>> doc = nlp("قال الوزير سالم الخطيب إن الطريق مفتوح.")
>>> [(span.text, span.label_, span._.speaker, span._.cue.text) for span in doc.spans["quotes"]]
[('الطريق مفتوح', 'indirect', 'سالم الخطيب', 'قال')]

Every quote is a span of the group "quotes" with its type as label and its id as id; ``span._.speaker`` is the name of its
speaker, ``span._.cue`` and ``span._.source`` are spans, ``span._.confidence`` is a number. Spans consist of whole tokens, and
where a quote begins or ends inside one, as before «.», they take it whole; ``span._.said`` is what was said to the character,
and ``doc._.quoteattr``, the `quoteattr.Document`, is exact everywhere. All of it survives ``to_bytes`` and
``DocBin(store_user_data=True)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from quoteattr.attributor import QuoteAttributor
from quoteattr.integrations.batches import required
from quoteattr.schema import Document

spacy = required("spacy", "spacy")

KEY = "quoteattr"
"""The name of the component, of the document's extension, and where `Doc.user_data` keeps what both say."""
SPANS = "quotes"
"""The group of spans."""
_PLACES = ("cue", "source")


class QuoteComponent:
    """Adds the quotes of a text to a `spacy.tokens.Doc`; a pipe reads as many texts at once as is best for the model."""

    def __init__(self, attributor: QuoteAttributor) -> None:
        self._attributor = attributor

    def __call__(self, doc: Any) -> Any:
        """The same doc with its quotes."""
        return _annotated(doc, self._attributor(doc.text))

    def pipe(self, stream: Iterable[Any], *, batch_size: int) -> Iterator[Any]:
        """The docs of a stream with their quotes, lazily and in order."""
        for document, doc in self._attributor.pipe(((doc.text, doc) for doc in stream), as_tuples=True):
            yield _annotated(doc, document)


def make(nlp: Any, name: str, model: str | None, min_confidence: float) -> QuoteComponent:
    """The component of a pipeline: ``model`` is "rules", the folder or Hub id of a trained model, or ``None`` for the bundled
    one; quotes below ``min_confidence`` (0 to 1) are left out."""
    if model == "rules":
        return QuoteComponent(QuoteAttributor.rules(min_confidence=min_confidence))
    return QuoteComponent(QuoteAttributor.from_pretrained(model, min_confidence=min_confidence))


def _annotated(doc: Any, document: Document) -> Any:
    record = document.to_dict()
    quotes = {quote["id"]: quote for quote in record["quotes"]}
    # Plain values, which spaCy can store; speakers and quotes by id.
    doc.user_data[KEY] = {**record, "text": None, "quotes": quotes, "speakers": {s["id"]: s for s in record["speakers"]}}
    doc.spans[SPANS] = [
        doc.char_span(q.content.start, q.content.end, q.type, span_id=q.id, alignment_mode="expand") for q in document.quotes
    ]
    return doc


def _document(doc: Any) -> Document | None:
    """What was found in a doc, ``None`` where it was not looked at."""
    record = doc.user_data.get(KEY)
    if record is None:
        return None
    lists = {name: list(record[name].values()) for name in ("quotes", "speakers")}
    return Document.from_dict({**record, **lists, "text": doc.text})


def _quote(span: Any) -> dict[str, Any]:
    """The record of the quote that a span is; of any other span, an empty one."""
    found: dict[str, Any] = span.doc.user_data.get(KEY, {}).get("quotes", {}).get(span.id_, {})
    return found


def _said(span: Any) -> str | None:
    place = _quote(span).get("content")
    return None if place is None else span.doc.text[place[0] : place[1]]


def _speaker(span: Any) -> str | None:
    id = _quote(span).get("speaker")
    return None if id is None else span.doc.user_data[KEY]["speakers"][id]["name"]


def _place(role: str) -> Any:
    def span_of(span: Any) -> Any:
        place = _quote(span).get(role)
        return None if place is None else span.doc.char_span(*place, role, alignment_mode="expand")

    return span_of


spacy.language.Language.factory(
    KEY,
    default_config={"model": None, "min_confidence": 0.0},
    assigns=[f"doc._.{KEY}", "doc.spans", *(f"span._.{name}" for name in ("said", "speaker", *_PLACES, "confidence"))],
    func=make,
)
spacy.tokens.Doc.set_extension(KEY, getter=_document)
spacy.tokens.Span.set_extension("said", getter=_said)
spacy.tokens.Span.set_extension("speaker", getter=_speaker)
spacy.tokens.Span.set_extension("confidence", getter=lambda span: _quote(span).get("confidence"))
for _role in _PLACES:
    spacy.tokens.Span.set_extension(_role, getter=_place(_role))
