"""What README and docs/api.md promise: names, signatures and formats. Who changes a line here changes what users call."""

from __future__ import annotations

import inspect
import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import quoteattr
from quoteattr import Document, QuoteAttributor
from quoteattr.corpus import read_gold
from quoteattr.engine import ModelError, load_engine
from quoteattr.models import BUNDLED
from quoteattr.schema import SchemaError

SIGNATURES = {
    "QuoteAttributor.from_pretrained": "model=None, lexicon=None, *, engine=None, device='cpu', min_confidence=0.0",
    "QuoteAttributor.rules": "lexicon=None, *, min_confidence=0.0",
    "QuoteAttributor.__call__": "self, text, *, id='', metadata=None",
    "QuoteAttributor.pipe": "self, texts, batch_size=None, n_process=1, as_tuples=False",
    "QuoteAttributor.attribute": "self, text, quotes",
    "Document": "text, id='', speakers=(), quotes=(), rejected=(), metadata=<factory>",
    "Document.from_dict": "record",
    "Document.to_dict": "self",
    "Document.to_html": "self",
    "Document.quotes_of": "self, speaker",
    "Quote": "id, type, content, cue, source=None, speaker=None, confidence=None, act=None, parent=None, evidence=None",
    "Quote.to_dict": "self",
    "Speaker": "id, name, kind='person', aliases=(), mentions=()",
    "Speaker.to_dict": "self",
    "Span": "start, end, text",
    "Span.of": "text, start, end",
    "Span.overlaps": "self, other",
    "schema.Evidence": "found_by, linked_by, runners_up=()",
    "schema.RunnerUp": "speaker, probability",
    "Lexicon.load": "",
    "Lexicon.from_file": "path",
    "Lexicon.extended": "self, verbs=(), titles=(), speakers=()",
    "Lexicon.extended_from_file": "self, path",
    "tables.documents_to_arrow": "documents, keep=(), *, offsets='code points'",
    "tables.quote_rows": "document, keep=()",
    "evaluate.evaluate": "gold, predicted, attributed=None",
    "utf16.Utf16": "text",
    "utf16.Utf16.units": "self, offset",
    "utf16.Utf16.code_points": "self, offset",
    "integrations.ray.quotes": "dataset, model=None, *, text_column='text', id_column='id', keep_columns=(), batch_size=64, "
    "workers=None",
    "integrations.spark.quotes": "frame, model=None, *, text_column='text', id_column='id', keep_columns=()",
    "integrations.datasets.quotes": "dataset, model=None, *, text_column='text', id_column='id', keep_columns=(), batch_size=64, "
    "workers=None",
}
ERRORS = ("schema.SchemaError", "engine.ModelError", "lexicon.LexiconError")


def found(path: str) -> Any:
    """What stands at a path below the package: modules first, then attributes."""
    value: Any = quoteattr
    for name in path.split("."):
        try:
            value = getattr(value, name)
        except AttributeError:
            value = import_module(f"{value.__name__}.{name}")
    return value


@pytest.mark.parametrize("path", SIGNATURES)
def test_a_call_stays_as_it_is_documented(path: str) -> None:
    signature = inspect.signature(found(path))
    parameters = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()]
    plain = str(signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty))
    assert plain == f"({SIGNATURES[path]})"


def test_the_public_names_are_these() -> None:
    assert quoteattr.__all__ == ["Document", "Lexicon", "Quote", "QuoteAttributor", "Span", "Speaker", "__version__"]
    assert all(issubclass(found(path), ValueError) for path in ERRORS)
    for name in ("start", "end", "text"):
        assert name in found("Span").__slots__
    assert isinstance(inspect.getattr_static(found("Quote"), "text"), property)


def test_every_name_of_the_page_is_held_here() -> None:
    page = Path(__file__).resolve().parents[1] / "docs/api.md"
    if not page.is_file():
        pytest.skip("the pages are not beside the tests")
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"auto(?:class|function|exception):: quoteattr\.(\S+)", text)
    members = re.findall(r"autoclass:: quoteattr\.(\S+)\n   :members: (.+)", text)
    named += [f"{owner}.{member}" for owner, listed in members for member in listed.split(", ")]
    held = {*SIGNATURES, *ERRORS, "QuoteAttributor", "Lexicon"}
    assert set(named) <= held


def test_a_record_of_a_later_format_is_refused(tmp_path: Path) -> None:
    record = {"quoteattr_format": 2, "text": "نعم"}
    line = "the record has the format 2, this quoteattr reads 1: upgrade quoteattr"
    with pytest.raises(SchemaError) as caught:
        Document.from_dict(record)
    assert str(caught.value) == line
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps(record), encoding="utf-8")
    assert [str(item) for item in read_gold(str(path))] == [f"{path}:1: {line}"]
    assert Document.from_dict(record | {"quoteattr_format": 1}).text == "نعم"


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_a_model_of_a_later_format_is_refused(tmp_path: Path, engine: Any) -> None:
    for path in BUNDLED.rglob("*"):
        if path.is_file() and path.name != "SHA256SUMS":
            (tmp_path / path.relative_to(BUNDLED)).parent.mkdir(exist_ok=True)
            (tmp_path / path.relative_to(BUNDLED)).symlink_to(path)
    config = json.loads((BUNDLED / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").unlink()
    (tmp_path / "config.json").write_text(json.dumps(config | {"format": 2}), encoding="utf-8")
    with pytest.raises(ModelError, match="the model has format 2, this quoteattr reads up to 1: upgrade quoteattr"):
        load_engine(tmp_path, engine)


@pytest.mark.parametrize(
    "record",
    [
        {"id": "1", "speakers": [{"id": "S", "name": "a"}], "quotes": [{"speaker": []}]},
        {"quotes": [{"id": "1", "type": "direct", "cue": [0, 1], "content": [1, 2], "speaker": {}}]},
        *(
            {"quotes": [{"id": "1", "type": "direct", "cue": [0, 1], "content": [1, 2], "evidence": evidence}]}
            for evidence in (
                {"found_by": "a", "linked_by": "b", "runners_up": [{"speaker": "c", "probability": p}]}
                for p in ("x", None, 10**400, float("nan"))
            )
        ),
    ],
)
def test_no_value_of_a_record_raises_anything_else(record: dict[str, Any]) -> None:
    with pytest.raises(SchemaError):
        Document.from_dict({"text": "نعم", **record})


def test_the_attributor_says_what_it_is() -> None:
    assert set(QuoteAttributor.rules().facts) == {"model", "model_hash", "quoteattr"}
