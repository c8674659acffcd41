"""The lexicon: inflected forms, readings of a word, phrases, additions of the user, errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quoteattr.lexicon import CueForm, KnownSpeaker, Lexicon, LexiconError
from quoteattr.schema import ACTS
from quoteattr.text import fold


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon.load()


def readings(lexicon: Lexicon, word: str, lemma: str, pos: str) -> list[CueForm]:
    return [f for f in lexicon.lookup(fold(word)) if f.lemma == lemma and f.pos == pos and len(f.words) == 1]


VERB_FORMS = [
    # lemma, form, gender, number, person, aspect
    ("قال", "قال", "m", "s", 3, "perfect"),
    ("قال", "قالت", "f", "s", 3, "perfect"),
    ("قال", "قالوا", "m", "p", 3, "perfect"),
    ("قال", "قالا", "m", "d", 3, "perfect"),
    ("قال", "قالتا", "f", "d", 3, "perfect"),
    ("قال", "قلن", "f", "p", 3, "perfect"),
    ("قال", "قلت", None, "s", 1, "perfect"),
    ("قال", "قلنا", None, "p", 1, "perfect"),
    ("قال", "تقول", "f", "s", 3, "imperfect"),
    ("قال", "يقولون", "m", "p", 3, "imperfect"),
    ("قال", "يقولوا", "m", "p", 3, "imperfect"),
    ("قال", "يقولان", "m", "d", 3, "imperfect"),
    ("قال", "نقول", None, "p", 1, "imperfect"),
    ("قال", "سيقول", "m", "s", 3, "imperfect"),
    ("قال", "لتقول", "f", "s", 3, "imperfect"),
    ("دعا", "دعت", "f", "s", 3, "perfect"),
    ("دعا", "دعوا", "m", "p", 3, "perfect"),
    ("دعا", "دعوت", None, "s", 1, "perfect"),
    ("دعا", "يدعو", "m", "s", 3, "imperfect"),
    ("دعا", "ستدعو", "f", "s", 3, "imperfect"),
    ("دعا", "يدعون", "m", "p", 3, "imperfect"),
    ("رأى", "رأت", "f", "s", 3, "perfect"),
    ("رأى", "رأوا", "m", "p", 3, "perfect"),
    ("رأى", "رأينا", None, "p", 1, "perfect"),
    ("رأى", "ترى", "f", "s", 3, "imperfect"),
    ("رأى", "يرون", "m", "p", 3, "imperfect"),
    ("نفى", "نفت", "f", "s", 3, "perfect"),
    ("نفى", "نفيا", "m", "d", 3, "perfect"),
    ("نفى", "ينفون", "m", "p", 3, "imperfect"),
    ("أشار", "أشارت", "f", "s", 3, "perfect"),
    ("أشار", "أشرت", None, "s", 1, "perfect"),
    ("أشار", "يشيرون", "m", "p", 3, "imperfect"),
    ("ادعى", "ادعت", "f", "s", 3, "perfect"),
    ("ادعى", "تدعي", "f", "s", 3, "imperfect"),
    ("اعترف", "اعترفوا", "m", "p", 3, "perfect"),
    ("اعترف", "سيعترف", "m", "s", 3, "imperfect"),
    ("أفاد", "أفدنا", None, "p", 1, "perfect"),
    ("أفاد", "تفيد", "f", "s", 3, "imperfect"),
    ("أبدى", "أبدت", "f", "s", 3, "perfect"),
    ("أبدى", "يبدون", "m", "p", 3, "imperfect"),
    ("حكى", "تحكي", "f", "s", 3, "imperfect"),
    ("روى", "رووا", "m", "p", 3, "perfect"),
    ("روى", "ترويان", "f", "d", 3, "imperfect"),
    ("أقر", "أقرت", "f", "s", 3, "perfect"),
    ("أقر", "أقررت", None, "s", 1, "perfect"),
    ("أقر", "يقرون", "m", "p", 3, "imperfect"),
    ("رد", "رددنا", None, "p", 1, "perfect"),
    ("رد", "يرددن", "f", "p", 3, "imperfect"),
    ("ظن", "ظنوا", "m", "p", 3, "perfect"),
    ("سأل", "سألت", "f", "s", 3, "perfect"),
    ("أوضح", "يوضح", "m", "s", 3, "imperfect"),
    ("أوضح", "سنوضح", None, "p", 1, "imperfect"),
    ("استطرد", "تستطرد", "f", "s", 3, "imperfect"),
    ("استأنف", "يستأنف", "m", "s", 3, "imperfect"),
    ("اتهم", "يتهمون", "m", "p", 3, "imperfect"),
    ("زاد", "زادت", "f", "s", 3, "perfect"),
    ("جاء", "جئنا", None, "p", 1, "perfect"),
    ("أكد", "يؤكدون", "m", "p", 3, "imperfect"),
    ("أكد", "أؤكد", None, "s", 1, "imperfect"),
    ("تساءل", "يتساءل", "m", "s", 3, "imperfect"),
    ("أعلن", "أعلنا", "m", "d", 3, "perfect"),
    ("لفت", "لفتت", "f", "s", 3, "perfect"),
    ("تمنى", "يتمنون", "m", "p", 3, "imperfect"),
    ("خشي", "خشيت", "f", "s", 3, "perfect"),
    ("خشي", "يخشون", "m", "p", 3, "imperfect"),
    ("وعد", "وعدت", "f", "s", 3, "perfect"),
    ("وصف", "يصفون", "m", "p", 3, "imperfect"),
    ("أمل", "آمل", "m", "s", 3, "perfect"),  # without the mark of the alef the same as أمل
]


@pytest.mark.parametrize(("lemma", "word", "gender", "number", "person", "aspect"), VERB_FORMS)
def test_finite_forms(lexicon: Lexicon, lemma: str, word: str, gender: str | None, number: str, person: int, aspect: str) -> None:
    (form,) = readings(lexicon, word, lemma, "verb")[:1]
    assert (form.gender, form.number, form.person, form.aspect) == (gender, number, person, aspect)
    assert not form.object_pronoun
    assert not form.pronoun


@pytest.mark.parametrize(
    ("lemma", "word", "gender", "number"),
    [
        ("أضاف", "مضيفا", "m", "s"),
        ("أضاف", "مضيفًا", "m", "s"),
        ("أضاف", "مضيفة", "f", "s"),
        ("أضاف", "مضيفين", "m", "p"),
        ("أضاف", "مضيفات", "f", "p"),
        ("أشار", "مشيرتين", "f", "d"),
        ("أكد", "مؤكدون", "m", "p"),
        ("قال", "قائلا", "m", "s"),
        ("قال", "قائلين", "m", "p"),
        ("دعا", "داعيا", "m", "s"),
        ("دعا", "داعين", "m", "p"),
        ("نفى", "نافية", "f", "s"),
        ("تمنى", "متمنيا", "m", "s"),
        ("تساءل", "متسائلة", "f", "s"),
        ("رد", "رادا", "m", "s"),
        ("سأل", "سائلا", "m", "s"),
        ("وصف", "واصفة", "f", "s"),
        ("شدد", "مشددا", "m", "s"),
        ("ادعى", "مدعين", "m", "p"),
        ("طمأن", "مطمئنا", "m", "s"),
        ("وضح", "موضحا", "m", "s"),
    ],
)
def test_participles(lexicon: Lexicon, lemma: str, word: str, gender: str, number: str) -> None:
    (form,) = readings(lexicon, word, lemma, "participle")
    assert (form.gender, form.number, form.person, form.aspect) == (gender, number, None, None)


def test_a_nominative_participle_reports_less_often(lexicon: Lexicon) -> None:
    (adverb,), (nominative,) = (readings(lexicon, w, "أكد", "participle") for w in ("مؤكدا", "مؤكد"))
    assert nominative.strength < adverb.strength / 2


@pytest.mark.parametrize(
    ("lemma", "word", "gender", "number"),
    [
        ("قال", "قوله", "m", "s"),
        ("قال", "قولها", "f", "s"),
        ("قال", "بقولهم", "m", "p"),
        ("قال", "كقوله", "m", "s"),
        ("أكد", "تأكيده", "m", "s"),
        ("أكد", "وتأكيدها", "f", "s"),
        ("أشار", "إشارته", "m", "s"),
        ("دعا", "لدعوتهم", "m", "p"),
        ("ادعى", "ادعاءه", "m", "s"),
        ("ادعى", "ادعائه", "m", "s"),
        ("ادعى", "ادعاؤها", "f", "s"),
    ],
)
def test_verbal_nouns_with_a_pronoun(lexicon: Lexicon, lemma: str, word: str, gender: str, number: str) -> None:
    (form,) = readings(lexicon, word, lemma, "masdar")
    assert form.pronoun
    assert (form.gender, form.number) == (gender, number)


@pytest.mark.parametrize("word", ["قول", "القول", "بالقول", "للقول"])
def test_verbal_nouns_without_pronoun(lexicon: Lexicon, word: str) -> None:
    (form,) = readings(lexicon, word, "قال", "masdar")
    assert not form.pronoun
    assert form.gender is None
    assert form.number is None


@pytest.mark.parametrize(
    ("lemma", "word", "gender", "number"),
    [
        ("وصف", "وصفها", "m", "s"),
        ("وصف", "وصفته", "f", "s"),
        ("وصف", "يصفونه", "m", "p"),
        ("اعتبر", "اعتبره", "m", "s"),
        ("قال", "قالته", "f", "s"),
        ("ذكر", "ذكروه", "m", "p"),
        ("أورد", "أوردته", "f", "s"),
        ("رأى", "رآه", "m", "s"),
        ("رأى", "يراها", "m", "s"),
        ("دعا", "دعاهم", "m", "s"),
        ("سأل", "سألني", "m", "s"),
    ],
)
def test_object_pronouns(lexicon: Lexicon, lemma: str, word: str, gender: str, number: str) -> None:
    (form, *_) = readings(lexicon, word, lemma, "verb")
    assert form.object_pronoun
    assert (form.gender, form.number) == (gender, number)


@pytest.mark.parametrize(
    ("lemma", "word"), [("قال", "قيل"), ("قال", "يُقال"), ("أشار", "يشار"), ("أفاد", "أُفيد"), ("ذكر", "يذكر")]
)
def test_impersonal_forms(lexicon: Lexicon, lemma: str, word: str) -> None:
    assert readings(lexicon, word, lemma, "verb")[0].impersonal


def test_active_forms_are_not_impersonal(lexicon: Lexicon) -> None:
    assert not any(readings(lexicon, w, v, "verb")[0].impersonal for w, v in [("يقول", "قال"), ("ذكر", "ذكر"), ("ذكرت", "ذكر")])


def test_spellings_with_and_without_hamza_are_one(lexicon: Lexicon) -> None:
    assert lexicon.lookup(fold("أضافت")) == lexicon.lookup(fold("اضافت")) != ()


def test_a_conjunction_is_taken_off(lexicon: Lexicon) -> None:
    assert lexicon.lookup(fold("وأضاف")) == lexicon.lookup(fold("فأضاف")) == lexicon.lookup(fold("أضاف"))
    assert lexicon.lookup("ومضيفه") == lexicon.lookup("مضيفه")
    assert lexicon.lookup("ووفقا") == lexicon.lookup("وفقا")


@pytest.mark.parametrize("word", ["وصف", "وضح", "ورد", "واصل", "وعد", "وافق", "وجه", "فسر", "فند"])
def test_words_that_begin_with_a_conjunction_letter(lexicon: Lexicon, word: str) -> None:
    assert readings(lexicon, word, word, "verb")
    assert readings(lexicon, "و" + word, word, "verb")


def test_both_readings_whole_word_first(lexicon: Lexicon) -> None:
    assert [f.lemma for f in lexicon.lookup("ورد") if f.pos == "verb" and f.aspect == "perfect"] == ["ورد", "رد"]


@pytest.mark.parametrize("word", ["", "و", "ف", "في", "الوزير", "وزير", "مدينة", "مصر", "نصف", "ابن", "دون", "متحدث"])
def test_words_that_report_nothing(lexicon: Lexicon, word: str) -> None:
    assert not [f for f in lexicon.lookup(fold(word)) if len(f.words) == 1]


def test_homographs_are_weak_and_their_other_forms_are_not(lexicon: Lexicon) -> None:
    assert readings(lexicon, "بين", "بين", "verb")[0].strength < 0.2 < readings(lexicon, "بينت", "بين", "verb")[0].strength


def test_takes_act_and_flags(lexicon: Lexicon) -> None:
    pointed = readings(lexicon, "أشار", "أشار", "verb")[0]
    asked = readings(lexicon, "طالبت", "طالب", "verb")[0]
    described = readings(lexicon, "وصف", "وصف", "verb")[0]
    assert (pointed.takes, pointed.act, pointed.quoted_only, pointed.clause) == (("الي",), "assert", False, False)
    assert (asked.takes, asked.act, asked.clause) == (("ب",), "demand", True)
    assert described.quoted_only


@pytest.mark.parametrize(
    ("phrase", "words", "follows"),
    [
        ("بحسب الوزير", ("بحسب",), "source"),
        ("وبحسب ما ذكره الوزير", ("بحسب", "ما"), "verb"),
        ("حسبما ذكرت", ("حسبما",), "verb"),
        ("وفقا لما أعلنته", ("وفقا", "لما"), "verb"),
        ("على حد قول الوزير", ("علي", "حد", "قول"), "source"),
        ("على حد قوله", ("علي", "حد", "قوله"), None),
        ("على حد تعبيرها", ("علي", "حد", "تعبيرها"), None),
        ("وعلى لسان الوزير", ("علي", "لسان"), "source"),
        ("حسب تصريحات الوزير", ("حسب", "تصريحات"), "source"),
        ("وفق تأكيده", ("وفق", "تاكيده"), None),
        ("نقلا عن مصدر", ("نقلا", "عن"), "source"),
        ("بدعوى أن", ("بدعوي",), "clause"),
        ("في إشارة إلى أن", ("في", "اشاره", "الي"), "clause"),
        ("حسبها", ("حسبها",), None),
        ("في رأيه", ("في", "رايه"), None),
        ("وجاء في البيان", ("جاء", "في"), "source"),
    ],
)
def test_the_longest_phrase_comes_first(lexicon: Lexicon, phrase: str, words: tuple[str, ...], follows: str | None) -> None:
    form = lexicon.match(fold(phrase).split())[0]
    assert (form.words, form.follows, form.pronoun) == (words, follows, follows is None)
    assert form.pos == "preposition"


def test_phrases_need_all_their_words(lexicon: Lexicon) -> None:
    assert not lexicon.match(["علي", "حد", "سواء"])
    assert not lexicon.match(["علي"])
    assert not lexicon.match([])


def test_an_attached_preposition_is_taken(lexicon: Lexicon) -> None:
    (form,) = lexicon.match(["وفقا", "للوزير"])
    assert (form.words, form.takes, form.follows) == (("وفقا",), ("ل",), "source")


def test_nouns_of_saying(lexicon: Lexicon) -> None:
    (statement,) = readings(lexicon, "بيان", "بيان", "noun")
    (his,) = readings(lexicon, "بتصريحاته", "تصريح", "noun")
    assert not statement.pronoun
    assert his.pronoun
    assert his.gender == "m"


def test_the_whole_table(lexicon: Lexicon) -> None:
    forms = [f for same in lexicon.cues.values() for f in same]
    assert len({f.lemma for f in forms if f.pos == "verb"}) >= 200
    assert {f.act for f in forms} == set(ACTS)
    for word, same in lexicon.cues.items():
        assert word == fold(word)
        assert [len(f.words) for f in same] == sorted((len(f.words) for f in same), reverse=True)
        for form in same:
            assert form.words[0] == word
            assert 0 < form.strength <= 1
            assert all(w == fold(w) and " " not in w for w in form.words + form.takes)


def test_load_gives_one_value() -> None:
    assert Lexicon.load() is Lexicon.load()


# The user's additions


def test_a_verb_by_its_lemma_alone(lexicon: Lexicon) -> None:
    more = lexicon.extended(verbs=["نمّق", "استجدى"])
    for word, pos in [("نمقت", "verb"), ("سينمق", "verb"), ("منمقا", "participle"), ("تنميقه", "masdar")]:
        assert readings(more, word, "نمق", pos), word
    for word, pos in [("استجدت", "verb"), ("يستجدون", "verb"), ("مستجديا", "participle"), ("استجدائها", "masdar")]:
        assert readings(more, word, "استجدى", pos), word
    assert not lexicon.lookup("نمقت")


def test_a_verb_with_principal_parts(lexicon: Lexicon) -> None:
    verb = {"lemma": "باع", "imperfect": "يبيع", "masdar": "بيع", "takes": ["إلى"], "act": "claim", "strength": 0.4}
    more = lexicon.extended(verbs=[verb])
    (form,) = readings(more, "ويبيعون", "باع", "verb")
    assert (form.takes, form.act, form.strength) == (("الي",), "claim", 0.4)
    assert readings(more, "بيعه", "باع", "masdar")
    assert readings(more, "بائعا", "باع", "participle")


def test_the_users_verb_goes_before_the_packages(lexicon: Lexicon) -> None:
    more = lexicon.extended(verbs=[{"lemma": "بيّن", "strength": 1}])
    assert readings(more, "بين", "بين", "verb")[0].strength == 1


def test_titles_and_speakers(lexicon: Lexicon) -> None:
    more = lexicon.extended(
        titles=["عمدوس", {"word": "قهرمان", "feminine": "قهرمانة", "plural": "قهرمانون", "class": "honorific"}],
        speakers=[
            "ليلى",
            {"name": "وكالة صدى", "aliases": ["صدى"], "gender": "f", "kind": "organisation"},
            KnownSpeaker("ع"),
        ],
    )
    assert more.nouns["عمدوس"].cls == "title"
    assert (more.nouns["قهرمانه"].gender, more.nouns["قهرمانين"].number, more.nouns["قهرمانو"].cls) == (
        "f",
        "p",
        "honorific",
    )
    assert more.speakers == (
        KnownSpeaker("ليلى"),
        KnownSpeaker("وكالة صدى", ("صدى",), "f", "organisation"),
        KnownSpeaker("ع"),
    )
    assert more.extended(speakers=["سمر"]).speakers[-2:] == (KnownSpeaker("ع"), KnownSpeaker("سمر"))


@pytest.mark.parametrize(
    ("additions", "message"),
    [
        ({"verbs": ["shout"]}, "verbs[0]: 'lemma' must be one Arabic verb"),
        ({"verbs": ["قال", "قال إن"]}, "verbs[1]: 'lemma' must be one Arabic verb"),
        ({"verbs": [{"takes": ["إلى"]}]}, "verbs[0]: 'lemma' is missing"),
        ({"verbs": [{"lemma": "دندن", "act": "sing"}]}, "verbs[0]: 'act' must be one of assert, add"),
        ({"verbs": [{"lemma": "دندن", "take": "ب"}]}, "verbs[0]: unknown field 'take'"),
        ({"verbs": [{"lemma": "دندن", "takes": 3}]}, "verbs[0]: 'takes' must be a list of strings"),
        ({"verbs": [{"lemma": "دندن", "strength": 7}]}, "verbs[0]: 'strength' must be a number from 0 to 1, not 7"),
        ({"verbs": [{"lemma": "دندن", "flags": ["loud"]}]}, "verbs[0]: 'flags' may hold object"),
        ({"verbs": [{"lemma": "دندن", "imperfect": "دندن"}]}, "verbs[0]: 'imperfect' must be"),
        ({"verbs": [{"lemma": "دندن", "masdar": "a"}]}, "verbs[0]: 'masdar' must be one Arabic word"),
        ({"verbs": [3]}, "verbs[0]: must be an object"),
        ({"titles": [{"word": "شيخ", "class": "boss"}]}, "titles[0]: 'class' must be one of title, honorific"),
        ({"titles": [{"feminine": "شيخة"}]}, "titles[0]: 'word' is missing"),
        ({"speakers": [{"aliases": ["x"]}]}, "speakers[0]: 'name' is missing"),
        ({"speakers": [{"name": "x", "kind": "robot"}]}, "speakers[0]: 'kind' must be one of person"),
        ({"speakers": [{"name": "x", "gender": "male"}]}, "speakers[0]: 'gender' must be one of m, f"),
        ({"speakers": [{"name": 4}]}, "speakers[0]: 'name' must be a string, not int"),
    ],
)
def test_errors_name_entry_and_field(lexicon: Lexicon, additions: dict[str, list[object]], message: str, tmp_path: Path) -> None:
    with pytest.raises(LexiconError) as error:
        lexicon.extended(**additions)  # type: ignore[arg-type]
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
    path = tmp_path / "additions.json"
    path.write_text(json.dumps(additions), encoding="utf-8")
    with pytest.raises(LexiconError) as error:
        lexicon.extended_from_file(path)
    assert str(error.value).startswith(f"{path}: {message}")


def test_additions_from_json(tmp_path: Path) -> None:
    path = tmp_path / "more.json"
    additions = {
        "verbs": [{"lemma": "دندن", "takes": ["ب"], "act": "add"}],
        "titles": [{"word": "قهرمان"}],
        "speakers": [{"name": "سمر", "aliases": ["أم علي"]}],
    }
    path.write_text(json.dumps(additions, ensure_ascii=False), encoding="utf-8-sig")
    more = Lexicon.from_file(path)
    assert readings(more, "ودندنت", "دندن", "verb")[0].takes == ("ب",)
    assert "قهرمان" in more.nouns
    assert more.speakers == (KnownSpeaker("سمر", ("أم علي",)),)


@pytest.mark.parametrize(
    ("table", "check"),
    [
        ("# mine\nlemma\ttakes\tact\nدندن\tإلى,ب\tadd\n", lambda x: x.lookup("دندن")[0].takes == ("الي", "ب")),
        ("word\tfeminine\nقهرمان\tقهرمانة\n", lambda x: x.nouns["قهرمانه"].gender == "f"),
        ("name\taliases\tgender\nسمر\tأم علي|سمورة\tf\n", lambda x: x.speakers[0].aliases == ("أم علي", "سمورة")),
    ],
)
def test_additions_from_a_table(tmp_path: Path, table: str, check: object) -> None:
    path = tmp_path / "more.tsv"
    path.write_text(table, encoding="utf-8")
    assert callable(check)
    assert check(Lexicon.from_file(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not JSON"),
        (b'{"nouns": []}', "additions: unknown field 'nouns'"),
        (b'{"verbs": {}}', "'verbs' must be a list, not dict"),
        (b"a\tb\n1\t2\n", "a table of additions needs a header"),
        (b"", "a table of additions needs a header"),
        (b"name\nx\ty\n", "line 2: 2 cells under a header of 1"),
        ("قال".encode("cp1256"), "not UTF-8 text"),
    ],
)
def test_files_that_are_no_additions(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "more"
    path.write_bytes(content)
    with pytest.raises(LexiconError) as error:
        Lexicon.from_file(path)
    assert str(error.value).startswith(f"{path}: {message}")
