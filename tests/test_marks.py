"""Marks and back: what nobody touched stays to the letter, what people changed arrives, and contradictions are named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from converting import TEXT, documents, full
from hypothesis import given

from quoteattr import Document
from quoteattr.convert.marks import Mark, MarkError, Marks, corrected, marks_of


def changed(marks: Marks, id: str, **changes: object) -> Marks:
    """The marks with one of them changed."""
    return replace(marks, marks=tuple(replace(m, **changes) if m.id == id else m for m in marks.marks))  # type: ignore[arg-type]


def without(marks: Marks, *ids: str) -> Marks:
    """The marks without some, as a tool deletes them: with their links."""
    kept = tuple(mark for mark in marks.marks if mark.id not in ids)
    return Marks(kept, tuple(link for link in marks.links if not set(link) & set(ids)))


def mark(label: str, words: str, id: str = "new", speaker: str = "", kind: str | None = None) -> Mark:
    """A mark on words of the text that stand there once."""
    assert TEXT.count(words) == 1
    start = TEXT.index(words)
    return Mark(id, label, start, start + len(words), speaker, kind)  # type: ignore[arg-type]


def id_of(marks: Marks, label: str, words: str) -> str:
    (found,) = [m.id for m in marks.marks if m.label == label and TEXT[m.start : m.end] == words]
    return found


DOCUMENT = full()
MARKS = marks_of(DOCUMENT)
CONTENTS = [m.id for m in MARKS.marks if m.is_content]
Q1, Q2, Q3, Q4, Q5, Q6, Q7, Q8 = CONTENTS


def test_a_cue_and_a_source_of_two_quotes_are_marked_once() -> None:
    assert len(MARKS.marks) == 8 + 7 + 5
    ends = [[end for start, end in MARKS.links if start == quote] for quote in (Q5, Q6)]
    assert ends[0] == ends[1]
    assert len(ends[0]) == 2


@given(documents())
def test_a_document_that_nobody_touched_stays_as_it_was(document: Document) -> None:
    marks = marks_of(document)
    assert corrected(document, marks) == document
    upside_down = Marks(marks.marks[::-1], marks.links[::-1])
    assert corrected(document, upside_down) == document


def test_a_quote_that_was_changed_loses_what_the_model_thought_of_it() -> None:
    after = corrected(DOCUMENT, changed(MARKS, Q1, label="mixed", end=MARKS.marks[0].end - len(" البقعة")))
    first = after.quotes[0]
    assert (first.id, first.type, first.text) == ("Q1", "mixed", "فرق المكافحة طوقت")
    assert (first.confidence, first.evidence, first.act) == (None, None, "assert")
    assert after.quotes[1:] == DOCUMENT.quotes[1:]
    assert (after.speakers, after.rejected, after.metadata) == (DOCUMENT.speakers, DOCUMENT.rejected, DOCUMENT.metadata)


def test_another_cue_has_another_act() -> None:
    cue = id_of(MARKS, "cue", "وأضافت")
    after = corrected(DOCUMENT, changed(MARKS, cue, start=mark("cue", "البقعة").start, end=mark("cue", "البقعة").end))
    assert (after.quotes[1].cue.text, after.quotes[1].act) == ("البقعة", None)


def test_words_without_a_mark_are_no_quote_any_more_and_who_said_nothing_else_goes() -> None:
    after = corrected(DOCUMENT, without(MARKS, Q3, Q7))
    assert [quote.id for quote in after.quotes] == ["Q1", "Q2", "Q4", "Q5", "Q6", "Q8"]
    assert after.quotes[2].parent is None
    assert [speaker.id for speaker in after.speakers] == ["S1", "S2", "S3", "S4"]  # S2 still has a rejected quote


def test_a_quote_that_people_added_stands_where_its_words_do() -> None:
    new = (mark("direct", "طوقت البقعة", speaker="القبطان سعد"), mark("cue", "إن فرق", "c"))
    after = corrected(DOCUMENT, Marks((*MARKS.marks, *new), (*MARKS.links, ("new", "c"))))
    assert [quote.id for quote in after.quotes] == ["Q1", "Q10", "Q2", "Q3", "Q4", "Q5", "Q6", "Q7", "Q8"]
    added = after.quotes[1]
    assert (added.text, added.cue.text, added.source, added.confidence) == ("طوقت البقعة", "إن فرق", None, None)
    assert added.speaker is not None
    assert (added.speaker.id, added.speaker.name, added.speaker.kind) == ("S6", "القبطان سعد", "person")


def test_a_quote_given_to_another_speaker_takes_its_source_along() -> None:
    after = corrected(DOCUMENT, changed(MARKS, Q4, speaker="صحيفة الميناء"))
    paper = after.quotes[3].speaker
    assert paper is not None
    assert (paper.id, paper.kind) == ("S2", "organisation")
    assert "الشركة" in paper.aliases
    assert [mention.text for mention in paper.mentions] == ["صحيفة الميناء", "الشركة"]
    assert "S3" not in {speaker.id for speaker in after.speakers}  # its only quote went


def test_a_new_name_is_a_new_speaker_with_all_its_places_and_nobody_else_keeps_them() -> None:
    wrong = Document.from_dict(
        {
            "text": "قالت رنا الحديدي إن الطريق مفتوح. وقال سالم الخطيب إنه مغلق. وأضاف سالم الخطيب أن الأشغال انتهت.",
            "speakers": [
                {
                    "id": "S1",
                    "name": "رنا الحديدي",
                    "aliases": ["رنا الحديدي", "سالم الخطيب"],
                    "mentions": [[5, 16], [39, 50], [67, 78]],
                }
            ],
            "quotes": [
                {"id": "Q1", "type": "indirect", "cue": [0, 4], "source": [5, 16], "content": [20, 32], "speaker": "S1"},
                {"id": "Q2", "type": "indirect", "cue": [34, 38], "source": [39, 50], "content": [55, 59], "speaker": "S1"},
            ],
        }
    )
    marks = marks_of(wrong)
    after = corrected(wrong, changed(marks, marks.marks[3].id, speaker="سالم الخطيب", kind="person"))
    first, second = after.speakers
    assert (first.aliases, [m.start for m in first.mentions]) == (("رنا الحديدي",), [5])
    assert (second.name, second.aliases, [m.start for m in second.mentions]) == ("سالم الخطيب", ("سالم الخطيب",), [39, 67])
    assert [quote.speaker for quote in after.quotes] == [first, second]


def test_nobody_can_be_the_speaker() -> None:
    after = corrected(DOCUMENT, changed(MARKS, Q1, speaker="", kind=None))
    assert after.quotes[0].speaker is None
    assert after.speakers == DOCUMENT.speakers


def test_speakers_of_one_name_are_told_apart() -> None:
    assert [MARKS.marks[[m.id for m in MARKS.marks].index(q)].speaker for q in (Q5, Q7)] == ["مصادر [S4]", "مصادر [S5]"]
    after = corrected(DOCUMENT, changed(MARKS, Q7, speaker="مصادر [S4]"))
    assert after.quotes[6].speaker == after.quotes[4].speaker


def test_the_kind_of_a_speaker_changes_where_one_of_its_quotes_says_so() -> None:
    after = corrected(DOCUMENT, changed(MARKS, Q5, kind="organisation"))
    assert [s.kind for s in after.speakers] == ["person", "organisation", "organisation", "organisation", "group"]
    assert [q.confidence for q in after.quotes] == [q.confidence for q in DOCUMENT.quotes]
    moved = corrected(DOCUMENT, changed(MARKS, Q5, speaker="رنا الحديدي"))  # beside it still stands «group»
    assert moved.speakers[0].kind == "person"


@pytest.mark.parametrize(
    ("marks", "message"),
    [
        (Marks(MARKS.marks, MARKS.links[1:]), "T1 (indirect «فرق المكافحة طوقت البقعة») is linked to no cue"),
        (Marks(MARKS.marks, (*MARKS.links, (Q1, id_of(MARKS, "cue", "نفت")))), "is linked to two marks of the same kind"),
        (
            Marks((*MARKS.marks, mark("source", "القبطان مخطئا")), MARKS.links),
            "new (source «القبطان مخطئا») is linked to no quote",
        ),
        (Marks(MARKS.marks, (*MARKS.links, (Q8, Q1))), "does not stand inside T1"),
        (Marks(MARKS.marks, (*MARKS.links, (Q1, Q1))), "says nothing"),
        (Marks(MARKS.marks, (*MARKS.links, (MARKS.links[0][1], MARKS.links[2][1]))), "says nothing"),
        (Marks((*MARKS.marks, MARKS.marks[0]), MARKS.links), "two marks have the id T1"),
        (changed(MARKS, Q1, end=len(TEXT) + 1), "do not fit a text of"),
        (changed(changed(MARKS, Q1, kind="group"), Q2, kind="organisation"), "رنا الحديدي is group in one quote and"),
    ],
)
def test_contradictions_are_named(marks: Marks, message: str) -> None:
    with pytest.raises(MarkError) as error:
        corrected(DOCUMENT, marks)
    assert message in str(error.value)


def test_a_link_may_be_drawn_from_either_end() -> None:
    backwards = tuple((end, start) if {start, end} != {Q3, Q4} else (start, end) for start, end in MARKS.links)
    assert corrected(DOCUMENT, Marks(MARKS.marks, backwards)) == DOCUMENT


def test_a_mark_of_no_text_is_refused() -> None:
    nothing = Document.from_dict(
        {"text": "قال: نعم", "quotes": [{"id": "Q1", "type": "direct", "cue": [3, 3], "content": [5, 8]}]}
    )
    with pytest.raises(MarkError, match="a cue at 3 covers no text"):
        marks_of(nothing)
