"""What runs a model: the interface that decoding needs, and the choice between the engines that have it.

A folder of a model may hold two forms of it: ``model.safetensors``, which `quoteattr.model.TorchEngine` runs on any device, and
``onnx/``, which `quoteattr.onnx.OnnxEngine` runs on a processor, in 8 bits and without PyTorch. ``SHA256SUMS`` has the hashes of
both as ``sha256sum --check`` takes them; a file that is loaded and has another one is refused, whether the folder is one's own
or was fetched from the Hub. Nothing is read from a pickle.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, Protocol

from quoteattr.batching import Batch, Pairs, Pointers
from quoteattr.encoding import Encoder, Floats

FORMAT = 1
"""The version of what a saved folder means; a folder of a later version is refused."""
SUMS = "SHA256SUMS"
_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "onnx/*")
Role = Literal["content", "source"]
ROLES: tuple[Role, ...] = ("content", "source")
EngineName = Literal["onnx", "torch"]
States = Any
"""The states of words in the form of the engine; ``states[begin:end]`` are those of some of them."""


class ModelError(ValueError):
    """A model can't be loaded; the message says which and why in one line."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What of ``config.json`` reading a text goes by; see `quoteattr.model.QuoteConfig`."""

    preparation: str
    length: int
    context: int
    cue_threshold: float
    calibration: Mapping[str, float]
    link_features: Sequence[str]

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Settings:
        """Those of a configuration; the rest of it is left. Raises `ModelError` where one is missing."""
        try:
            return cls(**{field.name: config[field.name] for field in fields(cls)})
        except KeyError as error:
            raise ModelError(f"the model's configuration lacks {error}") from error


class Engine(Protocol):
    """A model that scores words. Arrays in, arrays out; scores are log odds or unnormalized logarithms."""

    @property
    def windows(self) -> int:
        """How many windows of a `Batch` one pass of the encoder holds."""

    @property
    def settings(self) -> Settings:
        """What the model's configuration says."""

    @property
    def padding(self) -> int:
        """The id of no piece."""

    @property
    def link_rule(self) -> float:
        """The weight of the rules' score in the link."""

    def states(self, batch: Batch) -> tuple[States, Floats, Floats]:
        """The state of every word, the log odds that it is a cue and that it is part of a speaker's name."""

    def starts(self, role: Role, states: States, at: Pointers) -> Floats:
        """Scores of the words in reach as the first word. *Shape:* (cues, reach), and for "source" a last column: none."""

    def ends(self, role: Role, states: States, at: Pointers, first: Any) -> Floats:
        """Scores of the words in reach as the last word, given the first. *Shape:* (cues, reach)."""

    def links(self, states: States, pairs: Pairs) -> Floats:
        """How well each place denotes who speaks at the cue. *Shape:* (pairs,)."""

    def nobodies(self, states: States, cues: Any) -> Floats:
        """The score of nobody as the speaker of each cue. *Shape:* (cues,)."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that can be run: its engine, the encoder of its texts, and what an output says of it (name, hash of weights)."""

    engine: Engine
    encoder: Encoder
    facts: Mapping[str, str]


def load_engine(name: str | Path, engine: EngineName | None = None, device: str = "cpu") -> Loaded:
    """The model of a folder or Hub id, ready to be run.

    Left out, the engine is onnx where the folder has it and the device is a processor. Raises `ModelError` where there is no
    model, none in the form that the engine needs, or none that this version can read.
    """
    if engine not in (None, "onnx", "torch"):
        raise ModelError(f"there is no engine {engine!r}, only 'onnx' and 'torch'")
    folder = folder_of(name)
    if engine is None:
        engine = "onnx" if device == "cpu" and (folder / "onnx").is_dir() else "torch"
    if engine == "onnx":
        if device != "cpu":
            raise ModelError(f"the onnx engine runs on cpu alone, not on {device}; the torch engine runs there")
        from quoteattr.onnx import load_onnx

        return Loaded(*load_onnx(folder), _facts(name, sorted((folder / "onnx").glob("*.onnx"))))
    try:
        from quoteattr.model import load, loaded
    except ModuleNotFoundError as error:
        raise ModelError(
            f"the torch engine needs {error.name}, which is not installed: pip install 'quoteattr[torch]'"
        ) from error
    return replace(loaded(*load(folder, device)), facts=_facts(name, [folder / "model.safetensors"]))


def folder_of(name: str | Path) -> Path:
    """The folder of a model: the one of this name or, of a Hub id, that of the files that the Hub has of it, which are fetched
    where they are not here yet.

    Raises `ModelError` where there is neither.
    """
    if Path(name).is_dir():
        return Path(name)
    if Path(name).exists():
        raise ModelError(f"{name}: no model here: it is a file, and a model is a folder")
    try:
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(str(name), allow_patterns=[*_FILES, SUMS]))
    except Exception as error:  # of the library, of what it asks the network with, or that it is not there
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"{name}: no model here: there is no such folder, and the Hub did not give it either: {reason}"
        ) from error


def _facts(name: str | Path, weights: Sequence[Path]) -> Mapping[str, str]:
    """What an output says of a model: its name, and the hash of its weights unless they lie in other files."""
    facts = {"model": Path(name).name if Path(name).is_dir() else str(name)}
    if all(file.is_file() for file in weights):
        digest = sha256()
        for file in weights:
            digest.update(file.read_bytes())
        facts["model_hash"] = digest.hexdigest()
    return facts


def write_sums(folder: Path) -> None:
    """Write the hashes of a model's files beside them, in the format of ``sha256sum``."""
    files = [file for pattern in _FILES for file in sorted(folder.glob(pattern)) if file.is_file()]
    lines = (f"{sha256(file.read_bytes()).hexdigest()}  {file.relative_to(folder).as_posix()}\n" for file in files)
    fresh = folder / f"{SUMS}.tmp"  # a file of half the hashes would refuse the model
    fresh.write_text("".join(lines), encoding="utf-8", newline="\n")
    fresh.replace(folder / SUMS)


def check_sums(folder: Path, *patterns: str) -> None:
    """Compare the files of a model that are to be loaded with its hashes; without ``SHA256SUMS`` nothing is compared.

    Raises `ModelError` for the first that is not the one that was saved.
    """
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    sums = {line[66:]: line[:64] for line in lines}  # between them two spaces, or one and a star
    for file in (file for pattern in patterns for file in sorted(folder.glob(pattern))):
        digest = sums.get(file.relative_to(folder).as_posix())
        if digest is not None and sha256(file.read_bytes()).hexdigest() != digest.lower():
            raise ModelError(
                f"{file}: truncated or altered, its hash is not the one in {SUMS}: get the model again (or, if you changed it "
                f"yourself, delete {SUMS})"
            )


def read_config(folder: Path) -> Mapping[str, Any]:
    """The configuration of a model's folder, of a version that can be read.

    Raises `ModelError` where there is none.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder}: no model here: {error}") from error
    if config.get("model_type") != "quoteattr":
        raise ModelError(f"{folder}: no quoteattr model but {config.get('model_type')!r}")
    check_format(config.get("format", FORMAT))
    return config  # type: ignore[no-any-return]


def check_format(version: int) -> None:
    """Raises `ModelError` where a folder's format is later than this version's."""
    if version > FORMAT:
        raise ModelError(f"the model has format {version}, this quoteattr reads up to {FORMAT}: upgrade quoteattr")
