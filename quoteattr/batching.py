"""Encoded texts, cues and places laid out as arrays, for one call of an engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from quoteattr.encoding import FEATURES, PAIR_FEATURES, Encoded, Floats, Ints

Array = Any
"""An array of numpy as it is made here, or a tensor of the engine that it was moved to."""

LINK_KINDS = ("source", "mention", "cue")
Place = tuple[int, int, int, int]
"""Where a speaker is mentioned: first and last word, kind (a number of `LINK_KINDS`), and distance from the cue in words."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Several texts laid end to end.

    ``ids`` and ``masks``: the windows of every pass of the encoder. ``order``: for every piece of the windows in the order of
    the texts, its place in the passes laid end to end. ``first``, ``last``: *Shape:* (words,), the pieces of every word in that
    order. ``features``: *Shape:* (words, values of `FEATURES`), 1 where a word has a value. ``rules``: the rules' log odds that
    each word is a cue. ``offsets``: the number of the first word of every text, and
    behind the last one.
    """

    ids: tuple[Array, ...]
    masks: tuple[Array, ...]
    order: Array
    first: Array
    last: Array
    features: Array
    rules: Array
    offsets: tuple[int, ...]

    @classmethod
    def of(cls, texts: Sequence[Encoded], padding: int, size: int) -> Batch:
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
            ids.append(block)
            masks.append(mask)
        shifts = np.cumsum([0, *(sum(len(w.ids) for w in text.windows) for text in texts)])
        pieces = list(zip(texts, shifts, strict=False))
        return cls(
            tuple(ids),
            tuple(masks),
            order,
            np.concatenate([text.first + shift for text, shift in pieces]),
            np.concatenate([text.last + shift for text, shift in pieces]),
            _features([text.words for text in texts]),
            np.concatenate([text.logits for text in texts]),
            tuple(np.cumsum([0, *(len(text.first) for text in texts)]).tolist()),
        )


def _features(words: Sequence[Ints]) -> Floats:
    values = np.concatenate(words)
    table = np.zeros((len(values), sum(FEATURES.values())), dtype=np.float32)
    table[np.arange(len(values))[:, None], values] = 1.0
    return table


@dataclass(frozen=True, slots=True)
class Pointers:
    """What the pointers of some cues go by. *Shapes:* (cues,), (cues, reach), (cues, reach), (cues, reach, `PAIR_FEATURES`).

    ``reach`` numbers the words that may be a boundary (any number where ``mask`` is false).
    """

    cues: Array
    reach: Array
    mask: Array
    features: Array

    @classmethod
    def of(cls, cues: Sequence[int], begins: Sequence[int], features: Sequence[Floats]) -> Pointers:
        """From the word of every cue, the first word in its reach, and the features of the words in reach."""
        longest = max(map(len, features))
        reach = np.zeros((len(cues), longest), dtype=np.int64)
        mask = np.zeros((len(cues), longest), dtype=bool)
        table = np.zeros((len(cues), longest, len(PAIR_FEATURES)), dtype=np.float32)
        for row, (begin, own) in enumerate(zip(begins, features, strict=True)):
            reach[row, : len(own)] = np.arange(begin, begin + len(own))
            mask[row, : len(own)] = True
            table[row, : len(own)] = own
        return cls(np.asarray(cues, dtype=np.int64), reach, mask, table)

    def repeated(self, times: int) -> Pointers:
        """The same with every cue several times in a row."""
        return Pointers(*(np.repeat(x, times, axis=0) for x in (self.cues, self.reach, self.mask, self.features)))


@dataclass(frozen=True, slots=True)
class Pairs:
    """Cues beside places where one who may be meant is mentioned. *Shape:* (pairs,) each: the word of the cue, the first and
    the last word of the place, what it is (a number of `LINK_KINDS`), how far away, and whose place it is.

    ``known``: *Shape:* (owners, link features), 1 where a feature holds of one who may be meant.
    """

    cue: Array
    first: Array
    last: Array
    kind: Array
    distance: Array
    owner: Array
    known: Array

    @classmethod
    def of(cls, rows: Sequence[tuple[int, ...]], features: Sequence[Sequence[int]], count: int) -> Pairs:
        """From a row for every pair (cue, the `Place`, owner) and the link features of every owner, of which there are
        ``count``."""
        table = np.array(rows, dtype=np.int64).reshape(-1, 6)
        known = np.zeros((len(features), count), dtype=np.float32)
        for row, own in enumerate(features):
            known[row, own] = 1.0
        cue, first, last, kind, distance, owner = table.T.copy()
        return cls(cue, first, last, kind, distance, owner, known)
