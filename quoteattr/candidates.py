"""Normalized text to candidates: cues that may report, the contents they may open or close, the sources beside them, mentions.

High recall, linear time, no decisions: `quoteattr.rules` (or a model) chooses. Positions are offsets into the normalized text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from quoteattr.lexicon import CueForm, Lexicon
from quoteattr.phrases import ONE, Mention, bare_name, extended, is_eponym, phrase_at
from quoteattr.schema import QuoteType
from quoteattr.text import NormalizedText, Quotation, fold
from quoteattr.tokens import Reader, Tokens
from quoteattr.words import word_set

Pattern = Literal["clause", "need", "colon", "quotation", "bare", "inverted", "aside", "tag", "tag-initial", "headline"]
Side = Literal["after", "before"]

MAX_ENDS = 6
_MAX_GAP = 70
_BRACKETS = {"(": ")", "{": "}", "﴿": "﴾", "[": "]"}
_NOT_SPEECH_BEFORE = word_set("not speech")
_NEED = word_set("need")
_NO_REPORT_BEFORE_THAT = word_set("no report")
_PASSAGE = word_set("passage")
_ASKING = word_set("asking")
_ASKING_ALWAYS = frozenset(("كيف", "لماذا", "هل"))
_DIVINE = word_set("divine")
_LEADING = word_set("leading")
_AND_SO = word_set("and so")
_DESCRIBING = word_set("describing")
_ADDRESSING = word_set("addressing")
RELAYING = word_set("relaying")
_SAYING = word_set("saying")
_MANNER = word_set("manner")
_WITH_THIS = word_set("with this")
_WORDS_SAID = word_set("words said")
_AND_THAT = frozenset(c + p + w for c in "و" for p in ("", "ب") for w in ("ان", "انه", "انها", "انهم", "اننا"))


@dataclass(frozen=True, slots=True)
class Content:
    """A possible content of a cue: its span, the type it would have, and what ends it (the name of a boundary)."""

    start: int
    end: int
    type: QuoteType
    ends_by: str


@dataclass(frozen=True, slots=True)
class Cue:
    """A word or expression that may report, with what it may report and whose words they may be.

    ``token`` is the cue's first token, ``after`` the first one behind it, ``opener`` the one
    that opens the content (a complementiser, colon or mark; for contents before the cue, its own).
    """

    token: int
    after: int
    opener: int
    start: int
    end: int
    form: CueForm
    pattern: Pattern
    contents: tuple[Content, ...]
    source: Mention | None
    side: Side | None


@dataclass(frozen=True, slots=True)
class Candidates:
    """All that was proposed for one text, cues in the order of the text."""

    tokens: Tokens
    cues: tuple[Cue, ...]
    mentions: tuple[Mention, ...]


class Proposer:
    """Proposes candidates with one lexicon: ``proposer(normalize(text))``."""

    def __init__(self, lexicon: Lexicon | None = None) -> None:
        if not isinstance(lexicon, Lexicon | None):
            raise TypeError(f"lexicon must be a Lexicon, not {type(lexicon).__name__}: Lexicon.from_file(path) reads one")
        self.lexicon = lexicon or Lexicon.load()
        self._reader = Reader(self.lexicon)

    def __call__(self, normalized: NormalizedText) -> Candidates:
        """The candidates of a normalized text."""
        tokens = self._reader.read(normalized)
        frames = _frames(tokens)
        cues = tuple(_cue(tokens, frame, frames) for frame in frames.ordered)
        return Candidates(tokens, tuple(c for c in cues if c.contents), tuple(_mentions(tokens)))


# ---------------------------------------------------------------------------------------------------------------------
# Frames: a cue with what introduces its content


@dataclass(slots=True)
class _Frame:
    token: int
    after: int  # first token behind the cue
    end: int  # offset behind the cue
    form: CueForm
    pattern: Pattern
    opener: int
    begin: int  # first token of the content (for tags and inversions: the end of it)
    quotation: Quotation | None = None
    source: Mention | None = None
    side: Side | None = None


@dataclass(slots=True)
class _Frames:
    ordered: list[_Frame]
    at: dict[int, _Frame]


def _frames(tokens: Tokens) -> _Frames:
    ordered: list[_Frame] = []
    at: dict[int, _Frame] = {}
    skip = 0
    marked = bool(tokens.opens)
    for i, (info, following) in enumerate(zip(tokens.infos, [*tokens.words[1:], ""], strict=False)):
        if i < skip:
            continue
        if not info.cues:
            frame = _headline(tokens, i) if info.form == ":" else _unlisted(tokens, i) if info.verb and marked else None
            if frame is not None:
                ordered.append(frame)
                at.setdefault(frame.token, frame)
            continue
        best: list[_Frame] = []
        for form in info.followed.get(following, info.alone):
            if best and (len(best[0].form.words) > len(form.words) or best[0].form.strength >= form.strength):
                continue
            best = _read_form(tokens, i, form) or best
        for frame in best:
            ordered.append(frame)
            at.setdefault(i, frame)
            skip = max(skip, frame.after)
    return _Frames(ordered, at)


def _unlisted(tokens: Tokens, i: int) -> _Frame | None:
    """A verb that the lexicon does not list, right before a colon or quotation mark with words enough for speech, or behind
    «بهذه الكلمات» and a quotation."""
    stop = min(tokens.stop(i), i + 12)
    if _before_manner(tokens, i) < i and (said := _closed_before(tokens, i)) is not None:
        form = _unlisted_form(tokens, i)
        frame = _Frame(i, i + 1, tokens.end(i), form, "inverted", i, i, said)
        frame.source, frame.side = _source(tokens, i, i + 1, stop, form, False)
        return frame
    for k in range(i + 1, stop):
        quotation = tokens.opens.get(tokens.starts[k])
        if quotation is None:
            continue
        if _count(tokens, k + 1, quotation.inner[1]) < 4 or tokens.words[k - 1] in _NOT_SPEECH_BEFORE:
            return None
        form = _unlisted_form(tokens, i)
        pattern: Pattern = "colon" if tokens.words[k - 1] == ":" else "quotation"
        frame = _Frame(i, i + 1, tokens.end(i), form, pattern, k, k, quotation)
        frame.source, frame.side = _source(tokens, i, i + 1, k, form, False)
        return frame
    return None


def _unlisted_form(tokens: Tokens, i: int) -> CueForm:
    return CueForm(words=(tokens.words[i],), lemma=tokens.words[i], pos="verb", act="assert", strength=0.1)


def _read_form(tokens: Tokens, i: int, form: CueForm) -> list[_Frame]:
    j = i + 1
    for word in form.words[1:]:
        if j >= len(tokens.words) or tokens.words[j] != word:
            return []
        j += 1
    if form.pos == "preposition" and form.follows != "clause" and form.words[0] not in _PASSAGE:
        return _tag(tokens, i, j, form)
    return _verb(tokens, i, j, form)


def _verb(tokens: Tokens, i: int, j: int, form: CueForm) -> list[_Frame]:
    stop = min(tokens.stop(i), i + _MAX_GAP)
    words = tokens.words
    joined = j < stop and words[j] in form.takes and words[j] != "ب"
    if joined or (j < stop and words[j] in _SAYING and words[i] not in _SAYING):
        j += 1
    end = tokens.end(j - 1)
    frames = []
    opener = _introducer(tokens, i, j, stop, form)
    if opener is not None:
        pattern, k, begin = opener
        frame = _Frame(i, j, end, form, pattern, k, begin)
        if begin < len(words):
            frame.quotation = tokens.opens.get(tokens.starts[begin])
        if form.lemma in RELAYING:
            frame.source, frame.side = _relayed(tokens, j, k)
        else:
            frame.source, frame.side = _source(tokens, i, j, min(k, begin), form, joined)
            if frame.source is not None and frame.side == "after" and is_described(tokens, form, frame.source, k):
                frame.source, frame.side = None, None
            if frame.source is not None and frame.side == "after" and fold(form.lemma) not in _ADDRESSING:
                frame.source = extended(tokens, frame.source, k)
            if pattern != "clause" and frame.source is not None and frame.source.form == "other" and frame.source.last < k:
                frame.source, frame.side = None, None
        frames.append(frame)
    elif form.pos in ("verb", "participle") and form.strength >= 0.8 and not form.takes and j < stop:
        frames.append(_bare(tokens, i, j, stop, end, form))
    closed = _closed_before(tokens, i)
    if opener is None and closed is None and form.pos == "verb" and i > tokens.first(i) + 2 and words[i - 1] in "،,":
        source = _source_after(tokens, j, stop, form)
        if source is not None and (source.last >= stop or not words[source.last][0].isalnum()):
            return [_Frame(i, source.last, end, form, "aside", i, i, None, source, "after")]
    if closed is not None and form.pos == "verb":
        limit = opener[1] if opener is not None else stop
        source = _source_after(tokens, j, limit, form)
        if source is not None or opener is None:
            frames.append(_Frame(i, j, end, form, "inverted", i, i, closed, source, "after" if source else None))
    return frames


def is_described(tokens: Tokens, form: CueForm, mention: Mention, k: int) -> bool:
    """Whether a phrase between a verb and the token ``k`` that opens the content is what is described: «وصف القرار بأنه»."""
    if form.lemma not in _DESCRIBING or form.object_pronoun or tokens.words[k] == ":":
        return False
    gap = range(mention.last, k)
    return all(not tokens.words[n][0].isalnum() or tokens.words[n] == "ب" for n in gap)


def _bare(tokens: Tokens, i: int, j: int, stop: int, end: int, form: CueForm) -> _Frame:
    """«وأضاف تأثر الاقتصاد بالأزمة»: a verb that always reports, with nothing to open its content."""
    source = _source_after(tokens, j, stop, form)
    if source is not None and not _surely_denotes(tokens, source):
        source = None
    begin = source.last if source is not None else j
    while begin < stop - 1 and not tokens.words[begin][0].isalnum():
        begin += 1
    return _Frame(i, j, end, form, "bare", begin, begin, None, source, "after" if source else None)


def _introducer(tokens: Tokens, i: int, j: int, stop: int, form: CueForm) -> tuple[Pattern, int, int] | None:
    """What opens the content of a cue: pattern, the token that opens it, the first token of the content."""
    words, infos, starts = tokens.words, tokens.infos, tokens.starts
    relative = False  # inside a relative clause other verbs may stand
    k = j
    while k < stop:
        info = infos[k]
        word = words[k]
        if info.function == "relative" and k > j:
            relative = True
        elif word in "،,":
            relative = False
        if info.function == "complementiser" and not info.conjunction:
            if k > j and words[k - 1] in _NO_REPORT_BEFORE_THAT:
                k += 1
                continue
            begin = k + 1
            if k > j and words[k - 1] in _NEED:
                begin = k - 1
            return "clause", k, begin
        if word == ":":
            begin = k + 1
            if begin < len(words) and infos[begin].function == "complementiser":
                begin += 1
            return "colon", k, begin
        quotation = tokens.opens.get(starts[k])
        if quotation is not None:
            size = _count(tokens, k + 1, quotation.inner[1])
            behind = k + 1 + size
            if size <= 6 and quotation.closed and _goes_on(tokens, behind + 1, stop):
                k = behind + 1
                continue
            if k > j and (words[k - 1] in _NOT_SPEECH_BEFORE or infos[k - 1].stem in _NOT_SPEECH_BEFORE):
                k = behind + 1
                continue
            return "quotation", k, k
        if word in _ASKING and (form.act == "ask" or word in _ASKING_ALWAYS):
            return "clause", k, k
        if (
            word in _NEED
            and k > j - 1
            and words[k - 1] in ("علي", "الي")
            and k + 1 < stop
            and infos[k + 1].function != "complementiser"
        ):
            return "need", k, k
        if k > j and info.cues and not info.preposition and info.noun is None and info.name < 0.5 and not relative:
            strong = max(info.cues, key=lambda c: c.strength)
            if strong.strength >= 0.5 and (strong.pos in ("verb", "participle") or strong.pronoun):
                return None
        if info.function == "connective" and k > j and not relative and word not in ("كما", "ما", "الا"):
            return None
        k += 1
    return None


def _goes_on(tokens: Tokens, k: int, stop: int) -> bool:
    """Whether a complementiser or colon follows a quoted name in the same clause: قالت صحيفة "الوطن" إن."""
    limit = min(stop, k + 24)
    while k < limit:
        info = tokens.infos[k]
        if (info.function == "complementiser" and not info.conjunction) or info.form == ":":
            return True
        quotation = tokens.opens.get(tokens.starts[k])
        if quotation is not None and quotation.closed and _count(tokens, k + 1, quotation.inner[1]) <= 4:
            k = tokens.at(quotation.end)
            continue
        if info.form in ".؛" or info.function == "connective" or quotation is not None or (info.conjunction and info.cues):
            return False
        k += 1
    return False


def _count(tokens: Tokens, k: int, offset: int) -> int:
    return tokens.at(offset) - k


def _closed_before(tokens: Tokens, i: int) -> Quotation | None:
    """The quotation that closes right before a token (a comma or full stop may stand between, and «بهذه الكلمات», «هكذا»)."""
    k = _before_manner(tokens, i) - 1
    i = k + 1
    while k >= 0 and i - k <= 3 and tokens.paragraph[k] == tokens.paragraph[i]:
        start = tokens.starts[k]
        if start in tokens.closes:
            return tokens.closes[start]
        if tokens.words[k] not in "،,.-؟!":
            return None
        k -= 1
    return None


def _before_manner(tokens: Tokens, i: int) -> int:
    """The first token of the «بهذه الكلمات» or «هكذا» before a verb that speaks of the quotation just closed; else the verb's."""
    words = tokens.words
    if words[i - 1 : i] == ["هكذا"]:
        return i - 1
    return i - 2 if i > 1 and words[i - 2] in _WITH_THIS and words[i - 1] in _WORDS_SAID else i


def _relayed(tokens: Tokens, j: int, k: int) -> tuple[Mention | None, Side | None]:
    """«نقلت الوكالة عن الوزير أن»: who is relayed, where it is said, else who relays."""
    for p in range(j, k):
        if tokens.words[p] in ("عن", "الي"):
            mention = phrase_at(tokens, p + 1, k)
            if mention is not None:
                return mention, "after"
    mention = phrase_at(tokens, j, k)
    return mention, "after" if mention is not None else None


def _source(tokens: Tokens, i: int, j: int, k: int, form: CueForm, joined: bool) -> tuple[Mention | None, Side | None]:
    if not joined and (
        form.pos in ("verb", "noun", "preposition") or (form.pos == "masdar" and not form.pronoun) or words_say(tokens, i, form)
    ):
        mention = _source_before(tokens, i, j, k, form) if tokens.words[i - 1 : i] == ["قد"] else None
        if mention is not None:
            return mention, "before"  # «وكان الوزير قد أبلغ الوكالة»
        mention = _source_after(tokens, j, k, form)
        if mention is not None:
            return mention, "after"
    mention = _source_before(tokens, i, j, k, form)
    return mention, "before" if mention is not None else None


def words_say(tokens: Tokens, i: int, form: CueForm) -> bool:
    """Whether a participle stands for a finite verb (nominative, at the head of its clause)."""
    return form.pos == "participle" and i == tokens.first(i)


def _source_after(tokens: Tokens, j: int, k: int, form: CueForm) -> Mention | None:
    """The noun phrase between a cue and what opens its content, adverbials skipped."""
    p = j
    words, infos = tokens.words, tokens.infos
    while p < k:
        info = infos[p]
        if (
            words[p] in "،,-–"
            or info.function in ("time", "tail", "auxiliary", "particle", "oblique")
            or (not info.form[0].isalpha() and tokens.starts[p] not in tokens.opens)
        ):
            p += 1
            continue
        if info.function in ("preposition", "inner", "connective") or info.preposition:
            if info.function == "connective":
                return None
            start = p if info.preposition and not info.function else p + 1
            inside = phrase_at(tokens, start, k)
            p = max(p + 1, inside.last if inside is not None else p + 1)
            while p < k and infos[p].function in ("event", "time", "tail"):
                p += 1
            if p < k and words[p] not in "،,-–" and not _may_follow_adverbial(tokens, p):
                while p < k and words[p] not in "،,":
                    p += 1
            continue
        if info.function in ("relative", "complementiser"):
            return None
        if form.pos == "verb" and describes_manner(tokens, p):
            p += 1
            continue
        mention = phrase_at(tokens, p, k, closed=True)
        if mention is None or form.pos != "verb" or not is_object(tokens, mention):
            return mention
        p = mention.last
    return None


def is_object(tokens: Tokens, mention: Mention) -> bool:
    """Whether the form of a noun says that it is not the subject of the verb before it: «وخاطب الحاضرين», not «الحاضرون»."""
    word, nouns = tokens.words[mention.first].removeprefix("ال"), tokens.lexicon.nouns
    noun = nouns.get(word) if word.endswith("ين") else None
    return noun is not None and noun.number == "p" and f"{word[:-2]}ون" in nouns


def describes_manner(tokens: Tokens, k: int) -> bool:
    """Whether a word says how somebody speaks («مبتسما», «بحسرة»): no part of a source."""
    word, info = tokens.words[k], tokens.infos[k]
    if word[0] == "ب" and word[1:] in _MANNER:
        return True
    if not word.endswith("ا") or word.endswith(("ها", "نا")) or len(word) < 5:
        return False
    if info.definite or info.noun or info.name >= 0.5:
        return False
    return word[0] == "م" or word[1] == "ا"


def _may_follow_adverbial(tokens: Tokens, p: int) -> bool:
    info = tokens.infos[p]
    return info.noun is not None or info.name >= 0.5 or info.function in ("inner", "preposition", "time")


def _source_before(tokens: Tokens, i: int, j: int, k: int, form: CueForm) -> Mention | None:
    """The subject before its verb: «وكان الوزير قد قال», «لكن الوزير أكد», «الوزير، قال», «عن الوزير قوله», «الوزير الذي قال»."""
    infos, words = tokens.infos, tokens.words
    first = tokens.first(i)
    if form.pos == "participle":
        return _subject_of_main_verb(tokens, i, first) if form.lemma == "قال" else None
    if form.pos == "masdar" and not form.pronoun:
        return _subject_of_main_verb(tokens, i, first)
    if form.pos == "masdar":
        if words[j : j + 1] and words[j] in _DIVINE:
            return phrase_at(tokens, j, j + 1)
        return _relayed_before(tokens, i, first)
    if form.pos == "verb" and words[i][0] in "وف" and form.words[0] != words[i] and words[first] not in ("اما", "واما"):
        return None
    stop = i
    while stop > first and (infos[stop - 1].function in ("auxiliary", "particle", "relative") or words[stop - 1] in "،,-"):
        stop -= 1
    if stop <= first:
        return None
    if words[i - 1] == "قد" and words[first].lstrip("و") in ("كان", "كانت", "كانوا"):
        mention = phrase_at(tokens, first + 1, stop, closed=True)
        if mention is not None and _surely_denotes(tokens, mention):
            return extended(tokens, mention, stop)  # «وكان مصدر، طلب عدم ذكر اسمه، قد كشف»
    if words[first] in ("اما", "واما") and words[i][0] == "ف":
        mention = phrase_at(tokens, first + 1, stop, closed=True)
        if mention is not None and _surely_denotes(tokens, mention):
            return mention  # «أما محمود أبو عوض، وهو صياد، فيقول»
    relative = infos[stop].function == "relative" if stop < i else False
    for start in range(max(first, stop - 18), stop):
        before = infos[start - 1] if start > first else None
        if before is not None and not (
            before.function in ("auxiliary", "connective", "complementiser", "relative")
            or before.form in ("،", ",", ":", "عن", "-", "اما", "واما", "و", '"', "”")
        ):
            continue
        here = infos[start]
        if here.preposition:
            continue
        skip = 1 if here.conjunction else 0
        if here.function and here.function not in ("pronoun", "determiner"):
            continue
        mention = phrase_at(tokens, start, stop, skip=skip, closed=True)
        if mention is not None and mention.last >= stop:
            return mention
        if (
            mention is not None
            and mention.form in ("name", "title", "organisation", "group", "pronoun", "document")
            and _only_adverbials(tokens, mention.last, stop)
        ):
            return mention
    for start in range(max(first, stop - 6), stop):
        here = infos[start]
        if (relative or (not here.definite and stop == i)) and not here.function and (here.noun is not None or here.name >= 0.5):
            mention = phrase_at(tokens, start, stop, skip=here.clitics)
            if mention is not None and mention.last == stop:
                return mention
    return None


def _relayed_before(tokens: Tokens, i: int, first: int) -> Mention | None:
    """«نقلت الوكالة عن الوزير قوله»: the one after «عن»."""
    for k in range(i - 2, max(first, i - 24) - 1, -1):
        if tokens.words[k] in ("عن", "الي") or tokens.infos[k].form == "علي":
            mention = phrase_at(tokens, k + 1, i, closed=True)
            return (
                mention if mention is not None and (mention.last >= i - 1 or _only_adverbials(tokens, mention.last, i)) else None
            )
    return None


def _subject_of_main_verb(tokens: Tokens, i: int, first: int) -> Mention | None:
    """«وصرح لوف عقب اللقاء قائلا»: the subject of the verb of saying that «قائلا» belongs to."""
    for k in range(i - 2, max(first, i - 16) - 1, -1):
        verbs = [c for c in tokens.infos[k].cues if c.pos == "verb"]
        if verbs:
            mention = _source_after(tokens, k + 1, i, verbs[0])
            if mention is None or i - mention.last > 3 or verbs[0].object_pronoun or not _surely_denotes(tokens, mention):
                return None
            return mention
    return None


def _only_adverbials(tokens: Tokens, k: int, stop: int) -> bool:
    """Whether nothing but an adverbial without comma stands between a subject and its verb."""
    if stop - k > 8 or k >= stop:
        return False
    return tokens.infos[k].function in ("inner", "preposition", "time") and all(
        not tokens.infos[n].verb and tokens.words[n] not in "،,:." and not tokens.infos[n].conjunction for n in range(k, stop)
    )


def _tag(tokens: Tokens, i: int, j: int, form: CueForm) -> list[_Frame]:
    """An attribution by preposition: بحسب الوزير, وفقا لما ذكره المصدر, على حد قوله."""
    words, infos = tokens.words, tokens.infos
    stop = min(tokens.stop(i), i + 40)
    end = tokens.end(j - 1)
    source: Mention | None = None
    after = j
    if form.follows == "verb":
        k = j
        while k < stop and k <= j + 2 and not infos[k].cues:
            k += 1
        if k >= stop or not infos[k].cues:
            return []
        limit = min(tokens.stop(k), k + _MAX_GAP)
        if form.words == ("كما",) and _introducer(tokens, k, k + 1, limit, infos[k].cues[0]) is not None:
            return []  # «كما أكد أن» reports itself
        after = k + 1
        if after < stop and (
            words[after] in ("به", "بها", "عنه", "عنها", "له", "اليه") or words[after] in infos[k].cues[0].takes
        ):
            after += 1
        end = tokens.end(after - 1)
        if after < stop and words[after] == "في":
            after += 1
    if not form.pronoun and after < stop:
        info = infos[after]
        skip = info.clitics if info.preposition else 0
        if words[after] in ("ل", "عن", "الي"):
            after += 1
            skip = 0
        source = phrase_at(tokens, after, stop, skip=skip, closed=True)
        if source is None:
            return []
        after = source.last
    first = tokens.first(i)
    token = words[i]
    leads = (
        i == first
        or (i == first + 1 and words[first] in ("و", "ف", "-"))
        or (token[0] == "و" and form.words[0] != token and words[i - 1] in "،,.")
    )
    frames: list[_Frame] = []
    side: Side | None = "after" if source else None
    if leads:
        begin = after
        while begin < stop and (words[begin] in "،,-" or infos[begin].function in ("time", "relative")):
            begin += 1
        if begin < stop and infos[begin].function != "complementiser":
            begin = next((k for k in range(begin, min(stop, begin + 30)) if _opens_main_clause(tokens, k)), begin)
        if begin < stop and (infos[begin].function in ("complementiser", "apodosis") or words[begin] == "فقد"):
            begin += 1
        if begin < stop:
            frames.append(
                _Frame(i, after, end, form, "tag-initial", i, begin, tokens.opens.get(tokens.starts[begin]), source, side)
            )
        return frames
    frames.append(_Frame(i, after, end, form, "tag", i, i, _closed_before(tokens, i), source, side))
    return frames


def _surely_denotes(tokens: Tokens, mention: Mention) -> bool:
    """Whether a phrase denotes a speaker by its words, and not only by its place."""
    if mention.form == "name":
        return any(tokens.infos[k].name >= 0.5 for k in range(mention.first, mention.last))
    return mention.form not in ("other", "pronoun")


def _opens_main_clause(tokens: Tokens, k: int) -> bool:
    return tokens.infos[k].function == "apodosis" or tokens.words[k] == "فقد"


def _headline(tokens: Tokens, colon: int) -> _Frame | None:
    """«الوزير: لن نقبل» on a line of its own, or behind two full stops: «دواء مفقود.. والوزير: لن نقبل»."""
    first = colon - 1
    paragraph = tokens.paragraph[colon]
    if colon == 0 or tokens.paragraph[first] != paragraph:
        return None
    words = tokens.words
    while (
        first > 0 and tokens.paragraph[first - 1] == paragraph and colon - first <= 10 and words[first - 2 : first] != [".", "."]
    ):
        first -= 1
    second = words[first - 2 : first] == [".", "."] and tokens.paragraph[first - 1] == paragraph
    if (first > 0 and tokens.paragraph[first - 1] == paragraph and not second) or colon == first or colon + 1 >= len(words):
        return None
    if tokens.paragraph[colon + 1] != paragraph:
        return None
    mention = phrase_at(tokens, first, colon, skip=int(second and tokens.infos[first].conjunction), closed=True)
    if mention is None or mention.form == "pronoun":
        return None
    if mention.form == "other" and mention.last - mention.first > 1 and tokens.starts[first] not in tokens.opens:
        return None
    last = mention.last
    while last < colon and tokens.starts[last] in tokens.closes:
        last += 1  # «رئيس حركة "نداء": …»
    if last < colon and not (
        tokens.infos[mention.last].function in ("inner", "preposition") or tokens.infos[mention.last].preposition
    ):
        return None
    begin = colon + 1
    if _is_byline(tokens, begin):
        return None
    quotation = tokens.opens.get(tokens.starts[begin])
    return _Frame(colon, colon + 1, tokens.end(colon), _COLON, "headline", colon, begin, quotation, mention, "before")


def _is_byline(tokens: Tokens, begin: int) -> bool:
    """Whether the line goes on with a name alone: «الرباط: نادية العلوي»."""
    end = begin
    while end < len(tokens.words) and tokens.paragraph[end] == tokens.paragraph[begin]:
        end += 1
    named = phrase_at(tokens, begin, end, closed=True)
    return named is not None and named.form == "name" and named.last == end


_COLON = CueForm(words=(":",), lemma=":", pos="preposition", act="assert", strength=0.5)

# ---------------------------------------------------------------------------------------------------------------------
# Contents


def _cue(tokens: Tokens, frame: _Frame, frames: _Frames) -> Cue:
    if frame.pattern == "inverted":
        assert frame.quotation is not None
        contents = _trimmed(tokens, [(frame.quotation.inner[0], frame.quotation.inner[1], "direct", "quotation")])
    elif frame.pattern in ("tag", "aside"):
        contents = _trimmed(tokens, list(_before_tag(tokens, frame, frames)))
    else:
        contents = _trimmed(tokens, list(_after(tokens, frame, frames)))
    return Cue(
        frame.token,
        frame.after,
        frame.opener,
        tokens.starts[frame.token],
        frame.end,
        frame.form,
        frame.pattern,
        contents,
        frame.source,
        frame.side,
    )


def given_cue(tokens: Tokens, cues: tuple[Cue, ...], at: tuple[int, int], content: int) -> Cue:
    """The cue at given offsets whose content begins at ``content``: the proposed one that fits best, else one made for it."""
    start, end = at
    before = content < start
    if not tokens.words:
        form = CueForm(words=("",), lemma="", pos="verb", act="assert", strength=0.5)
        return Cue(0, 0, 0, start, end, form, "clause", (), None, None)
    here = [c for c in cues if c.start < end and start < c.end and (c.pattern in _CONTENT_BEFORE) == before]
    if here:
        best = min(here, key=lambda c: abs(c.contents[0].start - content))
        return replace(best, start=start, end=end)
    token = min(tokens.at(start), len(tokens.words) - 1)
    after = max(token + 1, tokens.at(end))
    word = tokens.infos[token]
    form = next(iter(word.cues), CueForm(words=(word.form,), lemma=word.form, pos="verb", act="assert", strength=0.5))
    if before:
        source = _source_after(tokens, after, tokens.stop(token), form)
        side: Side | None = "after" if source is not None else None
    else:
        source, side = _source(tokens, token, after, max(after, min(tokens.at(content), tokens.stop(token))), form, False)
    return Cue(token, after, after, start, end, form, "clause", (), source, side)


def other_half(tokens: Tokens, cue: Cue, content: Content) -> Content | None:
    """The other part of a quotation that its cue divides: «لن نقبل»، قال الوزير، «ولن نتراجع»."""
    before, after = _closed_before(tokens, cue.token), _opened_after(tokens, cue)
    if before is None or after is None or tokens.words[cue.token][0] == "و" or "." in tokens.text[before.end : cue.start]:
        return None
    own, other = (before, after) if content.start < cue.start else (after, before)
    if not own.start <= content.start < content.end <= own.end:
        return None
    return next(iter(_trimmed(tokens, [(*other.inner, "direct", "split")])), None)


def _opened_after(tokens: Tokens, cue: Cue) -> Quotation | None:
    """The quotation that opens behind a cue and its source, after a comma."""
    begin = cue.source.last if cue.source is not None and cue.side == "after" else cue.after
    for k in range(begin, min(begin + _MAX_SPLIT, len(tokens.words))):
        word, info = tokens.words[k], tokens.infos[k]
        if tokens.paragraph[k] != tokens.paragraph[cue.token] or word in ".؟!" or info.function == "complementiser" or info.cues:
            return None
        quotation = tokens.opens.get(tokens.starts[k])
        if quotation is not None and tokens.words[k - 1] in "،,":
            return quotation if quotation.closed else None
    return None


_MAX_SPLIT = 20


def is_interview(tokens: Tokens) -> bool:
    """Whether a text is an interview in turns («الاسم: …»), whose lines report nothing but follow one another.

    It is one where three paragraphs at least open with a short label and a colon, one label more than once, and where a question
    stands in one of them or in the line before it.
    """
    labels: list[str] = []
    asked = questioned = False
    first = 0
    words, paragraph = tokens.words, tokens.paragraph
    for k in range(1, len(words) + 1):
        if k < len(words) and paragraph[k] == paragraph[first]:
            continue
        line = words[first:k]
        colon = next((n for n in range(1, min(_MAX_LABEL, len(line) - 1)) if line[n] == ":"), None)
        question = "؟" in line or "?" in line
        if colon is not None:
            labels.append(" ".join(line[:colon]))
            asked |= question or questioned
        questioned, first = question, k
    return asked and len(labels) >= 3 and len(set(labels)) < len(labels)


_MAX_LABEL = 7
_CONTENT_BEFORE = ("inverted", "aside", "tag")
_Raw = tuple[int, int, QuoteType, str]


def _trimmed(tokens: Tokens, raw: list[_Raw]) -> tuple[Content, ...]:
    contents: list[Content] = []
    seen: set[tuple[int, int]] = set()
    text = tokens.text
    for start, end, kind, ends_by in raw:
        while start < end and not text[start].isalnum() and text[start] not in "([{":
            start += 1
        while end > start and not text[end - 1].isalnum() and text[end - 1] not in ")]}%":
            end -= 1
        if end - start < 2 or (start, end) in seen:
            continue
        seen.add((start, end))
        contents.append(Content(start, end, kind, ends_by))
        if len(contents) == MAX_ENDS:
            break
    return tuple(contents)


def _after(tokens: Tokens, frame: _Frame, frames: _Frames) -> Iterator[_Raw]:
    begin = frame.begin
    if begin >= len(tokens.words):
        return
    quotation = frame.quotation
    if quotation is not None:
        yield from _quoted(tokens, frame, quotation, frames)
        return
    start = tokens.starts[begin]
    if frame.pattern in ("colon", "headline"):
        yield from _after_colon(tokens, frame, start, frames)
        return
    stop = tokens.stop(begin)
    quoted = _quoted_part(tokens, begin, stop)
    for end, why in _clause_ends(tokens, begin, stop, frames, frame):
        yield start, end, "mixed" if quoted and quoted < end else "indirect", why


def _quoted(tokens: Tokens, frame: _Frame, quotation: Quotation, frames: _Frames) -> Iterator[_Raw]:
    """A content that opens with a quotation mark: to the closing mark, or past it where the sentence goes on."""
    start, close = quotation.inner
    behind = tokens.at(quotation.end)
    stop = tokens.stop(frame.begin)
    if not quotation.closed:
        yield start, close, "direct", "paragraph"
        for end, why in _clause_ends(tokens, frame.begin + 1, stop, frames, frame):
            yield start, end, "direct", f"unclosed:{why}"
        return
    follow = "end"
    if behind < stop:
        word, info = tokens.words[behind], tokens.infos[behind]
        after_comma = tokens.words[behind + 1] if word in "،," and behind + 1 < stop else ""
        if word in _AND_THAT or after_comma in _AND_THAT:
            follow = "and-that"
        elif word[0].isalpha():
            follow = "cue" if behind in frames.at else "adverbial" if info.function else "word"
        else:
            follow = "mark"
    size = tokens.at(close) - frame.begin - 1
    shape = "long" if size > 8 else "middle" if size > 3 else "short"
    yield start, close, "direct", f"quotation:{follow}:{shape}"
    if frame.pattern == "quotation":
        yield from _around_quotation(tokens, frame, quotation, behind, stop, f"{follow}:{shape}")
    elif behind < stop:
        for end, why in _clause_ends(tokens, behind, stop, frames, frame):
            yield start, end, "mixed", f"past:{follow}:{shape}:{why}"


def _around_quotation(tokens: Tokens, frame: _Frame, quotation: Quotation, behind: int, stop: int, shape: str) -> Iterator[_Raw]:
    """Mixed contents of a verb that is followed by quoted words: «عبر عن تأييده لـ"تعديل القائمة" و"فتحها"»."""
    later = [q for q in (tokens.opens.get(tokens.starts[k]) for k in range(behind, stop)) if q is not None and q.closed]
    last = later[-1].inner[1] if later else 0
    if last:
        yield quotation.inner[0], last, "mixed", f"to-last-mark:{shape}"
    first = frame.source.last if frame.source is not None and frame.side == "after" else frame.after
    while first < frame.begin and (not tokens.words[first][0].isalnum() or tokens.words[first] in frame.form.takes):
        first += 1
    if first < frame.begin - 1:
        yield tokens.starts[first], quotation.inner[1], "mixed", f"from-complement:{min(frame.begin - first, 6)}:{shape}"
        if behind < stop:
            yield tokens.starts[first], tokens.end(stop - 1), "mixed", f"complement:{min(frame.begin - first, 6)}:{shape}"


def _after_colon(tokens: Tokens, frame: _Frame, start: int, frames: _Frames) -> Iterator[_Raw]:
    """Words after a colon without marks: to the paragraph's end, or to the next sentence that reports again."""
    begin = frame.begin
    paragraph = tokens.paragraph[begin]
    dropped = tokens.infos[begin - 1].function == "complementiser"
    stop = tokens.stop(begin)
    kind: QuoteType = "indirect" if dropped else "direct"
    bracket = _BRACKETS.get(tokens.words[begin])
    if bracket is not None:
        close = next((k for k in range(begin + 1, min(begin + _MAX_GAP, len(tokens.words))) if tokens.words[k] == bracket), None)
        if close is not None:
            yield tokens.starts[begin + 1], tokens.starts[close], "direct", "bracket"
    last = stop
    while last < len(tokens.words) and tokens.paragraph[last] == paragraph:
        if any(k in frames.at for k in range(last, min(last + 3, tokens.stop(last)))):
            break
        last = tokens.stop(last)
    if last > stop and not dropped:
        yield start, tokens.end(last - 1), kind, "paragraph"
    for end, why in _clause_ends(tokens, begin, stop, frames, frame):
        yield start, end, kind, why


def _quoted_part(tokens: Tokens, begin: int, stop: int) -> int:
    """The offset of the first quotation of two words or more inside a clause; 0 where there is none."""
    for k in range(begin, stop):
        quotation = tokens.opens.get(tokens.starts[k])
        if (
            quotation is not None
            and _count(tokens, k + 1, quotation.inner[1]) >= 2
            and tokens.words[k - 1] not in _NOT_SPEECH_BEFORE
        ):
            return tokens.starts[k]
    return 0


def _clause_ends(tokens: Tokens, begin: int, stop: int, frames: _Frames, own: _Frame) -> list[tuple[int, str]]:
    """Where an indirect content may end, each with what ends it: before a report, a tag, a participle, a connective; at the
    sentence's end; at the mark that closes the quotation around the cue."""
    ends: list[tuple[int, str]] = []
    commas: list[tuple[int, str]] = []
    around = tokens.inside[own.token]
    inside = around.inner[1] if around is not None else None
    final = "sentence"
    if inside is not None and begin < tokens.at(inside) < stop:
        stop, final = tokens.at(inside), "quotation"
    k = begin
    while k < stop:
        quotation = tokens.opens.get(tokens.starts[k])
        if quotation is not None and quotation.closed:
            k = tokens.at(quotation.end)
            stop = max(stop, k)
            continue
        if k > begin:
            if len(ends) >= MAX_ENDS:
                break
            mark = _boundary(tokens, k, begin, frames, own)
            if mark:
                ends.append((_cut(tokens, k), mark))
            elif tokens.words[k - 1] in "،," and k > begin + 3:
                commas.append((tokens.end(k - 2), "comma"))
        k += 1
    last = (inside if final == "quotation" and inside is not None else tokens.end(stop - 1), final)
    ends = ends[: MAX_ENDS - 1]
    return [*ends, last, *commas[: MAX_ENDS - 1 - len(ends)]]


def _boundary(tokens: Tokens, k: int, begin: int, frames: _Frames, own: _Frame) -> str:
    """What ends a content before token ``k``; empty where nothing does."""
    frame = frames.at.get(k)
    word, info = tokens.words[k], tokens.infos[k]
    comma = ":comma" if tokens.words[k - 1] in "،,." else ":quote" if tokens.starts[k - 1] in tokens.closes else ""
    if frame is not None and frame.token > own.token:
        if frame.pattern == "tag":
            sure = frame.source is None or frame.source.form in ("title", "organisation", "group", "document", "name")
            return f"tag:{'sure' if sure else 'unsure'}{comma}"
        strong = "strong" if frame.form.strength >= 0.6 else "weak"
        if frame.form.pos == "participle":
            return f"participle:{strong}{comma}"
        if frame.pattern == "tag-initial":
            return f"tag-initial{comma}"
        if word[0] in "وف" and frame.form.words[0] != word:
            return f"and-verb:{strong}{comma}"
        if tokens.words[k - 1] in _LEADING:
            return f"led-verb:{strong}"
        return f"verb:{strong}{comma}" if comma else ""
    if info.participle_cue and (word[-1] in "اه" or word.endswith("ين")):
        return f"bare-participle{comma}"
    if k <= begin + 2:
        return ""
    if info.function == "connective":
        if word in _LEADING and k + 1 in frames.at:
            return ""  # the report one word later ends the content
        return f"connective{comma}:{word.lstrip('و')}"
    if not comma:
        return ""
    if info.conjunction and info.function:
        return f"and-{info.function}"
    if word[0] == "ف" and info.conjunction:
        return "fa-noun"
    if word[0] in "وف" and (info.cues or info.verb):
        return f"and-{'cue' if info.cues else 'word'}"
    if info.function in ("preposition", "relative", "time") or word in _AND_SO:
        return f"{info.function or 'so'}:{word if word in _AND_SO else ''}"
    if word[0] == "م" and word[-1] == "ا" and len(word) > 4 and info.noun is None:
        return "other-participle"
    return ""


def _cut(tokens: Tokens, k: int) -> int:
    """The end of what stands before token ``k``, without the connective that leads to it."""
    k -= 1
    while k > 0 and (tokens.words[k] in _LEADING or not tokens.words[k][0].isalnum()):
        if tokens.starts[k] in tokens.closes or tokens.words[k] in ")]%":
            break
        k -= 1
    return tokens.end(k)


def _before_tag(tokens: Tokens, frame: _Frame, frames: _Frames) -> Iterator[_Raw]:
    """What stands before an attribution at the end of a clause: the quotation that just closed, or the clause."""
    i = frame.token
    if frame.quotation is not None:
        yield frame.quotation.inner[0], frame.quotation.inner[1], "direct", "quotation"
    first = tokens.first(i)
    begin = first
    latest = first
    for k in range(first, i):
        other = frames.at.get(k)
        if other is None:
            continue
        if other.form.impersonal and other.pattern == "clause":
            begin = other.begin
        if other.pattern == "clause" and other.begin < i:
            latest = other.begin
    if begin >= i:
        return
    stop = tokens.end(i - 1)
    kind: QuoteType = "mixed" if _quoted_part(tokens, begin, i) else "indirect"
    yield tokens.starts[begin], stop, kind, f"tag:whole:{min(i - begin, 4)}"
    if latest > begin:
        yield tokens.starts[latest], stop, kind, "tag:report"
    for k in range(i - 3, first + 1, -1):
        if tokens.words[k] in "،,":
            yield tokens.starts[k + 1], stop, kind, "tag:part"
            break
    after = frame.after
    stop = tokens.stop(i)
    while after < stop and not tokens.words[after][0].isalnum() and tokens.starts[after] not in tokens.opens:
        after += 1
    if after < stop - 2 and (frame.source is not None or frame.form.pronoun):
        ends = _clause_ends(tokens, after, stop, frames, frame)
        yield tokens.starts[begin], ends[0][0], kind, f"around:{min(i - begin, 4)}:{ends[0][1]}"
        yield tokens.starts[after], ends[0][0], kind, f"behind:{min(i - begin, 4)}:{ends[0][1]}"


# ---------------------------------------------------------------------------------------------------------------------
# Mentions


def _mentions(tokens: Tokens) -> Iterator[Mention]:
    """Noun phrases anywhere in the text that can denote a speaker: titles, names, organisations, groups, documents.

    The last word of a full name found in the text is a name in it, whatever it means elsewhere.
    """
    found: list[Mention] = []
    surnames: set[str] = set()
    behind = 0
    for k in [k for k, info in enumerate(tokens.infos) if info.denotes]:
        if k < behind:
            continue
        if k > max(behind, tokens.first(k)) and tokens.infos[k - 1].stem in ONE:
            k -= 1
        mention = phrase_at(tokens, k, tokens.stop(k), skip=tokens.infos[k].clitics)
        if mention is None or mention.form in ("other", "pronoun"):
            continue
        behind = mention.last
        if mention.kind == "person" and is_eponym(tokens, k):
            continue
        found.append(mention)
        if mention.name is not None and mention.kind == "person":
            last = tokens.at(mention.name[1]) - 1
            if last > tokens.at(mention.name[0]) and tokens.words[last][0].isalpha():
                surnames.add(tokens.words[last])
    yield from found
    if surnames:
        inside = {n for m in found for n in range(m.first, m.last)}
        for k, (word, info) in enumerate(zip(tokens.words, tokens.infos, strict=True)):
            if word in surnames:
                skip = 0
            elif info.clitics and word[info.clitics :] in surnames:
                skip = info.clitics
            else:
                continue
            if k not in inside and info.name < 0.5 and not info.function:
                yield bare_name(tokens, k, skip)
