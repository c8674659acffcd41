"""The model: one encoder pass a window, and heads that score words.

`QuoteModel` is a transformers model around any encoder that `AutoModel` loads. It knows nothing of Arabic: it takes piece
ids, the places of the words, and the features of `quoteattr.encoding`; it gives

1. for every word the log odds that it is a cue (`QuoteModel.cues`) and that it is part of a speaker's name (`QuoteModel.names`);
2. for a cue, scores of the words in reach as first and last word of its content and of its source, or of no source
   (`QuoteModel.pointers`); the last word is scored given the first;
3. for a cue without a source, scores of the words where a speaker is mentioned (`QuoteModel.links`).

What the rules think of a cue enters as a number that the model corrects, so an untrained head repeats the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedConfig, PreTrainedModel
from transformers.utils import logging

from quoteattr.batching import LINK_KINDS, Batch, Pairs, Pointers
from quoteattr.encoding import FEATURES, PAIR_FEATURES, Encoder, Floats, Special, first_value
from quoteattr.engine import FORMAT, ROLES, Loaded, ModelError, Role, Settings, check_format, check_sums, folder_of
from quoteattr.preparation import PREPARATIONS

PASS = 8
"""Windows in one pass of the encoder: as many as stay in a processor's cache."""
NO_CANDIDATE = -6.0
"""The log odds at the start that a word is a cue which the rules did not think of."""
DISTANCES = 24
LINK_DISTANCES = 40
_FAR = -1e4
_OFFSET_OF_POSITIONS = 2  # that many of the positions of RoBERTa and XLM-R are not used


class QuoteConfig(PreTrainedConfig):
    """What a saved model is made of.

    ``encoder`` is the configuration of the encoder as a dictionary, ``preparation`` the text preparation that its tokenizer
    wants, ``length`` and ``context`` the sizes of a window in pieces, ``width`` that of the heads, ``link_features`` the names
    of the features of `quoteattr.speakers.Offer` that the link knows, ``cue_threshold`` the probability from which a word
    counts as a cue, ``calibration`` the weights that make confidences of scores.
    """

    model_type = "quoteattr"

    def __init__(
        self,
        encoder: Mapping[str, Any] | None = None,
        preparation: str = "plain",
        length: int = 256,
        context: int = 40,
        width: int = 256,
        dropout: float = 0.1,
        link_features: Sequence[str] = (),
        cue_threshold: float = 0.5,
        calibration: Mapping[str, float] | None = None,
        format: int = FORMAT,
        **kwargs: Any,
    ) -> None:
        self.encoder = dict(encoder or {})
        self.preparation = preparation
        self.length = length
        self.context = context
        self.width = width
        self.dropout = dropout
        self.link_features = list(link_features)
        self.cue_threshold = cue_threshold
        self.calibration = dict(calibration or {})
        self.format = format
        super().__init__(**kwargs)


Arrays = TypeVar("Arrays", Batch, Pointers, Pairs)


def on(device: torch.device, arrays: Arrays) -> Arrays:
    """The same with tensors on a device in place of arrays."""

    def moved(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return torch.from_numpy(value).to(device)
        return tuple(map(moved, value)) if isinstance(value, tuple) else value

    return replace(arrays, **{field.name: moved(getattr(arrays, field.name)) for field in fields(arrays)})


def _block(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, outputs), nn.GELU(), nn.LayerNorm(outputs), nn.Dropout(dropout))


class _Pointer(nn.Module):
    """Scores words as the first and, given the first, as the last word of what a cue points to."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.start_query = _block(width, width, dropout)
        self.end_query = _block(2 * width, width, dropout)
        self.start_key = nn.Linear(width, width)
        self.end_key = nn.Linear(width, width)
        self.start_features = nn.Linear(len(PAIR_FEATURES), 1, bias=False)
        self.end_features = nn.Linear(len(PAIR_FEATURES), 1, bias=False)
        self.start_distance = nn.Embedding(2 * DISTANCES + 1, 1)
        self.end_distance = nn.Embedding(2 * DISTANCES + 1, 1)
        self.scale = width**-0.5

    def starts(self, states: Tensor, at: Pointers) -> Tensor:
        """*Shape:* (cues, reach)."""
        query = self.start_query(states[at.cues])
        scores: Tensor = (query @ self.start_key(states).T).gather(1, at.reach) * self.scale
        scores = scores + self.start_features(at.features).squeeze(-1)
        scores = scores + self.start_distance(bucket(at.reach - at.cues[:, None], DISTANCES)).squeeze(-1)
        return scores.masked_fill(~at.mask, _FAR)

    def ends(self, states: Tensor, at: Pointers, first: Tensor) -> Tensor:
        """Given the first word of each cue. *Shape:* (cues, reach)."""
        query = self.end_query(torch.cat([states[at.cues], states[first]], dim=-1))
        scores: Tensor = (query @ self.end_key(states).T).gather(1, at.reach) * self.scale
        scores = scores + self.end_features(at.features).squeeze(-1)
        scores = scores + self.end_distance(bucket(at.reach - first[:, None], DISTANCES)).squeeze(-1)
        return scores.masked_fill(~at.mask | (at.reach < first[:, None]), _FAR)


def bucket(distance: Tensor, size: int) -> Tensor:
    """Signed distances in words as numbers from 0 to 2 * size: one by one up to 8, then in growing steps.

    >>> bucket(torch.tensor([-3, 0, 8, 16, 10_000]), 24).tolist()
    [21, 24, 32, 36, 48]
    """
    size_of = distance.abs()
    grown = 8 + 4 * torch.log2(size_of.clamp(min=8) / 8)
    steps = torch.where(size_of <= 8, size_of, grown.long()).clamp(max=size)
    return size + torch.sign(distance) * steps


class QuoteModel(PreTrainedModel):
    """The encoder with its heads; see the module's docstring for what each gives."""

    config_class = QuoteConfig
    base_model_prefix = "encoder"
    config: QuoteConfig

    def __init__(self, config: QuoteConfig, encoder: PreTrainedModel | None = None) -> None:
        super().__init__(config)
        check_format(config.format)
        if config.preparation not in PREPARATIONS:
            raise ValueError(f"there is no text preparation {config.preparation!r}, only {', '.join(PREPARATIONS)}")
        if encoder is None:
            encoder = _fresh_encoder(config.encoder)
        self.encoder = encoder
        width, dropout = config.width, config.dropout
        self.features = nn.Embedding(sum(FEATURES.values()), width)
        self.words = nn.Sequential(nn.Linear(2 * encoder.config.hidden_size, width), nn.LayerNorm(width))
        self.mix = _block(width, width, dropout)
        self.cue = nn.Sequential(_block(width, width, dropout), nn.Linear(width, 1))
        self.cue_rule = nn.Parameter(torch.ones(1))
        self.cue_features = nn.Embedding(sum(FEATURES.values()), 1)
        self.name = nn.Sequential(_block(width, width, dropout), nn.Linear(width, 1))
        self.pointer = nn.ModuleDict({role: _Pointer(width, dropout) for role in ROLES})
        self.no_source = nn.Sequential(_block(width, width, dropout), nn.Linear(width, 1))
        self.link_query = _block(width, width, dropout)
        self.link_key = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.LayerNorm(width))
        self.link_kind = nn.Embedding(len(LINK_KINDS), 1)
        self.link_distance = nn.Embedding(len(LINK_KINDS) * (2 * LINK_DISTANCES + 1), 1)
        self.link_rule = nn.Parameter(torch.ones(1))
        self.link_features = nn.Embedding(len(config.link_features), width)
        self.link_where = nn.Embedding(len(LINK_KINDS) * (2 * LINK_DISTANCES + 1), width)
        self.link_mix = nn.Sequential(nn.LayerNorm(width), _block(width, width, dropout), nn.Linear(width, 1, bias=False))
        self.nobody = nn.Sequential(_block(width, width, dropout), nn.Linear(width, 1))
        self.post_init()
        self._begin_with_rules()

    @classmethod
    def from_encoder(cls, name: str, config: QuoteConfig) -> QuoteModel:
        """A model with fresh heads around the encoder of a folder or Hub id."""
        settings = AutoConfig.from_pretrained(name)
        settings.attention_probs_dropout_prob = 0.0  # costs a third of the time on a processor
        encoder = _without_pooling(AutoModel.from_pretrained, name, config=settings)
        config.length = min(config.length, encoder.config.max_position_embeddings - _OFFSET_OF_POSITIONS)
        config.encoder = encoder.config.to_dict()
        config.encoder.pop("_name_or_path", None)  # a folder of the machine that it was made on
        return cls(config, encoder)

    def _init_weights(self, module: nn.Module) -> None:
        """Fresh heads: linear layers as BERT's, embeddings of features and distances at zero."""
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.zeros_(module.weight)

    def _begin_with_rules(self) -> None:
        """Let fresh heads prefer what the rules prefer, so that training only has to correct them."""
        preferences = {
            "content": ({"a content starts": 2.0, "the content starts": 3.0}, {"a content ends": 2.0, "the content ends": 3.0}),
            "source": ({"the source starts": 4.0}, {"the source ends": 4.0}),
        }
        with torch.no_grad():
            for role, (starts, ends) in preferences.items():
                pointer = self._pointer(role)
                for linear, weights in ((pointer.start_features, starts), (pointer.end_features, ends)):
                    for name, weight in weights.items():
                        linear.weight[0, PAIR_FEATURES.index(name)] = weight
            self.cue_features.weight[first_value("rule")] = NO_CANDIDATE
            cast(nn.Linear, self.link_mix[-1]).weight.zero_()

    def _pointer(self, role: str) -> _Pointer:
        return cast(_Pointer, self.pointer[role])

    def states(self, batch: Batch) -> Tensor:
        """The state of every word. *Shape:* (words, width)."""
        passes = [
            self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state.flatten(0, 1)
            for ids, mask in zip(batch.ids, batch.masks, strict=True)
        ]
        flat = torch.cat(passes)
        return self.mixed(flat[batch.order[batch.first]], flat[batch.order[batch.last]], batch.features)

    def mixed(self, first: Tensor, last: Tensor, features: Tensor) -> Tensor:
        """The state of every word from those of its first and last piece, and its features. *Shape:* (words, width)."""
        states: Tensor = self.words(torch.cat([first, last], dim=-1)) + features @ self.features.weight
        return states + cast(Tensor, self.mix(states))

    def cues(self, states: Tensor, batch: Batch) -> Tensor:
        """The log odds that each word is a cue. *Shape:* (words,)."""
        scores: Tensor = (self.cue(states) + batch.features @ self.cue_features.weight).squeeze(-1).float()
        scores = scores + self.cue_rule * batch.rules
        return scores

    def names(self, states: Tensor) -> Tensor:
        """The log odds that each word is part of a speaker's name. *Shape:* (words,)."""
        scores: Tensor = self.name(states).squeeze(-1).float()
        return scores

    def starts(self, role: str, states: Tensor, at: Pointers) -> Tensor:
        """Scores of the words in reach as the first word. *Shape:* (cues, reach), and for "source" a last column: none."""
        scores = self._pointer(role).starts(states, at).float()
        if role == "source":
            scores = torch.cat([scores, self.no_source(states[at.cues]).float()], dim=1)
        return scores

    def ends(self, role: str, states: Tensor, at: Pointers, first: Tensor) -> Tensor:
        """Scores of the words in reach as the last word, given the first. *Shape:* (cues, reach)."""
        return self._pointer(role).ends(states, at, first).float()

    def links(self, states: Tensor, pairs: Pairs) -> Tensor:
        """How well each place denotes who speaks at the cue. *Shape:* (pairs,)."""
        queries = self.link_query(states[pairs.cue])
        keys = self.link_key(torch.cat([states[pairs.first], states[pairs.last]], dim=-1))
        scores: Tensor = (queries * keys).sum(dim=-1) * self.config.width**-0.5
        where = pairs.kind * (2 * LINK_DISTANCES + 1) + bucket(pairs.distance, LINK_DISTANCES)
        scores = scores + self.link_kind(pairs.kind).squeeze(-1) + self.link_distance(where).squeeze(-1)
        mixed = queries + keys + self.link_where(where)
        if self.config.link_features:  # a product over nothing is undefined in ONNX Runtime
            mixed = mixed + (pairs.known @ self.link_features.weight)[pairs.owner]
        scores = scores + self.link_mix(mixed).squeeze(-1)
        return scores.float()

    def nobodies(self, states: Tensor, cues: Tensor) -> Tensor:
        """The score of nobody as the speaker of each cue. *Shape:* (cues,)."""
        scores: Tensor = self.nobody(states[cues]).squeeze(-1).float()
        return scores


def _fresh_encoder(values: Mapping[str, Any]) -> PreTrainedModel:
    rest = dict(values)
    return _without_pooling(AutoModel.from_config, AutoConfig.for_model(rest.pop("model_type"), **rest))


def _without_pooling(make: Callable[..., PreTrainedModel], *arguments: Any, **options: Any) -> PreTrainedModel:
    """What a factory of encoders makes, without the pooling layer that most have."""
    try:
        return make(*arguments, add_pooling_layer=False, attn_implementation="eager", **options)
    except TypeError:  # ELECTRA has none
        return make(*arguments, attn_implementation="eager", **options)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from drawing progress bars and reporting on weights; afterwards it is as it was."""
    bars, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


# ---------------------------------------------------------------------------------------------------------------------
# The engine


def load(name: str | Path, device: str = "cpu") -> tuple[QuoteModel, Any]:
    """The model of a folder or Hub id, and its tokenizer.

    Raises `ModelError` where there is none, or none that this version can read.
    """
    folder = folder_of(name)
    check_sums(folder, "*.json", "*.safetensors")
    with quiet():
        try:
            kind = PreTrainedConfig.get_config_dict(folder)[0].get("model_type")
        except (OSError, ValueError) as error:
            raise ModelError(f"{name}: no model here: {_first_line(error)}") from error
        if kind is None:
            raise ModelError(
                f"{name}: no model here: the folder has no config.json with a model_type; 'quoteattr train' writes one"
            )
        if kind != QuoteConfig.model_type:
            raise ModelError(f"{name}: no quoteattr model but {kind!r}; 'quoteattr train --encoder {name}' makes one of it")
        try:
            loaded: Any = QuoteModel.from_pretrained(folder, dtype=torch.float32, output_loading_info=True, use_safetensors=True)
            tokenizer = AutoTokenizer.from_pretrained(folder)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise ModelError(f"{name}: this model can't be read, copy it again: {_first_line(error)}") from error
    model, facts = loaded
    if facts["missing_keys"]:
        raise ModelError(f"{name}: this model can't be read: it lacks {', '.join(sorted(facts['missing_keys'])[:3])}")
    return moved(model, device).eval(), tokenizer


def moved(model: QuoteModel, device: str) -> QuoteModel:
    """The model on a device. Raises `ModelError` where this machine or its PyTorch has no such device."""
    try:
        placed: QuoteModel = cast("Any", model).to(device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ModelError(f"the device {device!r} can't be used here, take 'cpu': {_first_line(error)}") from error
    return placed


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def encoder_of(config: QuoteConfig, tokenizer: Any) -> Encoder:
    """The encoder of the texts of a model, from its fast tokenizer of transformers."""
    special = Special(tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.unk_token_id)
    return Encoder(tokenizer.backend_tokenizer, special, config.preparation, config.length, config.context)


def loaded(model: QuoteModel, tokenizer: Any) -> Loaded:
    """A model that is in memory, ready to be run with PyTorch."""
    return Loaded(TorchEngine(model), encoder_of(model.config, tokenizer), {"model": "unsaved"})


class TorchEngine:
    """Runs a model with PyTorch, on the device where it is: an engine of `quoteattr.engine`."""

    windows = PASS

    def __init__(self, model: QuoteModel) -> None:
        self._model = model.eval()
        self.settings = Settings.of(vars(model.config))

    @property
    def padding(self) -> int:
        """The id of no piece."""
        padding: int | None = self._model.config.encoder.get("pad_token_id")
        return padding or 0

    @property
    def link_rule(self) -> float:
        """The weight of the rules' score in the link."""
        weight: float = self._model.link_rule.item()
        return weight

    @torch.inference_mode()
    def states(self, batch: Batch) -> tuple[Tensor, Floats, Floats]:
        """The states of the words, and the log odds of cue and name."""
        model = self._model
        batch = on(model.device, batch)
        states = model.states(batch)
        return states, _array(model.cues(states, batch)), _array(model.names(states))

    @torch.inference_mode()
    def starts(self, role: Role, states: Tensor, at: Pointers) -> Floats:
        """See `QuoteModel.starts`."""
        return _array(self._model.starts(role, states, on(self._model.device, at)))

    @torch.inference_mode()
    def ends(self, role: Role, states: Tensor, at: Pointers, first: Any) -> Floats:
        """See `QuoteModel.ends`."""
        device = self._model.device
        return _array(self._model.ends(role, states, on(device, at), torch.from_numpy(first).to(device)))

    @torch.inference_mode()
    def links(self, states: Tensor, pairs: Pairs) -> Floats:
        """See `QuoteModel.links`."""
        return _array(self._model.links(states, on(self._model.device, pairs)))

    @torch.inference_mode()
    def nobodies(self, states: Tensor, cues: Any) -> Floats:
        """See `QuoteModel.nobodies`."""
        return _array(self._model.nobodies(states, torch.from_numpy(cues).to(self._model.device)))


def _array(x: Tensor) -> Floats:
    found: Floats = x.float().cpu().numpy()
    return found
