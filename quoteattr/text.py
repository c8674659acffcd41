"""Raw text to normalized text with an exact way back, and its paragraphs, sentences and quotation marks.

Nothing here knows a verb. All positions are offsets into `NormalizedText.text`; `NormalizedText.original_span` turns them
into offsets of the caller's own string.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

LETTERS = "\u0620-\u063f\u0641-\u064a\u066e-\u066f\u0671-\u06d3\u06d5\u06ee-\u06ef\u06fa-\u06ff\u0750-\u077f"
"""Arabic-script letters as the inside of a regular-expression class (tatweel is not one)."""

_MARKS = (
    "\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u08d3-\u08e1\u08e3-\u08ff"
)
_INVISIBLE = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"


def _translation() -> tuple[dict[int, int], dict[str, str]]:
    """The folding of single characters: those that stay one character, and those that become none or several."""
    one: dict[int, int] = {}
    for sources, target in (
        ("أإآٱٲٳ", "ا"),
        ("ىیېۍ", "ي"),
        ("ةۃ", "ه"),
        ("ؤ", "و"),
        ("ئ", "ي"),
        ("ک", "ك"),
        (
            "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t\x0b\x0c",
            " ",
        ),
        ("\u2028\u2029\x85", "\n"),
        ("٫", "."),
        ("٪", "%"),
    ):
        one.update({ord(c): ord(target) for c in sources})
    one.update({ord(c): ord(" ") for c in map(chr, (*range(9), *range(14, 32), 127))})
    for base in (0x0660, 0x06F0):
        one.update({base + n: ord(str(n)) for n in range(10)})
    several: dict[str, str] = {}
    for code in (*range(0xFB50, 0xFDD0), *range(0xFDF0, 0xFE00), *range(0xFE70, 0xFEFD)):
        plain = unicodedata.normalize("NFKC", chr(code))
        if plain == chr(code):
            continue
        plain = re.sub(f"[{_MARKS}ـ]", "", plain).translate(one)
        if len(plain) == 1 and plain != " ":
            one[code] = ord(plain)
        else:
            several[chr(code)] = plain.strip()
    return one, several


_ONE, _SEVERAL = _translation()
_COMMON = tuple((source, chr(_ONE[ord(source)])) for source in "أإآىةؤئ\u00a0")
_RARE = re.compile("[" + "".join(re.escape(chr(c)) for c in _ONE if chr(c) not in "أإآىةؤئ\u00a0") + "]")
# Patterns that are looked for in whole texts begin with one character class, which `re` skips to many times faster than it
# tries alternatives; look-behinds then tell the cases apart.
_CHANGES_LENGTH = re.compile(
    f"[{_MARKS}{_INVISIBLE}\rـ{''.join(_SEVERAL)}]"
    f"(?:(?<=[{_MARKS}{_INVISIBLE}])[{_MARKS}{_INVISIBLE}]*|(?<=[{LETTERS}]ـ)ـ*|(?<=\r)\n?|(?<=[ـ{''.join(_SEVERAL)}]))"
)
_COMBINING = re.compile(f"[{_MARKS}]+")
_FOLD_AWAY = re.compile(f"[{_MARKS}{_INVISIBLE}ـ]+")


def _translate(text: str) -> str:
    if _RARE.search(text):
        return text.translate(_ONE)
    for source, target in _COMMON:
        text = text.replace(source, target)
    return text


def fold(text: str) -> str:
    """Fold a word or phrase for comparison: no diacritics, tatweel or invisible marks, one form of alef, ya and ta marbuta.

    Hamza carriers lose their hamza and Arabic-Indic digits become ASCII. The length may change; for a text whose offsets
    matter use `normalize`.

    >>> fold("أُولـى"), fold("المسؤولة"), fold("٢٠١٦")
    ('اولي', 'المسووله', '2016')
    """
    text = _translate(_FOLD_AWAY.sub("", text))
    if not _SEVERAL.keys().isdisjoint(text):
        text = "".join(_SEVERAL.get(c, c) for c in text)
    return text


@dataclass(frozen=True, slots=True)
class NormalizedText:
    """A folded text and the exact map back to the string it came from.

    ``text`` is what the rooms below read. ``offsets`` gives for each of its characters the offset of the original
    character it came from; ``None`` where nothing changed length.
    """

    original: str
    text: str
    offsets: Sequence[int] | None = field(default=None, repr=False)

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """The half-open span of ``original`` behind ``text[start:end]``, combining marks of its last letter included.

        >>> n = normalize("قالَ مُضِيفًا أن")
        >>> start = n.text.index("مضيفا")
        >>> n.original[slice(*n.original_span(start, start + 5))]
        'مُضِيفًا'
        """
        if self.offsets is None:
            return start, end
        if start >= end:
            at = self.offsets[start] if start < len(self.offsets) else len(self.original)
            return at, at
        stop = self.offsets[end - 1] + 1
        marks = _COMBINING.match(self.original, stop)
        return self.offsets[start], marks.end() if marks else stop

    def from_original(self, start: int, end: int) -> tuple[int, int]:
        """The span of ``text`` that covers ``original[start:end]``: the way in, for spans found by somebody else."""
        if self.offsets is None:
            return start, end
        first, last = bisect_right(self.offsets, start - 1), bisect_right(self.offsets, end - 1)
        return first, max(first, last)


def normalize(text: str) -> NormalizedText:
    r"""Fold a text and keep the way back to it. Takes any string, raises nothing.

    >>> normalize("وأضافَ «ا\u0644ـــوزير»\r\nأنّ").text
    'واضاف «الوزير»\nان'
    """
    folded = _translate(text)
    pieces: list[str] = []
    offsets: list[int] = []
    done = 0
    for match in _CHANGES_LENGTH.finditer(folded):
        start, end = match.span()
        pieces.append(folded[done:start])
        offsets.extend(range(done, start))
        found = match.group()
        if found[0] == "\r":
            new = "\n"
        elif found == "ـ" and not (start and _IS_LETTER.match(folded, start - 1)):
            new = "-"
        else:
            new = _SEVERAL.get(found, "")
        pieces.append(new)
        offsets.extend([start] * len(new))
        done = end
    if not done:
        return NormalizedText(text, folded)
    pieces.append(folded[done:])
    offsets.extend(range(done, len(folded)))
    return NormalizedText(text, "".join(pieces), offsets)


_IS_LETTER = re.compile(f"[{LETTERS}]")

# ---------------------------------------------------------------------------------------------------------------------
# Paragraphs and sentences

_SENTENCE_END = re.compile(r"[\n.!?؟…](?:(?<=\n)\n*|(?<!\n)[.!?؟…]*)")
CLOSERS = " \"”»’'›“)]"
"""What may stand between the final mark of a sentence and the next one."""
_ABBREVIATION = re.compile(r"(?<!\w)[وبلف]?\w$")  # one letter alone: د. or one of أ.ف.ب.
_SPACED_TITLE = re.compile(r"(?<!\w)و?[دام] $")  # «د . نادر فرجاني»


def paragraphs(text: str) -> Iterator[tuple[int, int]]:
    r"""The lines of a text that hold something, as spans.

    >>> list(paragraphs("اب\n\nج"))
    [(0, 2), (4, 5)]
    """
    start = 0
    for line in text.split("\n"):
        end = start + len(line)
        if line.strip():
            yield start, end
        start = end + 1


def sentence_ends(text: str) -> list[int]:
    """Where sentences end: the offset of the final mark of each (of the line break, where there is no mark), ascending.

    A full stop ends no sentence inside a number or a Latin name, after a one-letter abbreviation (د. or أ.ف.ب.), and not as
    one of two (..), which Arabic papers use like a comma. A full stop that is glued to the next word does end one.

    >>> text = "بلغ 3.5 بحسب د. علي وأ.ف.ب. أمس.وقال نعم؟ لا"
    >>> [text[: end + 1][-6:] for end in sentence_ends(text)]
    ['. أمس.', 'ل نعم؟']
    """
    ends = []
    noise = text.count("?") > 4 and text.count("?") > text.count(".")  # a lost comma, in some archives
    for match in _SENTENCE_END.finditer(text):
        start, end = match.span()
        mark = match.group()
        if mark[0] == "\n":
            ends.append(start)
        elif (
            (mark == "." and not _full_stop(text, start))
            or (mark == "?" and noise)
            or (mark in ("..", "…", "...") and not _ends_line(text, end))
        ):
            continue
        else:
            ends.append(start)
    return ends


def _ends_line(text: str, at: int) -> bool:
    while at < len(text) and text[at] in CLOSERS:
        at += 1
    return at >= len(text) or text[at] == "\n"


def _full_stop(text: str, at: int) -> bool:
    before = text[at - 1] if at else " "
    after = text[at + 1] if at + 1 < len(text) else " "
    if before.isdigit() and after.isdigit():
        return False
    if before.isalpha() and _ABBREVIATION.search(text, max(0, at - 4), at):
        return _ends_line(text, at + 1)
    if before == " " and _SPACED_TITLE.search(text, max(0, at - 4), at):
        return _ends_line(text, at + 1)
    return not (after.isascii() and after.isalpha() and before.isascii() and before.isalnum())


# ---------------------------------------------------------------------------------------------------------------------
# Quotation marks

_MARK = re.compile(
    "[\"'`,()«»“”„‟‹›‘’＂]"
    "(?:(?<=[«»“”„‟‹›‘’\"＂])|(?<=')(?:'|(?<!\\w')(?=\\w)|(?<=\\w')(?!\\w))|(?<=`)`|(?<=,),|(?<=\\()\\(|(?<=\\))\\))"
)
_FAMILY = {
    "«": "«",
    "»": "«",
    "“": "“",
    "”": "“",
    "„": "“",
    "‟": "“",
    ",,": "“",
    '"': "“",
    "＂": "“",
    "''": "“",
    "``": "“",
    "‹": "‹",
    "›": "‹",
    "‘": "‘",
    "’": "‘",
    "'": "‘",
    "((": "((",
    "))": "((",
}
_OPENS = frozenset("«“„‹‘") | {",,", "``", "(("}
_CLOSES = frozenset("»”›’") | {"))"}
_MAX_DEPTH = 8
_MAX_REACH = 4000


@dataclass(frozen=True, slots=True)
class Quotation:
    """A stretch between quotation marks: ``start`` and ``end`` with the marks, ``inner`` without.

    ``closed`` is false where the closing mark is missing; such a stretch ends with its paragraph.
    """

    start: int
    end: int
    inner: tuple[int, int]
    closed: bool
    depth: int


@dataclass(slots=True)
class _Open:
    start: int
    end: int
    family: str
    paragraph: int
    reversed: bool


def quotations(text: str) -> list[Quotation]:
    """Pair the quotation marks of a text by shape and context, in the order of their opening.

    Handles « » “ ” „ ‟ " '' ‹ › ‘ ’ ,,“ and ((…)), nested, reversed (»…«), reopened at a new paragraph, and unclosed ones, which
    end with their paragraph. Linear in the text; nothing is refused.

    >>> text = 'قال «نعم "ولا" هنا» ثم »لا« و"بلا'
    >>> [(text[slice(*q.inner)], q.closed) for q in quotations(text)]
    [('نعم "ولا" هنا', True), ('ولا', True), ('لا', True), ('بلا', False)]
    >>> [q.closed for q in quotations("قال: «وصلنا فجرا.\\n«ثم عدنا».\\nوانصرف.")]
    [True]
    """
    found: list[Quotation] = []
    stack: list[_Open] = []
    paragraph, line_end = 0, text.find("\n")
    for match in _MARK.finditer(text):
        start, end = match.span()
        while 0 <= line_end < start:
            paragraph += 1
            line_end = text.find("\n", line_end + 1)
        mark = match.group()
        family = _FAMILY[mark]
        before = text[start - 1] if start else "\n"
        after = text[end] if end < len(text) else "\n"
        if mark in "'’" and before.isascii() and before.isalpha() and after.isascii() and after.isalpha():
            continue  # an apostrophe inside a Latin word
        if stack and stack[-1].paragraph != paragraph:
            if _goes_on(text, stack[-1], start, end, mark, family, paragraph):
                stack[-1].paragraph = paragraph
                continue
            _leave_paragraph(text, stack, found, start, mark, family, paragraph)
        if _is_opening(text, start, mark, before, after, family, stack):
            if len(stack) < _MAX_DEPTH:
                stack.append(_Open(start, end, family, paragraph, mark in _CLOSES))
            continue
        for back in range(len(stack) - 1, -1, -1):
            if stack[back].family == family:
                opened = stack[back]
                for lost in stack[back + 1 :]:
                    found.append(Quotation(lost.start, start, (lost.end, start), False, 0))
                del stack[back:]
                found.append(Quotation(opened.start, end, (opened.end, start), True, back))
                break
    for lost in stack:
        stop = _line_end(text, lost.end)
        found.append(Quotation(lost.start, stop, (lost.end, stop), False, 0))
    found.sort(key=lambda q: (q.start, -q.end))
    return found


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _is_opening(text: str, start: int, mark: str, before: str, after: str, family: str, stack: list[_Open]) -> bool:
    inside = next((o for o in reversed(stack) if o.family == family), None)
    gap_before = before in ' \n(:،,؛.-–[«“"' or before in "بلوفك"
    word_after = after.isalnum() or after in "«“\"'‘([.…-"
    if mark in _OPENS:
        # an opening shape that closes: “…“ or a reversed pair
        if inside is None:
            return True
        closes = inside.reversed or (not gap_before and not word_after) or (mark != "«" and not word_after)
        return not closes
    if mark in _CLOSES:
        if inside is not None:
            return False
        return word_after and (before in " \n:،(" or (before in "بلك" and text[max(0, start - 2)] in " و\n"))
    if inside is None:
        return True if word_after else before in " \n:" and after != "\n"
    return before in " \n:،(" and word_after and stack[-1].family != family


def _goes_on(text: str, opened: _Open, start: int, end: int, mark: str, family: str, paragraph: int) -> bool:
    """Whether a mark that opens a paragraph only repeats the one left open in the paragraph before: «… ¶ «… ¶ «…».

    The paragraph must end as it began, inside the quotation: with its closing mark or, where it is repeated again, without one.
    """
    if opened.family != family or mark in _CLOSES or opened.paragraph != paragraph - 1 or start - opened.start > _MAX_REACH:
        return False
    line_start, line_end = text.rfind("\n", 0, start) + 1, _line_end(text, end)
    if text[line_start:start].strip() or (end < len(text) and text[end].isspace()):
        return False
    rest = text[end:line_end]
    closes = [m for m in _MARK.finditer(rest) if _FAMILY[m.group()] == family]
    if len(closes) == 1:
        return closes[0].group() not in _OPENS - _CLOSES and not any(c.isalnum() for c in rest[closes[0].end() :])
    return not closes and _FAMILY.get(text[line_end + 1 : line_end + 2]) == family


def _leave_paragraph(
    text: str, stack: list[_Open], found: list[Quotation], start: int, mark: str, family: str, paragraph: int
) -> None:
    """Decide for every mark left open in an earlier paragraph whether the quotation goes on in this one."""
    kept: list[_Open] = []
    line_start = text.rfind("\n", 0, start) + 1
    reopens = not text[line_start:start].strip()
    for opened in stack:
        near = start - opened.start <= _MAX_REACH
        same = opened.family == family
        before, after = text[start - 1], text[start + len(mark) : start + len(mark) + 1] or "\n"
        if near and same and mark in _CLOSES and not opened.reversed and not reopens:
            kept.append(opened)  # closed in a later paragraph
        elif near and same and mark not in _OPENS and not reopens and not (before in " :" and after.isalnum()):
            kept.append(opened)
        else:
            stop = _line_end(text, opened.end)
            found.append(Quotation(opened.start, stop, (opened.end, stop), False, 0))
            continue
        opened.paragraph = paragraph
    stack[:] = kept


# ---------------------------------------------------------------------------------------------------------------------
# Language

_ANY_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(f"[{LETTERS}]+")
_FUNCTION_WORDS = {
    "Arabic": frozenset("في من على إلى الى أن ان التي الذي هذا هذه عن مع ما لا بعد قال وقال كما بين وفي ومن و قد كان لم".split()),
    "Persian": frozenset("که است این را برای می از شد کرد شده های آن گفت خود یک بود باید کند".split()),
    "Urdu": frozenset("ہے کے میں کی کا نے اور سے کو ہیں پر یہ تھا گیا کہ بھی اس نہیں".split()),
}


_TAG = re.compile(
    r"<(?:!doctype html|/?(?:html|head|body|div|p|span|br|a|img|script|table|article|h[1-6])(?:\s[^<>]*|\s*/)?)>", re.I
)


def html_tags(text: str, sample: int = 5000) -> str | None:
    """That a text looks like HTML, in one line; ``None`` where it doesn't. Judged on its first ``sample`` characters.

    >>> html_tags("<p>قال الوزير إن الطريق مفتوح.</p><br>")
    'the text looks like HTML: its tags are read as words; take the text out of the page first'
    >>> html_tags("قال الوزير إن <3 لا تعني شيئا.")
    """
    if len(_TAG.findall(text[:sample])) < 3:
        return None
    return "the text looks like HTML: its tags are read as words; take the text out of the page first"


def not_arabic(text: str, sample: int = 5000) -> str | None:
    """Why a text can't be read as Arabic, in one line; ``None`` where it can. Judged on its first ``sample`` characters.

    >>> not_arabic("وقال الوزير إن الأمر انتهى"), not_arabic("The minister said so.")
    (None, 'no Arabic text: 0 % of its letters are Arabic')
    >>> not_arabic("رئیس جمهور گفت که این کار برای مردم است و باید انجام شود")
    'the text looks Persian, not Arabic'
    """
    text = _FOLD_AWAY.sub("", text[:sample])
    words = _WORD.findall(text)
    arabic = sum(map(len, words))
    if arabic <= 0.2 * len(text):
        letters = len(_ANY_LETTER.findall(text))
        if not letters:
            return "no Arabic text: it has no letters"
        share = arabic / letters
        if share < 0.2:
            return f"no Arabic text: {share:.0%} of its letters are Arabic".replace("%", " %")
    counts = {name: sum(map(known.__contains__, words)) for name, known in _FUNCTION_WORDS.items()}
    best = max(counts, key=lambda name: counts[name])
    if best != "Arabic" and counts[best] > max(1, 2 * counts["Arabic"]):
        return f"the text looks {best}, not Arabic"
    return None
