"""Offsets in UTF-16 units are those of the encoded text, for any text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoteattr.utf16 import Utf16

TEXTS = st.text(st.sampled_from("اب😀𞸀\ud83d\ude00\n"), max_size=20)


def length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@given(TEXTS)
def test_every_offset_goes_there_and_back(text: str) -> None:
    offsets = Utf16(text)
    for offset in range(len(text) + 1):
        assert offsets.units(offset) == length(text[:offset])
        assert offsets.code_points(length(text[:offset])) == offset


@given(TEXTS)
def test_an_offset_inside_a_character_or_outside_the_text_is_refused(text: str) -> None:
    offsets = Utf16(text)
    known = {length(text[:offset]) for offset in range(len(text) + 1)}
    for offset in {-1, *range(length(text) + 2)} - known:
        with pytest.raises(ValueError, match=f"offset {offset} "):
            offsets.code_points(offset)
    for offset in (-1, len(text) + 1):
        with pytest.raises(ValueError, match="is not in a text"):
            offsets.units(offset)
