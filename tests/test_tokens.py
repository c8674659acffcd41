"""Tokens: words with their attached letters, article and reading; sentences, paragraphs and quotations around them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoteattr.lexicon import Lexicon
from quoteattr.text import normalize
from quoteattr.tokens import Reader, Tokens, Word

READER = Reader(Lexicon.load())


def _read(text: str) -> Tokens:
    return READER.read(normalize(text))


def _word(word: str) -> Word:
    (info,) = _read(word).infos
    return info


@pytest.mark.parametrize(
    ("word", "conjunction", "preposition", "definite", "stem"),
    [
        ("وزير", False, "", False, "وزير"),
        ("الوزير", False, "", True, "وزير"),
        ("والوزير", True, "", True, "وزير"),
        ("فالوزير", True, "", True, "وزير"),
        ("لوزارة", False, "ل", False, "وزاره"),
        ("للوزارة", False, "ل", True, "وزاره"),
        ("وللوزارة", True, "ل", True, "وزاره"),
        ("بوزارة", False, "ب", False, "وزاره"),
        ("كالوزير", False, "ك", True, "وزير"),
        ("ومحمد", True, "", False, "محمد"),
        ("لمحمد", False, "ل", False, "محمد"),
        ("لرويترز", False, "ل", False, "رويترز"),
        ("وفرنسا", True, "", False, "فرنسا"),
        # first letters that are no clitics
        ("وليد", False, "", False, "وليد"),
        ("وائل", False, "", False, "وايل"),
        ("فؤاد", False, "", False, "فواد"),
        ("بلدية", False, "", False, "بلديه"),
        ("لندن", False, "", False, "لندن"),
        ("لبنان", False, "", False, "لبنان"),
        ("بشار", False, "", False, "بشار"),
        ("كمال", False, "", False, "كمال"),
        ("بنك", False, "", False, "بنك"),
        ("بديل", False, "", False, "بديل"),
        ("بيانا", False, "", False, "بيانا"),
    ],
)
def test_attached_letters_and_article(word: str, conjunction: bool, preposition: str, definite: bool, stem: str) -> None:
    info = _word(word)
    assert (info.conjunction, info.preposition, info.definite, info.stem) == (conjunction, preposition, definite, stem)
    assert info.clitics == conjunction + len(preposition)


@pytest.mark.parametrize(
    ("word", "function", "conjunction"),
    [("إنه", "complementiser", False), ("وإنه", "complementiser", True), ("في", "inner", False), ("وهو", "pronoun", True)],
)
def test_function_words(word: str, function: str, conjunction: bool) -> None:
    info = _word(word)
    assert (info.function, info.conjunction, info.noun, info.name) == (function, conjunction, None, 0.0)


@pytest.mark.parametrize(
    ("word", "cls"),
    [("الوزيرة", "title"), ("والدكتور", "honorific"), ("للوزارة", "organisation"), ("البيان", "document"), ("مصادر", "group")],
)
def test_nouns_keep_their_class_under_clitics(word: str, cls: str) -> None:
    noun = _word(word).noun
    assert noun is not None
    assert noun.cls == cls


def test_names_and_their_gender() -> None:
    assert (_word("محمد").name_gender, _word("وفاطمة").name_gender) == ("m", "f")
    assert _word("لمحمد").name > 0.9
    assert _word("القرار").name < 0.5


def test_nationalities_and_bodies() -> None:
    assert _word("الفرنسية").nationality
    assert not _word("الوزير").nationality
    assert _word("لرويترز").organisation
    assert not _word("القرار").organisation


@pytest.mark.parametrize("word", ["وقال", "فأكد", "سيقول", "ومضيفا", "قوله", "أَكَّدَ"])
def test_cues_are_found_under_their_prefixes(word: str) -> None:
    assert _word(word).cues


@pytest.mark.parametrize(
    ("word", "lemma"), [("أشارإلى", "أشار"), ("وأشارإليه", "أشار"), ("قالإن", "قال"), ("أكدعلى", "أكد"), ("أكدأن", "أكد")]
)
def test_a_verb_that_lost_the_space_behind_it_is_a_cue(word: str, lemma: str) -> None:
    (form,) = _word(word).cues
    assert (form.lemma, form.pos) == (lemma, "verb")
    assert form.words == (_word(word).form,)


@pytest.mark.parametrize("word", ["2016", "٢٠١٦", "3.5", "Reuters", "،", "«", "_"])
def test_what_is_no_arabic_word_has_no_reading(word: str) -> None:
    info = _word(word)
    assert (info.noun, info.name, info.cues, info.verb, info.clitics) == (None, 0.0, (), False, 0)


def test_numbers_and_latin_words_are_one_token() -> None:
    assert _read("بلغ 3.5 أو ٢٬٠٠٠ من Reuters…").words == ["بلغ", "3.5", "او", "2٬000", "من", "Reuters", "…"]


# ---------------------------------------------------------------------------------------------------------------------
# علي and على


def _readings(text: str) -> list[str]:
    tokens = _read(text)
    return ["name" if i.name > 0.5 else i.function for i in tokens.infos if i.stem == "علي" or i.form in ("علي", "وعلي")]


def test_a_text_that_writes_the_preposition_with_its_own_letter_has_the_name() -> None:
    assert _readings("سلم علي على عمر وعلى علي. ووصل وعلي معه") == ["name", "preposition", "preposition", "name", "name"]


def test_a_text_that_writes_both_alike_has_the_preposition() -> None:
    assert _readings("جلس علي الكرسي") == ["preposition"]


def test_the_other_reading_of_a_form_is_not_remembered() -> None:
    assert _readings("سلم علي على عمر") == ["name", "preposition"]
    assert _readings("جلس علي الكرسي") == ["preposition"]
    assert _readings("سلم علي على عمر") == ["name", "preposition"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("سلم عليٌّ على عمر", marks=pytest.mark.xfail(strict=True, reason="the letter under a mark is not seen")),
        "سلم علي عَلَى عمر",
    ],
)
def test_marks_do_not_hide_the_letter(text: str) -> None:
    assert _readings(text) == ["name", "preposition"]


def test_any_word_with_its_own_letter_tells_the_name() -> None:
    assert _readings("قال محمد علي إنه وصل إلى باريس") == ["name"]


# ---------------------------------------------------------------------------------------------------------------------
# Sentences, paragraphs, quotations


def _sentences(text: str) -> list[str]:
    tokens = _read(text)
    bounds = [0, *tokens.sentence_stop]
    return [" ".join(tokens.words[a:b]) for a, b in pairwise(bounds) if a < b]


def test_sentences() -> None:
    assert _sentences("ذهب. وعاد؟ د. عمر هنا.\nسطر") == ["ذهب .", "وعاد ؟", "د . عمر هنا .", "سطر"]


def test_a_closing_mark_belongs_to_the_sentence_before_it() -> None:
    assert _sentences('قال: "نعم." ثم قال: «لا!». انتهى') == ['قال : " نعم . "', "ثم قال : « لا ! » .", "انتهي"]


def test_first_and_stop_bound_the_sentence_of_every_token() -> None:
    tokens = _read("ذهب. وعاد؟ د. عمر هنا.\n\nسطر ثان")
    for k in range(len(tokens.words)):
        assert tokens.first(k) <= k < tokens.stop(k)
        assert {tokens.sentence[n] for n in range(tokens.first(k), tokens.stop(k))} == {tokens.sentence[k]}


def test_paragraphs_are_counted_by_line_breaks() -> None:
    tokens = _read("ا\nب ج\n\nد")
    assert list(zip(tokens.words, tokens.paragraph, strict=True)) == [("ا", 0), ("ب", 1), ("ج", 1), ("د", 3)]


def test_a_run_without_full_stops_is_cut() -> None:
    tokens = _read("كلمة " * 1000)
    lengths = [b - a for a, b in pairwise([0, *tokens.sentence_stop])]
    assert max(lengths) <= 400
    assert sum(lengths) == 1000


def test_the_innermost_quotation_around_a_token() -> None:
    tokens = _read('قال «نعم "لا" حقا» ثم مضى')
    inside = {w: tokens.text[slice(*q.inner)] if q else None for w, q in zip(tokens.words, tokens.inside, strict=True)}
    assert inside["نعم"] == inside["حقا"] == 'نعم "لا" حقا'
    assert inside["لا"] == "لا"
    assert inside["قال"] is inside["ثم"] is None


def test_quotations_are_found_by_their_marks() -> None:
    tokens = _read("قال «نعم» و«لا")
    first, second = tokens.opens.values()
    assert tokens.opens[tokens.text.index("«")] is first
    assert tokens.closes == {tokens.text.index("»"): first}
    assert not second.closed


def test_offsets_and_tokens() -> None:
    tokens = _read("قال الوزير نعم")
    assert [tokens.at(offset) for offset in (0, 1, 4, 5, 11, 14)] == [0, 1, 1, 2, 2, 3]
    assert [tokens.end(k) for k in range(3)] == [3, 10, 14]


@given(st.text(st.sampled_from("قالنعم وعلي.؟!\n«»\"' د3.,Aé😀\u064e\ud800\x00"), max_size=80))
def test_tokens_cover_the_text_in_order(text: str) -> None:
    tokens = _read(text)
    assert all(tokens.text.startswith(w, s) for w, s in zip(tokens.words, tokens.starts, strict=True))
    assert tokens.starts == sorted(set(tokens.starts))
    covered = {n for k in range(len(tokens.words)) for n in range(tokens.starts[k], tokens.end(k))}
    assert all(tokens.text[n].isspace() or not tokens.text[n].isprintable() for n in set(range(len(tokens.text))) - covered)
    assert tokens.sentence_stop[-1] == len(tokens.words)
    assert tokens.sentence == sorted(tokens.sentence)
    sizes = {len(x) for x in (tokens.words, tokens.starts, tokens.infos, tokens.sentence, tokens.paragraph, tokens.inside)}
    assert len(sizes) == 1


def test_an_empty_text_has_no_tokens() -> None:
    assert _read("").words == _read(" \n ").words == []


@pytest.mark.parametrize(
    ("text", "gender"),
    [
        ("قالت زوجته", "f"),
        ("قال مديرها", "m"),
        ("قال والدها", "m"),
        ("ووالدته", "f"),
        ("لمحاميها", "m"),
        ("وصل أبوه إلى المدينة القديمة", "m"),
        ("وصلت شقيقة الوزير", "f"),
        ("وصل شقيقه إلى المدينة القديمة", "m"),
    ],
)
def test_kin_and_superiors_with_a_pronoun(text: str, gender: str) -> None:
    info = next(info for info in _read(text).infos if info.noun is not None)
    assert info.noun is not None
    assert (info.noun.cls, info.noun.gender, info.owned) == ("title", gender, "شقيقة" not in text)


@pytest.mark.parametrize("word", ["مصدرها", "عالمنا", "أمامه", "طالبهم", "رسوله", "أمنا"])
def test_words_that_only_look_like_somebody_with_a_pronoun(word: str) -> None:
    assert not _word(word).owned


@pytest.mark.parametrize(
    ("text", "governor"),
    [("وصل والي الولاية إلى المدينة", True), ("وصل إلى القرية والي المدينة", True), ("سافر إلي مصر والي تونس", False)],
)
def test_a_governor_is_no_preposition_where_the_letters_tell(text: str, governor: bool) -> None:
    info = next(info for info in _read(text).infos if info.form == "والي")
    assert (info.noun is not None) == governor
