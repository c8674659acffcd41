"""The noun phrases that can denote a speaker.

`phrase_at` reads one from a token on: title, honorific, name, organisation, group, pronoun, with appositions («خالد عقل، رئيس
وحدة الأبحاث»), and says which part of it is the proper name. Positions are offsets into the normalized text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from quoteattr.lexicon import Gender, NounForm, Number
from quoteattr.schema import SpeakerKind
from quoteattr.tokens import Tokens, Word
from quoteattr.words import function_words, news_words, word_set

PhraseForm = Literal["name", "title", "organisation", "document", "group", "pronoun", "other"]

_MAX_WORDS = 24
_MAX_REST = 8
_NAME_PARTS = word_set("name parts")
_EXPERTS = word_set("experts")
_BODIES = ("organisation", "document", "media", "group")
_NAMING = word_set("naming")
_SUFFIXES = ("ته", "تها", "تهم", "ها", "هم", "نا")
_FORMULAS = {"صلي": 4, "رضي": 3, "رحمه": 2, "حفظه": 2, "رحمها": 2, "حفظها": 2}  # صلى الله عليه وسلم …: how many words
_ABOUT = word_set("about")
_GOVERNING = word_set("governing")
_GOVERNING_FROM = word_set("governing from")

_DIVINE = word_set("divine")
ONE: Mapping[str, Gender] = {"احد": "m", "احدي": "f"}
"""Determiners of one out of several (أحد المشايخ), with the gender."""
_VERBAL = re.compile(r"ت[^يا]..?ي.|(?:ا|است|ان)..?[^ا]?ا.|عمل|قيام")  # verbal nouns: تطبيق، إصدار، اجتماع، استقبال
_SON = frozenset(("بن", "ابن", "بنت"))
_NAMED_AFTER = word_set("named after")
_OFFICES = word_set("offices")
_SAME = word_set("same")
_SOME = word_set("some")


@dataclass(frozen=True, slots=True)
class Mention:
    """A noun phrase that can denote a speaker.

    ``name`` is the span of the proper name inside it, where it has one; ``head`` the folded stem of its head noun (وزير),
    empty for a bare name; ``words`` the folded stems of all its words. ``governed`` says that a preposition stands before it
    (it is no subject), ``subject`` that a verb does, ``same`` that it points back (نفسه، ذاته، المذكور), ``fresh`` that it
    brings in somebody new (أحد الخبراء، مسؤول آخر، مسؤول أمني). ``first`` and ``last`` are its tokens (half-open).
    """

    start: int
    end: int
    kind: SpeakerKind
    form: PhraseForm
    name: tuple[int, int] | None
    head: str
    gender: Gender | None
    number: Number | None
    definite: bool
    words: tuple[str, ...]
    governed: bool
    subject: bool
    same: bool
    fresh: bool
    sentence: int
    paragraph: int
    first: int
    last: int


# ---------------------------------------------------------------------------------------------------------------------
# Noun phrases


def phrase_at(tokens: Tokens, first: int, stop: int, *, skip: int = 0, closed: bool = False) -> Mention | None:
    """The noun phrase that begins at token ``first`` and ends at ``stop`` at the latest; ``None`` where none begins there.

    ``skip`` letters of the first token (an attached conjunction or preposition) stay outside. Title and name, appositions
    between commas («، عمر الولباني،») and complements («المتحدث باسم وزارة الدفاع») belong to the phrase; adverbials and
    relative clauses do not.
    """
    stop = min(stop, first + _MAX_WORDS)
    if first >= stop or tokens.words[first] in "وف":
        return None
    return _PhraseReader(tokens, first, stop, skip, closed).read()


def bare_name(tokens: Tokens, k: int, skip: int = 0) -> Mention:
    """One word as the name of a person, without ``skip`` attached letters."""
    reader = _PhraseReader(tokens, k, k + 1, skip, False)
    reader.state, reader.name, reader.last, reader.head = "name", [k, k + 1], k + 1, tokens.infos[k]
    mention = reader.mention()
    assert mention is not None
    return mention


def spanned(tokens: Tokens, first: int, last: int, *, whole: bool = False) -> Mention:
    """The words from token ``first`` to ``last`` (half-open) as one phrase, however they look.

    Letters attached to the first word stay outside, unless it is ``whole``: the subject right behind a verb has none (لينس).
    """
    info = tokens.infos[first]
    skip = info.clitics if len(info.form) > info.clitics and not whole else 0
    mention = phrase_at(tokens, first, last, skip=skip)
    if mention is None:
        reader = _PhraseReader(tokens, first, last, skip, False)
        reader.head, reader.last = info, last
        mention = reader.mention()
        assert mention is not None
    if mention.last < last:
        mention = extended(tokens, mention, last)
    if mention.last < last:
        mention = replace(mention, end=tokens.end(last - 1), words=_stems(tokens.infos[first:last]), last=last)
    return mention


def renamed(tokens: Tokens, mention: Mention, name: tuple[int, int] | None) -> Mention:
    """A person's mention whose proper name is the words from one token to another (half-open), or that has none.

    A name that begins before the mention or goes on behind it belongs to it.
    """
    if name is None:
        return replace(mention, name=None)
    first, last = name
    start = mention.start if first == mention.first else tokens.starts[first] + tokens.infos[first].clitics
    end = tokens.end(last - 1)
    before = tokens.infos[first : mention.first]
    behind = tokens.infos[mention.last : last]
    return replace(
        mention,
        start=min(mention.start, start),
        end=max(mention.end, end),
        name=(start, end),
        words=(*_stems(before), *mention.words, *_stems(behind)),
        first=min(mention.first, first),
        last=max(mention.last, last),
    )


def addressed(tokens: Tokens, first: int, last: int) -> int:
    """Where a phrase (tokens, half-open) comes to the paper spoken to («مصدر أمني لـ«الشروق»»), else its end."""
    if tokens.infos[first].stem in _OFFICES:
        return last
    for k in range(first + 1, last):
        info = tokens.infos[k]
        marked = info.form == "ل" and k + 1 < last and tokens.starts[k + 1] in tokens.opens
        if marked or (info.preposition == "ل" and info.noun is not None and info.noun.cls == "media"):
            return k
    return last


def is_eponym(tokens: Tokens, k: int) -> bool:
    """Whether the name that begins or goes on at a word is that of a place or prize: «جامعة الحسين بن طلال», «كأس الملك فهد»."""
    infos, begin, before = tokens.infos, tokens.first(k), k - 1
    while before > begin:
        noun = infos[before].noun
        honorific = noun is not None and noun.cls == "honorific" and infos[before].definite
        if not (honorific or infos[before].form in _NAME_PARTS or infos[before + 1].form in _SON):
            break
        before -= 1
    return before >= begin and infos[before].stem in _NAMED_AFTER and not infos[before].definite


def _stems(infos: Sequence[Word]) -> tuple[str, ...]:
    return tuple([info.stem for info in infos if info.counts])


def extended(tokens: Tokens, mention: Mention, stop: int) -> Mention:
    """A mention with the words behind it up to token ``stop``, where they can only go on with it.

    «المنتصر بالله إن», «دراسة دنماركية حديثة أن»: between a verb and what opens its content, nouns and names are the subject,
    known or not, and names at their end its name.
    """
    words, infos = tokens.words, tokens.infos
    first = mention.last
    stop = next((k for k in range(first, stop) if words[k] in "،," or infos[k].function == "relative"), stop)
    while stop > first and infos[stop - 1].function in ("preposition", "inner"):
        stop -= 1
    rest = range(first, stop)
    if not 0 < len(rest) <= _MAX_REST or mention.form == "pronoun":
        return mention
    if words[first - 1] in _DIVINE or infos[first].preposition == "ل" or words[first].endswith("ين"):
        return mention  # «للصحيفة», «المشتركين»: those who are addressed
    for k in rest:
        info = infos[k]
        said = info.reports or info.participle_cue or (info.cues and info.form[0] == "ب")
        function = info.function and (info.function != "event" or len(rest) > 1)  # «دراسة دنماركية حديثة»
        if not info.form[0].isalpha() or function or info.verb or said:
            return mention
    begin = stop
    while begin > first and (infos[begin - 1].name >= 0.3 or not infos[begin - 1].known or words[begin - 1] in _NAME_PARTS):
        begin -= 1
    if begin == stop and infos[first].preposition and not infos[stop - 1].definite:
        return mention  # «بلهجة حازمة»
    name = mention.name
    end = tokens.end(stop - 1)
    if name is not None and name[1] == mention.end and begin == first:
        name = (name[0], end)
    elif name is None and stop - begin >= 2:
        name = (tokens.starts[begin], end)
    extra = tuple(infos[k].stem for k in rest if infos[k].counts)
    return replace(mention, end=end, last=stop, name=name, words=mention.words + extra)


class _PhraseReader:
    """One left-to-right pass over a noun phrase. ``state`` is what the last word was: a title, a name, or what follows one."""

    __slots__ = (
        "appositions",
        "closed",
        "expects",
        "first",
        "gender",
        "head",
        "issuer",
        "last",
        "listed",
        "name",
        "number",
        "skip",
        "state",
        "stop",
        "t",
        "tentative",
    )

    def __init__(self, tokens: Tokens, first: int, stop: int, skip: int, closed: bool) -> None:
        self.t = tokens
        self.first = first
        self.stop = stop
        self.skip = skip
        self.closed = closed
        self.state: Literal["start", "title", "name", "post"] = "start"
        self.expects = False  # the last word wants a complement
        self.head: Word | None = None
        self.name: list[int] = []  # first and last token of the name
        self.gender: Gender | None = None
        self.number: Number | None = None
        self.last = first
        self.appositions = 0
        self.issuer = 0  # the token at which the issuer of a document begins
        self.listed: NounForm | None = None  # the entry of a body named in the lexicon
        self.tentative = 0  # where the phrase ends if no name follows after all

    def read(self) -> Mention | None:
        tokens, k = self.t, self.first
        while k < self.stop:
            info = tokens.infos[k]
            form = info.form
            if k > self.first and form in _FORMULAS and tokens.words[k + 1 : k + 2] == ["الله"]:
                k += _FORMULAS[form]
                self.last = min(k, self.stop)
                continue
            if not form[0].isalpha():
                after = self._mark(k, form)
            elif info.function and not (k == self.first and info.function == "event"):
                after = self._function(k, info)
            else:
                after = self._word(k, info)
            if after <= k:
                break
            k = after
        if self.tentative and (not self.name or self.name[0] < self.tentative):
            self.last = self.tentative
            self.appositions = 0
        return self.mention()

    def _mark(self, k: int, form: str) -> int:
        """A punctuation mark or number: quotation marks around a name, a comma before an apposition, an abbreviation's dot."""
        tokens = self.t
        start = tokens.starts[k]
        if start in tokens.opens:
            quotation = tokens.opens[start]
            after = k + 1
            while after < self.stop and tokens.starts[after] < quotation.inner[1]:
                after += 1
            words = tokens.infos[k + 1 : after]
            if not quotation.closed or after >= self.stop or not 0 < len(words) <= 6:
                return k
            if self.state == "start" and any(
                info.function in ("preposition", "inner", "relative", "complementiser") for info in words
            ):
                return k  # words that somebody said, no name
            if self.state == "start" or (
                self.state == "title" and self.last == self.first + 1 and self._head_cls() not in ("group", "document")
            ):
                self.name = self.name or [k + 1, after]
                self.state = "post"
            elif self.name:
                self.state = "post"
            self.expects = False
            self.last = after
            return after + 1
        if form == "." and k > self.first and len(tokens.words[k - 1]) <= 2:
            return k + 1
        if form in "،,؛-–—" and k > self.first and not self.expects and self.appositions < 2:
            return self._apposition(k)
        if form == "(" and k + 2 < self.stop and tokens.words[k + 2] == ")" and k > self.first:
            self.last = k + 3
            return k + 3
        if form[0].isdigit() and self.expects:
            self.last = k + 1
            return k + 1
        return k

    def _apposition(self, k: int) -> int:
        """Whether «، …» goes on with the same person: a name after a title, a title after a name, closed by a mark or stop."""
        tokens = self.t
        if k + 1 >= self.stop or self.state == "start":
            return k
        info = tokens.infos[k + 1]
        if info.conjunction and self.state == "post" and info.noun is not None and info.noun.cls == "title":
            self.expects = not info.definite
            self.last = k + 2
            return k + 2
        if info.function or info.preposition or info.conjunction or info.participle_cue:
            return k
        title = info.noun is not None and info.noun.cls in ("title", "honorific")
        if self.name and not (title or info.nationality):
            return k
        if not self.name and not (info.name >= 0.15 or title or not (info.noun or info.definite)):
            return k
        inner = _PhraseReader(tokens, k + 1, self.stop, 0, self.closed)
        inner.appositions = 2
        mention = inner.read()
        if mention is None or (not self.name and mention.name is None and not title):
            return k
        after = mention.last
        if (
            after < self.stop
            and after + 1 < self.stop
            and tokens.words[after] not in '،,-–—"”»“:.('
            and tokens.infos[after].function
            not in (
                "complementiser",
                "auxiliary",
                "relative",
                "inner",
                "preposition",
                "time",
            )
        ):
            return k
        if not self.name and inner.name:
            self.name = inner.name
        self.gender = self.gender or inner.gender
        self.state = "post"
        self.appositions += 1
        self.last = after
        return after

    def _function(self, k: int, info: Word) -> int:
        name = info.function
        if info.form == "ل" and self._addressed(k):
            return k
        if k == self.first and name == "pronoun":
            self.last = k + 1
            self.head = info
            return k  # a pronoun stands alone
        if name == "determiner" and (k == self.first or (k == self.first + 1 and self.expects and self.head is None)):
            self.expects = True
            self.last = k + 1
            return k + 1
        if name in ("tail", "other") and k > self.first:
            self.last = k + 1
            return k  # and nothing after it
        if name == "inner" and k > self.first and k + 1 < self.stop:
            return self._complement(k, info, self.t.infos[k + 1])
        governs = self.t.infos[self.last - 1].stem in _GOVERNING and info.form == "علي"
        if name == "preposition" and k > self.first and (governs or (self._head_cls() == "document" and info.form in _ABOUT)):
            self.expects = True
            return k + 1
        if name == "oblique" and k > self.first and self._after_honorific(k) and k + 1 < self.stop and self._rare_follows(k + 1):
            self._begin_name(k, info)
            self.last = k + 1
            return k + 1
        if name == "oblique" and self.t.infos[self.last - 1].stem.startswith("موثوق"):
            self.state, self.last = "post", k + 1
            return k + 1  # مصدر موثوق به
        foreign = self._head_cls() == "media" and k + 1 < self.stop and _unknown(self.t.infos[k + 1])
        if name == "particle" and self.expects and foreign:
            self.last = k + 1
            return k + 1  # صحيفة لا ستامبا
        if name == "event" and self.expects:
            self.last = k + 1
            self.expects = False
            return k + 1
        return k

    def _complement(self, k: int, info: Word, follower: Word) -> int:
        """«باسم …», «في …», «من …»: a part of the description, or, where a name follows later, perhaps one."""
        quoted = self.t.starts[k + 1] in self.t.opens
        if follower.function or not (follower.form[0].isalpha() or quoted):
            return k
        if info.form == "في" and follower.noun is not None and follower.noun.cls == "document" and not follower.definite:
            return k
        if info.form == "عن" and not (
            self.expects or self.state == "post" or self.t.infos[self.last - 1].stem in _GOVERNING_FROM
        ):
            return k
        if info.form == "ل" and (follower.form[0].isascii() or (follower.noun is not None and follower.noun.cls == "media")):
            return k
        if not (info.form == "باسم" or self.expects or self._takes_complement()):
            heads = ("title", "honorific", "organisation", "document")
            if self.name or self.tentative or self.head is None or self._head_cls() not in heads:
                return k
            if not (self._head_cls() in ("organisation", "document") and self.closed and info.form == "في"):
                self.tentative = self.last
        if self._head_cls() == "document" and info.form in ("ل", "عن", "من") and not self.issuer:
            self.issuer = k + 1
        self.expects = True
        return k + 1

    def _addressed(self, k: int) -> bool:
        """Whether «لـ«الشرق الأوسط»» is the paper spoken to: everywhere but after an office (الرئيس التنفيذي لـ«إعمار»)."""
        marked = k + 1 < self.stop and self.t.starts[k + 1] in self.t.opens
        office = self.head is not None and self.head.stem in _OFFICES and not self.name and self._head_cls() != "document"
        return marked and not office

    def _takes_complement(self) -> bool:
        """Whether «في …» or «من …» still describes the person: مسؤول في البنتاغون, but not «قال الوزير في باريس»."""
        before = self.t.infos[self.last - 1]
        if self.state == "post" or before.stem in _GOVERNING:
            return True
        if self.name or self.head is None:
            return False
        if self.head.stem in _EXPERTS or self.t.words[self.first] in _SOME:
            return True
        return not any(self.t.infos[n].definite for n in range(self.first, self.last))

    def _word(self, k: int, info: Word) -> int:
        if k > self.first and (info.reports or info.verb) and self._after_honorific(k) and self.state == "title":
            self._begin_name(k, info)
            self.last = k + 1
            return k + 1
        if info.reports or (
            info.verb and not (self.closed and self.state == "name" and self.name[1] - self.name[0] == 1 and self._last_word(k))
        ):
            return k
        joined = info.conjunction and self.head is not None and self.head.owned  # «مؤسسها ورئيسها»
        if info.owned and k > self.first and not self.expects and not joined:
            return k  # «استقبل الرئيس مستشاره»
        complete = self.state == "title" and not self.expects and self._head_cls() in ("title", "group")
        if info.form[0].isascii() and self.closed and complete:
            return k  # «أبلغ مسؤول بارز CNN»
        if k != self.first:
            if info.conjunction:
                return self._joined(k, info)
            inside = info.name >= 0.5 and self.state == "name" and info.preposition != "ل"  # not «العمير للنعيمي»
            if info.preposition and not inside and (info.noun is not None or not self._after_honorific(k)):
                return self._attached(k, info)
        elif info.organisation and self._body(k):
            return self.last
        if not _STEPS[self.state](self, k, info):
            return k
        self.last = max(self.last, k + 1)
        return self.last

    def _after_honorific(self, k: int) -> bool:
        before = self.t.infos[k - 2 if self.t.words[k - 1] == "." else k - 1]
        return before.noun is not None and before.noun.cls == "honorific" and not self.t.infos[k].definite

    def _body(self, k: int) -> bool:
        """A body that the lexicon lists by name: all its words at once."""
        info = self.t.infos[k]
        rest = info.form[info.clitics :] if not info.preposition else ("ال" if info.definite else "") + info.stem
        for words in sorted(self.t.bodies.get(rest, ()), key=len, reverse=True):
            if k + len(words) <= self.stop and all(self.t.words[k + n] == words[n] for n in range(1, len(words))):
                self.head = info
                self.listed = self.t.lexicon.organisations[words]
                self.gender = self.listed.gender
                self.name = [k, k + len(words)]
                self.state = "post"
                self.last = k + len(words)
                return True
        return False

    def _start(self, k: int, info: Word) -> bool:
        noun = info.noun
        self.head = info
        if noun is not None and not (
            not info.definite
            and (
                (_is_name(info) and noun.cls not in ("title", "honorific", "organisation"))
                or (info.stem in _NAMING and self._name_follows(k + 1))
            )
        ):
            self.gender, self.number = noun.gender, noun.number
            self.expects = not info.definite and noun.cls != "honorific"
            self.state = "title"
        elif _is_name(info) or (_unknown(info) and self._no_verb(k, info)) or noun is not None:
            self._begin_name(k, info)
        else:
            self.state = "title"
            self.expects = not info.definite
        return True

    def _attached_unknown(self, k: int, info: Word) -> bool:
        """A rare word with attached ل or ب: «الوكالة الوطنية لتقنين المواصلات», «الوزارة بتارودانت»."""
        if info.known or info.name > 0 or len(info.form) < 5 or self._after_honorific(k):
            return False
        if info.form[0] == "ل":
            return self._wants_more(k + 1)
        return info.form[0] == "ب" and not (k + 1 < self.stop and self._rare_follows(k + 1))

    def _no_verb(self, k: int, info: Word) -> bool:
        """A rare word that may be a verb (يستقيل، نتشرف) is a name only with another one behind it."""
        return not info.form.startswith(("ي", "نت")) or (k + 1 < self.stop and self._rare_follows(k + 1))

    def _rare_follows(self, k: int) -> bool:
        return _is_name(self.t.infos[k]) or _unknown(self.t.infos[k])

    def _rare_name(self, k: int, info: Word) -> bool:
        """A word that is a name now and then (خميس), before one that surely is."""
        return info.name >= 0.1 and k + 1 < self.stop and self._rare_follows(k + 1)

    def _name_follows(self, k: int) -> bool:
        """Whether the next word is a name, so that «سيد» before it is one too (سيد خطاب), and no title (سيد القصر)."""
        return k < self.stop and _is_name(self.t.infos[k]) and not self.t.infos[k].definite

    def _after_title(self, k: int, info: Word) -> bool:
        noun = info.noun
        before = self.t.infos[k - 1]
        if (_is_name(info) or info.name >= 0.3) and is_eponym(self.t, k):
            self.expects = False
        elif info.stem in _NAMING and not info.definite and self._after_honorific(k):
            self._begin_name(k, info)
        elif noun is not None and noun.cls == "honorific" and not (_is_name(info) and info.name >= 0.8):
            self.expects = False
            self.gender = noun.gender
        elif self.expects:
            self.expects = not (info.definite or info.nationality) and (noun is not None or self._wants_more(k + 1))
        elif info.definite:
            adjective = before is not self.head and (before.nationality or before.stem.endswith("يه"))  # «لجنة برلمانية الحكومة»
            if (before.definite or adjective) and _begins_other(info):
                return False
            if before.definite and info.stem.endswith("ه") and self._of_men(k):
                return False  # «الرئيس الجلسة»
            head_only = before is self.head or (before.noun is not None and before.noun.cls == "honorific")
            follows = k + 1 < self.stop and _is_name(self.t.infos[k + 1]) and not self.t.infos[k + 1].definite
            if (
                head_only
                and before.definite
                and noun is None
                and not info.nationality
                and (info.name >= 0.6 or (_unknown(info) and not follows))
            ):
                self._begin_name(k, info)
        elif any(self.t.infos[n].definite for n in range(self.first, k)) or self._head_cls() == "honorific":
            if noun is not None and noun.cls in ("title", "honorific") and not _is_name(info):
                self.expects = True  # another title: الرئيس التنفيذي رئيس مجلس الإدارة
            elif self._head_cls() == "media" and _unknown(info) and not before.known:
                pass  # a foreign paper: صحيفة ألموندو ديبورتيفو
            elif self._attached_unknown(k, info):
                self.expects = self._wants_more(k + 1)
            elif (
                _is_name(info)
                or (_unknown(info) and self._no_verb(k, info))
                or self._after_honorific(k)
                or self._rare_name(k, info)
            ) and self._head_cls() not in ("organisation", "document", "group", "media"):
                self._begin_name(k, info)
            else:
                return False
        elif _is_name(info) and info.name >= 0.6 and not info.nationality and self._head_cls() == "title":
            self._begin_name(k, info)
        return True

    def _of_men(self, k: int) -> bool:
        """Whether all words before a feminine one are masculine singular nouns, so that it describes none of them."""
        nouns = [self.t.infos[n].noun for n in range(self.first, k)]
        return all(noun is not None and (noun.gender, noun.number) == ("m", "s") for noun in nouns)

    def _in_body(self, k: int) -> bool:
        """Whether the last noun before ``k`` is a body, which can take a complement with ل: الشركة الوطنية للإذاعة."""
        nouns = (self.t.infos[n].noun for n in range(k - 1, self.first, -1))
        last = next((n for n in nouns if n is not None), None)
        return last is not None and last.cls == "organisation"

    def _wants_more(self, k: int) -> bool:
        """Whether a word without article is followed by its complement at ``k``: شؤون الرئاسة."""
        if k >= self.stop:
            return False
        info = self.t.infos[k]
        return info.definite and not info.conjunction and not info.preposition and not info.nationality

    def _after_name(self, k: int, info: Word) -> bool:
        noun = info.noun
        count = self.name[1] - self.name[0]
        title = noun is not None and noun.cls in ("title", "honorific")
        if self.t.words[k - 1] in _NAME_PARTS and not info.definite:
            self.name[1] = k + 1
        elif info.stem in _GOVERNING and info.definite:
            self.state = "post"
        elif info.stem in _NAMING and not info.definite:
            self.name[1] = k + 1
        elif title and not (info.name >= 0.5 and not info.definite) and not (count == 1 and info.definite and info.name >= 0.3):
            self.state = "post"
            self.expects = not info.definite
        elif info.definite and (
            (info.nationality and info.name < 0.3)
            or (count > 1 and self.t.infos[k - 1].definite and self.t.words[k - 2] not in _NAME_PARTS)
        ):
            self.state = "post"
        elif (count < 7 and (_is_name(info) or _unknown(info) or (info.definite and info.name >= 0.2))) or (
            count < 3
            and (
                info.name >= 0.3
                or self._rare_name(k, info)
                or (self.closed and self._may_be_surname(info, count) and self._last_word(k))
            )
        ):
            self.name[1] = k + 1
        else:
            return False
        return True

    def _may_be_surname(self, info: Word, count: int) -> bool:
        """Whether a word that is no name elsewhere can be the last of one: not with an attached pronoun (محاضرته)."""
        if info.form[0] == "و" or (len(info.form) > 4 and info.form.endswith(_SUFFIXES)):
            return False
        return count < 2 or not (info.definite and info.known and info.name < 0.2)

    def _last_word(self, k: int) -> bool:
        """Whether nothing of the phrase can follow a word."""
        if k + 1 >= self.stop:
            return True
        after = self.t.infos[k + 1]
        if after.noun is not None and after.noun.cls in ("title", "honorific") and not after.preposition:
            return True
        return after.form in "،,:-–—" or after.function in (
            "inner",
            "preposition",
            "time",
            "relative",
            "complementiser",
            "auxiliary",
        )

    def _after_all(self, k: int, info: Word) -> bool:
        before = self.t.infos[k - 1]
        if not self.expects and before.definite and info.definite and _begins_other(info):
            return False
        if self.expects or info.definite or info.noun is not None or info.nationality:
            self.expects = not info.definite and (info.noun is not None or self.closed or self._wants_more(k + 1))
            return True
        return False

    def _head_cls(self) -> str:
        return self.head.noun.cls if self.head is not None and self.head.noun is not None else ""

    def _begin_name(self, k: int, info: Word) -> None:
        self.name = [k, k + 1]
        self.state = "name"
        given = "f" if info.form in ("ام", "بنت") else "m" if info.form in ("ابو", "ابي", "ابا") else info.name_gender
        self.gender = given if given == "f" else self.gender or given  # women are also called عضو and رئيس

    def _joined(self, k: int, info: Word) -> int:
        """«و» before another noun: وزير الخارجية والتعاون، أحمد ومحمد."""
        if info.noun is None and info.name < 0.5 and (info.cues or not (info.definite or info.nationality)):
            return k
        if self.state == "name" and info.name < 0.5:
            self.state = "post"
        self.expects = info.noun is not None and not info.definite
        self.last = k + 1
        return k + 1

    def _attached(self, k: int, info: Word) -> int:
        """An attached ب or ل: «مدير التعليم بمحافظة جدة», «الأمين العام للأمم المتحدة», but not «قال فلان لرويترز»."""
        if self.state == "name" or self.head is None or info.preposition == "ك":
            return k
        if self.name and self.state != "post":
            return k
        cls = info.noun.cls if info.noun is not None else ""
        if is_event(info.stem) or cls == "document" or any(c.pos == "masdar" for c in info.cues):
            return k
        head = self._head_cls()
        expert = self.head.stem in _EXPERTS or self.t.infos[self.last - 1].stem in _GOVERNING
        if info.preposition == "ب" and not cls and _VERBAL.fullmatch(info.stem) and not expert:
            return k  # «بلدية أبوظبي بتطبيق القانون»
        if info.preposition == "ل" and head != "document" and not self.appositions and self.state != "post":
            body = head == "organisation" and info.definite and cls != "title"
            if not body and (
                cls in ("title", "media", "group") or info.nationality or (head == "group" and not self._in_body(k))
            ):
                return k
            if not info.definite and not cls and not self._wants_more(k + 1):
                return k
        if head == "document" and info.preposition == "ل" and not self.issuer:
            self.issuer = k
        if (
            info.preposition == "ب"
            and not self.tentative
            and not self.appositions
            and self.head.definite
            and not self._takes_complement()
        ):
            self.tentative = self.last
        self.expects = info.noun is not None and not info.definite
        self.last = k + 1
        return k + 1

    def _name_of_media(self) -> None:
        """«صحيفة واشنطن بوست الأمريكية» is called واشنطن بوست; «وكالة الأنباء السعودية» has no shorter name."""
        infos = self.t.infos
        end = next((k for k in range(self.first + 2, self.last) if infos[k].function), self.last)
        while end > self.first + 1 and infos[end - 1].definite and infos[end - 1].nationality:
            end -= 1
        if infos[self.first + 1].nationality and not infos[self.first + 1].definite:
            return  # إذاعة إسبانية
        if end > self.first + 1 and not (
            infos[self.first + 1].definite and infos[self.first + 1].known and not infos[self.first + 1].organisation
        ):
            self.name = [self.first + 1, end]

    def _subject(self) -> bool:
        """Whether a verb stands right before: a known one, or an unknown word that opens its clause («من جهته، هنأ …»)."""
        t, k = self.t, self.first - 1
        if k < t.first(self.first):
            return False
        info = t.infos[k]
        if info.verb or info.verb_cue:
            return True
        opens = k == t.first(k) or t.words[k - 1] in "،,"
        known = info.function or info.noun or info.definite or info.name or info.preposition
        return opens and info.form[0].isalpha() and not known

    def _fresh(self, form: PhraseForm) -> bool:
        infos = self.t.infos[self.first : self.last]
        if any(i.function == "other" for i in infos) or infos[0].form in _SOME:
            return True
        return form in ("title", "group") and not self.name and not any(i.definite for i in infos)

    def _governed(self) -> bool:
        t = self.t
        if t.infos[self.first].preposition:
            return True
        before = t.infos[self.first - 1] if self.first > t.first(self.first) else None
        return before is not None and before.function in ("inner", "preposition")

    def _number(self) -> Number | None:
        if not self.name:
            return self.number
        several = any(info.conjunction for info in self.t.infos[self.name[0] + 1 : self.name[1]])
        return "d" if several else self.number or "s"  # «عفراء وموزة الطنيجي»

    def mention(self) -> Mention | None:
        """The phrase as far as it was read."""
        t = self.t
        if self.last == self.first:
            return None
        if self.head is None and self.last - self.first < 2:
            return None
        head = self.head
        if (
            self._head_cls() == "media"
            and not self.name
            and head is not None
            and not head.definite
            and self.last - self.first > 1
        ):
            self._name_of_media()
        if (
            self.issuer
            and self.issuer < self.last
            and not self.name
            and _speaks(t.infos[self.issuer])
            and "لل" not in t.words[self.issuer][:3]
        ):
            self.name = [self.issuer, self.last]
        start = t.starts[self.first] + self.skip
        end = t.end(self.last - 1)
        if start in t.opens:
            start = t.opens[start].inner[0]
        name = None
        if self.name:
            inside = (
                self.skip if self.name[0] == self.first else t.infos[self.name[0]].clitics if self.name[0] == self.issuer else 0
            )
            name = (t.starts[self.name[0]] + inside, t.end(self.name[1] - 1))
        cls = "organisation" if self.listed is not None else self._head_cls()
        form: PhraseForm
        kind: SpeakerKind = "person"
        if head is not None and head.function == "pronoun":
            form = "pronoun"
            self.gender, self.number = _PRONOUNS.get(head.form.lstrip("وف"), (None, None))
        elif cls in ("organisation", "media", "place_metonym"):
            form, kind = "organisation", "organisation"
        elif cls == "document":
            form, kind = "document", "organisation"
        elif cls == "group" or (cls == "title" and self.number == "p" and not self.name):
            form, kind = "group", "group"
        elif self.name and self.name[0] == self.first:
            form = "name"
        elif cls in ("title", "honorific"):
            form = "title"
        else:
            form = "other"
        if form == "group" and t.infos[self.first].stem in ONE:
            self.gender, self.number = ONE[t.infos[self.first].stem], "s"  # «أحد المشايخ»
        if form == "group" and self.number == "s":
            kind = "person"
        infos = t.infos[self.first : self.last]
        return Mention(
            start=start,
            end=end,
            kind=kind,
            form=form,
            name=name,
            head=head.stem if head is not None and form != "name" else "",
            gender=self.gender,
            number=self._number(),
            definite=bool(head is not None and head.definite),
            words=_stems(infos),
            governed=self._governed(),
            subject=self._subject(),
            same=any(info.function == "tail" for info in infos) or t.words[self.first] in _SAME,
            fresh=self._fresh(form),
            sentence=t.sentence[self.first],
            paragraph=t.paragraph[self.first],
            first=self.first,
            last=self.last,
        )


_STEPS: Mapping[str, Callable[[_PhraseReader, int, Word], bool]] = {
    "start": _PhraseReader._start,
    "title": _PhraseReader._after_title,
    "name": _PhraseReader._after_name,
    "post": _PhraseReader._after_all,
}

_PRONOUNS: Mapping[str, tuple[Gender, Number]] = {
    "هو": ("m", "s"),
    "هي": ("f", "s"),
    "هم": ("m", "p"),
    "هما": ("m", "d"),
    "هن": ("f", "p"),
    **dict.fromkeys(("سموه", "معاليه", "سعادته", "سيادته", "جلالته", "فخامته", "فضيلته", "دولته", "نيافته", "غبطته"), ("m", "s")),
    **dict.fromkeys(("سموها", "معاليها", "سعادتها"), ("f", "s")),
}


def _is_name(info: Word) -> bool:
    return info.name >= 0.5 or info.form in _NAME_PARTS


def _speaks(info: Word) -> bool:
    """Whether a word begins the name of a body or person that can issue a document."""
    return (
        info.organisation
        or info.name >= 0.5
        or (info.noun is not None and info.noun.cls in ("organisation", "media", "title", "honorific"))
    )


def _begins_other(info: Word) -> bool:
    """A body or paper with article after a complete phrase: the object of the verb («انتقدت المعارضة الحكومة»), no adjective."""
    return info.noun is not None and info.noun.cls in _BODIES and not info.stem.endswith(("يه", "ي"))


def _unknown(info: Word) -> bool:
    """A word that news hardly uses otherwise, and so may be a name."""
    form = info.form
    if info.known or info.noun is not None or info.nationality or info.verb or len(form) < 3 or form[0] == "و":
        return False
    if form[0] in "لسي" and form[1:] in news_words()[1]:
        return False  # ليؤكد، سيصل
    if form.startswith("لت") or (form[0] == "ل" and len(form) > 4 and form[1:] in news_words()[0]):
        return False  # لتستعد، لمساعدة
    return not (len(form) > 4 and form.endswith(_SUFFIXES)) and not form.endswith("وا")


def is_event(stem: str) -> bool:
    """Whether a word names an occasion of speech (تصريح، مؤتمر), which is an adverbial and no part of a phrase."""
    return function_words().get(stem) == "event"
