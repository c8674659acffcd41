"""Which candidates are quotes: the fitted weights, what is no quote, the content chosen, quotes inside quotes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

import pytest
from cases import DATA, feature_names, read_cases, read_documents
from hypothesis import given
from hypothesis import strategies as st

from quoteattr.candidates import Candidates, Proposer
from quoteattr.rules import THRESHOLD, Report, choose, decide, logistic, sound, weights
from quoteattr.text import normalize

PROPOSER = Proposer()


def _reports(text: str) -> list[tuple[str, str]]:
    """Cue and content of every report in a text."""
    normalized = normalize(text)

    def written(start: int, end: int) -> str:
        return text[slice(*normalized.original_span(start, end))]

    return [(written(r.cue.start, r.cue.end), written(r.content.start, r.content.end)) for r in decide(PROPOSER(normalized))]


def _candidates() -> Iterator[Candidates]:
    documents = [*read_documents(DATA / "articles.jsonl"), *read_documents(DATA / "sample.jsonl")]
    yield from (PROPOSER(normalize(text)) for text in [d.text for d in documents] + [c.document.text for c in read_cases()])


# ---------------------------------------------------------------------------------------------------------------------
# Weights


@cache
def _produced() -> dict[str, set[str]]:
    """The names of the features of our own articles and cases, by decision."""
    documents = [*read_documents(DATA / "articles.jsonl"), *read_documents(DATA / "sample.jsonl")]
    return feature_names([d.text for d in documents] + [case.document.text for case in read_cases()])


def test_there_is_a_table_of_numbers_for_each_decision() -> None:
    assert set(weights()) == {"cue", "end", "link"}
    for table in weights().values():
        assert len(table) > 50
        assert all(type(value) is float and math.isfinite(value) and abs(value) < 20 for value in table.values())


@pytest.mark.parametrize("decision", ["cue", "end", "link"])
def test_weights_and_features_share_their_names(decision: str) -> None:
    """A feature that was renamed after the fit has no weight, and its old weight is never asked for."""
    table, produced = weights()[decision], _produced()[decision]
    families = {name.partition(":")[0] for name in table}
    assert len(produced & set(table)) >= 0.8 * len(produced)
    assert len(families & {name.partition(":")[0] for name in produced}) >= 0.6 * len(families)


@given(st.floats(allow_nan=False))
def test_the_logistic_is_a_probability(x: float) -> None:
    assert 0 <= logistic(x) <= 1


def test_the_logistic_is_one_half_at_nought() -> None:
    assert logistic(0) == 0.5
    assert logistic(2) + logistic(-2) == pytest.approx(1)


# ---------------------------------------------------------------------------------------------------------------------
# Reports


def test_reports_are_probable_ordered_and_sound() -> None:
    some = 0
    for candidates in _candidates():
        reports = decide(candidates)
        some += len(reports)
        assert all(THRESHOLD <= report.probability <= 1 for report in reports)
        assert [r.content.start for r in reports] == sorted(r.content.start for r in reports)
        for report in reports:
            assert report.cue in candidates.cues
            assert report.content in report.cue.contents or report.content.ends_by == "split"
            assert report.found_by == f"{report.cue.pattern}:{report.cue.form.pos}"
    assert some > 200


def test_a_parent_holds_its_child() -> None:
    nested = 0
    for candidates in _candidates():
        reports = decide(candidates)
        for report in reports:
            if report.parent is not None:
                nested += 1
                outer = reports[report.parent]
                assert outer is not report
                assert outer.content.start <= report.cue.start
                assert report.content.end <= outer.content.end
    assert nested


def test_speech_in_speech_in_speech() -> None:
    outer, middle, inner = _parents("ذكرت صحيفة الغد أن وزير الدفاع قال إن قائد الجيش أكد أن الحدود آمنة.")
    assert (outer.parent, middle.parent, inner.parent) == (None, 0, 1)


def test_one_after_the_other_has_no_parent() -> None:
    assert [r.parent for r in _parents("قال الوزير إن القرار نهائي، وأكد أن التنفيذ يبدأ غدا.")] == [None, None]


def _parents(text: str) -> list[Report]:
    return decide(PROPOSER(normalize(text)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("قال الوزير إن القرار نهائي.", [("قال", "القرار نهائي")]),
        ("قال الوزير: «القرار نهائي ولا رجعة فيه».", [("قال", "القرار نهائي ولا رجعة فيه")]),
        ("القرار نهائي ولا رجعة فيه، بحسب وزير الدفاع.", [("بحسب", "القرار نهائي ولا رجعة فيه")]),
        (
            "أكد الوزير أن القرار نهائي، مضيفا أن التنفيذ يبدأ غدا.",
            [("أكد", "القرار نهائي"), ("مضيفا", "التنفيذ يبدأ غدا")],
        ),
        ("نقلت الوكالة عن الوزير قوله إن القرار نهائي.", [("قوله", "القرار نهائي")]),
        ("أشارت الوزيرة إلى أن القرار نهائي.", [("أشارت", "القرار نهائي")]),
    ],
)
def test_a_plain_sentence_is_one_report_a_cue(text: str, found: list[tuple[str, str]]) -> None:
    assert _reports(text) == found


@pytest.mark.parametrize(
    "text",
    [
        # nobody speaks
        "يذكر أن القرار نهائي منذ العام الماضي.",
        "يشار إلى أن المدينة تضم ثلاثة مصانع.",
        "من المقرر أن يصل الوفد غدا.",
        "تجدر الإشارة إلى أن المدينة تضم ثلاثة مصانع.",
        "يعتقد أن الحريق بدأ في الطابق الثاني.",
        # the same letters, another word
        "جرت المباراة بين الوزير والنائب في ملعب المدينة.",
        "فتح التاجر كشف حساب في المصرف أمس.",
        "أعلنت الشركة عن وظائف جديدة في المصنع.",
        "رأى الصياد قاربا يغرق قرب الشاطئ.",
        "أنجبت الناقة ذكرا في حديقة الحيوان.",
        # no clause
        "طالب النواب الحكومة بالاستقالة.",
        "أشاد المدرب بأداء لاعبيه في المباراة.",
        "غادر الوزير بعد أن انتهى الحفل.",
        "عرضت القناة فيلم «الأرض الطيبة» مساء أمس.",
    ],
)
def test_what_is_no_report(text: str) -> None:
    assert _reports(text) == []


def test_one_content_is_reported_once() -> None:
    assert len(_reports("وأكد الوزير، في تصريح له أمس، أن القرار نهائي.")) == 1
    assert len(_reports("قال الوزير: «إن القرار نهائي ولا رجعة فيه».")) == 1


@pytest.mark.parametrize(
    ("text", "contents"),
    [
        (
            "«لن نرحل عن هذه الأرض أبدا»، قال الوزير في ختام الجلسة، «ولن نصمت عما جرى فيها».",
            ["لن نرحل عن هذه الأرض أبدا", "ولن نصمت عما جرى فيها"],
        ),
        # a sentence of its own
        ("«لن نرحل عن هذه الأرض أبدا»، قال الوزير. «الوطن» صحيفة الحزب.", ["لن نرحل عن هذه الأرض أبدا"]),
        # each has its cue
        ("قال الوزير: «لن نرحل عن أرضنا»، وأضاف: «ولن نصمت عنها».", ["لن نرحل عن أرضنا", "ولن نصمت عنها"]),
    ],
)
def test_a_quotation_that_its_cue_divides_is_two_quotes_of_it(text: str, contents: list[str]) -> None:
    assert [content for _, content in _reports(text)] == contents


def test_turns_of_an_interview_are_no_reports_but_lines_above_an_article_are() -> None:
    turns = "المحرر: كم بئرا حفرتم؟\nسالم الخطيب: سبع آبار.\nالمحرر: ومتى تعودون؟\nسالم الخطيب: في الربيع.\n"
    reported = "وأكد الخطيب أن المياه تكفي القرية."
    assert _reports(turns + reported) == [("وأكد", "المياه تكفي القرية")]
    lines = "سالم الخطيب: حفرنا سبع آبار في عام\nوزير المياه: سنعود في الربيع المقبل\n"
    assert [cue for cue, _ in _reports(lines + reported)] == [":", ":", "وأكد"]


@pytest.mark.parametrize(
    ("text", "reports"),
    [
        (  # somebody else reports behind a comma
            "قال المحافظ إن الطريق مفتوح، وأوضح رئيس البلدية أن الجسر مغلق.",
            [("قال", "الطريق مفتوح"), ("وأوضح", "الجسر مغلق")],
        ),
        (
            "أكد المحافظ أن الطريق مفتوح، بينما نفى رئيس البلدية أن يكون الجسر مغلقا.",
            [("أكد", "الطريق مفتوح"), ("نفى", "يكون الجسر مغلقا")],
        ),
        ("مدربان في مؤتمر واحد: قال المدرب إن الحكم أخطأ.", [("قال", "الحكم أخطأ")]),
        ("لم يعد الصيد يكفي أهل القرية، على حد تعبيره.", [("على حد تعبيره", "لم يعد الصيد يكفي أهل القرية")]),
    ],
)
def test_reports_stand_together(text: str, reports: list[tuple[str, str]]) -> None:
    assert _reports(text) == reports


@pytest.mark.parametrize(("text", "kept"), [("قيل إن الوفد وصل أمس.", 0), ("قال إن الوفد وصل أمس.", 1)])
def test_where_nobody_is_said_to_speak_there_is_no_report(text: str, kept: int) -> None:
    candidates = PROPOSER(normalize(text))
    reports = [Report(cue, cue.contents[0], "model", 1.0) for cue in candidates.cues]
    assert len(reports) == 1
    assert len(sound(candidates, reports)) == kept


def test_an_object_is_no_source() -> None:
    candidates = PROPOSER(normalize("وطمأن المعلمين أن العام قصير. وطمأن المعلمون أن العام قصير."))
    text = candidates.tokens.text
    sources = [text[cue.source.start : cue.source.end] for cue in candidates.cues if cue.source is not None]
    assert sources == ["المعلمون"]


def test_no_candidates_no_reports() -> None:
    assert _reports("") == _reports("غادر الوزير القاعة.") == []


def test_the_only_content_is_chosen() -> None:
    candidates = PROPOSER(normalize("قال الوزير إن القرار نهائي."))
    (cue,) = candidates.cues
    assert choose(candidates.tokens, cue) is cue.contents[0]
