"""Normalization and its way back, sentences, quotation marks, language."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoteattr.text import fold, normalize, not_arabic, paragraphs, quotations, sentence_ends

PIECES = st.one_of(
    st.sampled_from("ابتثجحخدذرزسشصضطظعغفقكلمنهويأإآىةؤئءٱ"),
    st.sampled_from("ًٌٍَُِّْٰـ\u200b\u200f\u202b\u2067\ufeff\u0301"),
    st.sampled_from("\n\r \t\u00a0\u2028،.؟!:؛…()[]"),
    st.sampled_from("«»“”„\"'‹›‘’"),
    st.sampled_from("٠١٢٣456aZé中😀\x00\ud800"),
    st.sampled_from("ﷲﻻﺍﻲﭐ"),
)
TEXTS = st.lists(PIECES, max_size=80).map("".join)


@given(TEXTS)
def test_every_normalized_character_comes_from_an_original_one(text: str) -> None:
    normalized = normalize(text)
    for n in range(len(normalized.text)):
        start, end = normalized.original_span(n, n + 1)
        assert 0 <= start < end <= len(text)
        if normalized.text[n].isalnum():
            assert normalized.text[n] in fold(text[start:end])


@given(TEXTS)
def test_spans_keep_their_order_and_cover_the_same_words(text: str) -> None:
    normalized = normalize(text)
    for match in re.finditer(r"\w+", normalized.text):
        start, end = normalized.original_span(*match.span())
        assert fold(text[start:end]) == match.group()
        assert normalized.from_original(start, end) == match.span()


@given(TEXTS)
def test_normalizing_twice_changes_nothing(text: str) -> None:
    once = normalize(text).text
    assert normalize(once).text == once


@given(TEXTS)
def test_marks_and_sentences_stay_inside_the_text(text: str) -> None:
    folded = normalize(text).text
    for quotation in quotations(folded):
        assert 0 <= quotation.start < quotation.inner[0] <= quotation.inner[1] <= quotation.end <= len(folded)
    ends = sentence_ends(folded)
    assert ends == sorted(set(ends))
    assert all(0 <= e < len(folded) for e in ends)
    assert all("\n" not in folded[a:b] and folded[a:b].strip() for a, b in paragraphs(folded))


@given(st.text(alphabet="«»“”\"'a \n", max_size=60))
def test_quotations_nest_and_never_cross(text: str) -> None:
    closed = [q for q in quotations(text) if q.closed]
    for a in closed:
        for b in closed:
            assert (
                a is b
                or a.end <= b.start
                or b.end <= a.start
                or (a.start < b.start and b.end < a.end)
                or (b.start < a.start and a.end < b.end)
            )


@pytest.mark.parametrize(
    ("raw", "folded"),
    [
        ("أُوضِحَ", "اوضح"),
        ("مـــؤكداً", "موكدا"),
        ("عـــلى", "علي"),
        ("ﻻ ﺇﻟﻪ", "لا اله"),
        ("ﷲ", "الله"),
        ("١٢٫٥٪", "12.5%"),
        ("قال\u200fالوزير\u202c", "قالالوزير"),
        ("قال\u00a0الوزير", "قال الوزير"),
        ("سطر\r\nسطر\rسطر", "سطر\nسطر\nسطر"),
        ("باريس ـ وكالات", "باريس - وكالات"),
        ('بـ"الجهود"', 'ب"الجهود"'),
        ("لـCNN", "لCNN"),
        ("ؤ", "و"),
        ("ئ", "ي"),
        ("کی", "كي"),
    ],
)
def test_folding(raw: str, folded: str) -> None:
    assert normalize(raw).text == folded


def test_a_span_takes_the_marks_of_its_last_letter_but_not_the_tatweel_before_a_quotation() -> None:
    text = "قالَ مُضِيفًا بـ«نعم»"
    normalized = normalize(text)
    at = normalized.text.index("مضيفا")
    assert text[slice(*normalized.original_span(at, at + 5))] == "مُضِيفًا"
    at = normalized.text.index("ب«")
    assert text[slice(*normalized.original_span(at, at + 1))] == "ب"


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("بلغ النمو 3.5 في المئة. وقال نعم.", ["بلغ النمو 3.5 في المئة.", "وقال نعم."]),
        ("منذ يونيو 2015.وعقب ذلك قال.", ["منذ يونيو 2015.", "وعقب ذلك قال."]),
        ("انتهت الحرب.وقال إن السلام عاد.", ["انتهت الحرب.", "وقال إن السلام عاد."]),
        ("قال د. سمير وأ. منى نعم. ثم مضى", ["قال د. سمير وأ. منى نعم."]),
        ("ذكرت أ.ف.ب. أن الأمر انتهى.", ["ذكرت أ.ف.ب. أن الأمر انتهى."]),
        ("ماذا تريد؟ لا شيء! حقا", ["ماذا تريد؟", "لا شيء!"]),
        ("قوية.. وستبقى كذلك. نعم", ["قوية.. وستبقى كذلك."]),
        ("سطر أول\nسطر ثان.", ["سطر أول\n", "سطر ثان."]),
        ("زوروا www.example.com الآن. شكرا", ["زوروا www.example.com الآن."]),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    found, start = [], 0
    for end in sentence_ends(text):
        found.append(text[start : end + 1].lstrip(" "))
        start = end + 1
    assert found == sentences


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("قال «نعم» ومضى", ["نعم"]),
        ('قال "نعم" وقال "لا"', ["نعم", "لا"]),
        ("قال ''نعم'' ومضى", ["نعم"]),
        ("قال ,,نعم“ ومضى", ["نعم"]),
        ("قال „نعم“ ومضى", ["نعم"]),
        ("قال ‹نعم› ومضى", ["نعم"]),
        ("قال ‘نعم’ ومضى", ["نعم"]),
        ("قال ((نعم)) ومضى", ["نعم"]),
        ("قال »نعم« ومضى", ["نعم"]),
        ("قال ”نعم“ ومضى", ["نعم"]),
        ("قال «ذكر «الوطن» ذلك» ومضى", ["ذكر «الوطن» ذلك", "الوطن"]),
        ('قال «ذكر "الوطن" ذلك» ومضى', ['ذكر "الوطن" ذلك', "الوطن"]),
        ('رحب بـ"الجهود" وب"العمل"', ["الجهود", "العمل"]),
        ("قال «نعم\nوقال «لا» ومضى", ["نعم", "لا"]),
        ("قال «نعم.\nولن نرجع» ومضى", ["نعم.\nولن نرجع"]),
        # the mark is repeated at every paragraph of one quotation …
        ("قال: «وصلنا فجرا.\n«ثم عدنا».\nوانصرف", ["وصلنا فجرا.\n«ثم عدنا"]),
        ('قال: "وصلنا فجرا.\n"نمنا.\n"ثم عدنا".\nوانصرف', ['وصلنا فجرا.\n"نمنا.\n"ثم عدنا']),
        # … and a mark that was forgotten ends with its paragraph
        ("قال: «وصلنا فجرا.\n«ثم عدنا»، قال سالم", ["وصلنا فجرا.", "ثم عدنا"]),
        ("قال: «وصلنا فجرا.\nوانصرف.\n«ثم عدنا».", ["وصلنا فجرا.", "ثم عدنا"]),
        ("نعم» قال", []),
        ("the cat's mat isn't «هنا»", ["هنا"]),
    ],
)
def test_quotation_marks(text: str, inner: list[str]) -> None:
    assert [text[slice(*q.inner)] for q in quotations(text)] == inner


def test_an_unclosed_mark_ends_with_its_paragraph() -> None:
    text = "قال «نعم ولن نرجع\nفقرة أخرى بلا علامات\nوثالثة"
    (found,) = quotations(text)
    assert not found.closed
    assert text[slice(*found.inner)] == "نعم ولن نرجع"


def test_many_marks_take_linear_time_and_are_all_kept_apart() -> None:
    assert len(quotations("«ا» " * 20_000)) == 20_000
    assert quotations("«" * 10_000)
    assert quotations('"' * 10_001) is not None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("وقال الوزير إن الأمر انتهى أمس", None),
        ("قال CNN إن الرئيس Barack Obama سيصل", None),
        ("The minister said so on Monday.", "no Arabic text"),
        ("12345 !!!", "no letters"),
        ("", "no letters"),
        ("رئیس جمهور گفت که این کار برای مردم است و باید انجام شود", "Persian"),
        ("وزیر اعظم نے کہا ہے کہ یہ ملک کے لیے اہم ہے اور اس میں سب کو", "Urdu"),
    ],
)
def test_language(text: str, reason: str | None) -> None:
    found = not_arabic(text)
    assert found is None if reason is None else found is not None and reason in found
