"""What is known of Arabic words besides the lexicon: function words, the word sets of single rules, the common words of news.

All are tables under ``data/``; words are folded on loading.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from quoteattr.text import fold


def _rows(name: str) -> Iterator[list[str]]:
    """The rows of a table as lists of fields, without comments and header."""
    lines = files("quoteattr").joinpath("data", name).read_text(encoding="utf8").splitlines()
    rows = (line for line in lines if line and not line.startswith("#"))
    next(rows)
    yield from (row.split("\t") for row in rows)


@cache
def function_words() -> Mapping[str, str]:
    """The class of every function word, from ``function_words.tsv``.

    >>> function_words()["الذي"], function_words()["اثر"]
    ('relative', 'preposition')
    """
    table: dict[str, str] = {}
    for name, words in _rows("function_words.tsv"):
        for word in words.split():
            table.setdefault(fold(word), name)
    return table


@cache
def _word_sets() -> Mapping[str, frozenset[str]]:
    return {name: frozenset(map(fold, words.split())) for name, _, words in _rows("word_sets.tsv")}


def word_set(name: str) -> frozenset[str]:
    """The words that steer one rule, by the name they have in ``word_sets.tsv``.

    >>> "تعالي" in word_set("divine")
    True
    """
    return _word_sets()[name]


@cache
def news_words() -> tuple[Mapping[str, int], frozenset[str]]:
    """The common words of news with the base-2 logarithm of their count, and the finite verbs, from ``news_words.tsv``.

    >>> counts, verbs = news_words()
    >>> "شوون" in counts, "اعلنت" in verbs, "شوون" in verbs
    (True, True, False)
    """
    counts: dict[str, int] = {}
    verbs: set[str] = set()
    for word, count, *verb in _rows("news_words.tsv"):
        counts[word] = int(count)
        if verb:
            verbs.add(word)
    return counts, frozenset(verbs)
