"""A trained model to the form that runs without PyTorch: ONNX graphs with 8-bit weights, in the folder ``onnx`` of the model.

    quoteattr export MODEL

One graph is the encoder, which reads one window, the others are the heads. Weights of matrix products and embeddings are
quantized to 8 bits, one scale a column of the matrix; what is multiplied with them is quantized when it is known, with one scale
a call. As a few channels of an encoder are many times as large as the others and would leave these few steps of the scale, a part
of their size is moved into the weights first (Xiao et al. 2023, "SmoothQuant", with a half as migration strength); the sample
article of the package shows which channels they are.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import torch
from torch import Tensor, nn

from quoteattr.batching import Batch, Pairs, Pointers
from quoteattr.candidates import Proposer
from quoteattr.encoding import FEATURES, PAIR_FEATURES, Encoder
from quoteattr.engine import ROLES, Role, write_sums
from quoteattr.model import QuoteModel, encoder_of, load
from quoteattr.onnx import ENGINE_FILE, FOLDER
from quoteattr.text import normalize

_OPSET = 17
_LARGE = 5.0
"""How many times its median the largest channel of a layer's input must be for the layer to be smoothed."""


@dataclass(frozen=True, slots=True)
class _Graph:
    """One graph to be exported: the module, an example of every input by name, and the inputs' dimensions that vary."""

    module: nn.Module
    inputs: Mapping[str, Tensor]
    dynamic: Mapping[str, Sequence[str]]
    outputs: Sequence[str]


class _Smoothed(nn.Module):
    """A linear layer that gives what the given one gives, from inputs divided by ``scale``."""

    def __init__(self, linear: nn.Linear, scale: Tensor) -> None:
        super().__init__()
        self.inverse = nn.Parameter(1 / scale, requires_grad=False)
        self.linear = linear
        with torch.no_grad():
            linear.weight.mul_(scale)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.linear(inputs * self.inverse)
        return outputs


class _Encoder(nn.Module):
    def __init__(self, model: QuoteModel) -> None:
        super().__init__()
        self.encoder = model.encoder

    def forward(self, ids: Tensor) -> Tensor:
        states: Tensor = self.encoder(input_ids=ids).last_hidden_state
        return states.squeeze(0)


class _Head(nn.Module):
    """One method of a model as a module."""

    def __init__(self, model: QuoteModel) -> None:
        super().__init__()
        self.model = model


class _Words(_Head):
    def forward(self, first: Tensor, last: Tensor, features: Tensor, rules: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        states = self.model.mixed(first, last, features)
        batch = Batch((), (), None, None, None, features, rules, ())
        return states, self.model.cues(states, batch), self.model.names(states)


class _Starts(_Head):
    def __init__(self, model: QuoteModel, role: Role) -> None:
        super().__init__(model)
        self.role = role

    def forward(self, states: Tensor, cues: Tensor, reach: Tensor, mask: Tensor, features: Tensor) -> Tensor:
        return self.model.starts(self.role, states, Pointers(cues, reach, mask, features))


class _Ends(_Starts):
    def forward(  # type: ignore[override]
        self, states: Tensor, cues: Tensor, reach: Tensor, mask: Tensor, features: Tensor, first: Tensor
    ) -> Tensor:
        return self.model.ends(self.role, states, Pointers(cues, reach, mask, features), first)


class _Links(_Head):
    def forward(
        self,
        states: Tensor,
        cue: Tensor,
        first: Tensor,
        last: Tensor,
        kind: Tensor,
        distance: Tensor,
        owner: Tensor,
        known: Tensor,
    ) -> Tensor:
        return self.model.links(states, Pairs(cue, first, last, kind, distance, owner, known))


class _Nobodies(_Head):
    def forward(self, states: Tensor, cues: Tensor) -> Tensor:
        return self.model.nobodies(states, cues)


def export(folder: Path) -> Path:
    """Export the model of a folder into its folder ``onnx``, which is returned. Raises `ModelError` where there is no model."""
    model, tokenizer = load(folder)
    encoder = encoder_of(model.config, tokenizer)
    special = encoder.special
    _smooth(model, encoder)
    with tempfile.TemporaryDirectory() as work:
        made = Path(work) / FOLDER
        made.mkdir()
        for name, graph in _graphs(model).items():
            whole = Path(work) / f"{name}.onnx"
            _write(graph, whole)
            _quantize(whole, made / f"{name}.onnx")
        facts = {
            "padding": model.config.encoder.get("pad_token_id") or 0,
            "special": [special.open, special.close, special.unknown],
            "link_rule": round(model.link_rule.item(), 6),
        }
        (made / ENGINE_FILE).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        target, fresh = folder / FOLDER, folder / f"{FOLDER}.tmp"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(made, fresh)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    write_sums(folder)
    return target


def _smooth(model: QuoteModel, encoder: Encoder) -> None:
    """Move a part of the size of large channels into the weights, for the layers of the encoder that have some."""
    sizes: dict[str, Tensor] = {}

    def watch(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            own = inputs[0].abs().flatten(0, -2).amax(dim=0)
            sizes[name] = torch.maximum(sizes[name], own) if name in sizes else own

        return hook

    layers = {name: layer for name, layer in model.encoder.named_modules() if isinstance(layer, nn.Linear)}
    hooks = [layer.register_forward_hook(watch(name)) for name, layer in layers.items()]
    normalized = normalize(resources.files("quoteattr").joinpath("data/sample.txt").read_text(encoding="utf-8"))
    with torch.inference_mode():
        for window in encoder(normalized, Proposer()(normalized)).windows:
            model.encoder(input_ids=torch.tensor([window.ids]))
    for hook in hooks:
        hook.remove()
    for name, size in sizes.items():
        ratio = (size / size.median().clamp(min=1e-6)).clone()
        if ratio.max() > _LARGE:
            parent, _, own = name.rpartition(".")
            setattr(model.encoder.get_submodule(parent), own, _Smoothed(layers[name], ratio.clamp(min=1).sqrt()))


def _graphs(model: QuoteModel) -> Mapping[str, _Graph]:
    """The graphs by name, with inputs that are long enough in every dimension for the exporter to see which vary."""
    width, hidden = model.config.width, model.encoder.config.hidden_size
    words, cues, reach, pairs, owners = 7, 2, 5, 3, 2
    states = torch.randn(words, width)
    pointing = {
        "states": states,
        "cues": torch.tensor([1, 4]),
        "reach": torch.arange(reach).repeat(cues, 1),
        "mask": torch.ones(cues, reach, dtype=torch.bool),
        "features": torch.rand(cues, reach, len(PAIR_FEATURES)),
    }
    at = {
        "states": ["words"],
        "cues": ["cues"],
        "reach": ["cues", "reach"],
        "mask": ["cues", "reach"],
        "features": ["cues", "reach"],
    }
    numbers = torch.arange(pairs)
    graphs = {
        "encoder": _Graph(
            _Encoder(model),
            {"ids": torch.randint(5, 9, (1, 12))},
            {"ids": ["window", "pieces"]},
            ["states"],
        ),
        "words": _Graph(
            _Words(model),
            {
                "first": torch.randn(words, hidden),
                "last": torch.randn(words, hidden),
                "features": torch.rand(words, sum(FEATURES.values())),
                "rules": torch.rand(words),
            },
            {name: ["words"] for name in ("first", "last", "features", "rules")},
            ["states", "cues", "names"],
        ),
        "links": _Graph(
            _Links(model),
            {
                "states": states,
                **dict.fromkeys(("cue", "first", "last", "kind", "distance"), numbers),
                "owner": torch.tensor([0, 1, 1]),
                "known": torch.rand(owners, len(model.config.link_features)),
            },
            {
                "states": ["words"],
                **{name: ["pairs"] for name in ("cue", "first", "last", "kind", "distance", "owner")},
                "known": ["owners"],
            },
            ["scores"],
        ),
        "nobodies": _Graph(
            _Nobodies(model),
            {"states": states, "cues": torch.tensor([1, 4])},
            {"states": ["words"], "cues": ["cues"]},
            ["scores"],
        ),
    }
    for role in ROLES:
        graphs[f"{role}-starts"] = _Graph(_Starts(model, role), pointing, at, ["scores"])
        first = {"first": torch.tensor([0, 2])}
        graphs[f"{role}-ends"] = _Graph(_Ends(model, role), pointing | first, {**at, "first": ["cues"]}, ["scores"])
    return graphs


def _write(graph: _Graph, path: Path) -> None:
    axes = {name: dict(enumerate(names)) for name, names in graph.dynamic.items()}
    with _silence(), torch.inference_mode():
        torch.onnx.export(
            graph.module.eval(),
            tuple(graph.inputs.values()),
            str(path),
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            dynamic_axes=axes,
            opset_version=_OPSET,
            dynamo=False,
        )


def _quantize(whole: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic  # after `quoteattr.onnx`, which switches telemetry off
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = whole.with_suffix(".prepared.onnx")
    with _silence():
        quant_pre_process(str(whole), str(prepared), skip_symbolic_shape=True)
        quantize_dynamic(str(prepared), str(target), weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)


@contextmanager
def _silence() -> Iterator[None]:
    """Without the exporters' remarks, which are about themselves."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.setLevel(level)
