"""What the model reads, for a tokenizer of each family: windows of pieces, the places of words in them, and features."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from encoders import ARTICLES, FAMILIES, text_encoder, texts
from hypothesis import given, settings
from transformers import AutoTokenizer

from quoteattr.candidates import Candidates, Proposer
from quoteattr.encoding import (
    AHEAD,
    BEHIND,
    FEATURES,
    PAIR_FEATURES,
    Encoded,
    cues_by_word,
    first_value,
    pair_features,
    reach,
    word_features,
    word_span,
)
from quoteattr.preparation import PREPARATIONS
from quoteattr.rules import choose, cue_logit
from quoteattr.text import normalize

PROPOSER = Proposer()
LENGTH, CONTEXT = 48, 12
REPORT = "قال وزير النقل سالم الخطيب إن الطريق الساحلي سيفتح غدا. وأضاف أن الأشغال انتهت.\nوعلق السكان: «لا نصدق ذلك»."
DECORATED = (
    "قالَ الوزيـــرُ،\r\nردّاً على سؤال: «لن نُوقِفَ العملَ… ٣٫٥ ملايين طنّ»!\n"
    + unicodedata.normalize("NFD", "أكّدت آمنة المؤذّن أنّ الإنتاج ")
    + "\u200fارتفع 12.5% (قبل 3/4/2019)؛ وفق Reuters."
)


@pytest.fixture(scope="module", params=FAMILIES)
def tokenizer(request: pytest.FixtureRequest, encoders: Mapping[str, Path]) -> Any:
    return AutoTokenizer.from_pretrained(encoders[request.param])


def encode(
    tokenizer: Any, text: str, preparation: str = "plain", length: int = LENGTH, context: int = CONTEXT
) -> tuple[Candidates, Encoded]:
    normalized = normalize(text)
    candidates = PROPOSER(normalized)
    return candidates, text_encoder(tokenizer, preparation, length, context)(normalized, candidates)


def laid_out(encoded: Encoded) -> list[int]:
    return [piece for window in encoded.windows for piece in window.ids]


def windows_of(encoded: Encoded, places: Any) -> list[int]:
    """The number of the window that each place lies in."""
    ends = np.cumsum([len(window.ids) for window in encoded.windows])
    return [int(n) for n in np.searchsorted(ends, places, side="right")]


def value(encoded: Encoded, name: str, k: int) -> int:
    """A feature of a word, counted from its own first value."""
    return int(encoded.words[k, [*FEATURES].index(name)]) - first_value(name)


# ---------------------------------------------------------------------------------------------------------------------
# Places


@pytest.mark.parametrize("preparation", [*PREPARATIONS])
@pytest.mark.parametrize("text", [*(document.text for document in ARTICLES[:3]), DECORATED], ids=["a", "b", "c", "decorated"])
def test_the_pieces_of_a_word_spell_it_and_no_more(tokenizer: Any, text: str, preparation: str) -> None:
    if preparation == "arabert" and "▁" in tokenizer.get_vocab():
        pytest.skip("AraBERT's tokenizer is a WordPiece one")
    normalized = normalize(text)
    candidates, encoded = encode(tokenizer, text, preparation)
    pieces = tokenizer.convert_ids_to_tokens(laid_out(encoded))
    tokens = candidates.tokens
    unknown = 0
    for k, (first, last) in enumerate(zip(encoded.first, encoded.last, strict=True)):
        word = PREPARATIONS[preparation](text[slice(*normalized.original_span(tokens.starts[k], tokens.end(k)))]).text
        word = tokenizer.backend_tokenizer.normalizer.normalize_str(word).replace(" ", "")
        own = pieces[first : last + 1]
        if tokenizer.unk_token in own:
            unknown += 1
            continue
        letters = [piece.removeprefix("##").replace("▁", "") for piece in own]
        letters = letters[next((n for n, piece in enumerate(letters) if piece), 0) :]
        assert word in "".join(letters)
        assert word not in "".join(letters[1:])
        assert word not in "".join(letters[:-1])
    assert unknown < len(tokens.words) / (2 if text == DECORATED else 20)


def test_windows_repeat_no_more_than_their_context_and_hold_every_piece_and_word(tokenizer: Any) -> None:
    for document in ARTICLES:
        _, encoded = encode(tokenizer, document.text)
        done: list[int] = []
        own_places: list[int] = []
        begin = 0
        for window in encoded.windows:
            assert len(window.ids) <= LENGTH
            assert (window.ids[0], window.ids[-1]) == (tokenizer.cls_token_id, tokenizer.sep_token_id)
            context = min(CONTEXT, len(done))
            inner = list(window.ids[1:-1])
            assert inner[:context] == done[len(done) - context :]
            done += inner[context:]
            own_places += range(begin + 1 + context, begin + len(window.ids) - 1)
            begin += len(window.ids)
        assert done == tokenizer(PREPARATIONS["plain"](document.text).text, add_special_tokens=False)["input_ids"]
        assert {*encoded.first.tolist(), *encoded.last.tolist()} <= {*own_places}
        assert (np.diff(encoded.first) >= 0).all()
        assert (encoded.first <= encoded.last).all()


@pytest.mark.parametrize("end", ["\n", ". ", " "], ids=["paragraphs", "sentences", "words"])
def test_windows_end_where_something_ends(tokenizer: Any, end: str) -> None:
    text = end.join(["رحب السكان بالقرار الجديد", "وانتهت الأشغال أمس"] * 20)
    candidates, encoded = encode(tokenizer, text)
    tokens = candidates.tokens
    firsts, lasts = windows_of(encoded, encoded.first), windows_of(encoded, encoded.last)
    assert firsts == lasts
    assert firsts[-1] > 3
    for k in range(1, len(firsts)):
        if firsts[k] != firsts[k - 1] and end != " ":
            assert tokens.sentence[k] != tokens.sentence[k - 1]


def test_a_paragraph_end_is_preferred_to_a_sentence_end_behind_it(tokenizer: Any) -> None:
    sentence = "رحب السكان بالقرار. "
    paragraph = sentence * 4
    length = int(1.5 * len(tokenizer(paragraph, add_special_tokens=False)["input_ids"])) + 2
    candidates, encoded = encode(tokenizer, f"{paragraph}\n{sentence * 30}", length=length, context=0)
    behind = candidates.tokens.paragraph.index(1)
    window = windows_of(encoded, encoded.first)
    assert window[behind] == 1
    assert window[behind - 1] == 0


def test_a_word_longer_than_a_window_is_read(tokenizer: Any) -> None:
    text = f"قال {'.'.join('1234567890' * 20)} نعم"
    candidates, encoded = encode(tokenizer, text)
    assert len(candidates.tokens.words) == 3
    assert all(len(window.ids) <= LENGTH for window in encoded.windows)
    first, last = windows_of(encoded, encoded.first), windows_of(encoded, encoded.last)
    assert (first[1], last[1]) == (0, len(encoded.windows) - 1)
    assert len(encoded.windows) > 3


@pytest.mark.parametrize("text", ["", "  ", "\n\n", "\u200f\u200e", "\u064e"])
def test_a_text_without_words_has_no_windows(tokenizer: Any, text: str) -> None:
    _, encoded = encode(tokenizer, text)
    assert encoded.windows == ()
    assert encoded.words.shape == (0, len(FEATURES))
    assert len(encoded.first) == len(encoded.last) == len(encoded.logits) == 0


@pytest.mark.parametrize("preparation", [*PREPARATIONS])
@pytest.mark.parametrize("text", ["...", "«»", "؟!", "😀", "(ﷺ)", "\ufffd"])
def test_marks_alone_have_their_places(tokenizer: Any, text: str, preparation: str) -> None:
    candidates, encoded = encode(tokenizer, text, preparation)
    pieces = len(laid_out(encoded))
    assert len(encoded.first) == len(candidates.tokens.words) > 0
    assert (encoded.first >= 1).all()
    assert (encoded.last < pieces - 1).all()


@settings(max_examples=60)
@given(text=texts)
def test_any_text_is_encoded(tokenizer: Any, text: str) -> None:
    for preparation in PREPARATIONS:
        candidates, encoded = encode(tokenizer, text, preparation)
        count = len(candidates.tokens.words)
        assert encoded.words.shape == (count, len(FEATURES))
        assert len(encoded.first) == len(encoded.last) == len(encoded.logits) == count
        special = {tokenizer.cls_token_id, tokenizer.sep_token_id}
        pieces = laid_out(encoded)
        assert all(len(window.ids) <= LENGTH for window in encoded.windows)
        assert all(1 <= a <= b < len(pieces) - 1 for a, b in zip(encoded.first, encoded.last, strict=True))
        assert special.isdisjoint(pieces[place] for place in (*encoded.first, *encoded.last))


@pytest.mark.parametrize("text", ["قال \ud800 نعم", "\udfff", "قال\ud83d\ude00 نعم"])
def test_lone_surrogates_are_encoded(tokenizer: Any, text: str) -> None:
    candidates, encoded = encode(tokenizer, text)
    assert len(encoded.first) == len(candidates.tokens.words)


# ---------------------------------------------------------------------------------------------------------------------
# Features


def test_what_holds_no_cue_mark_or_name_is_left_out_unless_the_whole_is_read(tokenizer: Any) -> None:
    encoder = text_encoder(tokenizer, "plain", LENGTH, CONTEXT)
    plain = "هطلت أمطار غزيرة على السواحل طوال الليل وامتلأت الأودية بالمياه حتى ساعات الفجر الأولى. " * 12
    for text in (plain, plain + "\n" + REPORT):
        normalized = normalize(text)
        candidates = PROPOSER(normalized)
        whole, needed = encoder(normalized, candidates), encoder(normalized, candidates, whole=False)
        assert len(needed.windows) < len(whole.windows)
        pieces, others = laid_out(whole), laid_out(needed)
        for cue in candidates.cues:
            own = slice(whole.first[cue.token], whole.last[cue.token] + 1)
            assert pieces[own] == others[needed.first[cue.token] : needed.last[cue.token] + 1]
        if candidates.cues:
            assert len(needed.first) == len(whole.first)
            assert needed.logits[0] < -50 < whole.logits[0]  # the first word is not read, and no cue
        else:
            assert needed.windows == ()
            assert not len(needed.first)


def test_no_two_features_share_a_number() -> None:
    bounds = [first_value(name) for name in FEATURES]
    sizes = [*FEATURES.values()]
    assert bounds == [sum(sizes[:n]) for n in range(len(sizes))]
    seen: dict[str, set[int]] = {name: set() for name in FEATURES}
    for text in (*(document.text for document in ARTICLES), DECORATED, REPORT, "..", "😀 Reuters 12"):
        words, _ = word_features(PROPOSER(normalize(text)))
        for name, column in zip(FEATURES, words.T, strict=True):
            seen[name] |= {*column.tolist()}
    for name, begin, size in zip(FEATURES, bounds, sizes, strict=True):
        assert min(seen[name]) >= begin, name
        assert max(seen[name]) < begin + size, name
        assert len(seen[name]) > 1, name


@settings(max_examples=60)
@given(texts)
def test_the_features_of_any_text_keep_their_ranges(text: str) -> None:
    candidates = PROPOSER(normalize(text))
    if not candidates.tokens.words:
        return
    words, logits = word_features(candidates)
    for name, column in zip(FEATURES, words.T, strict=True):
        assert ((column >= first_value(name)) & (column < first_value(name) + FEATURES[name])).all(), name
    assert np.isfinite(logits).all()
    cues = cues_by_word(candidates)
    assert {*np.flatnonzero(logits).tolist()} <= {*cues}


def test_the_features_say_what_the_rules_know(encoders: Mapping[str, Path]) -> None:
    candidates, encoded = encode(AutoTokenizer.from_pretrained(encoders["bert"]), REPORT)
    words = candidates.tokens.words
    at = words.index
    assert [value(encoded, "mention", at(word)) for word in ("قال", "وزير", "النقل", "الخطيب")] == [0, 1, 3, 3]
    assert value(encoded, "gender", at("قال")) == 1
    assert value(encoded, "number", at("قال")) == 1
    assert value(encoded, "pos", at("قال")) > 0
    assert value(encoded, "pos", at("الطريق")) == value(encoded, "pattern", at("الطريق")) == 0
    assert [value(encoded, "content start", at(word)) for word in ("ان", "الطريق", "الساحلي", "الاشغال")] == [0, 1, 0, 1]
    assert [value(encoded, "content end", at(word)) for word in ("سيفتح", "غدا", "انتهت")] == [0, 1, 1]
    assert [value(encoded, "paragraph", k) for k in (0, 1, at("وعلق") - 1, at("وعلق"), len(words) - 1)] == [1, 0, 2, 1, 2]
    assert value(encoded, "sentence", at("واضاف")) == 1
    assert value(encoded, "mark", at("«")) != value(encoded, "mark", at("»")) != value(encoded, "mark", at("نصدق")) != 0
    assert value(encoded, "next mark", at("ذلك")) == value(encoded, "mark", at("»"))


def test_the_log_odds_of_a_cue_are_those_of_its_best_reading() -> None:
    for document in ARTICLES:
        candidates = PROPOSER(normalize(document.text))
        tokens = candidates.tokens
        _, logits = word_features(candidates)
        cues = cues_by_word(candidates)
        assert {*np.flatnonzero(logits).tolist()} == {*cues}
        for k, own in cues.items():
            assert logits[k] == pytest.approx(max(cue_logit(tokens, cue, choose(tokens, cue)) for cue in own), abs=1e-5)


def test_pair_features_mark_what_the_rules_take_for_content_and_source() -> None:
    candidates = PROPOSER(normalize(REPORT))
    tokens = candidates.tokens
    at = tokens.words.index
    table = pair_features(tokens, at("قال"), cues_by_word(candidates)[at("قال")])

    def marked(name: str) -> list[str]:
        return [tokens.words[k] for k in np.flatnonzero(table[:, PAIR_FEATURES.index(name)])]

    assert reach(tokens, 0) == (0, len(tokens.words))
    assert marked("the content starts") == ["الطريق"]
    assert marked("the content ends") == ["غدا"]
    assert "الطريق" in marked("a content starts")
    assert "غدا" in marked("a content ends")
    assert marked("the source starts") == ["وزير"]
    assert marked("the source ends") == ["الخطيب"]
    assert marked("cue") == ["قال"]
    assert marked("same sentence") == tokens.words[: at("واضاف")]
    assert marked("same paragraph") == tokens.words[: at("وعلق")]
    assert set(tokens.words) - set(marked("same quotation")) == {"لا", "نصدق", "ذلك", "»"}
    surely = table[:, PAIR_FEATURES.index("how surely it ends")]
    assert surely[at("غدا")] == surely.max() <= 1


def test_pair_features_of_a_word_that_is_no_cue_mark_no_boundary() -> None:
    tokens = PROPOSER(normalize(REPORT)).tokens
    k = tokens.words.index("نصدق")
    table = pair_features(tokens, k, ())
    names = [PAIR_FEATURES[n] for n in np.flatnonzero(table.any(axis=0))]
    assert names == ["same sentence", "same paragraph", "same quotation", "cue"]
    inside = np.flatnonzero(table[:, PAIR_FEATURES.index("same quotation")])
    assert [tokens.words[n] for n in inside] == ["لا", "نصدق", "ذلك", "»"]


def test_what_lies_out_of_reach_is_left_out() -> None:
    text = "كلمة " * 300 + "قال الوزير إن " + "الطريق " * 400
    candidates = PROPOSER(normalize(text))
    tokens = candidates.tokens
    k = tokens.words.index("قال")
    assert reach(tokens, k) == (k - BEHIND, k + AHEAD)
    table = pair_features(tokens, k, cues_by_word(candidates).get(k, ()))
    assert table.shape == (BEHIND + AHEAD, len(PAIR_FEATURES))
    assert table[BEHIND, PAIR_FEATURES.index("cue")] == 1


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("وزير النقل", "وزير النقل"),
        ("الخطي", "الخطيب"),
        pytest.param(" إن ", "إن"),
        ("إن ", "إن"),
        ("غدا.", "غدا ."),
        ("زير النقل سا", "وزير النقل سالم"),
    ],
)
def test_the_words_of_a_span_are_those_that_it_touches(part: str, words: str) -> None:
    normalized = normalize(REPORT)
    tokens = PROPOSER(normalized).tokens
    start = REPORT.index(part)
    first, stop = word_span(tokens, *normalized.from_original(start, start + len(part)))
    assert tokens.words[first:stop] == normalize(words).text.split()
