"""Varied copies of annotated documents: the annotation stays right, whatever the edits."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from cases import DATA

from quoteattr.augment import Augmenter, edited, elided, glue, marks, spellings
from quoteattr.lexicon import Lexicon
from quoteattr.schema import Document, Span
from quoteattr.text import fold

LEXICON = Lexicon.load()
DOCUMENTS = [Document.from_dict(json.loads(line)) for line in (DATA / "articles.jsonl").read_text(encoding="utf-8").splitlines()]
AUGMENTER = Augmenter(DOCUMENTS, LEXICON)
VARIATIONS: list[Callable[[Document, Random], Document]] = [
    AUGMENTER,
    AUGMENTER.names,
    AUGMENTER.cues,
    elided,
    marks,
    spellings,
    glue,
]
TEXT = (
    "قال رئيس البلدية مروان قاسم إن الجسر سيفتح الأحد. وأضاف قاسم أن الكلفة لم تزد. ونفت المهندسة لينا عطية ذلك، وأكدت عطية "
    "أن «الكلفة تضاعفت»، بينما أوضح قاسم أن الأرقام أولية. وأعلن السكان أنهم سيتظاهرون. وقال السكان إن الطريق خطر."
)


def article() -> Document:
    """Two who speak in turn and a group, each named at every cue."""
    people = {"S1": ("مروان قاسم", "person"), "S2": ("لينا عطية", "person"), "S3": ("السكان", "group")}
    said = [
        ("قال", "رئيس البلدية مروان قاسم", "الجسر سيفتح الأحد", "S1"),
        ("وأضاف", "قاسم", "الكلفة لم تزد", "S1"),
        ("وأكدت", "عطية", "الكلفة تضاعفت", "S2"),
        ("أوضح", "قاسم", "الأرقام أولية", "S1"),
        ("وأعلن", "السكان", "أنهم سيتظاهرون", "S3"),
        ("وقال", "السكان", "الطريق خطر", "S3"),
    ]
    quotes, mentions = [], {speaker: [] for speaker in people}
    at = TEXT.index("لينا عطية")
    mentions["S2"].append([at, at + 9])
    end = 0
    for n, (cue, source, content, speaker) in enumerate(said):
        spans = {}
        for name, words in (("cue", cue), ("source", source), ("content", content)):
            start = TEXT.index(words, end)
            end = start + len(words)
            spans[name] = [start, end]
        mentions[speaker].append(spans["source"])
        quotes.append({"id": f"Q{n}", "type": "indirect", "speaker": speaker, **spans})
    speakers = [
        {"id": key, "name": name, "kind": kind, "aliases": [name, name.split()[-1]], "mentions": mentions[key]}
        for key, (name, kind) in people.items()
    ]
    return Document.from_dict({"id": "bridge", "text": TEXT, "speakers": speakers, "quotes": quotes})


def without_sources(document: Document) -> set[str]:
    return {quote.id for quote in document.quotes if quote.source is None}


@pytest.mark.parametrize("variation", VARIATIONS, ids=lambda v: getattr(v, "__name__", "all"))
@pytest.mark.parametrize("seed", range(5))
def test_every_span_still_holds_what_it_held(variation: Callable[[Document, Random], Document], seed: int) -> None:
    for document in [*DOCUMENTS, article()]:
        varied = variation(document, Random(seed))
        assert [q.id for q in varied.quotes] == [q.id for q in document.quotes]
        for quote in varied.quotes:
            for span in filter(None, (quote.cue, quote.content, quote.source)):
                assert varied.text[span.start : span.end] == span.text == span.text.strip() != ""
        if variation in (marks, spellings, glue, elided):
            letters = [fold(q.cue.text).replace("ه", "ة").replace("ي", "ى").replace("و", "ؤ") for q in document.quotes]
            assert [fold(q.cue.text).replace("ه", "ة").replace("ي", "ى").replace("و", "ؤ") for q in varied.quotes] == letters


def test_the_same_chance_gives_the_same_copy_and_another_one_another() -> None:
    copies = {seed: AUGMENTER(article(), Random(seed)).text for seed in range(8)}
    assert copies == {seed: AUGMENTER(article(), Random(seed)).text for seed in range(8)}
    assert len({*copies.values()}) > 3


def test_sources_go_where_the_same_person_goes_on_and_only_there() -> None:
    gone: set[str] = set()
    for seed in range(20):
        varied = elided(article(), Random(seed))
        gone |= without_sources(varied)
        assert [q.speaker and q.speaker.id for q in varied.quotes] == [q.speaker and q.speaker.id for q in article().quotes]
        if "Q1" in without_sources(varied):
            assert "وأضاف أن الكلفة لم تزد" in varied.text
        if "Q2" in without_sources(varied):
            assert "ونفت المهندسة لينا عطية ذلك، وأكدت أن" in varied.text
    assert gone == {"Q1", "Q2"}  # not the first, not another's turn, not a group


def test_a_source_that_went_is_no_mention_any_more() -> None:
    varied = next(x for x in (elided(article(), Random(seed)) for seed in range(20)) if without_sources(x) == {"Q1"})
    speaker = varied.speakers[0]
    assert [mention.text for mention in speaker.mentions] == ["رئيس البلدية مروان قاسم", "قاسم"]


def test_a_person_gets_the_same_other_name_everywhere() -> None:
    source = replace(article(), id="other")
    augmenter = Augmenter([*DOCUMENTS, source], LEXICON)
    changed = [x for x in (augmenter.names(article(), Random(seed)) for seed in range(10)) if x.text != TEXT]
    assert changed
    for varied in changed:
        first = varied.speakers[0]
        assert first.mentions[0].text == f"رئيس البلدية {first.name}"
        assert first.aliases == (first.name, first.name.split()[-1])
        assert {m.text for m in first.mentions[1:]} == {first.name.split()[-1]}
        assert varied.speakers[2].name == "السكان"


def test_a_cue_gives_way_to_one_of_its_own_form() -> None:
    varied = [AUGMENTER.cues(article(), Random(seed)) for seed in range(30)]
    others = {q.cue.text for x in varied for q in x.quotes if q.id == "Q2"}
    assert len(others) > 1
    assert all(fold(cue).endswith("ت") and cue.startswith("و") for cue in others)


def test_a_mark_that_is_a_cue_stays() -> None:
    text = "وعن الجسر: «سنفتحه غدا»"
    quote = {"id": "Q1", "type": "direct", "cue": [11, 12], "source": None, "content": [12, 22], "speaker": None}
    document = Document.from_dict({"id": "1", "text": text, "speakers": [], "quotes": [quote]})
    assert {marks(document, Random(seed)).quotes[0].cue.text for seed in range(10)} == {"«"}


def test_edits_across_an_edge_and_those_that_overlap_are_left_out() -> None:
    document = article()
    cue = document.quotes[0].cue
    assert cue == Span(0, 3, "قال")
    assert edited(document, [(1, 5, "")]).text == TEXT
    assert edited(document, [(0, 3, "صرح"), (2, 3, "")]).text == "صرح" + TEXT[3:]
    assert edited(document, [(0, 3, "")]).text == TEXT


def test_unsure_quotes_move_along() -> None:
    document = article()
    first, *rest = document.quotes
    varied = edited(replace(document, quotes=tuple(rest), rejected=(first,)), [(0, 0, "وقد ")])
    assert [quote.cue.text for quote in varied.rejected] == ["قال"]
    assert varied.rejected[0].cue.start == 4
