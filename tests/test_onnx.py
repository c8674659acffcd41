"""The form of a model that runs without PyTorch: the same words, scores that hardly differ, and clear refusals."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from encoders import ARTICLES, FAMILIES, build_model
from transformers import AutoTokenizer

from quoteattr.attributor import QuoteAttributor
from quoteattr.batching import Batch
from quoteattr.candidates import Proposer
from quoteattr.cli import main
from quoteattr.engine import ModelError, load_engine
from quoteattr.export import export
from quoteattr.text import normalize
from quoteattr.train import save

REPORT = (
    "قال وزير النقل سالم الخطيب إن الطريق الساحلي سيفتح غدا. "
    "وأكد رئيس البلدية مروان حداد أن الأشغال انتهت. وأضاف أن الافتتاح قريب."
)


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request: pytest.FixtureRequest, encoders: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved and exported model."""
    path = tmp_path_factory.mktemp("model")
    encoder = encoders[request.param]
    save(build_model(encoder), AutoTokenizer.from_pretrained(encoder), path)
    assert export(path) == path / "onnx"
    return path


def test_both_engines_score_alike(folder: Path) -> None:
    proposer = Proposer()
    found = {}
    for name in ("onnx", "torch"):
        loaded = load_engine(folder, name)  # type: ignore[arg-type]
        encoded = []
        for document in ARTICLES[:3]:
            normalized = normalize(document.text)
            encoded.append(loaded.encoder(normalized, proposer(normalized)))
        batch = Batch.of(encoded, loaded.engine.padding, loaded.engine.windows)
        states, cues, names = loaded.engine.states(batch)
        found[name] = np.asarray(states), cues, names
    for one, other in zip(found["onnx"], found["torch"], strict=True):
        assert one.shape == other.shape
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.99


def test_a_folder_with_both_forms_is_run_without_torch(folder: Path) -> None:
    document = QuoteAttributor.from_pretrained(folder)(REPORT)
    same = QuoteAttributor.from_pretrained(folder, engine="torch")(REPORT)
    assert [(q.cue, q.content, q.source) for q in document.quotes] == [(q.cue, q.content, q.source) for q in same.quotes]
    assert len(document.quotes) == 3
    facts = [QuoteAttributor.from_pretrained(folder, engine=engine).facts for engine in ("onnx", "torch")]  # type: ignore[arg-type]
    assert facts[0]["model"] == facts[1]["model"] == folder.name
    assert facts[0]["model_hash"] != facts[1]["model_hash"]


def test_an_engine_can_go_to_another_process(folder: Path) -> None:
    attributor = QuoteAttributor.from_pretrained(folder)
    assert pickle.loads(pickle.dumps(attributor))(REPORT) == attributor(REPORT)
    assert list(attributor.pipe([REPORT] * 40, n_process=2)) == [attributor(REPORT)] * 40


def test_what_cannot_be_run_is_refused(folder: Path, encoders: Mapping[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="the onnx engine runs on cpu alone, not on cuda"):
        load_engine(folder, "onnx", "cuda")
    model = build_model(encoders["bert"])
    save(model, AutoTokenizer.from_pretrained(encoders["bert"]), tmp_path)
    with pytest.raises(ModelError, match="has no onnx form: 'quoteattr export"):
        load_engine(tmp_path, "onnx")
    with pytest.raises(ModelError, match="no model here"):
        load_engine(tmp_path / "nowhere", "onnx")
    export(tmp_path)
    (tmp_path / "onnx" / "words.onnx").write_bytes(b"damaged")
    with pytest.raises(ModelError, match=r"words\.onnx: truncated or altered"):
        load_engine(tmp_path)
    (tmp_path / "SHA256SUMS").unlink()
    with pytest.raises(ModelError, match="this model can't be read"):
        load_engine(tmp_path)
    record = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps(record | {"format": 99}), encoding="utf-8")
    with pytest.raises(ModelError, match="has format 99, this quoteattr reads up to 1"):
        load_engine(tmp_path)


def test_the_command_exports(
    encoders: Mapping[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save(build_model(encoders["bert"]), AutoTokenizer.from_pretrained(encoders["bert"]), tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    assert main(["export", "model"]) == 0
    assert capsys.readouterr().out == "model/onnx\n"
    assert main(["export", "nowhere"]) == 2
    assert "nowhere: no model here" in capsys.readouterr().err
