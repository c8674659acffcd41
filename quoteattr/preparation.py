"""Text as an encoder wants it before its own tokenizer, with the way back to the caller's string.

Encoders were pretrained on text that somebody cleaned first; they read best what was cleaned the same way. Cleaning drops and
inserts characters, so every preparation says for each character that it returns where it came from.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from operator import eq

_MARKS = (
    "\u0610-\u061a\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u08d3-\u08e1\u08e3-\u08ff"
)
"""Vowel signs and Quranic marks; not the combining madda and hamza, which belong to a letter."""
_INVISIBLE = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
_UNSEEN = re.compile(f"[{_MARKS}{_INVISIBLE}\u0640]+")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a tokenizer gets, and where it comes from.

    ``origin`` has for every character of ``text`` the offset in the caller's string of the character that it stands for. It
    never decreases. A character that stands for several (a link, an HTML entity) has the offset of their first; an inserted
    space that of the character before it.
    """

    text: str
    origin: Sequence[int]


Edit = tuple[int, int, str]
"""``text[start:end]`` becomes a new string. Edits of one step come in order and don't overlap."""
Step = Callable[[str], Iterable[Edit]]


def _edited(prepared: Prepared, step: Step) -> Prepared:
    """A text after one step. The characters of a new string all stand for the first that they replace."""
    text, origin = prepared.text, prepared.origin
    pieces: list[str] = []
    offsets: list[int] = []
    done = 0
    for start, end, new in step(text):
        pieces += text[done:start], new
        offsets += origin[done:start]
        if new:
            offsets += [origin[min(start, len(text) - 1)]] * len(new)
        done = end
    if not pieces:
        return prepared
    return Prepared("".join((*pieces, text[done:])), (*offsets, *origin[done:]))


def _replace(pattern: str, new: str = "", needs: str = "") -> Step:
    """The step that puts ``new`` for all that matches; ``needs`` matches in every match, and says sooner that there is none."""
    find, gate = re.compile(pattern).finditer, re.compile(needs).search

    def edits(text: str) -> Iterator[Edit]:
        if gate(text):
            for match in find(text):
                yield *match.span(), new

    return edits


_drop_unseen = _replace(_UNSEEN.pattern)


def plain(text: str) -> Prepared:
    """Without what is not read aloud letter by letter: vowel signs, Quranic marks, tatweel, invisible characters.

    >>> prepared = plain("قالَ الوزيـــر")
    >>> prepared.text, prepared.origin
    ('قال الوزير', (0, 1, 2, 4, 5, 6, 7, 8, 9, 13))
    """
    return _edited(Prepared(text, range(len(text))), _drop_unseen)


# ---------------------------------------------------------------------------------------------------------------------
# AraBERT

_LETTERS = "\u0621-\u063a\u0641-\u064a"
_GLUED = re.compile(f"(?<![0-9])([0-9]+)([{_LETTERS}]+)|(?<![{_LETTERS}])([{_LETTERS}]+)([0-9]+)(?![0-9{_LETTERS}])")
_TOKEN = re.compile(
    f"[0-9A-Za-z{_LETTERS}[\\]]+"
    "|[\u0653-\u065f\u066a-\u066c\u0671-\u0674\u06da\u0b4d،؛؟«»“”‘’–—…·!\"#$%'()*+,.:;<=>?@\\\\^_`{|}~-]"
)
_REFERENCE = re.compile(r"&(?:#(?:[0-9]+|[xX][0-9a-fA-F]+)|[^\t\n\f <&#;]{1,32});?")
_TAG = re.compile("<[^>]+(>?)")  # one that nothing closes is passed over at once
_REPEATED = re.compile(r"(\D)\1(\1+)")
_MAPPED = str.maketrans("٠١٢٣٤٥٦٧٨٩/", "0123456789-")
_LINK, _MAIL, _USER = " [رابط] ", " [بريد] ", " [مستخدم] "
_LONGEST_NUMBER = 4000  # of digits; `int` refuses more than 4300


def _references(text: str) -> Iterator[Edit]:
    """HTML entities become what they stand for; in «&ampقال», which is one without its semicolon, the letters behind stay."""
    for match in _REFERENCE.finditer(text):
        found = match.group()
        new = html.unescape(found) if len(found) < _LONGEST_NUMBER else "\ufffd"
        kept = sum(takewhile(bool, map(eq, reversed(found), reversed(new))))
        yield match.start(), match.end() - kept, new[: len(new) - kept]


def _tags(text: str) -> Iterator[Edit]:
    for match in _TAG.finditer(text):
        if match[1]:
            yield *match.span(), " "


def _repetitions(text: str) -> Iterator[Edit]:
    """Of three and more of a kind two stay, except digits."""
    for match in _REPEATED.finditer(text):
        yield *match.span(2), ""


def _digits_from_letters(text: str) -> Iterator[Edit]:
    """A number and the Arabic word that it is glued to stand apart, from each other and from what is around them."""
    for match in _GLUED.finditer(text):
        start, end = match.span()
        border = match.end(1) if match[1] else match.end(3)
        yield from ((at, at, " ") for at in (start, border, end))


# Where a pattern begins with a run of characters, a look-behind lets it begin at the first of them only: it finds the same and
# does not try a long run again from each of its characters.
_ARABERT: tuple[Step, ...] = (
    _references,
    _replace("[\u0640\u064b-\u0652]+"),
    _replace(
        r"(?:https?://.)?(?:www\.)?[\w@:%.+~#=-]{2,256}\.[a-z]{2,6}\b[\w@:%.+~#?&/=-]*".replace(r"\w", "A-Za-z0-9_"),
        _LINK,
        needs=r"\.[a-z]{2}",
    ),
    _replace("https?://[A-Za-z0-9_./~?=%&-]+", _LINK, needs="http"),
    _replace("www[A-Za-z0-9_./~?=%&-]+", _LINK, needs="www"),
    _replace(r"(?:(?<![A-Za-z])|(?<=\.com))[A-Za-z]+\.com", _LINK, needs=r"\.com"),
    _replace(r"http\S*", _LINK),
    _replace(r"www\S*", _LINK),
    _replace("://", _LINK),
    _replace(r"(?<![\w-])[\w-]+@(?:[\w-]+\.)+[\w-]+", _MAIL, needs="@"),
    _replace(r"(?<!\S)\S+@\S+", _MAIL, needs="@"),
    _replace(r"@\w+", _USER),
    _replace("<br />", " "),
    _tags,
    _repetitions,
)


def arabert(text: str) -> Prepared:
    r"""What AraBERT v0.2 was pretrained on: words and marks one space apart, in a small set of characters.

    HTML entities are resolved; short vowels and tatweel dropped; links, addresses and mentions replaced by [رابط], [بريد] and
    [مستخدم]; HTML tags removed; Arabic-Indic digits become 0 to 9 and a slash a hyphen; three and more of one character become
    two; numbers are parted from Arabic words; whatever is left that is no Arabic or Latin letter, digit or usual mark is a space,
    and so are line breaks.

    The steps and their order are those of ``ArabertPreprocessor("aubmindlab/bert-base-arabertv02").preprocess`` in the package
    arabert 1.0.1 (AUB MIND Lab, under the AraBERT software licence agreement of the American University of Beirut), whose
    results this returns (`tests/data/arabert_preparation.jsonl`) without using it or code of it.

    >>> text = "قالَ:\n«١٢كم/س» &amp; www.example.org"
    >>> prepared = arabert(text)
    >>> prepared.text
    'قال : « 12 كم - س » [رابط]'
    >>> text[prepared.origin[prepared.text.index("كم")] :][:4]
    'كم/س'
    """
    prepared = Prepared(text, range(len(text)))
    for step in _ARABERT:
        prepared = _edited(prepared, step)
    prepared = _edited(Prepared(prepared.text.translate(_MAPPED), prepared.origin), _digits_from_letters)
    tokens: list[str] = []
    offsets: list[int] = []
    for match in _TOKEN.finditer(prepared.text):
        start, end = match.span()
        tokens.append(match.group())
        offsets += prepared.origin[start:end]
        offsets.append(offsets[-1])
    return Prepared(" ".join(tokens), tuple(offsets[:-1]))


PREPARATIONS: Mapping[str, Callable[[str], Prepared]] = {"plain": plain, "arabert": arabert}
"""The preparations by the names that a model's configuration has."""
