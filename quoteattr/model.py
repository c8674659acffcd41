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
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.utils import logging

from quoteattr.encoding import FEATURES, PAIR_FEATURES, Encoded, Floats, first_value
from quoteattr.preparation import PREPARATIONS

FORMAT = 1
"""The version of what a saved folder means; a folder of a later version is refused."""

ROLES = ("content", "source")
NO_CANDIDATE = -6.0
"""The log odds at the start that a word is a cue which the rules did not think of."""
DISTANCES = 24
LINK_DISTANCES = 40
LINK_KINDS = ("source", "mention", "cue")
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


@dataclass(frozen=True, slots=True)
class Pointers:
    """What the pointers of some cues go by. *Shapes:* (cues,), (cues, reach), (cues, reach), (cues, reach, `PAIR_FEATURES`).

    ``reach`` numbers the words that may be a boundary (any number where ``mask`` is false).
    """

    cues: Tensor
    reach: Tensor
    mask: Tensor
    features: Tensor

    @classmethod
    def of(
        cls, cues: Sequence[int], begins: Sequence[int], features: Sequence[Floats], device: torch.device | str = "cpu"
    ) -> Pointers:
        """From the word of every cue, the first word in its reach, and the features of the words in reach."""
        longest = max(map(len, features))
        reach = np.zeros((len(cues), longest), dtype=np.int64)
        mask = np.zeros((len(cues), longest), dtype=bool)
        table = np.zeros((len(cues), longest, len(PAIR_FEATURES)), dtype=np.float32)
        for row, (begin, own) in enumerate(zip(begins, features, strict=True)):
            reach[row, : len(own)] = np.arange(begin, begin + len(own))
            mask[row, : len(own)] = True
            table[row, : len(own)] = own
        tensors = (torch.from_numpy(x).to(device) for x in (np.asarray(cues, dtype=np.int64), reach, mask, table))
        return cls(*tensors)


Place = tuple[int, int, int, int]
"""Where a speaker is mentioned: first and last word, kind (a number of `LINK_KINDS`), and distance from the cue in words."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Cues beside places where one who may be meant is mentioned. *Shape:* (pairs,) each: the word of the cue, the first and
    the last word of the place, what it is (a number of `LINK_KINDS`), how far away, and whose place it is.

    ``features``, ``begins``: the numbers of the link features of everybody who may be meant, end to end, and where each one's
    begin.
    """

    cue: Tensor
    first: Tensor
    last: Tensor
    kind: Tensor
    distance: Tensor
    owner: Tensor
    features: Tensor
    begins: Tensor

    @classmethod
    def of(cls, rows: Sequence[tuple[int, ...]], features: Sequence[Sequence[int]], device: torch.device | str = "cpu") -> Pairs:
        """From a row for every pair (cue, the `Place`, owner) and the link features of every owner."""
        table = np.array(rows, dtype=np.int64).reshape(-1, 6)
        flat = np.array([number for own in features for number in own], dtype=np.int64)
        begins = np.cumsum([0, *map(len, features)])[:-1]
        tensors = (torch.from_numpy(x).to(device) for x in (flat, begins))
        return cls(*torch.from_numpy(table).to(device).unbind(1), *tensors)


@dataclass(frozen=True, slots=True)
class Batch:
    """Several texts laid end to end for one call of `QuoteModel.states`, whose arguments its fields are.

    ``offsets``: the number of the first word of every text, and behind the last one.
    """

    ids: tuple[Tensor, ...]
    masks: tuple[Tensor, ...]
    order: Tensor
    first: Tensor
    last: Tensor
    features: Tensor
    rules: Tensor
    offsets: tuple[int, ...]

    @classmethod
    def of(cls, texts: Sequence[Encoded], padding: int, size: int, device: torch.device | str = "cpu") -> Batch:
        """The texts' windows sorted by length, ``size`` of them in a pass of the encoder; ``padding`` is the id of no piece."""
        windows = [window.ids for text in texts for window in text.windows]
        begins = np.cumsum([0, *map(len, windows)])
        order = np.zeros(begins[-1], dtype=np.int64)
        ids, masks = [], []
        by_length = sorted(range(len(windows)), key=lambda n: len(windows[n]))
        done = 0
        for at in range(0, len(by_length), size):
            chosen = by_length[at : at + size]
            longest = len(windows[chosen[-1]])
            block = np.full((len(chosen), longest), padding, dtype=np.int64)
            mask = np.zeros((len(chosen), longest), dtype=np.int64)
            for row, n in enumerate(chosen):
                block[row, : len(windows[n])] = windows[n]
                mask[row, : len(windows[n])] = 1
                order[begins[n] : begins[n + 1]] = done + row * longest + np.arange(len(windows[n]))
            done += block.size
            ids.append(torch.from_numpy(block).to(device))
            masks.append(torch.from_numpy(mask).to(device))
        shifts = np.cumsum([0, *(sum(len(w.ids) for w in text.windows) for text in texts)])
        pieces = list(zip(texts, shifts, strict=False))
        return cls(
            tuple(ids),
            tuple(masks),
            torch.from_numpy(order).to(device),
            torch.from_numpy(np.concatenate([text.first + shift for text, shift in pieces])).to(device),
            torch.from_numpy(np.concatenate([text.last + shift for text, shift in pieces])).to(device),
            torch.from_numpy(np.concatenate([text.words for text in texts])).to(device),
            torch.from_numpy(np.concatenate([text.logits for text in texts])).to(device),
            tuple(np.cumsum([0, *(len(text.first) for text in texts)]).tolist()),
        )


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
        scores: Tensor = torch.einsum("cd,crd->cr", query, self.start_key(states)[at.reach]) * self.scale
        scores = scores + self.start_features(at.features).squeeze(-1)
        scores = scores + self.start_distance(bucket(at.reach - at.cues[:, None], DISTANCES)).squeeze(-1)
        return scores.masked_fill(~at.mask, _FAR)

    def ends(self, states: Tensor, at: Pointers, first: Tensor) -> Tensor:
        """Given the first word of each cue. *Shape:* (cues, reach)."""
        query = self.end_query(torch.cat([states[at.cues], states[first]], dim=-1))
        scores: Tensor = torch.einsum("cd,crd->cr", query, self.end_key(states)[at.reach]) * self.scale
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
        if config.format > FORMAT:
            raise ValueError(f"the model has format {config.format}, this quoteattr reads up to {FORMAT}: upgrade quoteattr")
        if config.preparation not in PREPARATIONS:
            raise ValueError(f"there is no text preparation {config.preparation!r}, only {', '.join(PREPARATIONS)}")
        if encoder is None:
            encoder = _fresh_encoder(config.encoder)
        self.encoder = encoder
        width, dropout = config.width, config.dropout
        self.features = nn.EmbeddingBag(sum(FEATURES.values()), width, mode="sum")
        self.words = nn.Sequential(nn.Linear(2 * encoder.config.hidden_size, width), nn.LayerNorm(width))
        self.mix = _block(width, width, dropout)
        self.cue = nn.Sequential(_block(width, width, dropout), nn.Linear(width, 1))
        self.cue_rule = nn.Parameter(torch.ones(1))
        self.cue_features = nn.EmbeddingBag(sum(FEATURES.values()), 1, mode="sum")
        self.name = nn.Sequential(_block(width, width, dropout), nn.Linear(width, 1))
        self.pointer = nn.ModuleDict({role: _Pointer(width, dropout) for role in ROLES})
        self.no_source = nn.Sequential(_block(width, width, dropout), nn.Linear(width, 1))
        self.link_query = _block(width, width, dropout)
        self.link_key = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.LayerNorm(width))
        self.link_kind = nn.Embedding(len(LINK_KINDS), 1)
        self.link_distance = nn.Embedding(len(LINK_KINDS) * (2 * LINK_DISTANCES + 1), 1)
        self.link_rule = nn.Parameter(torch.ones(1))
        self._link_numbers = {name: n for n, name in enumerate(config.link_features)}
        self.link_features = nn.EmbeddingBag(max(1, len(config.link_features)), width, mode="sum")
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
        elif isinstance(module, nn.Embedding | nn.EmbeddingBag):
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
        pieces = torch.cat([flat[batch.order[batch.first]], flat[batch.order[batch.last]]], dim=-1)
        states: Tensor = self.words(pieces) + self.features(batch.features)
        return states + cast(Tensor, self.mix(states))

    def cues(self, states: Tensor, batch: Batch) -> Tensor:
        """The log odds that each word is a cue. *Shape:* (words,)."""
        scores: Tensor = (self.cue(states) + self.cue_features(batch.features)).squeeze(-1).float()
        return scores + self.cue_rule * batch.rules

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
        known = self.link_features(pairs.features, pairs.begins)[pairs.owner]
        scores = scores + self.link_mix(queries + keys + known + self.link_where(where)).squeeze(-1)
        return scores.float()

    def link_numbers(self, names: Sequence[str]) -> list[int]:
        """The numbers of link features; those that the model does not know are left out."""
        return [self._link_numbers[name] for name in names if name in self._link_numbers]

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
