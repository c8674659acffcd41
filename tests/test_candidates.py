"""What is proposed for a sentence: the pattern of each cue, what opens its contents, the contents, the source."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cases import DATA, read_cases, read_documents
from hypothesis import given
from hypothesis import strategies as st

from quoteattr.candidates import MAX_ENDS, Candidates, Cue, Proposer, given_cue
from quoteattr.lexicon import Lexicon
from quoteattr.schema import Document
from quoteattr.text import normalize

PROPOSER = Proposer()


class Reading:
    """The candidates of a text, as they are written there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.normalized = normalize(text)
        self.candidates: Candidates = PROPOSER(self.normalized)

    def written(self, start: int, end: int) -> str:
        return self.text[slice(*self.normalized.original_span(start, end))]

    def cue(self, word: str, pattern: str) -> Cue:
        """The one cue of a word and pattern."""
        found = [c for c in self.candidates.cues if self.written(c.start, c.end) == word and c.pattern == pattern]
        assert len(found) == 1, [(self.written(c.start, c.end), c.pattern) for c in self.candidates.cues]
        return found[0]

    def contents(self, cue: Cue) -> list[str]:
        return [self.written(c.start, c.end) for c in cue.contents]

    def source(self, cue: Cue) -> str | None:
        return self.written(cue.source.start, cue.source.end) if cue.source else None


# a sentence; cue, pattern, source, side; one of the contents and its type
SENTENCES = [
    # the verb first
    ("قال وزير الخارجية سامح شكري إن المحادثات ستستأنف غدا.", "قال", "clause", "وزير الخارجية سامح شكري", "after",
     "المحادثات ستستأنف غدا", "indirect"),
    ("أشار الوزير إلى أن القرار نهائي.", "أشار", "clause", "الوزير", "after", "القرار نهائي", "indirect"),
    ("أشارت إلى أن القرار نهائي.", "أشارت إلى", "clause", None, None, "القرار نهائي", "indirect"),
    ("وأكد، في تصريح له أمس، أنه سيغادر غدا.", "وأكد", "clause", None, None, "سيغادر غدا", "indirect"),
    ("قال الوزير للصحافيين أمس إن القرار نهائي.", "قال", "clause", "الوزير", "after", "القرار نهائي", "indirect"),
    # the subject first
    ("وزير الخارجية سامح شكري قال إن المحادثات ستستأنف غدا.", "قال", "clause", "وزير الخارجية سامح شكري", "before",
     "المحادثات ستستأنف غدا", "indirect"),
    ("وكان الوزير قد أكد أن الملف مغلق.", "أكد", "clause", "الوزير", "before", "الملف مغلق", "indirect"),
    ("لكن الوزيرة أكدت أن الملف مغلق.", "أكدت", "clause", "الوزيرة", "before", "الملف مغلق", "indirect"),
    ("نقلت الوكالة عن الوزير قوله إن القرار نهائي.", "قوله", "clause", "الوزير", "before", "القرار نهائي", "indirect"),
    # a colon
    ("قال الوزير: «لن نقبل الشروط الجديدة».", "قال", "colon", "الوزير", "after", "لن نقبل الشروط الجديدة", "direct"),
    ("قال الوزير: لن نقبل الشروط الجديدة أبدا.", "قال", "colon", "الوزير", "after", "لن نقبل الشروط الجديدة أبدا", "direct"),
    ("قال الوزير: إن القرار نهائي.", "قال", "colon", "الوزير", "after", "القرار نهائي", "indirect"),
    # a quotation mark alone
    ('ووصف الوزير القرار بـ"الكارثة الكبرى على الاقتصاد".', "ووصف", "quotation", "الوزير", "after",
     "الكارثة الكبرى على الاقتصاد", "direct"),
    ('وصفها رئيس البلدية بأنها "أول حل جذري منذ سنين".', "وصفها", "clause", "رئيس البلدية", "after",
     "أول حل جذري منذ سنين", "direct"),
    ('ووصف القرار بأنه "كارثة كبرى على الاقتصاد".', "ووصف", "clause", None, None, "كارثة كبرى على الاقتصاد", "direct"),
    # the words first
    ("«لن نقبل الشروط الجديدة»، قال الوزير أمام الصحافيين.", "قال", "inverted", "الوزير", "after",
     "لن نقبل الشروط الجديدة", "direct"),
    ("«لن نقبل الشروط الجديدة»، بهذه الكلمات رد الوزير على النائب.", "رد", "inverted", "الوزير", "after",
     "لن نقبل الشروط الجديدة", "direct"),
    ("«لن نقبل الشروط الجديدة»، هكذا لخص سامح شكري موقفه.", "لخص", "inverted", "سامح شكري", "after",
     "لن نقبل الشروط الجديدة", "direct"),
    ("الأسعار ستنخفض قريبا، يؤكد الوزير، بعد شهر صعب.", "يؤكد", "aside", "الوزير", "after", "الأسعار ستنخفض قريبا", "indirect"),
    # a preposition
    ("القرار نهائي ولا رجعة فيه، بحسب الوزير.", "بحسب", "tag", "الوزير", "after", "القرار نهائي ولا رجعة فيه", "indirect"),
    ("«القرار نهائي ولا رجعة فيه»، بحسب الوزير.", "بحسب", "tag", "الوزير", "after", "القرار نهائي ولا رجعة فيه", "direct"),
    ("القرار نهائي على حد قوله.", "على حد قوله", "tag", None, None, "القرار نهائي", "indirect"),
    ("القرار نهائي، كما ذكرت الوزارة.", "كما ذكرت", "tag", "الوزارة", "after", "القرار نهائي", "indirect"),
    ("بحسب الوزير، فإن القرار نهائي ولا رجعة فيه.", "بحسب", "tag-initial", "الوزير", "after",
     "القرار نهائي ولا رجعة فيه", "indirect"),
    ("وفقا لوزارة المالية، انخفضت الأسعار كثيرا.", "وفقا", "tag-initial", "وزارة المالية", "after",
     "انخفضت الأسعار كثيرا", "indirect"),
    # a headline
    ("الوزير: لن نقبل الشروط الجديدة\nاجتمع المجلس أمس.", ":", "headline", "الوزير", "before",
     "لن نقبل الشروط الجديدة", "direct"),
    ("دواء مفقود في الصيدليات.. والوزير: لن نقبل الاحتكار\nاجتمع المجلس أمس.", ":", "headline", "الوزير", "before",
     "لن نقبل الاحتكار", "direct"),
    ("رئيس حركة «النداء»: لن نقبل الشروط\nاجتمع المجلس أمس.", ":", "headline", "رئيس حركة «النداء", "before",
     "لن نقبل الشروط", "direct"),
    # nothing, or a noun, opens the content
    ("شدد الوزير على ضرورة احترام القانون.", "شدد", "need", "الوزير", "after", "ضرورة احترام القانون", "indirect"),
    ("وأضاف تأثر الاقتصاد بالأزمة العالمية.", "وأضاف", "bare", None, None, "تأثر الاقتصاد بالأزمة العالمية", "indirect"),
    ("سأل الصحافي هل ستستقيل الحكومة قبل نهاية العام.", "سأل", "clause", "الصحافي", "after",
     "هل ستستقيل الحكومة قبل نهاية العام", "indirect"),
    # a document, a part in marks
    ("جاء في البيان أن القرار نهائي.", "جاء في", "clause", "البيان", "after", "القرار نهائي", "indirect"),
    ("قال الوزير إن القرار «ظالم ولا يخدم أحدا».", "قال", "clause", "الوزير", "after", "القرار «ظالم ولا يخدم أحدا", "mixed"),
    # a participle
    ("أكد الوزير أن القرار نهائي، مضيفا أن التنفيذ يبدأ غدا.", "مضيفا", "clause", None, None, "التنفيذ يبدأ غدا", "indirect"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "word", "pattern", "source", "side", "content", "kind"), SENTENCES, ids=[s[0] for s in SENTENCES]
)
def test_sentence(text: str, word: str, pattern: str, source: str | None, side: str | None, content: str, kind: str) -> None:
    reading = Reading(text)
    cue = reading.cue(word, pattern)
    assert (reading.source(cue), cue.side) == (source, side)
    kinds = {reading.written(c.start, c.end): c.type for c in cue.contents}
    assert content in kinds
    assert kinds[content] == kind


@pytest.mark.parametrize(
    ("text", "word", "opener"),
    [
        ("أشار الوزير إلى أن القرار نهائي.", "أشار", "ان"),
        ("قال الوزير: «لن نقبل الشروط».", "قال", ":"),
        ("سأل الصحافي هل ستستقيل الحكومة.", "سأل", "هل"),
        ("شدد الوزير على ضرورة احترام القانون.", "شدد", "ضروره"),
    ],
)
def test_what_opens_a_content(text: str, word: str, opener: str) -> None:
    reading = Reading(text)
    (cue,) = (c for c in reading.candidates.cues if reading.written(c.start, c.end) == word)
    assert reading.candidates.tokens.words[cue.opener] == opener


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("قال الوزير إن القرار نهائي، مضيفا أن التنفيذ غدا.", ["القرار نهائي", "القرار نهائي، مضيفا أن التنفيذ غدا"]),
        ("قال الوزير إن القرار نهائي وأضاف أن التنفيذ غدا.", ["القرار نهائي", "القرار نهائي وأضاف أن التنفيذ غدا"]),
        ("قال الوزير إن القرار نهائي، بحسب الوكالة.", ["القرار نهائي", "القرار نهائي، بحسب الوكالة"]),
        ("قال الوزير إن القرار نهائي جدا، فيما نفى النائب ذلك.", ["القرار نهائي جدا", "القرار نهائي جدا، فيما نفى النائب ذلك"]),
    ],
)
def test_every_boundary_ends_a_content(text: str, ends: list[str]) -> None:
    reading = Reading(text)
    assert reading.contents(reading.cue("قال", "clause")) == ends


def test_a_content_does_not_leave_the_quotation_around_its_cue() -> None:
    reading = Reading("كتب: «أكد الوزير أن القرار نهائي»، ثم غادر القاعة.")
    assert reading.contents(reading.cue("أكد", "clause")) == ["القرار نهائي"]


def test_a_content_does_not_leave_its_sentence() -> None:
    reading = Reading("قال الوزير إن القرار نهائي. ثم غادر القاعة.")
    assert reading.contents(reading.cue("قال", "clause")) == ["القرار نهائي"]


def test_a_quotation_may_run_over_sentences() -> None:
    reading = Reading("قال الوزير: «القرار نهائي. لن نتراجع عنه. انتهى». ثم غادر.")
    assert reading.contents(reading.cue("قال", "colon"))[0] == "القرار نهائي. لن نتراجع عنه. انتهى"


def test_a_mark_that_is_not_closed_ends_with_its_paragraph_or_before() -> None:
    reading = Reading("قال الوزير: «القرار نهائي. لن نتراجع\nثم غادر.")
    assert "القرار نهائي. لن نتراجع" in reading.contents(reading.cue("قال", "colon"))
    assert not any("غادر" in content for cue in reading.candidates.cues for content in reading.contents(cue))


def test_a_name_in_marks_opens_no_content() -> None:
    reading = Reading("قالت صحيفة «الوطن» إن القرار نهائي.")
    assert reading.contents(reading.cue("قالت", "clause")) == ["القرار نهائي"]


@pytest.mark.parametrize(
    "text",
    ["حضر الوزير الحفل ثم غادر.", "غادر بعد أن انتهى الحفل.", "كان اللقاء بين الوزير والنائب طويلا.", "", "We said so."],
)
def test_sentences_without_a_cue(text: str) -> None:
    assert Reading(text).candidates.cues == ()


@pytest.mark.parametrize("text", [": قوله ", "وصل الوزير\n: لن نقبل الشروط الجديدة", "الرباط: نادية العلوي\nوصل الوزير."])
def test_a_colon_at_the_start_of_a_line_or_before_a_name_alone_makes_no_headline(text: str) -> None:
    assert all(cue.pattern != "headline" for cue in Reading(text).candidates.cues)


def test_mentions_are_found_anywhere() -> None:
    reading = Reading("استقبل وزير الخارجية سامح شكري أمس سيرغي لافروف في مقر الأمم المتحدة. وغادر لافروف.")
    found = [reading.written(m.start, m.end) for m in reading.candidates.mentions]
    assert found[:2] == ["وزير الخارجية سامح شكري", "سيرغي لافروف"]
    assert found[-1] == "لافروف"


def test_a_verb_with_the_letters_of_an_adjective_begins_no_mention() -> None:
    reading = Reading("التقى وزير الخارجية سامح شكري أمس سيرغي لافروف.")
    assert next(reading.written(m.start, m.end) for m in reading.candidates.mentions) == "وزير الخارجية سامح شكري"


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("وصلت رئيسة جامعة الحسين بن طلال أمس.", ["رئيسة جامعة الحسين بن طلال"]),
        ("وقع الحادث في شارع الملك فيصل قرب مسجد خالد بن الوليد.", []),
        ("وصل اللاعبون إلى استاد محمد الحمد.", ["اللاعبون"]),
        ("زار مدير جامعة الملك سعود عبد الله الصقعبي المعرض.", ["مدير جامعة الملك سعود عبد الله الصقعبي"]),
        ("وشكر الرئيس مستشارها في الحديقة.", ["الرئيس", "مستشارها"]),
        ("ورأى مؤسسها ورئيسها سامح الخطيب في الحديقة.", ["مؤسسها ورئيسها سامح الخطيب"]),
        ("وبدأت بلدية المدينة بتنظيف الشوارع.", ["بلدية المدينة"]),
        ("وتحدث أحد المشايخ المشاركين عن ليال طويلة.", ["أحد المشايخ المشاركين"]),
        ("وانتقدت لجنة برلمانية كندية الحكومة الاتحادية.", ["لجنة برلمانية كندية", "الحكومة الاتحادية"]),
        ("ورأى رئيس المجلس الجلسة طويلة.", ["رئيس المجلس"]),
        ("ومشى والدها مع والي وهران إلى الحديقة على مهل.", ["والدها", "والي وهران"]),
    ],
)
def test_institutions_named_after_people_and_people_called_by_their_kin(text: str, mentions: list[str]) -> None:
    reading = Reading(text)
    assert [reading.written(m.start, m.end) for m in reading.candidates.mentions] == mentions


def test_the_surname_of_a_full_name_is_a_name_elsewhere() -> None:
    with_name = Reading("حضر أحمد الجمل. وعاد الجمل.")
    found = [with_name.written(m.start, m.end) for m in with_name.candidates.mentions if m.form == "name"]
    assert found == ["أحمد الجمل", "الجمل"]


def test_a_word_of_the_user_is_a_cue() -> None:
    normalized = normalize("زمجر الوزير أن القرار نهائي.")
    assert PROPOSER(normalized).cues == ()
    (cue,) = Proposer(Lexicon.load().extended(verbs=["زمجر"]))(normalized).cues
    assert cue.form.lemma == "زمجر"


# ---------------------------------------------------------------------------------------------------------------------
# Whatever the text


def _documents() -> Iterator[Document]:
    yield from (case.document for case in read_cases())
    yield from read_documents(DATA / "articles.jsonl")


def _check(reading: Reading) -> None:
    candidates = reading.candidates
    tokens = candidates.tokens
    for cue in candidates.cues:
        assert 1 <= len(cue.contents) <= MAX_ENDS
        assert len({(c.start, c.end) for c in cue.contents}) == len(cue.contents)
        assert tokens.starts[cue.token] <= cue.start < cue.end <= len(tokens.text)
        assert (cue.source is None) == (cue.side is None)
        assert 0 <= cue.token < cue.after <= len(tokens.words)
        for content in cue.contents:
            assert 0 <= content.start < content.end <= len(tokens.text)
            assert tokens.text[content.start : content.end].strip() == tokens.text[content.start : content.end]
    assert [c.token for c in candidates.cues] == sorted(c.token for c in candidates.cues)
    for mention in candidates.mentions:
        assert 0 <= mention.start < mention.end <= len(tokens.text)
        assert mention.name is None or mention.start <= mention.name[0] < mention.name[1] <= mention.end


def test_candidates_of_articles_and_cases_are_sound() -> None:
    for document in _documents():
        _check(Reading(document.text))


PIECES = [
    "قال",
    "وأضاف",
    "أكد",
    "بحسب",
    "كما",
    "إن",
    "أن",
    ":",
    "«",
    "»",
    '"',
    "،",
    ".",
    "\n",
    "الوزير",
    "محمد",
    "قوله",
    "في",
    "بيان",
    "نعم",
]


@given(st.lists(st.sampled_from(PIECES), max_size=25))
def test_candidates_of_any_text_are_sound(pieces: list[str]) -> None:
    _check(Reading(" ".join(pieces)))


def test_nearly_every_gold_cue_and_content_is_proposed() -> None:
    cues = contents = total = 0
    for document in _documents():
        reading = Reading(document.text)
        for quote in document.quotes:
            near = [
                cue
                for cue in reading.candidates.cues
                for start, end in [reading.normalized.original_span(cue.start, cue.end)]
                if start < quote.cue.end and quote.cue.start < end
            ]
            total += 1
            cues += bool(near)
            contents += any(reading.written(c.start, c.end) == quote.text for cue in near for c in cue.contents)
    assert cues >= 0.9 * total
    assert contents >= 0.75 * total


# ---------------------------------------------------------------------------------------------------------------------
# Cues found by somebody else


def _given(text: str, cue: str, content: str) -> tuple[Reading, Cue]:
    reading = Reading(text)
    folded = reading.normalized.text
    start = folded.index(normalize(cue).text)
    at = (start, start + len(cue))
    candidates = reading.candidates
    return reading, given_cue(candidates.tokens, candidates.cues, at, folded.index(normalize(content).text))


def test_a_given_cue_is_the_proposed_one_that_fits() -> None:
    reading, cue = _given("قال الوزير إن القرار نهائي.", "قال", "القرار")
    assert (cue.pattern, reading.source(cue)) == ("clause", "الوزير")


def test_a_given_cue_has_the_side_of_its_content() -> None:
    text = "«لن نقبل الشروط الجديدة»، قال الوزير إن القرار نهائي."
    assert _given(text, "قال", "لن نقبل")[1].pattern == "inverted"
    assert _given(text, "قال", "القرار")[1].pattern == "clause"


@pytest.mark.parametrize(
    ("text", "cue", "content", "source"),
    [
        ("زمجر الوزير أن القرار نهائي.", "زمجر", "القرار", "الوزير"),
        ("الوزير زمجر أن القرار نهائي.", "زمجر", "القرار", "الوزير"),
        ("القرار نهائي، زمجر الوزير.", "زمجر", "القرار", "الوزير"),
        ("زمجر أن القرار نهائي.", "زمجر", "القرار", None),
    ],
)
def test_a_given_cue_that_was_not_proposed_is_made(text: str, cue: str, content: str, source: str | None) -> None:
    reading, made = _given(text, cue, content)
    assert reading.written(made.start, made.end) == cue
    assert reading.source(made) == source
