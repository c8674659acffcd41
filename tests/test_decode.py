"""Scores to quotes: a tiny model whose heads start from the rules, read as a user reads with a trained one."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from encoders import ARTICLES, build_model, texts
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoTokenizer

from quoteattr.attributor import QuoteAttributor, attribute
from quoteattr.batching import LINK_KINDS, Pairs
from quoteattr.candidates import Proposer
from quoteattr.decode import content_type, name_within, places_of
from quoteattr.engine import SUMS, ModelError
from quoteattr.evaluate import evaluate
from quoteattr.model import QuoteModel, load, loaded
from quoteattr.phrases import Mention
from quoteattr.schema import Document, Span
from quoteattr.speakers import Entity, Link
from quoteattr.text import normalize
from quoteattr.tokens import Tokens
from quoteattr.train import save

PROPOSER = Proposer()
REPORT = (
    "قال وزير النقل سالم الخطيب إن الطريق الساحلي سيفتح غدا. "
    "وأكد رئيس البلدية مروان حداد أن الأشغال انتهت. وأضاف أن الافتتاح قريب."
)
QUOTES = ["الطريق الساحلي سيفتح غدا", "الأشغال انتهت", "الافتتاح قريب"]
VARIED = [
    REPORT,
    "",
    "«لا نقبل الشروط»، بحسب مصادر نقابية.",
    "The minister said that the road was open.",
    ARTICLES[2].text,
    "...",
    "ردت المديرة هالة زايد: «المصل متوفر». وشددت على أن الحملة مستمرة حتى الجمعة.",
    ARTICLES[4].text,
    "مشى الناس في السوق ولم يتكلم أحد.",
]


@pytest.fixture(scope="module")
def tokenizer(encoders: Mapping[str, Path]) -> Any:
    return AutoTokenizer.from_pretrained(encoders["xlm-r"])


@pytest.fixture(scope="module")
def model(encoders: Mapping[str, Path]) -> QuoteModel:
    return build_model(encoders["xlm-r"])


@pytest.fixture(scope="module")
def attributor(model: QuoteModel, tokenizer: Any) -> QuoteAttributor:
    return QuoteAttributor.of(loaded(model, tokenizer))


@pytest.fixture
def own_model(encoders: Mapping[str, Path]) -> QuoteModel:
    """One that a test may change."""
    return build_model(encoders["xlm-r"])


def tokens_of(text: str) -> Tokens:
    return PROPOSER(normalize(text)).tokens


def spans_of(document: Document) -> Iterator[Span]:
    for quote in document.quotes:
        yield from (span for span in (quote.content, quote.cue, quote.source) if span is not None)
    for speaker in document.speakers:
        yield from speaker.mentions


def said(document: Document) -> list[tuple[Any, ...]]:
    """What the documents of two ways to read a text must share; probabilities may differ in the last digit."""
    return [(q.type, q.content, q.cue, q.source, q.speaker, q.parent) for q in document.quotes]


def pair(text: str, cue: str, content: str) -> tuple[tuple[int, int], tuple[int, int]]:
    a, b = text.index(cue), text.index(content)
    return (a, a + len(cue)), (b, b + len(content))


# ---------------------------------------------------------------------------------------------------------------------
# Texts


def test_an_untrained_model_finds_what_the_rules_find(attributor: QuoteAttributor) -> None:
    document = attributor(REPORT)
    assert [quote.text for quote in document.quotes] == QUOTES
    assert [quote.cue.text for quote in document.quotes] == ["قال", "وأكد", "وأضاف"]
    assert [quote.source and quote.source.text for quote in document.quotes] == [
        "وزير النقل سالم الخطيب",
        "رئيس البلدية مروان حداد",
        None,
    ]
    assert {quote.evidence.found_by for quote in document.quotes if quote.evidence} == {"model"}


@pytest.mark.parametrize(
    "text",
    [
        *(document.text for document in ARTICLES),
        "قَالَ الوَزِيرُ سَالِمٌ الخَطِيبُ إِنَّ الطَّرِيقَ سَيُفْتَحُ غَدًا. وأضَافَ أنّ الأشغالَ انْتَهَتْ.",
        "قـــال الوزيــر سالم الخطيـب إن الطريـق سيفتح غــدا. وأضـــاف أن الأشغال انتهــت.",
        unicodedata.normalize("NFD", "أكّدت آمنة المؤذّن أنّ الإنتاج ارتفع. وأضافت: «لا نخشى الأزمة»."),
        REPORT.replace(". ", ".\r\n\r\n"),
        "\u200fقال الوزير\u200f إن الطريق\u200f سيفتح غدا\u200f.",
        REPORT + " 😀 " + REPORT,
    ],
)
def test_every_span_is_a_span_of_the_text(attributor: QuoteAttributor, text: str) -> None:
    document = attributor(text)
    assert document.quotes
    assert document.text == text
    assert all(text[span.start : span.end] == span.text != "" for span in spans_of(document))
    assert Document.from_dict(document.to_dict()) == document


def test_line_breaks_of_another_system_change_nothing(attributor: QuoteAttributor) -> None:
    unix = attributor(REPORT.replace(". ", ".\n"))
    other = attributor(REPORT.replace(". ", ".\r\n"))
    assert [q.text for q in unix.quotes] == [q.text for q in other.quotes] == QUOTES


@settings(max_examples=80)
@given(text=texts)
def test_any_text_gives_a_document_that_holds_together(attributor: QuoteAttributor, text: str) -> None:
    document = attributor(text)
    assert document.text == text
    ids = [quote.id for quote in document.quotes]
    for span in spans_of(document):
        assert 0 <= span.start <= span.end <= len(text)
        assert text[span.start : span.end] == span.text
    for quote in document.quotes:
        assert quote.text
        assert quote.cue.text
        assert quote.confidence is not None
        assert 0 <= quote.confidence <= 1
        assert quote.parent is None or (quote.parent in ids and quote.parent != quote.id)
        assert quote.speaker is None or quote.speaker in document.speakers


def test_lone_surrogates_are_read(attributor: QuoteAttributor) -> None:
    document = attributor(REPORT + " \ud800")
    assert [quote.text for quote in document.quotes] == QUOTES


def test_a_model_that_sees_no_cue_finds_nothing(own_model: QuoteModel, tokenizer: Any) -> None:
    own_model.config.cue_threshold = 1.1
    assert QuoteAttributor.of(loaded(own_model, tokenizer))(REPORT).quotes == ()


def test_a_model_that_sees_cues_everywhere_gives_a_document(own_model: QuoteModel, tokenizer: Any) -> None:
    own_model.config.cue_threshold = 0.0
    document = QuoteAttributor.of(loaded(own_model, tokenizer))(REPORT)
    assert len(document.quotes) >= 3
    assert all(REPORT[span.start : span.end] == span.text for span in spans_of(document))


# ---------------------------------------------------------------------------------------------------------------------
# Many texts


@pytest.mark.parametrize("size", [1, 4, 100])
def test_texts_read_together_are_read_as_each_alone(attributor: QuoteAttributor, size: int) -> None:
    together = list(attributor.pipe(VARIED, batch_size=size))
    assert [document.text for document in together] == VARIED
    for document, text in zip(together, VARIED, strict=True):
        alone = attributor(text)
        assert said(document) == said(alone)
        assert document.metadata == alone.metadata
        assert [q.confidence for q in document.quotes] == pytest.approx([q.confidence for q in alone.quotes], abs=2e-3)
    assert sum(bool(document.quotes) for document in together) >= 4


def test_one_model_serves_many_threads(attributor: QuoteAttributor) -> None:
    many = [
        f"قال {name} إن {thing} رقم {n}. وأضاف أن الأمر انتهى."
        for n in range(6)
        for name, thing in (("مروان حداد", "القرار"), ("وزير النقل", "الطريق"), ("مصادر نقابية", "الإضراب"))
    ]
    expected = [said(document) for document in map(attributor, many)]
    assert all(expected)
    with ThreadPoolExecutor(8) as pool:
        assert [said(document) for document in pool.map(attributor, many)] == expected


# ---------------------------------------------------------------------------------------------------------------------
# Given quotes


def test_given_quotes_are_kept_in_their_order(attributor: QuoteAttributor) -> None:
    cues = ["وأضاف", "قال", "وأكد"]
    contents = [QUOTES[2], QUOTES[0], QUOTES[1]]
    pairs = [pair(REPORT, cue, content) for cue, content in zip(cues, contents, strict=True)]
    document = attributor.attribute(REPORT, pairs)
    assert [(q.cue.text, q.text) for q in document.quotes] == [*zip(cues, contents, strict=True)]
    assert [quote.id for quote in document.quotes] == ["Q1", "Q2", "Q3"]
    assert [q.source and q.source.text for q in document.quotes] == [None, "وزير النقل سالم الخطيب", "رئيس البلدية مروان حداد"]


def test_words_that_are_no_cue_can_be_given(attributor: QuoteAttributor) -> None:
    text = "زمجر مروان حداد: «الحكم ظلمنا». ثم مضى."
    (quote,) = attributor.attribute(text, [pair(text, "مضى", "ظلمنا")]).quotes
    assert (quote.cue.text, quote.text) == ("مضى", "ظلمنا")


@pytest.mark.parametrize("text", ["", "  ", "\u200f", "...", "«»", "hello you"])
def test_quotes_can_be_given_of_a_text_with_few_words_or_none(attributor: QuoteAttributor, text: str) -> None:
    quotes = attributor.attribute(text, [((0, 0), (0, len(text))), ((0, len(text)), (0, len(text)))]).quotes
    assert [quote.id for quote in quotes] == ["Q1", "Q2"]
    assert [quote.text for quote in quotes] == [text] * 2


@settings(max_examples=60)
@given(text=texts, shares=st.lists(st.tuples(*[st.floats(0, 1)] * 4), max_size=3))
def test_any_places_can_be_given(attributor: QuoteAttributor, text: str, shares: list[tuple[float, ...]]) -> None:
    def place(a: float, b: float) -> tuple[int, int]:
        start, end = sorted((int(a * len(text)), int(b * len(text))))
        return start, end

    pairs = [(place(a, b), place(c, d)) for a, b, c, d in shares] if any(c.isalnum() for c in text) else []
    quotes = attributor.attribute(text, pairs).quotes
    assert [((q.cue.start, q.cue.end), (q.content.start, q.content.end)) for q in quotes] == pairs
    assert all(text[q.content.start : q.content.end] == q.text for q in quotes)


def test_a_given_quote_of_marks_alone_is_measured_as_any_other(attributor: QuoteAttributor) -> None:
    """Normalization leaves nothing of its content, which must not become a place elsewhere."""
    text = "قال الوزير إن ّـ‏ الطريق مفتوح."
    spans = {"cue": [0, 3], "content": [14, 17], "source": None, "speaker": None}
    gold = Document.from_dict({"id": "a", "text": text, "quotes": [{"id": "Q1", "type": "indirect", **spans}]})
    report = evaluate([gold], [gold], attribute(attributor, [gold]))
    assert report.counts.attribution.right.total == 1


# ---------------------------------------------------------------------------------------------------------------------
# Who is meant


class Judge:
    """Stands in for the heads that link and name: one mention is meant, and the names are those given."""

    def __init__(self, model: QuoteModel, text: str, names: str, meant: str | None, nobody: float = -40.0) -> None:
        words = tokens_of(text).words
        known = set(normalize(names).text.split())
        self.name_logits = torch.tensor([9.0 if word in known else -9.0 for word in words])
        self.meant = words.index(normalize(meant).text) if meant else -1
        self.nobody = nobody
        self.asked: list[Pairs] = []
        model.names, model.links, model.nobodies = self.names, self.links, self.nobodies  # type: ignore[method-assign]

    def names(self, states: Tensor) -> Tensor:
        return self.name_logits

    def links(self, states: Tensor, pairs: Pairs) -> Tensor:
        self.asked.append(pairs)
        return torch.where(pairs.first == self.meant, 40.0, 0.0)

    def nobodies(self, states: Tensor, cues: Tensor) -> Tensor:
        return torch.full(cues.shape, self.nobody)


NAMES = "سالم الخطيب مروان حداد"


@pytest.mark.parametrize(("meant", "name"), [("وزير", "سالم الخطيب"), ("رئيس", "مروان حداد")])
def test_the_model_decides_between_two_speakers(own_model: QuoteModel, tokenizer: Any, meant: str, name: str) -> None:
    judge = Judge(own_model, REPORT, NAMES, meant)
    quotes = QuoteAttributor.of(loaded(own_model, tokenizer))(REPORT).quotes
    assert [quote.speaker and quote.speaker.name for quote in quotes] == ["سالم الخطيب", "مروان حداد", name]
    assert quotes[2].evidence is not None
    assert quotes[2].evidence.linked_by == "elided:model"
    words = tokens_of(REPORT).words
    assert all((pairs.cue == words.index("واضاف")).all() for pairs in judge.asked)
    assert len(judge.asked) == 1  # a named source asks nobody


def test_the_runner_up_is_the_other_speaker(own_model: QuoteModel, tokenizer: Any) -> None:
    Judge(own_model, REPORT, NAMES, "وزير")
    quote = QuoteAttributor.of(loaded(own_model, tokenizer))(REPORT).quotes[2]
    assert quote.evidence is not None
    assert [(other.speaker, other.probability) for other in quote.evidence.runners_up] == [("مروان حداد", 0.0)]


def test_nobody_lowers_the_probability_and_changes_no_speaker(own_model: QuoteModel, tokenizer: Any) -> None:
    found = {}
    for nobody in (-40.0, 80.0):
        seen: list[Mapping[str, float]] = []
        Judge(own_model, REPORT, NAMES, "وزير", nobody)
        document = QuoteAttributor.of(loaded(own_model, tokenizer), watch=seen.append)(REPORT)
        assert len(seen) == len(document.quotes) == 3
        assert document.quotes[2].speaker is not None
        assert document.quotes[2].speaker.name == "سالم الخطيب"
        found[nobody] = seen[2]["speaker"]
    assert found[80.0] < -6 < found[-40.0]


def test_the_rules_have_their_say_in_a_link(own_model: QuoteModel, tokenizer: Any) -> None:
    Judge(own_model, REPORT, NAMES, None)  # for the model all are alike
    speakers = []
    for weight in (5.0, -5.0):
        with torch.no_grad():
            own_model.link_rule.fill_(weight)
        speaker = QuoteAttributor.of(loaded(own_model, tokenizer))(REPORT).quotes[2].speaker
        speakers.append(speaker and speaker.name)
    rules = QuoteAttributor.rules()(REPORT).quotes[2].speaker
    assert rules is not None
    assert speakers[0] == rules.name != speakers[1]


@pytest.mark.parametrize(("names", "name"), [(NAMES, "سالم الخطيب"), ("الخطيب", "الخطيب"), ("", "وزير النقل سالم الخطيب")])
def test_a_name_is_what_the_model_takes_for_one(own_model: QuoteModel, tokenizer: Any, names: str, name: str) -> None:
    Judge(own_model, REPORT, names, "وزير")
    speaker = QuoteAttributor.of(loaded(own_model, tokenizer))(REPORT).quotes[0].speaker
    assert speaker is not None
    assert speaker.name == name


@pytest.mark.parametrize("text", ["أما {} فقال إن الطريق سيفتح غدا.", "قال مدرب الفريق الروماني {} إن الطريق سيفتح غدا."])
def test_a_cue_and_where_somebody_is_from_are_no_part_of_a_name(own_model: QuoteModel, tokenizer: Any, text: str) -> None:
    Judge(own_model, text.format("سالم الخطيب"), "سالم الخطيب فقال الروماني", None)
    (quote,) = QuoteAttributor.of(loaded(own_model, tokenizer))(text.format("سالم الخطيب")).quotes
    assert quote.speaker is not None
    assert quote.speaker.name == "سالم الخطيب"


def test_confidence_follows_the_weights_of_the_model(own_model: QuoteModel, tokenizer: Any) -> None:
    own_model.config.calibration = {"bias": 1.0}
    document = QuoteAttributor.of(loaded(own_model, tokenizer), min_confidence=0.5)(REPORT)
    assert [quote.confidence for quote in document.quotes] == [0.7311] * 3
    own_model.config.calibration = {"bias": -1.0, "named": 2.0}
    document = QuoteAttributor.of(loaded(own_model, tokenizer), min_confidence=0.5)(REPORT)
    assert [quote.confidence for quote in document.quotes] == [0.7311] * 2
    assert [(quote.text, quote.confidence) for quote in document.rejected] == [(QUOTES[2], 0.2689)]


def mention(first: int, last: int) -> Mention:
    """One of some words (half-open), ten letters a word."""
    return Mention(
        start=10 * first,
        end=10 * last - 1,
        kind="person",
        form="name",
        name=None,
        head="",
        gender=None,
        number=None,
        definite=False,
        words=(),
        governed=False,
        subject=False,
        same=False,
        fresh=False,
        sentence=0,
        paragraph=0,
        first=first,
        last=last,
    )


def entity(*words: tuple[int, int], sources: Sequence[int] = ()) -> Entity:
    found = Entity("person", "name", None, None, 0, mentions=[mention(*span) for span in words])
    found.sources = {(m.start, m.end) for m in found.mentions if m.first in sources}
    return found


def test_the_places_of_an_entity_are_its_nearest_mentions_and_last_quotes() -> None:
    source, beside, cue = (LINK_KINDS.index(kind) for kind in ("source", "mention", "cue"))
    many = entity(*((k, k + 2) for k in range(0, 140, 10)), sources=[70])
    other = entity((33, 34))
    links = [Link(n, "rule", 1.0) for n in (0, 1, 0, 0, 0)]
    places, owners = places_of([1, 0], [many, other], links, [5, 15, 25, 45, 65, 99], 99)
    assert places[:2] == [(33, 33, beside, -66), (15, 15, cue, -84)]
    assert places[2:] == [
        *((k, k + 1, source if k == 70 else beside, k - 99) for k in (50, 60, 70, 80, 90)),
        *((k, k + 1, beside, k - 99) for k in (100, 110)),
        *((k, k, cue, k - 99) for k in (65, 45, 25)),
    ]
    assert owners == [0] * 2 + [1] * 10


def test_one_who_was_never_mentioned_has_no_place() -> None:
    assert places_of([0], [entity()], [], [4], 4) == ([], [])


# ---------------------------------------------------------------------------------------------------------------------
# Names and types


@pytest.mark.parametrize(
    ("marks", "span", "stop", "name"),
    [
        ("..##..", (0, 6), 6, (2, 4)),
        ("......", (0, 6), 6, None),
        ("#.##.#", (0, 6), 6, (2, 4)),
        ("##..##", (0, 6), 6, (0, 2)),  # the first of two that are equally long
        ("..####", (0, 4), 6, (2, 6)),  # it goes on behind the mention
        ("..####", (0, 4), 5, (2, 5)),  # but not behind the sentence
        ("....##", (0, 4), 6, None),  # and does not begin there
        ("######", (2, 4), 4, (2, 4)),
    ],
)
def test_the_name_within_a_mention(marks: str, span: tuple[int, int], stop: int, name: tuple[int, int] | None) -> None:
    names = np.array([0.9 if mark == "#" else 0.1 for mark in marks], dtype=np.float32)
    assert name_within(names, *span, stop) == name


@pytest.mark.parametrize(
    ("text", "content", "type"),
    [
        ("قال الوزير إن الطريق مفتوح غدا.", "الطريق مفتوح غدا", "indirect"),
        ("قال الوزير: الطريق مفتوح غدا.", "الطريق مفتوح غدا", "direct"),
        ("قال الوزير: «الطريق مفتوح غدا».", "الطريق مفتوح غدا", "direct"),
        ('وقال "الطريق مفتوح غدا" ثم مضى', "الطريق مفتوح غدا", "direct"),
        pytest.param(
            "قال إن «الطريق مفتوح» أمام الشاحنات غدا.",
            "الطريق مفتوح» أمام الشاحنات غدا",
            "mixed",
        ),
        ("قال إن الطريق «مفتوح للجميع» غدا.", "الطريق «مفتوح للجميع» غدا", "mixed"),
        ("قال إن الطريق «مفتوح» غدا.", "الطريق «مفتوح» غدا", "indirect"),
        ("«الطريق مفتوح، قال الوزير، ولا عودة عن القرار».", "ولا عودة عن القرار", "direct"),
        ("الطريق مفتوح غدا، بحسب الوزير.", "الطريق مفتوح غدا", "indirect"),
    ],
)
def test_the_type_follows_the_marks(text: str, content: str, type: str) -> None:
    tokens = tokens_of(text)
    start = normalize(text).text.index(normalize(content).text)
    first, stop = tokens.at(start), tokens.at(start + len(content))
    assert content_type(tokens, first, stop) == type


# ---------------------------------------------------------------------------------------------------------------------
# Loading


@pytest.fixture
def saved(own_model: QuoteModel, tokenizer: Any, tmp_path: Path) -> Path:
    save(own_model, tokenizer, tmp_path)
    (tmp_path / SUMS).unlink()  # what is refused for itself, and not for its hash
    return tmp_path


def refusal(folder: Path | str) -> str:
    """What is said of a folder that can't be loaded."""
    with pytest.raises(ModelError) as caught:
        QuoteAttributor.from_pretrained(folder)
    message = str(caught.value)
    assert message.startswith(f"{folder}: ")
    assert "\n" not in message
    return message


def changed(folder: Path, **values: Any) -> None:
    record = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**record, **values}), encoding="utf-8")


def test_a_saved_model_reads_as_before(saved: Path, attributor: QuoteAttributor) -> None:
    assert [q.text for q in QuoteAttributor.from_pretrained(saved)(REPORT).quotes] == QUOTES


@pytest.mark.parametrize("name", ["nowhere", "folder/of/nobody"])
def test_what_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    assert "no model here" in refusal(tmp_path / name)
    assert "no model here" in refusal(name)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    assert "no model here" in refusal(tmp_path)


def test_an_empty_folder_is_no_encoder_either(tmp_path: Path) -> None:
    assert "no model here" in refusal(tmp_path)


def test_of_an_encoder_the_command_is_named_that_makes_a_model(encoders: Mapping[str, Path]) -> None:
    folder = encoders["electra"]
    assert f"no quoteattr model but 'electra'; 'quoteattr train --encoder {folder}'" in refusal(folder)


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_refused(saved: Path, share: float) -> None:
    weights = saved / "model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[: int(share * len(data))])
    assert "this model can't be read" in refusal(saved)


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json"])
def test_a_missing_file_is_said(saved: Path, file: str) -> None:
    (saved / file).unlink()
    if file == "tokenizer.json":
        (saved / "tokenizer_config.json").unlink()
    assert "this model can't be read" in refusal(saved)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"width": 48}),
        pytest.param({"preparation": "unknown"}),
        {"encoder": {"model_type": "no such"}},
        pytest.param({"encoder": {}}),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(saved: Path, values: dict[str, Any]) -> None:
    changed(saved, **values)
    assert "this model can't be read" in refusal(saved)


def test_weights_that_lack_a_head_are_refused(saved: Path) -> None:
    weights = saved / "model.safetensors"
    state = {name: x for name, x in load_file(weights).items() if not name.startswith("pointer.")}
    save_file(state, weights, {"format": "pt"})
    assert "this model can't be read" in refusal(saved)


def test_the_model_is_loaded_in_single_precision(saved: Path) -> None:
    model, tokenizer = load(saved)
    assert model.dtype == torch.float32
    assert tokenizer.is_fast


@pytest.mark.parametrize(
    ("tail", "cut"), [("مبديا استعداده للحوار", True), ("مضيفا أن الحوار ممكن", True), ("وهو قرار نهائي", False)]
)
def test_a_content_ends_where_the_reporter_takes_the_sentence_back(
    own_model: QuoteModel, tokenizer: Any, monkeypatch: pytest.MonkeyPatch, tail: str, cut: bool
) -> None:
    text = f"قال مروان حداد إن الطريق مفتوح، {tail}."
    words = tokens_of(text).words
    end = len(words) - 1

    def ends(role: str, states: Tensor, at: Any, first: Tensor) -> Tensor:
        wanted = torch.where(at.reach == end - 1, 40.0, -40.0)
        return wanted.masked_fill(~at.mask | (at.reach < first[:, None]), -1e4)

    monkeypatch.setattr(own_model, "ends", ends)
    quote = QuoteAttributor.of(loaded(own_model, tokenizer))(text).quotes[0]
    assert quote.text == ("الطريق مفتوح" if cut else f"الطريق مفتوح، {tail}")
