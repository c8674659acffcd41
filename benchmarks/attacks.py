"""Texts that may be slow for a regular expression, made from the expression itself, and all expressions of the package.

`recorded` notes every pattern that a module of the package compiles, wherever it is kept. `attacks` reads a pattern as `re`
parses it: each of its repetitions is fed again and again and then fails, and units of its own characters are repeated in any
mixture.
"""

from __future__ import annotations

import linecache
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

PACKAGE = "quoteattr"
FUNCTIONS = ("compile", "search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn")
REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)
ASSIGNED = re.compile(r"(\w+) = re\.compile\(")
OFTEN = 8  # repetitions of what is repeated without end, in an example
ALPHABET = " \n\t0٣aZ_-.:,;/<>&#@=()[]\"'«»اقوم\u0651ـ!؟\u200f\ud800"
"""Characters of all kinds that classes are tried on."""
KINDS: dict[Any, Callable[[str], bool]] = {
    codes.CATEGORY_DIGIT: str.isdigit,
    codes.CATEGORY_SPACE: str.isspace,
    codes.CATEGORY_WORD: lambda c: c.isalnum() or c == "_",
}
OPPOSITES = {
    codes.CATEGORY_NOT_DIGIT: codes.CATEGORY_DIGIT,
    codes.CATEGORY_NOT_SPACE: codes.CATEGORY_SPACE,
    codes.CATEGORY_NOT_WORD: codes.CATEGORY_WORD,
}


@dataclass(frozen=True, slots=True)
class Attack:
    """A text of any length: what stands first, what is repeated, what stands last.

    >>> Attack("<", "ab", ">").text(8)
    '<ababab>'
    """

    first: str
    unit: str
    last: str = ""

    def text(self, size: int) -> str:
        """The text of about that many characters."""
        times = max(1, (size - len(self.first) - len(self.last)) // len(self.unit))
        return self.first + self.unit * times + self.last

    def __str__(self) -> str:
        shown = (f"{part[:20]!r}" + ("…" if len(part) > 20 else "") for part in (self.first, self.unit, self.last))
        first, unit, last = ("" if part == "''" else part for part in shown)
        return " ".join(part for part in (first, f"{unit}*", last) if part)


@dataclass(frozen=True, slots=True)
class Regex:
    """A pattern of the package: the module and name that it has there, and whether it is only looked for at one place."""

    name: str
    pattern: re.Pattern[Any]
    anchored: bool

    def run(self, text: str) -> None:
        """Find all that it matches, or what it matches at the beginning."""
        subject = text if isinstance(self.pattern.pattern, str) else text.encode("utf-8", "surrogatepass")
        if self.anchored:
            self.pattern.match(subject)
            self.pattern.fullmatch(subject)
        else:
            for _ in self.pattern.finditer(subject):
                pass


@contextmanager
def recorded() -> Iterator[dict[tuple[Any, int], Regex]]:
    """Every pattern that the package compiles in this context, whose modules must not be imported before."""
    if PACKAGE in sys.modules:
        raise RuntimeError(f"{PACKAGE} is imported already")
    found: dict[tuple[Any, int], Regex] = {}
    before = {name: getattr(re, name) for name in FUNCTIONS}

    def recording(name: str) -> Callable[..., Any]:
        def function(pattern: Any, *rest: Any, **named: Any) -> Any:
            frame = sys._getframe(1)
            module = frame.f_globals.get("__name__", "")
            if module.split(".")[0] == PACKAGE:
                compiled = before["compile"](pattern, *(rest if name == "compile" else ()))
                line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
                key = (compiled.pattern, compiled.flags)
                found.setdefault(key, _regex(module, frame.f_code.co_filename, frame.f_code.co_name, line, compiled))
            return before[name](pattern, *rest, **named)

        return function

    for name in FUNCTIONS:
        setattr(re, name, recording(name))
    try:
        yield found
    finally:
        for name, function in before.items():
            setattr(re, name, function)


def _regex(module: str, file: str, function: str, line: str, pattern: re.Pattern[Any]) -> Regex:
    assigned = ASSIGNED.match(line)
    uses: set[str] = set()
    if assigned:
        uses = set(re.findall(rf"\b{assigned[1]}\.(\w+)", "".join(linecache.getlines(file))))
    name = f"{module.removeprefix(f'{PACKAGE}.')}.{assigned[1] if assigned else function}"
    return Regex(name, pattern, bool(uses) and uses <= {"match", "fullmatch"})


# ---------------------------------------------------------------------------------------------------------------------
# From a pattern


def attacks(pattern: re.Pattern[Any], seed: int = 1, mixtures: int = 80) -> list[Attack]:
    """Texts made for a pattern; the same for the same seed.

    >>> found = attacks(re.compile("(a+)+b"))
    >>> any(set(a.unit) == {"a"} and not a.last.startswith("b") for a in found)
    True
    """
    chance = random.Random(seed)
    written = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    tree = parser.parse(written, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags)
    letters = sorted({c for leaf in _leaves(tree) for c in leaf}) or ["a"]
    strangers = [c for c in ALPHABET if c not in letters] or ["\x00"]
    found: dict[Attack, None] = {}
    for repetition in _repetitions(tree):
        for _ in range(6):
            first, last = _Example(chance, repetition).parts(tree)
            unit = "".join(_Example(chance).text(repetition[2]) for _ in range(chance.randint(1, 2)))
            if not unit:
                continue
            stranger = chance.choice(strangers)
            for end in ("", stranger, last, last[:-1] + stranger):
                found[Attack(first, unit, end)] = None
                found[Attack("", first + unit * OFTEN + end)] = None
                found[Attack("", first or unit, unit * OFTEN + end)] = None
    for _ in range(mixtures):
        whole = _Example(chance).text(tree)
        for unit in (whole, whole[:-1], "".join(chance.choices(letters + strangers[:2], k=chance.randint(1, 4)))):
            if unit:
                found[Attack("", unit, chance.choice(["", *strangers]))] = None
    for some in (letters, [*letters, *strangers]):
        found[Attack("", "".join(chance.choices(some, k=997)))] = None
    return list(found)


def _children(code: Any, value: Any) -> Sequence[Any]:
    if code in REPEATS:
        return [value[2]]
    if code is codes.BRANCH:
        return value[1]  # type: ignore[no-any-return]
    if code is codes.SUBPATTERN:
        return [value[3]]
    if code in (codes.ASSERT, codes.ASSERT_NOT):
        return [value[1]]
    return [value] if code is codes.ATOMIC_GROUP else []


def _repetitions(tree: Any) -> Iterator[Any]:
    """The repetitions of a pattern that may go on for long."""
    for code, value in tree:
        if code in REPEATS and value[1] > OFTEN:
            yield value
        for child in _children(code, value):
            yield from _repetitions(child)


def _leaves(tree: Any) -> Iterator[list[str]]:
    """The characters that each place of a pattern takes."""
    for code, value in tree:
        if code in (codes.LITERAL, codes.NOT_LITERAL, codes.IN, codes.ANY):
            yield _members(code, value)
        for child in _children(code, value):
            yield from _leaves(child)


def _members(code: Any, value: Any) -> list[str]:
    """Some of the characters that a place takes."""
    if code is codes.ANY:
        return [c for c in ALPHABET if c != "\n"]
    items = [(codes.LITERAL, value)] if code in (codes.LITERAL, codes.NOT_LITERAL) else value
    own = {chr(n) for kind, n in items if kind is codes.LITERAL}
    own |= {chr(end) for kind, ends in items if kind is codes.RANGE for end in ends}
    negated = code is codes.NOT_LITERAL or any(kind is codes.NEGATE for kind, _ in items)
    return [c for c in sorted({*ALPHABET, *own}) if any(_holds(*item, c) for item in items) != negated]


def _holds(code: Any, value: Any, c: str) -> bool:
    if code is codes.LITERAL:
        return ord(c) == value
    if code is codes.RANGE:
        return bool(value[0] <= ord(c) <= value[1])
    if code is codes.CATEGORY:
        return not KINDS[OPPOSITES[value]](c) if value in OPPOSITES else KINDS[value](c)
    return False


class _Example:
    """Makes a text that a pattern (nearly) matches, and notes where one of its repetitions stands in it."""

    def __init__(self, chance: random.Random, repetition: Any = None) -> None:
        self._chance = chance
        self._repetition = repetition
        self._groups: dict[int, str] = {}
        self._at: int | None = None
        self._done: list[str] = []

    def text(self, tree: Any) -> str:
        """The whole text."""
        self._add(tree)
        return "".join(self._done)

    def parts(self, tree: Any) -> tuple[str, str]:
        """The text before the repetition and behind it."""
        self._add(tree)
        at = len(self._done) if self._at is None else self._at
        return "".join(self._done[:at]), "".join(self._done[at:])

    def _add(self, tree: Any) -> None:
        for code, value in tree:
            if code in REPEATS:
                if value is self._repetition:
                    self._at = len(self._done)
                least, most, body = value
                for _ in range(max(least, min(most, self._chance.choice((least, least + 1, 3))))):
                    self._add(body)
            elif code is codes.BRANCH:
                self._add(self._chance.choice([own for own in value[1] if self._holds(own)] or value[1]))
            elif code is codes.SUBPATTERN:
                begin = len(self._done)
                self._add(value[3])
                self._groups[value[0]] = "".join(self._done[begin:])
            elif code is codes.GROUPREF:
                self._done.append(self._groups.get(value, ""))
            elif code in (codes.LITERAL, codes.NOT_LITERAL, codes.IN, codes.ANY):
                self._done.append(self._chance.choice(_members(code, value) or [" "]))
            elif code is codes.ATOMIC_GROUP:
                self._add(value)

    def _holds(self, tree: Any) -> bool:
        return self._repetition is not None and any(own is self._repetition for own in _repetitions(tree))
