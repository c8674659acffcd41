"""Noun phrases that can denote a speaker: where they end, which part is the name, and what they are."""

from __future__ import annotations

import pytest

from quoteattr.lexicon import Lexicon
from quoteattr.phrases import Mention, bare_name, is_event, phrase_at
from quoteattr.text import normalize
from quoteattr.tokens import Reader, Tokens

READER = Reader(Lexicon.load())


def _read(text: str) -> Tokens:
    return READER.read(normalize(text))


def _phrase(text: str, *, first: int = 0, closed: bool = False) -> tuple[Mention, str, str | None] | None:
    """The phrase at a token of a text, with it and its name as they are written there."""
    normalized = normalize(text)
    tokens = READER.read(normalized)
    found = phrase_at(tokens, first, len(tokens.words), closed=closed)
    if found is None:
        return None

    def written(span: tuple[int, int]) -> str:
        return text[slice(*normalized.original_span(*span))]

    return found, written((found.start, found.end)), written(found.name) if found.name else None


# the phrase | what follows it ; its name ; form kind gender
PHRASES = """
وزير الخارجية سامح شكري | إن ; سامح شكري ; title person m
وزيرة الصحة هالة زايد | في مؤتمر أمس ; هالة زايد ; title person f
رئيس الوزراء البريطاني بوريس جونسون | إن ; بوريس جونسون ; title person m
المتحدث باسم وزارة الدفاع الأمريكية بيتر كوك | أن ; بيتر كوك ; title person m
الناطق باسم الحكومة | إن ; ; title person m
مصدر موثوق به في الاتحاد | إن ; ; group person m
الوزير سامح العمير | للنعيمي إن ; سامح العمير ; title person m
إبراهيم السبيعي؛ عضو لجنة التحكيم | أن ; إبراهيم السبيعي ; name person m
عضو المجلس سلمى رضوان | إن ; سلمى رضوان ; title person f
الأمين العام للأمم المتحدة أنطونيو غوتيريش | إن ; أنطونيو غوتيريش ; title person m
الأمين العام لجامعة الدول العربية أحمد أبو الغيط | أن ; أحمد أبو الغيط ; title person m
وزير الخارجية والتعاون ناصر بوريطة | إن ; ناصر بوريطة ; title person m
وزير المالية السابق يوسف بطرس غالي | إن ; يوسف بطرس غالي ; title person m
الرئيس المصري عبد الفتاح السيسي | إن ; عبد الفتاح السيسي ; title person m
الملك سلمان بن عبد العزيز | أن ; سلمان بن عبد العزيز ; title person m
المدرب الإسباني لويس إنريكي | إن ; لويس إنريكي ; title person m
المحلل السياسي محمد عبد القادر | أن ; محمد عبد القادر ; title person m
كبير الباحثين في مرصد الزلازل الدكتور سائد الحمارنة | أن ; سائد الحمارنة ; title person m
رجل الأعمال نجيب ساويرس | إن ; نجيب ساويرس ; title person m
النائبة فاطمة سليم | إن ; فاطمة سليم ; title person f
المحامية سعاد التميمي | إن ; سعاد التميمي ; title person f
مدير المستشفى | إن ; ; title person m
مدير التعليم بمحافظة جدة | إن ; ; title person m
الوزير | أن ; ; title person m
الوزيرة | أن ; ; title person f
المتحدث | أن ; ; title person m
مسؤول أمريكي رفيع | إن ; ; title person m
الدكتور أحمد الطيب | إن ; أحمد الطيب ; title person m
د. أحمد الطيب | إن ; أحمد الطيب ; title person m
السيدة مريم | إن ; مريم ; title person f
الشيخ عبد الله بن زايد آل نهيان | أن ; عبد الله بن زايد آل نهيان ; title person m
رئيس البلدية، محمد الصالح | ، إن ; محمد الصالح ; title person m
عمر الولباني، الباحث في الشؤون الليبية | ، إن ; عمر الولباني ; name person m
محمد | إن ; محمد ; name person m
فايز السراج | في بيان أمس إن ; فايز السراج ; name person m
عبد الرحمن بن محمد العطية | أن ; عبد الرحمن بن محمد العطية ; name person m
دونالد ترامب | إن ; دونالد ترامب ; name person m
فاطمة الزهراء | إن ; فاطمة الزهراء ; name person f
مصادر طبية | أن ; ; group group m
مصادر مطلعة | لرويترز أن ; ; group group m
مصدر أمني | أن ; ; group person m
مصدر في وزارة الداخلية | أن ; ; group person m
خبراء | أن ; ; group group m
شهود عيان | إن ; ; group group m
مسؤولون أمريكيون | إن ; ; group group m
أحد المتظاهرين | إن ; ; group person m
عدد من الخبراء | إن ; ; group group m
بعض المواطنين | إن ; ; group group m
وزارة الخارجية الروسية | في بيان إن ; ; organisation organisation f
وزارة الداخلية | أمس أن ; ; organisation organisation f
الاتحاد الأوروبي | أن ; الاتحاد الأوروبي ; organisation organisation m
الأمم المتحدة | إن ; الأمم المتحدة ; organisation organisation f
منظمة الصحة العالمية | أن ; منظمة الصحة العالمية ; organisation organisation f
رويترز | أن ; رويترز ; organisation organisation f
وكالة رويترز | أن ; ; organisation organisation f
وكالة الأنباء السعودية | أن ; ; organisation organisation f
صحيفة واشنطن بوست الأمريكية | أن ; واشنطن بوست ; organisation organisation f
صحيفة «الوطن» السعودية | أن ; الوطن ; organisation organisation f
الصحيفة الأمريكية | أن ; ; organisation organisation f
البنتاغون | أن ; البنتاغون ; organisation organisation m
البيت الأبيض | أن ; البيت الأبيض ; organisation organisation m
حزب الله | أن ; حزب الله ; organisation organisation m
حركة حماس | أن ; ; organisation organisation f
نادي الزمالك | أن ; ; organisation organisation m
الشرطة | أن ; ; organisation organisation f
الجيش الليبي | أن ; ; organisation organisation m
البيان | أن ; ; document organisation m
التقرير | أن ; ; document organisation m
دراسة حديثة | أن ; ; document organisation f
الوزير | لـ«رويترز» إن ; ; title person m
محمد علي | إلى باريس ; محمد علي ; name person m
هو | إن ; ; pronoun person m
هي | إن ; ; pronoun person f
معاليه | إن ; ; pronoun person m
""".strip().splitlines()


@pytest.mark.parametrize("line", PHRASES, ids=[line.partition(" | ")[0] for line in PHRASES])
def test_phrase(line: str) -> None:
    text, name, kinds = line.split(" ;")
    phrase, _, rest = text.partition(" | ")
    found = _phrase(phrase + ("" if rest[0] == "،" else " ") + rest)
    assert found is not None
    mention, written, named = found
    assert (written, named or "") == (phrase, name.strip())
    assert [mention.form, mention.kind, mention.gender] == kinds.split()


@pytest.mark.parametrize(
    ("text", "extent"),
    [
        ("خالد عقل، رئيس وحدة الأبحاث، إن", "خالد عقل، رئيس وحدة الأبحاث"),
        ("رئيس هيئة قناة السويس الفريق أسامة ربيع إن", "رئيس هيئة قناة السويس الفريق أسامة ربيع"),
    ],
)
@pytest.mark.xfail(strict=True, reason="ends too early")
def test_phrases_that_end_too_early(text: str, extent: str) -> None:
    found = _phrase(text)
    assert found is not None
    assert found[1] == extent


def test_a_statement_with_its_issuer_is_a_document() -> None:
    found = _phrase("البيان الصادر عن الوزارة أن")
    assert found is not None
    assert (found[0].form, found[1]) == ("document", "البيان الصادر عن الوزارة")


@pytest.mark.parametrize(
    "text", ["في باريس", "إن الأمر انتهى", "أمس", "وأضاف أن", "الذي قال", "، محمد", "لم يقل", "بعد ذلك", ":"]
)
def test_what_begins_no_phrase(text: str) -> None:
    assert _phrase(text) is None


def test_an_empty_stretch_is_no_phrase() -> None:
    tokens = _read("محمد صلاح")
    assert phrase_at(tokens, 1, 1) is None
    assert phrase_at(tokens, 2, 2) is None


def test_a_phrase_ends_at_the_stop() -> None:
    tokens = _read("وزير الخارجية سامح شكري")
    mention = phrase_at(tokens, 0, 3)
    assert mention is not None
    assert (mention.first, mention.last, tokens.text[mention.end :]) == (0, 3, " شكري")


def test_attached_letters_stay_outside() -> None:
    tokens = _read("وللوزير أن")
    mention = phrase_at(tokens, 0, 2, skip=tokens.infos[0].clitics)
    assert mention is not None
    assert tokens.text[mention.start : mention.end] == "لوزير"
    assert mention.definite
    assert mention.head == "وزير"


def test_head_and_words_are_folded_stems() -> None:
    found = _phrase("المتحدثة باسم الرئاسة نورة القحطاني إن")
    assert found is not None
    assert found[0].head == "متحدثه"
    assert found[0].words[0] == "متحدثه"
    assert found[0].words[-1] == "قحطاني"


@pytest.mark.parametrize(("text", "same"), [("الوزير نفسه أن", True), ("المصدر ذاته أن", True), ("الوزير أن", False)])
def test_a_phrase_that_points_back_says_so(text: str, same: bool) -> None:
    found = _phrase(text)
    assert found is not None
    assert found[0].same is same


@pytest.mark.parametrize(("text", "definite"), [("الوزير أن", True), ("وزير أن", False), ("مصادر طبية أن", False)])
def test_the_article_of_the_head_makes_a_phrase_definite(text: str, definite: bool) -> None:
    found = _phrase(text)
    assert found is not None
    assert found[0].definite is definite


@pytest.mark.parametrize(
    ("text", "number"), [("مسؤولون أمريكيون إن", "p"), ("الوزير أن", "s"), ("سامح شكري إن", "s"), ("هما إن", "d"), ("هم إن", "p")]
)
def test_number(text: str, number: str) -> None:
    found = _phrase(text)
    assert found is not None
    assert found[0].number == number


def test_the_word_before_governs_or_makes_a_subject() -> None:
    def at(text: str, first: int) -> Mention:
        found = _phrase(text, first=first)
        assert found is not None
        return found[0]

    assert at("التقى مع الوزير أمس", 2).governed
    assert not at("التقى مع الوزير أمس", 2).subject
    assert at("قال الوزير إن", 1).subject
    assert not at("قال الوزير إن", 1).governed
    assert not at("الوزير قال إن", 0).subject


def test_a_closed_phrase_may_end_in_a_word_that_is_no_name_elsewhere() -> None:
    text = "قال رامي ثابت إن"
    loose, closed = _phrase(text, first=1), _phrase(text, first=1, closed=True)
    assert loose is not None
    assert closed is not None
    assert closed[1] == "رامي ثابت"


def test_sentence_and_paragraph_are_those_of_the_first_token() -> None:
    found = _phrase("انتهى الأمر. حقا.\nوزير الدفاع", first=5)
    assert found is not None
    assert (found[1], found[0].paragraph) == ("وزير الدفاع", 1)


def test_one_word_can_be_taken_as_a_name() -> None:
    tokens = _read("ولأسد")
    mention = bare_name(tokens, 0, skip=2)
    assert (mention.form, mention.kind, mention.name) == ("name", "person", (2, 5))
    assert (mention.start, mention.end) == (2, 5)


def test_an_occasion_of_speech_is_an_event() -> None:
    assert is_event("تصريح")
    assert not is_event("وزير")
