"""Preparation for an encoder: what the tokenizer gets, and where it comes from."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoteattr.preparation import PREPARATIONS, Prepared, arabert, plain

REFERENCE = [
    (case["text"], case["prepared"])
    for case in map(json.loads, (Path(__file__).parent / "data" / "arabert_preparation.jsonl").read_bytes().splitlines())
]
"""Sentences written for this test, some with noise put in by a program, and what arabert 1.0.1 made of them."""

REPLACED = re.compile(r"\[(?:رابط|بريد|مستخدم)\]")
DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩", "0123456789")

PIECES = st.one_of(
    st.sampled_from("ابتثجةىيأإآءپچگ"),
    st.sampled_from("ًٌٍَُِّْٰٔـ\u200b\u200c\u200f\ufeff\u0301"),
    st.sampled_from("\n\r \t\u00a0\u2028،.؟!:؛…()[]/\\@&;#<>-_%"),
    st.sampled_from("٠١٢٣۴456aZé中😀²\x00\ud800"),
    st.sampled_from(
        ["http", "https://", "www.", ".com", "@a.b", "&amp", "&#65;", "&lt;", "&nGt;", "<br />", "<p>", "ههههه", "...."]
    ),
)
TEXTS = st.one_of(st.lists(PIECES, max_size=60).map("".join), st.text(max_size=60))


def assert_leads_back(text: str, prepared: Prepared) -> None:
    """One offset for every character, in order, inside the caller's string."""
    origin = list(prepared.origin)
    assert len(origin) == len(prepared.text)
    assert origin == sorted(origin)
    assert all(0 <= at < len(text) for at in origin)


def assert_same_characters(text: str, prepared: Prepared) -> None:
    """Letters and digits stand for themselves, except in what replaced a link, an address or a mention, or was an entity."""
    replaced = {at for match in REPLACED.finditer(prepared.text) for at in range(*match.span())}
    for at, character in enumerate(prepared.text):
        if character.isalnum() and at not in replaced:
            original = text[prepared.origin[at]]
            assert character in (original, original.translate(DIGITS)) or original == "&"


def test_the_reference_is_complete() -> None:
    assert len(REFERENCE) == len({text for text, _ in REFERENCE}) == 200


@pytest.mark.parametrize(("text", "expected"), REFERENCE)
def test_arabert_is_what_the_package_returns(text: str, expected: str) -> None:
    prepared = arabert(text)
    assert prepared.text == expected
    assert_leads_back(text, prepared)
    assert_same_characters(text, prepared)


@pytest.mark.parametrize("name", PREPARATIONS)
@given(text=TEXTS)
def test_any_text_is_prepared_and_leads_back(name: str, text: str) -> None:
    prepared = PREPARATIONS[name](text)
    assert_leads_back(text, prepared)
    assert_same_characters(text, prepared)


@given(TEXTS)
def test_plain_only_drops(text: str) -> None:
    prepared = plain(text)
    assert prepared.text == "".join(text[at] for at in prepared.origin)
    assert plain(prepared.text).text == prepared.text
    dropped = {text[at] for at in set(range(len(text))) - set(prepared.origin)}
    assert not any(character.isalnum() and character != "ـ" for character in dropped)
    assert dropped.isdisjoint("\n\r \t\u00a0،.؟\u0301\u0654")


def test_plain_leaves_a_bare_text_as_it_is() -> None:
    text = "قال الوزير: «نعم»،\nثم مضى"
    assert plain(text) == Prepared(text, range(len(text)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("هُدًى", "هدى"),
        ("هٰذا", "هذا"),
        ("عـــاد", "عاد"),
        ("رَبِّ ۖ", "رب "),
        ("\u202bقال\u202c\u200f:", "قال:"),
        ("مؤ\u0654تمر cafe\u0301", "مؤ\u0654تمر cafe\u0301"),
    ],
)
def test_plain_drops_what_is_not_a_letter_of_its_own(text: str, expected: str) -> None:
    assert plain(text).text == expected


def test_the_words_of_a_text_are_found_again() -> None:
    text = "قالَ&nbsp;النائبُ:\n«رائعععع» https://example.org/a ثم12سؤالا"
    prepared = arabert(text)
    assert prepared.text == "قال النائب : « رائعع » [رابط] ثم 12 سؤالا"
    for word, original in (
        ("قال", "قالَ"),
        ("النائب", "النائبُ"),
        ("رائعع", "رائعععع"),
        ("[رابط]", "https"),
        ("12", "12"),
        ("سؤ", "سؤ"),
    ):
        assert text.startswith(original, prepared.origin[prepared.text.index(word)])


def test_letters_behind_an_entity_without_semicolon_keep_their_offsets() -> None:
    text = "خبر&ampقصير"
    prepared = arabert(text)
    assert prepared.text == "خبر قصير"
    assert prepared.origin[-4:] == tuple(range(len(text) - 4, len(text)))


def test_a_number_too_long_for_int_is_no_reason_to_fail() -> None:
    assert arabert("&#" + "1" * (sys.int_info.default_max_str_digits + 1) + ";").text == ""


@pytest.mark.parametrize("name", PREPARATIONS)
def test_nothing_stays_nothing(name: str) -> None:
    for nothing in ("", "\u200b"):
        prepared = PREPARATIONS[name](nothing)
        assert not prepared.text
        assert not len(prepared.origin)


@given(st.text(alphabet="12٣ابج -<>.", max_size=30))
def test_numbers_are_parted_from_words_and_tags_are_dropped_as_plain_patterns_say(text: str) -> None:
    """Patterns that say what is meant, but take quadratic time."""
    ascii_digits = re.sub("<[^>]+>", " ", text).translate(DIGITS)
    glued = re.sub("([0-9]+)([ابج]+)|([ابج]+)([0-9]+)(?![0-9ابج])", lambda m: f" {m[1] or m[3]} {m[2] or m[4]} ", ascii_digits)
    assert arabert(text).text.split() == arabert(glued).text.split()


@pytest.mark.parametrize("unit", ["1", "12", "اب", "<", "<ا", "@", "a.", "&#"])
def test_a_long_run_of_anything_is_prepared(unit: str) -> None:
    text = unit * 200_000
    assert_leads_back(text, arabert(text))
