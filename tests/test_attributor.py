"""The pipeline as a user calls it: properties over mixed text, links for given quotes, batches, threads, long input."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from quoteattr.attributor import QuoteAttributor
from quoteattr.schema import Document, Quote, SchemaError, Span
from quoteattr.text import fold, not_arabic

ATTRIBUTOR = QuoteAttributor.rules()
TEXT = (
    "قال وزير الخارجية سامح شكري إن المحادثات ستستأنف غدا. وأضاف أن النتائج مشجعة.\n"
    '«لن نقبل الشروط»، بحسب مصادر طبية. وردت الوزيرة هالة زايد: "المستشفيات جاهزة".'
)

# ---------------------------------------------------------------------------------------------------------------------
# Any text

WORDS = (
    "قال وقالت أكد وأضاف أضافت أشار لفت كشف وأوضحت يقول تساءل وصف أفاد مضيفا مؤكدة قائلا بحسب وفقا نقلا قوله "
    "أن إن أنه بأن إلى عن على من في هل كما بينما لكن الذي "
    "الوزير وزيرة الخارجية المتحدث باسم رئيس الحكومة صحيفة الوطن مصادر خبراء البيان الدكتور الشيخ "
    "سامح شكري محمد فاطمة الزهراء عبد الله بن لافروف رويترز "
    "القرار نهائي المحادثات ستستأنف غدا مشجعة القاهرة بيت ضرورة"
).split()
MARKS = [
    "«",
    "»",
    "“",
    "”",
    "„",
    '"',
    "''",
    "‘",
    "’",
    "'",
    "‹",
    "›",
    ",,",
    "((",
    "))",
    ":",
    "،",
    ".",
    "؟",
    "!",
    "…",
    "-",
    "(",
    ")",
]
OTHERS = [
    "Reuters",
    "l'État",
    "é",
    "😀",
    "👩‍👧",
    "2016",
    "٣٫٥",
    "12%",
    "د.",
    "\u0650",
    "\u0301",
    "ـ",
    "\u200f",
    "\u202b",
    "\u2066",
    "\ufeff",
]
BREAKS = ["\n", "\n\n", "\r\n", "\u2029", "\t", "\u00a0", "\x00", "\ud800", "\udfff"]


def _joined(pieces: list[tuple[str, str]]) -> str:
    return "".join(piece + space for piece, space in pieces)


def _texts(*tables: list[str]) -> st.SearchStrategy[str]:
    piece = st.one_of(*map(st.sampled_from, tables))
    return st.lists(st.tuples(piece, st.sampled_from([" ", " ", " ", ""])), max_size=60).map(_joined)


REPORTS = [
    "قال وزير الخارجية سامح شكري إن المحادثات ستستأنف غدا",
    "وأضاف أن النتائج مشجعة",
    "«لن نقبل الشروط»، قالت فاطمة الزهراء",
    'وأكدت الوزيرة: "الأمر انتهى"',
    "القرار نهائي، بحسب مصادر طبية",
    "مشيرا إلى أن",
]
mixed = _texts(WORDS, WORDS, MARKS, OTHERS, BREAKS, REPORTS)
news = _texts(WORDS, WORDS, REPORTS, ["«", "»", '"', ":", "،", ".", "\n"])


def _spans(document: Document) -> Iterator[Span]:
    for quote in (*document.quotes, *document.rejected):
        yield from (span for span in (quote.content, quote.cue, quote.source) if span is not None)
    for speaker in document.speakers:
        yield from speaker.mentions


def _said(document: Document) -> list[tuple[str, str, str | None]]:
    """What was found, in folded letters: content, cue and speaker of every quote."""

    def plain(text: str) -> str:
        return fold(unicodedata.normalize("NFC", text))

    return [(plain(q.text), plain(q.cue.text), plain(q.speaker.name) if q.speaker else None) for q in document.quotes]


def test_the_pieces_make_quotes() -> None:
    document = ATTRIBUTOR(". ".join(REPORTS))
    assert len(document.quotes) >= 4
    assert len(document.speakers) >= 3


@settings(max_examples=200)
@given(mixed)
def test_every_span_is_a_span_of_the_text(text: str) -> None:
    document = ATTRIBUTOR(text)
    assert document.text == text
    for span in _spans(document):
        assert 0 <= span.start <= span.end <= len(text)
        assert text[span.start : span.end] == span.text


@settings(max_examples=200)
@given(mixed)
def test_a_document_holds_together(text: str) -> None:
    document = ATTRIBUTOR(text)
    ids = [quote.id for quote in document.quotes]
    assert len(set(ids)) == len(ids)
    for quote in document.quotes:
        assert quote.confidence is not None
        assert 0 <= quote.confidence <= 1
        assert quote.parent is None or (quote.parent in ids and quote.parent != quote.id)
        assert quote.speaker is None or quote.speaker in document.speakers
        assert quote.cue.text
        assert quote.text
    assert {q.speaker.id for q in document.quotes if q.speaker} == {s.id for s in document.speakers}
    assert [q.content.start for q in document.quotes] == sorted(q.content.start for q in document.quotes)


@settings(max_examples=200)
@given(mixed)
def test_the_same_text_gives_the_same_document(text: str) -> None:
    assert ATTRIBUTOR(text) == ATTRIBUTOR(text) == QuoteAttributor.rules()(text)


def test_a_document_survives_the_format() -> None:
    document = ATTRIBUTOR(TEXT)
    assert Document.from_dict(document.to_dict()) == document


@settings(max_examples=200)
@given(mixed)
def test_the_format_takes_every_document(text: str) -> None:
    record = ATTRIBUTOR(text).to_dict()
    assert Document.from_dict(record).to_dict() == record


@settings(max_examples=200)
@given(
    news,
    st.integers(1, 5),
    st.lists(
        st.sampled_from(["\u064e", "\u0651\u064f", "\u0652", "ـ", "ــ", "\u200f", "\u202b", "\u2067"]), min_size=1, max_size=3
    ),
)
def test_marks_inside_words_change_nothing(text: str, every: int, marks: list[str]) -> None:
    letters = count(1)
    decorated = "".join(c + marks[n % len(marks)] if "ء" <= c <= "ي" and not (n := next(letters)) % every else c for c in text)
    assume(not_arabic(decorated) is None)  # see below
    assert _said(ATTRIBUTOR(decorated)) == _said(ATTRIBUTOR(text))


@pytest.mark.parametrize("text", ["قالت الوزيرة هالة زايد: «نرحب به»", "مَجَازٌ جَدِيدٌ"])
def test_short_and_vowelled_texts_are_arabic(text: str) -> None:
    assert "warning" not in ATTRIBUTOR(text).metadata


@settings(max_examples=200)
@given(_texts(WORDS, WORDS, MARKS, BREAKS, REPORTS))
def test_decomposed_letters_change_nothing(text: str) -> None:
    assert _said(ATTRIBUTOR(unicodedata.normalize("NFD", text))) == _said(ATTRIBUTOR(unicodedata.normalize("NFC", text)))


def test_line_breaks_of_any_system_change_nothing() -> None:
    assert _said(ATTRIBUTOR(TEXT.replace("\n", "\r\n"))) == _said(ATTRIBUTOR(TEXT))


# ---------------------------------------------------------------------------------------------------------------------
# What a call gives


def test_id_and_metadata_pass_through() -> None:
    document = ATTRIBUTOR(TEXT, id="7", metadata={"outlet": "الأفق"})
    assert (document.id, document.metadata) == ("7", {"outlet": "الأفق"})


def test_an_utterance_inside_another_names_its_parent() -> None:
    outer, inner = ATTRIBUTOR("قالت وكالة رويترز إن وزير الدفاع أكد أن القرار نهائي.").quotes
    assert inner.parent == outer.id
    assert outer.parent is None
    assert outer.content.start <= inner.cue.start
    assert inner.content.end <= outer.content.end


def test_evidence_says_how_a_quote_was_found_and_linked() -> None:
    first, second, *_ = ATTRIBUTOR(TEXT).quotes
    assert first.evidence is not None
    assert second.evidence is not None
    assert (first.evidence.found_by, first.evidence.linked_by) == ("clause:verb", "source:title")
    assert second.evidence.linked_by.startswith("elided:")


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("", "no letters"),
        ("«…» 12%", "no letters"),
        ("The minister said: “We will not accept.”", "0 %"),
        ("رئیس جمهور گفت که این کار برای مردم است و باید انجام شود", "Persian"),
        ("وزیر نے کہا کہ یہ کام مکمل ہے اور سب کے لیے ہے", "Urdu"),
    ],
)
def test_a_text_that_is_not_arabic_is_said(text: str, warning: str) -> None:
    document = ATTRIBUTOR(text, metadata={"outlet": "x"})
    assert (document.quotes, document.speakers) == ((), ())
    assert warning in document.metadata["warning"]
    assert document.metadata["outlet"] == "x"


@pytest.mark.parametrize("text", [None, b"\xd9\x82\xd8\xa7\xd9\x84", 5, ["قال"]])
def test_what_is_no_string_is_refused(text: object) -> None:
    with pytest.raises(TypeError, match=f"not {type(text).__name__}"):
        ATTRIBUTOR(text)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        list(ATTRIBUTOR.pipe([TEXT, text]))  # type: ignore[list-item]
    with pytest.raises(TypeError):
        ATTRIBUTOR.attribute(text, [])  # type: ignore[arg-type]


def test_doubtful_quotes_are_set_apart() -> None:
    everything = ATTRIBUTOR(TEXT)
    confidences = sorted(quote.confidence or 0 for quote in everything.quotes)
    bar = confidences[len(confidences) // 2]
    document = QuoteAttributor.rules(min_confidence=bar)(TEXT)
    assert document.quotes == tuple(q for q in everything.quotes if (q.confidence or 0) >= bar)
    assert document.rejected == tuple(q for q in everything.quotes if (q.confidence or 0) < bar)
    assert document.rejected
    assert document.quotes
    assert Document.from_dict(document.to_dict()).rejected


@pytest.mark.parametrize("bar", [-0.1, 1.1, float("nan")])
def test_a_bar_that_is_no_probability_is_refused(bar: float) -> None:
    with pytest.raises(ValueError, match="min_confidence"):
        QuoteAttributor.rules(min_confidence=bar)


# ---------------------------------------------------------------------------------------------------------------------
# Given quotes


def _pair(text: str, cue: str, content: str) -> tuple[tuple[int, int], tuple[int, int]]:
    at, start = text.index(cue), text.index(content)
    return (at, at + len(cue)), (start, start + len(content))


def _names(quotes: tuple[Quote, ...]) -> list[str | None]:
    return [quote.speaker.name if quote.speaker else None for quote in quotes]


def test_given_quotes_come_back_in_their_order() -> None:
    pairs = [
        _pair(TEXT, "وردت", "المستشفيات جاهزة"),
        _pair(TEXT, "قال", "المحادثات ستستأنف غدا"),
        _pair(TEXT, "بحسب", "لن نقبل الشروط"),
        _pair(TEXT, "وأضاف", "النتائج مشجعة"),
        _pair(TEXT, "قال", "المحادثات ستستأنف غدا"),
    ]
    quotes = ATTRIBUTOR.attribute(TEXT, pairs).quotes
    assert [((q.cue.start, q.cue.end), (q.content.start, q.content.end)) for q in quotes] == pairs
    assert [q.id for q in quotes] == ["Q1", "Q2", "Q3", "Q4", "Q5"]
    assert _names(quotes) == ["هالة زايد", "سامح شكري", "مصادر طبية", "سامح شكري", "سامح شكري"]


def test_given_spans_and_offsets_are_the_same() -> None:
    cue, content = _pair(TEXT, "وأضاف", "النتائج مشجعة")
    spans = [(Span.of(TEXT, *cue), Span.of(TEXT, *content))]
    assert ATTRIBUTOR.attribute(TEXT, spans) == ATTRIBUTOR.attribute(TEXT, [(cue, content)])


def test_a_cue_that_is_no_known_verb_gets_a_speaker() -> None:
    text = "زمجر محمد صلاح: «الحكم ظلمنا». ثم مضى."
    (quote,) = ATTRIBUTOR.attribute(text, [_pair(text, "زمجر", "الحكم ظلمنا")]).quotes
    assert quote.speaker is not None
    assert quote.speaker.name == "محمد صلاح"


def test_no_given_quotes_give_none() -> None:
    document = ATTRIBUTOR.attribute(TEXT, [])
    assert (document.quotes, document.speakers) == ((), ())


@pytest.mark.parametrize("text", ["...", "«»", "hello you", "12 34"])
def test_quotes_of_a_text_without_arabic_words_have_no_speaker(text: str) -> None:
    (quote,) = ATTRIBUTOR.attribute(text, [((0, 1), (1, 2))]).quotes
    assert quote.speaker is None


@pytest.mark.parametrize("text", ["", "  ", "\u200f\u200f"])
def test_quotes_of_a_text_without_tokens_have_no_speaker(text: str) -> None:
    (quote,) = ATTRIBUTOR.attribute(text, [((0, 0), (0, len(text)))]).quotes
    assert quote.speaker is None


@pytest.mark.parametrize("place", [(-1, 3), (5, 3), (0, len(TEXT) + 1)])
def test_offsets_outside_the_text_are_refused(place: tuple[int, int]) -> None:
    with pytest.raises(SchemaError, match="do not fit"):
        ATTRIBUTOR.attribute(TEXT, [(place, (5, 9))])
    with pytest.raises(SchemaError, match="do not fit"):
        ATTRIBUTOR.attribute(TEXT, [((0, 3), place)])


@settings(max_examples=200)
@given(mixed, st.lists(st.tuples(*[st.floats(0, 1)] * 4), max_size=4))
def test_any_places_can_be_given(text: str, shares: list[tuple[float, float, float, float]]) -> None:
    def place(a: float, b: float) -> tuple[int, int]:
        start, end = sorted((int(a * len(text)), int(b * len(text))))
        return start, end

    pairs = [(place(a, b), place(c, d)) for a, b, c, d in shares] if any(c.isalnum() for c in text) else []
    quotes = ATTRIBUTOR.attribute(text, pairs).quotes
    assert len(quotes) == len(pairs)
    assert all(text[q.content.start : q.content.end] == q.text for q in quotes)


@settings(max_examples=200)
@given(mixed)
def test_quotes_that_were_found_can_be_given_back(text: str) -> None:
    pairs = [(quote.cue, quote.content) for quote in ATTRIBUTOR(text).quotes]
    assert [(quote.cue, quote.content) for quote in ATTRIBUTOR.attribute(text, pairs).quotes] == pairs


# ---------------------------------------------------------------------------------------------------------------------
# Many texts, long texts


def test_pipe_is_lazy_and_ordered() -> None:
    read: list[int] = []

    def texts() -> Iterator[str]:
        for n in count():
            read.append(n)
            yield f"قال وزير الخارجية سامح شكري إن الجولة {n} ستعقد غدا."

    documents = ATTRIBUTOR.pipe(texts())
    assert read == []
    assert [next(documents).quotes[0].text for _ in range(3)] == [f"الجولة {n} ستعقد غدا" for n in range(3)]
    assert read == [0, 1, 2]


def test_one_attributor_serves_many_threads() -> None:
    texts = [
        f"قال {name} إن {thing} رقم {n}. وأضاف أن الأمر انتهى."
        for n in range(40)
        for name, thing in (
            ("محمد صلاح", "الحكم"),
            ("وزير الدفاع", "القرار"),
            ("مصادر طبية", "المستشفى"),
            ("هالة زايد", "المصل"),
        )
    ]
    attributor = QuoteAttributor.rules()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(attributor, texts))
    assert found == [ATTRIBUTOR(text) for text in texts]


@pytest.mark.parametrize(
    "piece",
    ["ا", "«", "قال إن ", "، بحسب المصدر", "«نعم ولا شيء» قال الوزير ", "محمد أحمد علي "],
    ids=["letter", "mark", "clause", "tag", "quotation", "names"],
)
def test_long_input_without_full_stops_is_read(piece: str) -> None:
    text = "قال " + piece * (300_000 // len(piece))
    document = ATTRIBUTOR(text)
    assert document.text == text


@pytest.mark.parametrize(
    ("text", "speakers"),
    [
        ("قال تعالى: «وقل رب زدني علما». وقوله سبحانه: «اقرأ باسم ربك».", ["الله", "الله"]),
        ("يقول الله عز وجل: «وقل رب زدني علما»، وقال المفتي نديم الحاج إن الآية دعوة إلى العلم.", ["الله", "نديم الحاج"]),
        (
            "قال رسول الله صلى الله عليه وسلم: «طلب العلم فريضة». وقال عليه الصلاة والسلام: «خيركم خيركم لأهله».",
            ["رسول الله صلى الله عليه وسلم", "رسول الله صلى الله عليه وسلم"],
        ),
        ("وقال صلى الله عليه وسلم: «طلب العلم فريضة».", ["النبي محمد"]),
        (
            "قال الشيخ نديم الحاج إن العلم فريضة، فقد قال تعالى: «وقل رب زدني علما». وأوضح أن الآية دعوة إلى التعلم.",
            ["نديم الحاج", "الله", "نديم الحاج"],
        ),
        ("قال النائب حسن فضل الله إن الجلسة تأجلت. وأضاف فضل الله أن الموعد لم يحدد.", ["حسن فضل الله", "حسن فضل الله"]),
    ],
)
def test_formulas_name_god_and_the_prophet_and_nobody_else(text: str, speakers: list[str]) -> None:
    assert [quote.speaker and quote.speaker.name for quote in QuoteAttributor.rules()(text).quotes] == speakers


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("وأكد مصدر أمني مسؤول لـ«الشروق» أن الوحدات عادت.", "مصدر أمني مسؤول"),
        ("وقالت السيدة لصحيفة محلية إن الطريق مقطوع.", "السيدة"),
        ("يقول بحسرة عمار بن خليفة إن البحر جف.", "عمار بن خليفة"),
        ("وقالت لصحيفتنا المحامية ريم سعيد إن القضية انتهت.", "المحامية ريم سعيد"),
    ],
)
def test_who_is_spoken_to_and_how_is_no_part_of_the_source(text: str, source: str) -> None:
    for attributor in (QuoteAttributor.rules(), ATTRIBUTOR):
        (quote,) = attributor(text).quotes
        assert quote.source is not None
        assert quote.source.text == source


# ---------------------------------------------------------------------------------------------------------------------
# Several processes


def test_other_processes_give_the_same_documents_in_the_same_order() -> None:
    texts = [f"قال سامح شكري إن القرار رقم {n} نهائي. وأضاف أن العمل بدأ." for n in range(50)]
    assert list(ATTRIBUTOR.pipe(texts, n_process=2)) == list(ATTRIBUTOR.pipe(texts))


def test_what_stands_beside_a_text_comes_back_beside_its_document() -> None:
    pairs = [("قال سامح شكري إن القرار نهائي.", {"n": n}) for n in range(40)]
    for processes in (1, 2):
        found = list(ATTRIBUTOR.pipe(iter(pairs), n_process=processes, as_tuples=True))
        assert [context for _, context in found] == [{"n": n} for n in range(40)]
        assert all(len(document.quotes) == 1 for document, _ in found)
