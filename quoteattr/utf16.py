"""Offsets for JavaScript, Java and C#: their strings count UTF-16 units, Python's count code points.

A character beyond U+FFFF (most emoji, a few scripts) is one code point and two units; everything else, a lone surrogate included,
is one of each.
"""

from __future__ import annotations

import re
from bisect import bisect_left

_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


class Utf16:
    """The map between the offsets of one text, in code points, and those of the same text in UTF-16 units.

    >>> offsets = Utf16("😀 نعم")
    >>> offsets.units(2), offsets.code_points(3)
    (3, 2)
    """

    def __init__(self, text: str) -> None:
        self._length = len(text)
        self._points = [match.start() for match in _ASTRAL.finditer(text)]
        self._units = [point + n for n, point in enumerate(self._points)]

    def units(self, offset: int) -> int:
        """An offset in code points as one in UTF-16 units. Raises `ValueError` where it is not in the text."""
        if not 0 <= offset <= self._length:
            raise ValueError(f"offset {offset} is not in a text of {self._length} code points")
        return offset + bisect_left(self._points, offset)

    def code_points(self, offset: int) -> int:
        """An offset in UTF-16 units as one in code points.

        Raises `ValueError` where it is not in the text or stands in the middle of a character.
        """
        before = bisect_left(self._units, offset)
        if not 0 <= offset <= self._length + len(self._points):
            raise ValueError(f"offset {offset} is not in a text of {self._length + len(self._points)} UTF-16 units")
        if before and self._units[before - 1] == offset - 1:
            raise ValueError(f"offset {offset} stands in the middle of a character of two UTF-16 units")
        return offset - before
