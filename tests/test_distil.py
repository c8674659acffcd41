"""Fewer layers that read as a trained model does."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from encoders import ARTICLES, build_model
from transformers import AutoTokenizer

from quoteattr.model import load
from quoteattr.models.distil import difference, main, student_of
from quoteattr.train import save


@pytest.fixture(scope="module")
def teacher(encoders: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model to learn from."""
    folder = tmp_path_factory.mktemp("teacher")
    save(build_model(encoders["bert"]), AutoTokenizer.from_pretrained(encoders["bert"]), folder)
    return folder


def test_a_student_begins_with_layers_and_heads_of_its_teacher(teacher: Path) -> None:
    model, _ = load(teacher)
    layers = model.config.encoder["num_hidden_layers"]
    student = student_of(model, 1)
    own, others = student.state_dict(), model.state_dict()
    last, only = f"encoder.encoder.layer.{layers - 1}.", "encoder.encoder.layer.0."
    kept = {name for name in others if name.startswith(last)}
    assert kept
    assert all(torch.equal(own[only + name.removeprefix(last)], others[name]) for name in kept)
    assert all(torch.equal(own[name], value) for name, value in others.items() if "encoder.layer." not in name)
    assert model.config.encoder["num_hidden_layers"] == layers
    ids = torch.randint(5, 50, (2, 16))
    whole = student_of(model, layers)
    assert difference(whole.encoder.eval(), model.encoder, ids).item() < 1e-6
    assert difference(student.encoder.eval(), model.encoder, ids).item() > 1e-4


def test_a_student_grows_like_its_teacher(teacher: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    with gzip.open(raw / "news.jsonl.gz", "wt", encoding="utf8") as out:
        for n in range(60):
            for document in ARTICLES:
                out.write(json.dumps({"id": f"{document.id}-{n}", "text": document.text}, ensure_ascii=False) + "\n")
    main(["--model", str(teacher), "--layers", "1", "--raw", str(raw), "--out", str(tmp_path / "student"), "--steps", "40"])
    log = [json.loads(line) for line in (tmp_path / "student" / "log.jsonl").read_text().splitlines()]
    assert log[-1]["step"] == 40
    assert log[-1]["loss"] < 0.9 * log[0]["loss"]
    student, _ = load(tmp_path / "student")
    assert student.config.encoder["num_hidden_layers"] == 1
    with pytest.raises(SystemExit):
        main(["--model", str(teacher), "--layers", "9", "--raw", str(raw), "--out", str(tmp_path / "x"), "--steps", "1"])
