"""Evaluation on documents made by hand, and what must hold for any documents."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import permutations
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoteattr.evaluate import (
    PRF,
    Accuracy,
    Calibration,
    Counts,
    EvaluationError,
    ShareError,
    Verdict,
    cue_gender,
    evaluate,
    format_error,
    match,
    right_speaker,
    speaker_form,
)
from quoteattr.schema import Document, Quote, QuoteType, Span, Speaker

TEXT = (
    "قال المدرب سامي الحداد إن الفريق جاهز للمباراة الحاسمة مساء الغد. "
    'وأضاف أن "اللاعبين تدربوا بجد طوال الأسبوع". '
    "وأكد المدرب غياب القائد، مشيرا إلى أن الإصابة خفيفة. "
    "وتوقعت مصادر طبية أن يعود قريبا إلى الملاعب."
)
COACH = Speaker("S1", "سامي الحداد", "person", ("المدرب سامي الحداد", "المدرب", "الحداد"))
DOCTORS = Speaker("S2", "مصادر طبية", "group", ("مصادر طبية",))
OTHER = Speaker("S9", "نادر الخطيب")


def span(part: str, text: str = TEXT) -> Span:
    start = text.index(part)
    return Span.of(text, start, start + len(part))


def quote(
    id: str,
    cue: str,
    source: str | None,
    content: str,
    speaker: Speaker | None = None,
    type: QuoteType = "indirect",
    confidence: float | None = None,
    text: str = TEXT,
) -> Quote:
    said_by = None if source is None else span(source, text)
    return Quote(id, type, span(content, text), span(cue, text), said_by, speaker, confidence)


READY = quote("Q1", "قال", "المدرب سامي الحداد", "الفريق جاهز للمباراة الحاسمة مساء الغد", COACH)
TRAINED = quote("Q2", "وأضاف", None, "اللاعبين تدربوا بجد طوال الأسبوع", COACH, "direct")
INJURY = quote("Q3", "مشيرا إلى", None, "الإصابة خفيفة", COACH)
RETURN = quote("Q4", "وتوقعت", "مصادر طبية", "يعود قريبا إلى الملاعب", DOCTORS)
GOLD = Document(TEXT, "d1", (COACH, DOCTORS), (READY, TRAINED, INJURY, RETURN))


def predicted(*quotes: Quote, of: Document = GOLD) -> Document:
    return replace(of, quotes=quotes, speakers=())


def test_a_perfect_prediction_is_perfect_everywhere() -> None:
    report = evaluate([GOLD], [GOLD], [GOLD])
    counts = report.counts
    for score in (counts.detection, counts.detection_close, counts.end_to_end, counts.resolved):
        assert score == PRF(4, 0, 0)
    for field_score in counts.fields.values():
        assert field_score.exact == Accuracy(4, 4)
        assert field_score.words.f1 == 1
    assert counts.attribution == counts.matched
    assert counts.attribution.right == counts.attribution.resolved == counts.type == Accuracy(4, 4)
    assert report.share_error == ShareError(0, 0, 0, 0, speakers=2)
    assert report.errors() == ()
    assert report.worst(5) == ()


def test_missed_and_spurious_quotes_are_counted_and_listed() -> None:
    invented = quote("Q9", "وأكد", "المدرب", "غياب القائد", COACH, "mixed")
    report = evaluate([GOLD], [predicted(READY, invented, TRAINED)])
    assert report.counts.detection == PRF(2, 1, 2)
    assert [(e.kind, (e.gold or e.predicted).text) for e in report.errors()] == [  # type: ignore[union-attr]
        ("spurious", "غياب القائد"),
        ("missed", "الإصابة خفيفة"),
        ("missed", "يعود قريبا إلى الملاعب"),
    ]


def test_types_stand_under_gold_type_when_found_and_predicted_type_when_spurious() -> None:
    invented = quote("Q9", "وأكد", "المدرب", "غياب القائد", COACH, "mixed")
    report = evaluate([GOLD], [predicted(replace(READY, type="mixed"), invented, TRAINED)])
    assert report.counts.by_type == {"direct": PRF(1, 0, 0), "indirect": PRF(1, 0, 2), "mixed": PRF(0, 1, 0)}
    assert report.counts.type == Accuracy(1, 2)


def test_a_short_content_is_found_but_its_boundaries_are_wrong() -> None:
    short = replace(READY, content=span("الفريق جاهز للمباراة الحاسمة"))  # 4 of 6 words
    report = evaluate([GOLD], [predicted(short, TRAINED, INJURY, RETURN)])
    assert report.counts.detection == PRF(4, 0, 0)
    assert report.counts.detection_close == PRF(3, 1, 1)
    assert report.counts.fields["content"].exact == Accuracy(3, 4)
    assert report.counts.fields["content"].words == PRF(4 + 5 + 2 + 4, 0, 2)
    assert [e.kind for e in report.errors()] == ["boundary"]
    too_short = replace(READY, content=span("الفريق جاهز"))
    assert evaluate([GOLD], [predicted(too_short, TRAINED, INJURY, RETURN)]).counts.detection == PRF(3, 1, 1)


def test_matching_is_optimal_where_greedy_fails() -> None:
    words = "واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة عشرة"
    text = f"{words} {words.replace(' ', 'ا ')} قال"

    def part(id: str, first: int, end: int) -> Quote:
        pieces = text.split(" ")
        start = len(" ".join([*pieces[:first], ""]))
        return Quote(id, "indirect", Span.of(text, start, start + len(" ".join(pieces[first:end]))), span("قال", text))

    # the best single pair (G1, P1: 8/12) leaves G2 and P2 alone; 8/14 and 7/13 together are more
    gold = Document(text, "d", quotes=(part("G1", 4, 14), part("G2", 9, 19)))
    found = Document(text, "d", quotes=(part("P1", 6, 16), part("P2", 0, 12)))
    pairs = [(m.gold.id, m.predicted.id, round(m.overlap, 3)) for m in match(gold, found)]
    assert pairs == [("G1", "P2", 0.571), ("G2", "P1", 0.538)]


def test_overlapping_cues_decide_between_quotes_of_one_content() -> None:
    text = "ذكرت الصحيفة نقلا عن الوزير قوله إن الميزانية متوازنة"
    outer = quote("G1", "ذكرت", "الصحيفة", "الميزانية متوازنة", text=text)
    inner = quote("G2", "قوله", "الوزير", "الميزانية متوازنة", text=text)
    gold = Document(text, "d", quotes=(outer, inner))
    only = match(gold, predicted(replace(inner, id="P1"), of=gold))
    assert [(m.gold.id, m.predicted.id) for m in only] == [("G2", "P1")]
    both = match(gold, predicted(replace(inner, id="P1"), replace(outer, id="P2"), of=gold))
    assert [(m.gold.id, m.predicted.id) for m in both] == [("G1", "P2"), ("G2", "P1")]


def test_a_cue_does_not_outweigh_overlap() -> None:
    better = replace(READY, id="P1", cue=span("وأضاف"))
    worse = replace(READY, id="P2", content=span("جاهز للمباراة الحاسمة مساء الغد"))
    assert [m.predicted.id for m in match(GOLD, predicted(worse, better))] == ["P1"]


def test_nested_quotes_are_matched_each_to_its_own() -> None:
    text = "قالت الوكالة إن الوزير أكد أن القرار نهائي ولا رجعة فيه"
    outer = quote("Q1", "قالت", "الوكالة", "الوزير أكد أن القرار نهائي ولا رجعة فيه", text=text)
    inner = quote("Q2", "أكد", "الوزير", "القرار نهائي ولا رجعة فيه", text=text)
    gold = Document(text, "d", quotes=(outer, inner))
    pairs = match(gold, predicted(replace(inner, id="P1"), replace(outer, id="P2"), of=gold))
    assert [(m.gold.id, m.predicted.id, m.overlap) for m in pairs] == [("Q1", "P2", 1.0), ("Q2", "P1", 1.0)]


def test_exact_ignores_marks_and_punctuation_at_the_edges_but_not_words() -> None:
    with_marks = replace(TRAINED, content=span('"اللاعبين تدربوا بجد طوال الأسبوع". '))
    fields = evaluate([GOLD], [predicted(with_marks)]).counts.fields
    assert fields["content"].exact == Accuracy(1, 1)
    with_complementiser = replace(TRAINED, content=span('أن "اللاعبين تدربوا بجد طوال الأسبوع'))
    fields = evaluate([GOLD], [predicted(with_complementiser)]).counts.fields
    assert fields["content"].exact == Accuracy(0, 1)
    assert fields["content"].words == PRF(5, 1, 0)


def test_a_source_that_only_one_side_has_is_not_exact() -> None:
    fields = evaluate([GOLD], [predicted(TRAINED, replace(RETURN, source=None))]).counts.fields
    assert fields["source"].exact == Accuracy(1, 2)
    assert fields["source"].words == PRF(0, 0, 2)
    fields = evaluate([GOLD], [predicted(replace(TRAINED, source=span("المدرب")))]).counts.fields
    assert fields["source"].exact == Accuracy(0, 1)
    assert fields["source"].words == PRF(0, 1, 0)


def test_diacritics_do_not_part_words() -> None:
    text = "قالَ مُحَمَّدٌ إنَّ الأَمْرَ انتَهَى"
    gold = Document(text, "d", quotes=(quote("Q1", "قالَ", "مُحَمَّدٌ", "الأَمْرَ انتَهَى", text=text),))
    assert evaluate([gold], [gold]).counts.fields["content"].words == PRF(2, 0, 0)


@pytest.mark.parametrize(
    ("name", "source", "right", "resolved"),
    [
        ("سامي الحداد", None, 1, 1),
        ("«سامي  الحدّاد»", None, 1, 1),
        ("المدرب", None, 1, 0),
        ("الحداد", None, 1, 0),
        ("نادر الخطيب", "المدرب", 1, 0),
        ("نادر الخطيب", None, 0, 0),
        ("سامي", None, 0, 0),
        (None, None, 0, 0),
        (None, "المدرب", 1, 0),
    ],
)
def test_the_right_and_the_resolved_speaker(name: str | None, source: str | None, right: int, resolved: int) -> None:
    speaker = None if name is None else Speaker("X", name)
    found = replace(TRAINED, speaker=speaker, source=None if source is None else span(source))
    counts = evaluate([GOLD], [predicted(found)]).counts
    assert counts.end_to_end.tp == counts.matched.right.right == right
    assert counts.resolved.tp == counts.matched.resolved.right == resolved
    kinds = [e.kind for e in evaluate([GOLD], [predicted(found)]).errors() if e.predicted]
    assert kinds == (["speaker"] if not right else [] if resolved else ["unresolved"])


def test_the_gold_source_itself_and_the_places_of_mentions_name_the_speaker() -> None:
    unlisted = replace(COACH, aliases=(), mentions=(span("الحداد"),))
    gold = replace(READY, speaker=unlisted)
    assert right_speaker(gold, replace(gold, source=None, speaker=Speaker("X", "المدرب سامي الحداد")))
    assert right_speaker(gold, replace(gold, source=None, speaker=Speaker("X", "الحداد")))
    assert not right_speaker(gold, replace(gold, source=None, speaker=Speaker("X", "المدرب")))


@pytest.mark.parametrize(
    ("source", "form"),
    [
        (None, "implicit"),
        ("هو", "implicit"),
        ("وهم", "implicit"),
        ("المدرب سامي الحدّاد", "named"),
        ("المدرب", "nominal"),
        ("هولندا", "nominal"),
    ],
)
def test_speaker_forms(source: str | None, form: str) -> None:
    text = f"قال {source} نعم"
    content = span("نعم", text)
    gold = Quote("Q1", "direct", content, span("قال", text), None if source is None else span(source, text), COACH)
    assert speaker_form(gold) == form


@pytest.mark.parametrize(
    ("cue", "gender"),
    [
        ("قال", "m"),
        ("قالوا", "m"),
        ("وقَالَتْ:", "f"),
        ("تؤكد", "f"),
        ("وأوضح", "m"),  # also «I clarify», which says no gender
        ("مشيرا إلى", "m"),
        ("مضيفةً أن", "f"),
        ("كما أعلنت", "f"),
        ("وفقا لما ذكره", "m"),
        ("على حد قولها", "f"),
        ("بحسب", "none"),
        ("التأكيد على", "none"),
        ("وتذكر", "none"),  # she mentions, or he remembers
        ("نؤكد", "none"),
        ("يضحك", "none"),
        (":", "none"),
    ],
)
def test_the_gender_of_a_cue_is_that_of_its_form(cue: str, gender: str) -> None:
    text = f"{cue} نعم"
    assert cue_gender(Quote("Q1", "direct", span("نعم", text), span(cue, text))) == gender


def test_attribution_is_counted_on_gold_quotes_by_form_kind_and_gender() -> None:
    linked = replace(GOLD, quotes=(READY, replace(TRAINED, speaker=OTHER), INJURY, replace(RETURN, speaker=COACH)))
    attribution = evaluate([GOLD], [predicted()], [linked]).counts.attribution
    assert attribution.right == Accuracy(3, 4)  # the last one by its source, though its speaker has another name
    assert attribution.resolved == Accuracy(2, 4)
    assert attribution.by_form == {"implicit": Accuracy(1, 2), "named": Accuracy(2, 2), "nominal": Accuracy(0, 0)}
    assert attribution.by_kind == {"person": Accuracy(2, 3), "organisation": Accuracy(0, 0), "group": Accuracy(1, 1)}
    assert attribution.by_gender == {"m": Accuracy(2, 3), "f": Accuracy(1, 1), "none": Accuracy(0, 0)}


def test_the_gender_is_that_of_the_gold_cue_in_matched_quotes_too() -> None:
    found = predicted(replace(RETURN, cue=span("وأكد")), replace(READY, speaker=OTHER, source=None))
    matched = evaluate([GOLD], [found]).counts.matched
    assert matched.by_gender == {"m": Accuracy(0, 1), "f": Accuracy(1, 1), "none": Accuracy(0, 0)}


def test_shares_of_speakers() -> None:
    # gold: coach 3/4, doctors 1/4; predicted: coach 2/4, doctors 1/4, nobody known 1/4
    found = predicted(READY, replace(TRAINED, speaker=OTHER), INJURY, RETURN)
    error = evaluate([GOLD], [found]).share_error
    assert (error.total, error.documents, error.speakers) == (pytest.approx(0.25), pytest.approx(0.25), 2)
    assert error.per_speaker == error.per_speaker_in_document == pytest.approx((1 / 4 + 0) / 2)
    # a spurious quote of the doctors: coach 3/5, doctors 2/5
    invented = quote("Q9", "وأكد", None, "غياب القائد", DOCTORS)
    assert evaluate([GOLD], [predicted(*GOLD.quotes, invented)]).share_error.total == pytest.approx(0.15)


def test_shares_are_of_the_whole_set_and_within_each_document() -> None:
    # d1: coach 3 of 4 and doctors 1 of 4, all found; d2: coach 1 of 1, nothing found; d3 has no quotes and doesn't count
    gold = [GOLD, replace(GOLD, id="d2", quotes=(READY,)), replace(GOLD, id="d3", quotes=())]
    error = evaluate(gold, [GOLD, *(replace(d, quotes=()) for d in gold[1:])]).share_error
    # gold shares of the set 3/5, 1/5, 1/5; predicted 3/4, 1/4, 0: who is missed in one document weighs more elsewhere
    assert error.total == pytest.approx((3 / 20 + 1 / 20 + 1 / 5) / 2)
    assert error.per_speaker == pytest.approx((3 / 20 + 1 / 20 + 1 / 5) / 3)
    assert error.documents == pytest.approx((0 + 1) / 2)
    assert error.per_speaker_in_document == pytest.approx((0 + 0 + 1) / 3)
    assert error.speakers == 3


def test_a_speaker_of_two_documents_is_two_speakers() -> None:
    second = replace(GOLD, id="d2")
    swapped = [
        predicted(*GOLD.quotes, replace(READY, id="Q9", content=span("غياب القائد"))),
        predicted(*GOLD.quotes[1:], of=second),
    ]
    error = evaluate([GOLD, second], swapped).share_error
    assert error.total == pytest.approx(1 / 8)  # the coach has six quotes in all on both sides


def test_no_predictions() -> None:
    report = evaluate([GOLD], [predicted()])
    assert report.counts.detection == PRF(0, 0, 4)
    assert report.counts.detection.f1 == report.counts.detection.recall == 0
    assert math.isnan(report.counts.detection.precision)
    assert report.share_error == ShareError(1, 1, (3 / 4 + 1 / 4) / 2, (3 / 4 + 1 / 4) / 2, speakers=2)
    assert report.calibration is None


def test_no_gold_quotes() -> None:
    empty = replace(GOLD, quotes=())
    assert evaluate([empty], [GOLD]).counts.detection == PRF(0, 4, 0)
    assert evaluate([empty], [GOLD]).counts.detection.f1 == 0
    nothing = evaluate([empty], [empty])
    assert nothing.counts.detection == PRF()
    assert nothing.to_dict()["detection"]["0.5"]["f1"] is None


def test_no_documents() -> None:
    report = evaluate([], [])
    assert report.to_dict()["documents"] == 0
    assert report.to_dict()["speaker_share_error"]["total"] is None
    assert "0 documents" in report.to_text()


def test_confidence_of_a_known_case() -> None:
    verdicts = [Verdict(0.9, True)] * 8 + [Verdict(0.9, False)] * 2 + [Verdict(0.3, False)] * 6 + [Verdict(0.3, True)] * 4
    calibration = Calibration.of(verdicts)
    assert calibration is not None
    assert [(b.quotes, b.right) for b in calibration.bins] == [(10, 4), (10, 8)]
    assert calibration.error == pytest.approx(0.5 * 0.1 + 0.5 * 0.1)
    assert calibration.brier == pytest.approx((8 * 0.01 + 2 * 0.81 + 6 * 0.09 + 4 * 0.49) / 20)
    by_coverage = {c.coverage: (c.min_confidence, c.quotes, c.right) for c in calibration.coverages}
    assert by_coverage[1.0] == (0.3, 20, 12)
    assert by_coverage[0.6] == (0.3, 20, 12)  # twelve quotes can't be told from the rest: all have the same confidence
    assert by_coverage[0.5] == (0.9, 10, 8)


def test_distinct_confidences_fill_ten_bins_evenly() -> None:
    calibration = Calibration.of([Verdict(n / 100, n % 2 == 0) for n in range(100)])
    assert calibration is not None
    assert [(b.quotes, b.right) for b in calibration.bins] == [(10, 5)] * 10
    assert calibration.bins[0].confidence == pytest.approx(0.045)


def test_calibration_needs_every_confidence_and_counts_quote_and_speaker() -> None:
    sure = predicted(replace(READY, confidence=0.75), replace(TRAINED, confidence=0.75, speaker=OTHER))
    calibration = evaluate([GOLD], [sure]).calibration
    assert calibration is not None
    assert calibration.error == pytest.approx(0.25)
    assert evaluate([GOLD], [predicted(replace(READY, confidence=0.75), TRAINED)]).calibration is None


def test_precision_of_the_most_confident_80_percent_is_in_the_report() -> None:
    sure = [replace(q, id=f"{q.id}{n}", confidence=0.9 - n / 10) for n, q in enumerate(GOLD.quotes)]
    invented = quote("Q9", "وأكد", "المدرب", "غياب القائد", COACH, confidence=0.1)
    report = evaluate([GOLD], [predicted(*sure, invented)])
    row = next(line for line in report.to_text().splitlines() if line.strip().startswith("80 %"))
    assert row.split() == ["80", "%", "4", "4", "1.000", "0.600"]
    (figures,) = (c for c in report.to_dict()["calibration"]["coverage"] if c["coverage"] == 0.8)
    assert figures == {"coverage": 0.8, "min_confidence": 0.6, "precision": 1.0, "right": 4, "quotes": 4}


def test_intervals_are_the_same_every_time_and_hold_the_figure() -> None:
    gold = [replace(GOLD, id=str(n)) for n in range(12)]
    found = [replace(d, quotes=d.quotes[n % 4 :]) for n, d in enumerate(gold)]
    report = evaluate(gold, found, gold)
    assert report.intervals == evaluate(gold, found, gold).intervals
    interval = report.intervals["detection"]
    assert 0 < interval.low < report.counts.detection.f1 < interval.high < 1
    assert (report.intervals["attribution"].low, report.intervals["attribution"].high) == (1, 1)


def test_forms_and_exact_contents_have_intervals() -> None:
    short, stranger = replace(READY, content=span("الفريق جاهز للمباراة الحاسمة")), replace(TRAINED, speaker=OTHER)
    gold = [replace(GOLD, id=str(n)) for n in range(12)]
    found = [replace(d, quotes=(short, stranger, INJURY) if n % 3 else GOLD.quotes) for n, d in enumerate(gold)]
    report = evaluate(gold, found)
    counts, intervals = report.counts, report.intervals
    for name, accuracy in (
        ("content_exact", counts.fields["content"].exact),
        ("matched_implicit", counts.matched.by_form["implicit"]),
    ):
        assert 0 < intervals[name].low < accuracy.rate < intervals[name].high < 1
    assert (intervals["matched_named"].low, intervals["matched_named"].high) == (1, 1)
    assert math.isnan(intervals["matched_nominal"].low)  # no such quote
    assert math.isnan(intervals["attribution_implicit"].low)  # nothing was attributed
    row = next(line for line in report.to_text().splitlines() if line.startswith("exact content"))
    assert row.endswith(f"  {intervals['content_exact'].low:.3f} to {intervals['content_exact'].high:.3f}")


def test_worst_documents_come_first() -> None:
    gold = [replace(GOLD, id=str(n)) for n in range(4)]
    found = [replace(d, quotes=d.quotes[n:]) for n, d in enumerate(gold)]
    assert [(s.id, len(s.errors)) for s in evaluate(gold, found).worst(2)] == [("3", 3), ("2", 2)]
    assert [s.id for s in evaluate(gold, found).worst(10)] == ["3", "2", "1"]


def test_documents_are_paired_by_id_not_by_order() -> None:
    second = replace(GOLD, id="d2", quotes=(READY,))
    assert evaluate([GOLD, second], [second, GOLD]).counts.detection == PRF(5, 0, 0)


@pytest.mark.parametrize(
    ("gold", "found", "linked", "message"),
    [
        ([GOLD, GOLD], [GOLD], None, "'d1' stands twice in the gold"),
        ([GOLD], [GOLD, GOLD], None, "'d1' stands twice in the predicted"),
        ([replace(GOLD, id="")], [GOLD], None, "document 1 of the gold documents has no id"),
        ([GOLD], [], None, "1 missing from the predicted documents: 'd1'"),
        ([GOLD], [GOLD, replace(GOLD, id="d2")], None, "1 missing from the gold documents: 'd2'"),
        (
            [GOLD],
            [replace(GOLD, text=TEXT[:-1] + "!")],
            None,
            f"its text in the predicted documents differs from that in the gold documents at character {len(TEXT) - 1}",
        ),
        ([GOLD], [predicted(READY, READY)], None, "a quote id stands twice"),
        ([GOLD], [GOLD], [predicted(READY)], "1 attributed quotes for 4 gold quotes"),
        ([GOLD], [GOLD], [predicted(*reversed(GOLD.quotes))], "attributed quote 1 is not gold quote 1"),
        ([GOLD], [GOLD], [], "1 missing from the attributed documents"),
    ],
)
def test_documents_that_do_not_belong_together(
    gold: list[Document], found: list[Document], linked: list[Document] | None, message: str
) -> None:
    with pytest.raises(EvaluationError, match=message):
        evaluate(gold, found, linked)


def test_an_error_shows_both_sides_in_context() -> None:
    wrong = replace(RETURN, content=span("قريبا إلى الملاعب"), speaker=OTHER, source=None, confidence=0.5)
    report = evaluate([GOLD], [predicted(READY, TRAINED, INJURY, wrong)])
    boundary, speaker = report.errors()
    assert (boundary.kind, speaker.kind) == ("boundary", "speaker")
    assert boundary.context in TEXT
    assert TEXT.endswith(boundary.context)
    shown = format_error(GOLD, speaker)
    assert shown.startswith("speaker · d1\n")
    assert "speaker مصادر طبية" in shown
    assert "speaker نادر الخطيب, confidence 0.50" in shown
    assert "⟨وتوقعت⟩ {مصادر طبية} أن ⟦يعود قريبا إلى الملاعب⟧." in shown
    assert "⟨وتوقعت⟩ مصادر طبية أن يعود ⟦قريبا إلى الملاعب⟧." in shown


def test_line_breaks_do_not_break_the_block() -> None:
    text = "قال علي:\nنعم"
    gold = Document(text, "d", quotes=(quote("Q1", "قال", "علي", "نعم", text=text),))
    (error,) = evaluate([gold], [predicted(of=gold)]).errors()
    assert format_error(gold, error).splitlines()[-1].strip() == "⟨قال⟩ {علي}: ¶ ⟦نعم⟧"


def test_the_report_is_json_and_a_table() -> None:
    found = predicted(replace(READY, confidence=0.9), replace(INJURY, confidence=0.4, speaker=OTHER))
    report = evaluate([GOLD], [found], [GOLD])
    record = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert record["detection"]["0.5"]["tp"] == 2
    assert record["detection"]["0.8"]["by_type"]["direct"] == {
        **{"precision": None, "recall": 0.0, "f1": 0.0},
        **{"tp": 0, "fp": 0, "fn": 1},
    }
    assert record["attribution"]["gold"]["by_form"]["nominal"] == {"rate": None, "right": 0, "total": 0}
    assert record["attribution"]["matched"]["by_gender"]["m"] == {"rate": 0.5, "right": 1, "total": 2}
    assert record["end_to_end"]["f1"] == round(1 / 3, 4)
    assert record["speaker_share_error"] == {
        **{"total": 0.5, "documents": 0.5, "per_speaker": 0.25, "per_speaker_in_document": 0.25},
        **{"speakers": 2},
    }
    assert record["errors"] == {"missed": 2, "spurious": 0, "boundary": 0, "speaker": 1, "unresolved": 0}
    assert len(record["calibration"]["coverage"]) == 6
    row = next(line for line in report.to_text().splitlines() if line.startswith("end to end (quote"))
    assert row.split()[6:12] == ["0.500", "0.250", "0.333", "1", "1", "3"]


# ---------------------------------------------------------------------------------------------------------------------
# What must hold for any documents

WORDS = TEXT.replace('"', "").split()
ANY_TEXT = " ".join(WORDS)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    first = draw(st.integers(0, len(WORDS) - 1))
    end = draw(st.integers(first + 1, min(len(WORDS), first + 8)))
    start = len(" ".join([*WORDS[:first], ""]))
    return Span.of(ANY_TEXT, start, start + len(" ".join(WORDS[first:end])))


@st.composite
def documents(draw: st.DrawFn, id: str = "d") -> Document:
    speakers = st.sampled_from([COACH, DOCTORS, OTHER, None])
    types = st.sampled_from(get_args(QuoteType))
    places = draw(st.lists(st.tuples(spans(), spans()), max_size=5, unique=True))
    quotes = [
        Quote(f"Q{n}", draw(types), content, cue, draw(st.none() | spans()), draw(speakers), 0.5)
        for n, (content, cue) in enumerate(places)
    ]
    return Document(ANY_TEXT, id, quotes=tuple(quotes))


@given(st.data(), st.integers(0, 4))
@settings(max_examples=40, deadline=None)
def test_counts_add_up_and_rates_stay_between_0_and_1(data: st.DataObject, size: int) -> None:
    gold = [data.draw(documents(str(n))) for n in range(size)]
    found = [data.draw(documents(str(n))) for n in range(size)]
    report = evaluate(gold, found, gold)
    assert sum((s.counts for s in report.documents), Counts()) == report.counts
    counts = report.counts
    assert sum(counts.by_type.values(), PRF()) == counts.detection
    assert sum(counts.by_type_close.values(), PRF()) == counts.detection_close
    assert sum(counts.attribution.by_form.values(), Accuracy()) == counts.attribution.right
    assert sum(counts.attribution.by_gender.values(), Accuracy()) == counts.attribution.right
    assert counts.resolved.tp <= counts.end_to_end.tp <= counts.detection.tp
    for score in (counts.detection, counts.detection_close, counts.end_to_end, counts.resolved):
        assert math.isnan(score.f1) or 0 <= score.f1 <= 1
    error = report.share_error
    for share in (error.total, error.documents, error.per_speaker, error.per_speaker_in_document):
        assert math.isnan(share) or 0 <= share <= 1
    json.dumps(report.to_dict(), allow_nan=False)
    for document, error in ((d, e) for d, s in zip(gold, report.documents, strict=True) for e in s.errors):
        assert format_error(document, error)


@given(documents())
@settings(max_examples=40, deadline=None)
def test_a_document_compared_with_itself_is_perfect(gold: Document) -> None:
    report = evaluate([gold], [gold], [gold])
    n = len(gold.quotes)
    counts = report.counts
    assert counts.detection == counts.detection_close == counts.end_to_end == PRF(n, 0, 0)
    assert counts.attribution.right == counts.attribution.resolved == Accuracy(n, n)
    assert counts.fields["content"].exact == Accuracy(n, n)


@given(documents(), documents())
@settings(max_examples=60, deadline=None)
def test_no_other_matching_has_more_overlap(gold: Document, found: Document) -> None:
    def words(q: Quote) -> set[int]:
        first = ANY_TEXT[: q.content.start].count(" ")
        return set(range(first, first + q.text.count(" ") + 1))

    def overlap(a: Quote | None, b: Quote | None) -> float:
        if a is None or b is None:
            return 0.0
        x, y = words(a), words(b)
        shared = len(x & y) / len(x | y)
        return shared if shared >= 0.5 else 0.0

    gaps = [None] * len(gold.quotes)
    best = max(
        sum(overlap(a, b) for a, b in zip(gold.quotes, order, strict=False))
        for order in permutations([*found.quotes, *gaps[: max(0, len(gold.quotes) - len(found.quotes))]])
    )
    assert sum(m.overlap for m in match(gold, found)) == pytest.approx(best)
