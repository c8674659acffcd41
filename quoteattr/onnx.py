"""Runs a model with ONNX Runtime on a processor: an engine of `quoteattr.engine` that needs no PyTorch.

`quoteattr.export` writes what is read here. 8-bit products scale their inputs by what is in the call, so a call never holds more
than one window or one text: a text gives the same result whatever else is in its batch. Windows are read side by side, one thread
each. ONNX Runtime's own telemetry, which writes files and sends reports, is switched off unless the environment says otherwise.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read once, while it is imported: else it reports to its maker

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from quoteattr.batching import Batch, Pairs, Pointers
from quoteattr.encoding import Encoder, Floats, Ints, Special
from quoteattr.engine import ModelError, Role, Settings, check_sums, read_config
from quoteattr.workers import threads

FOLDER, ENGINE_FILE = "onnx", "engine.json"


class OnnxEngine:
    """The graphs of one folder. It can be used from many threads."""

    windows = 1

    def __init__(self, folder: Path, settings: Settings, padding: int, link_rule: float) -> None:
        self.settings = settings
        self.padding = padding
        self.link_rule = link_rule
        self._folder = folder
        self._encoder = self._session("encoder")
        self._words = self._session("words")
        self._heads = {name: self._session(name) for name in ("links", "nobodies")}
        for role in ("content", "source"):
            for part in ("starts", "ends"):
                self._heads[f"{role}-{part}"] = self._session(f"{role}-{part}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process opens the graphs anew."""
        return OnnxEngine, (self._folder, self.settings, self.padding, self.link_rule)

    def _session(self, name: str) -> Any:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        options.enable_mem_pattern = name == "encoder"  # one is kept for every shape of inputs; the heads see no end of them
        return onnxruntime.InferenceSession(
            str(self._folder / f"{name}.onnx"),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["SkipLayerNormFusion"],  # slower than what it fuses
        )

    def states(self, batch: Batch) -> tuple[Floats, Floats, Floats]:
        """The states of the words, and the log odds of cue and name."""
        with ThreadPoolExecutor(threads()) as pool:
            flat = np.concatenate(list(pool.map(self._window, batch.ids)))
        first, last = (flat[batch.order[pieces]] for pieces in (batch.first, batch.last))
        inputs = {"first": first, "last": last, "features": batch.features, "rules": batch.rules}
        found = [
            self._words.run(None, {name: values[begin:end] for name, values in inputs.items()})
            for begin, end in pairwise(batch.offsets)
        ]
        states, cues, names = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return states, cues, names

    def _window(self, ids: Ints) -> Floats:
        found: Floats = self._encoder.run(None, {"ids": ids})[0]
        return found

    def _run(self, head: str, inputs: Mapping[str, Any]) -> Floats:
        found: Floats = self._heads[head].run(None, inputs)[0]
        return found

    def starts(self, role: Role, states: Floats, at: Pointers) -> Floats:
        """Scores of the words in reach as the first word, and for "source" a last column: none."""
        return self._run(f"{role}-starts", {"states": states, **_pointing(at)})

    def ends(self, role: Role, states: Floats, at: Pointers, first: Any) -> Floats:
        """Scores of the words in reach as the last word, given the first."""
        return self._run(f"{role}-ends", {"states": states, **_pointing(at), "first": first})

    def links(self, states: Floats, pairs: Pairs) -> Floats:
        """How well each place denotes who speaks at the cue."""
        if not len(pairs.cue):
            return np.zeros(0, dtype=np.float32)
        names = [x.name for x in self._heads["links"].get_inputs()]
        return self._run("links", {name: states if name == "states" else getattr(pairs, name) for name in names})

    def nobodies(self, states: Floats, cues: Any) -> Floats:
        """The score of nobody as the speaker of each cue."""
        return self._run("nobodies", {"states": states, "cues": cues})


def _pointing(at: Pointers) -> Mapping[str, Any]:
    return {"cues": at.cues, "reach": at.reach, "mask": at.mask, "features": at.features}


def load_onnx(folder: Path) -> tuple[OnnxEngine, Encoder]:
    """The engine of a model's folder and the encoder of its texts. Raises `ModelError` where the folder has none."""
    check_sums(folder, "config.json", "tokenizer.json", f"{FOLDER}/*")
    config = read_config(folder)
    try:
        facts = json.loads((folder / FOLDER / ENGINE_FILE).read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{folder}: has no onnx form: 'quoteattr export {folder}' makes it") from error
    settings = Settings.of(config)
    try:
        engine = OnnxEngine(folder / FOLDER, settings, facts["padding"], facts["link_rule"])
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # both libraries raise exceptions of their own
        raise ModelError(f"{folder}: this model can't be read, copy it again: {str(error).splitlines()[0]}") from error
    return engine, Encoder(tokenizer, Special(*facts["special"]), settings.preparation, settings.length, settings.context)
