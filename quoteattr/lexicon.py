"""The words that report speech, and the words that name who speaks.

A small table a lemma (``data/verbs.tsv``) is inflected by rule into all forms that news uses; patterns of
prepositions (``data/prepositions.tsv``) and nouns of saying (``data/report_nouns.tsv``) join them. Every form is a
`CueForm`, folded as `quoteattr.text.fold` does, so that spelling with and without hamza or diacritics is one entry.

How to read a text with it:

- Take folded words (``[LETTERS]+``). `Lexicon.lookup` gives the readings of one word, a leading و or ف taken off;
  `Lexicon.match` gives those that fit a sequence of words, longest first, so that «علي حد قوله» is found before
  anything shorter. Most words have none.
- ``takes`` are the prepositions that belong to the form: «اشار» + «الي» is one cue where the next word is الي or
  الي ان; a one-letter preposition (ب, ل) stands attached to the next word.
- ``follows`` says what a preposition must be followed by to be a cue: ``"source"`` a noun phrase («بحسب» الوزير;
  with ``takes == ("ل",)`` a noun phrase with attached ل, «وفقا» للوزير), ``"verb"`` a word of which `lookup` knows
  a verb reading («بحسب ما» ذكره الوزير: that verb belongs to the cue), ``"clause"`` a complementiser («بدعوي» أن).
- ``pronoun`` says that the one who speaks is attached to the form («قوله», «علي حد قوله»): no source stands beside it.
- ``impersonal`` says that the form has a reading without anybody who speaks («قيل», «يذكر»): directly followed by a
  complementiser it reports nobody.
- ``quoted_only`` forms («وصف», «اشاد ب») report only where quotation marks follow.
- A noun («بيان», «تصريحه») is a cue in a frame: «في بيان له», «جاء في بيان»; the word before it decides.

The same word may have several readings (ورد: the verb, or و + رد), and a reading says nothing about what the word
means where it stands: «بين» is a preposition far more often than a verb. ``strength`` says how often such a form
followed by a complementiser, a colon or a quotation mark is a report.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal, cast, get_args

from quoteattr.schema import ACTS, SPEAKER_KINDS, Act, SpeakerKind
from quoteattr.text import fold

PartOfSpeech = Literal["verb", "participle", "masdar", "preposition", "noun"]
Gender = Literal["m", "f"]
Number = Literal["s", "d", "p"]
Person = Literal[1, 2, 3]
NounClass = Literal["title", "honorific", "organisation", "media", "document", "group", "place_metonym"]


class LexiconError(ValueError):
    """An entry of a lexicon can't be used; the message names the entry, the field and the reason in one line."""


@dataclass(frozen=True, slots=True)
class CueForm:
    """One inflected form of a reporting word or the fixed beginning of a reporting phrase.

    ``words`` are folded. ``gender``, ``number`` and ``person`` are those of the one who speaks (of the subject of a
    verb or participle, of the pronoun attached to a verbal noun); ``None`` where the form does not say.
    ``strength`` is the probability (0 to 1) that the form reports where a complementiser, a colon or a quotation
    mark follows; ``clause`` says that it reports with أن and a subjunctive too («طالب بأن»). The module's docstring
    says how to use the other fields.
    """

    words: tuple[str, ...]
    lemma: str
    pos: PartOfSpeech
    act: Act
    strength: float
    gender: Gender | None = None
    number: Number | None = None
    person: Person | None = None
    aspect: Literal["perfect", "imperfect"] | None = None
    takes: tuple[str, ...] = ()
    pronoun: bool = False
    object_pronoun: bool = False
    impersonal: bool = False
    quoted_only: bool = False
    follows: Literal["source", "clause", "verb"] | None = None
    clause: bool = False


@dataclass(frozen=True, slots=True)
class NounForm:
    """One form of a noun that can name a speaker. ``cls`` is a `NounClass`, or the kind of a listed organisation."""

    lemma: str
    cls: str
    gender: Gender
    number: Literal["s", "p"]


@dataclass(frozen=True, slots=True)
class NameToken:
    """A word that is part of personal names: how surely (``weight``, 0 to 1), and of whose where that is known."""

    weight: float
    gender: Gender | None


@dataclass(frozen=True, slots=True)
class KnownSpeaker:
    """A speaker that the user names beforehand, with the other strings that denote it anywhere."""

    name: str
    aliases: tuple[str, ...] = ()
    gender: Gender | None = None
    kind: SpeakerKind = "person"


# ---------------------------------------------------------------------------------------------------------------------
# Principal parts: what the rules make of a lemma

_MARKS = re.compile("[\u064b-\u0652\u0670ـ]")
_VOWELS = re.compile("[\u064b-\u0650\u0652\u0670ـ]")
_ARABIC_WORD = re.compile("[ء-ي][\u0651]?(?:[ء-ي]\u0651?)++")
_SHADDA = "\u0651"


@dataclass(frozen=True, slots=True)
class _Root:
    """The letters of a lemma and what its spelling says about the verb."""

    letters: str
    form: Literal["I", "II", "III", "IV", "V", "VIII", "Q"]  # V stands for V and VI, VIII for VII to X
    geminate: bool

    @property
    def hollow(self) -> bool:
        return self.letters[-2] == "ا" and self.form not in ("III", "II") and not self.geminate

    @property
    def defective(self) -> bool:
        return self.letters[-1] in "اىي"


def _root(lemma: str) -> _Root:
    """Tell the verb form (I to X) and the weak class from the spelling of the lemma, its shadda included."""
    doubled = [m.end() - 1 - lemma[: m.end()].count(_SHADDA) for m in re.finditer(_SHADDA, lemma)]
    letters = lemma.replace(_SHADDA, "")
    size, first = len(letters), letters[0]
    geminate = size - 1 in doubled
    if first == "ا":
        return _Root(letters, "VIII", geminate)
    if first == "أ" and (size == 4 or (size == 3 and geminate)):
        return _Root(letters, "IV", geminate)
    if letters[1] == "ا" and (size == 4 or (size == 3 and geminate)):
        return _Root(letters, "III", geminate)
    if first == "ت" and size > 3:
        return _Root(letters, "V", geminate)
    if size > 3:
        return _Root(letters, "Q", geminate)
    return _Root(letters, "II" if size == 3 and 1 in doubled else "I", geminate)


def _imperfect(root: _Root) -> str:
    """The imperfect, third person masculine singular.

    >>> [_imperfect(_root(lemma)) for lemma in "قال دعا نفى وصف أكّد نادى أشار أبدى تمنّى اعتبر استعاد".split()]
    ['يقول', 'يدعو', 'ينفي', 'يصف', 'يؤكد', 'ينادي', 'يشير', 'يبدي', 'يتمنى', 'يعتبر', 'يستعيد']
    """
    letters = root.letters
    stem = letters[1:] if root.form in ("IV", "VIII") else letters
    if root.form == "I":
        if root.hollow:
            return f"ي{stem[0]}و{stem[2]}"
        if root.defective:
            return "ي" + stem[:-1] + {"ا": "و", "ى": "ي", "ي": "ى"}[stem[-1]]
        return "ي" + (stem[1:] if stem[0] == "و" else stem)
    if root.form == "V":
        return "ي" + stem
    if root.form == "II" and stem[0] == "أ":
        stem = "ؤ" + stem[1:]
    if root.hollow and (root.form == "IV" or letters.startswith("است")):
        return f"ي{stem[:-2]}ي{stem[-1]}"
    if root.defective:
        stem = stem[:-1] + "ي"
    elif stem[-1] == "أ":
        stem = stem[:-1] + "ئ"
    return "ي" + stem


def _participle(root: _Root, imperfect: str) -> str:
    """The active participle, masculine singular, with its ي where it ends in one (داعي).

    >>> [_participle(r, _imperfect(r)) for r in map(_root, "قال دعا ذكر ردّ سأل أكّد أضاف تمنّى اعتبر".split())]
    ['قائل', 'داعي', 'ذاكر', 'راد', 'سائل', 'مؤكد', 'مضيف', 'متمني', 'معتبر']
    """
    if root.form != "I":
        stem = imperfect[1:]
        return "م" + (stem[:-1] + "ي" if stem[-1] == "ى" else stem)
    first, middle, last = root.letters[0], root.letters[1], root.letters[-1]
    if root.geminate:
        return f"{first}ا{last}"
    if root.hollow:
        return f"{first}ائ{last}"
    start = "آ" if first == "أ" else f"{first}ا"
    middle = "ئ" if middle == "أ" else middle
    return start + middle + ("ي" if root.defective else "ئ" if last == "أ" else last)


def _masdar(root: _Root) -> str:
    """The verbal noun; empty for form I, where no rule gives it.

    >>> " ".join(_masdar(_root(lemma)) for lemma in "صرّح سمّى طالب أعلن أشار أبدى أقرّ أوضح توقّع اعترف ادّعى".split())
    'تصريح تسمية مطالبة إعلان إشارة إبداء إقرار إيضاح توقع اعتراف ادعاء'
    """
    letters = root.letters
    last = letters[-1]
    if root.form == "I":
        return ""
    if root.form == "II":
        return f"ت{letters[:2]}ية" if root.defective else f"ت{letters[:2]}ي{last}"
    if root.form == "III":
        return f"م{letters[:-1]}اة" if root.defective else f"م{letters}ة"
    if root.form == "V":
        return letters[:-1] + "ي" if root.defective else letters
    if root.form == "Q":
        return letters + "ة"
    if root.form == "IV":
        letters = ("إي" + letters[2:]) if letters[1] == "و" else "إ" + letters[1:]
    if root.hollow:
        return letters + "ة" if root.form == "IV" or letters.startswith("است") else f"{letters[:-2]}يا{last}"
    if root.defective:
        return letters[:-1] + "اء"
    return f"{letters}ا{last}" if root.geminate else f"{letters[:-1]}ا{last}"


# ---------------------------------------------------------------------------------------------------------------------
# Inflection: principal parts to folded forms

_Features = tuple[Gender | None, Number | None, Person | None]
_3MS: _Features = ("m", "s", 3)
_3FS: _Features = ("f", "s", 3)
_3MD: _Features = ("m", "d", 3)
_3FD: _Features = ("f", "d", 3)
_3MP: _Features = ("m", "p", 3)
_3FP: _Features = ("f", "p", 3)
_1S: _Features = (None, "s", 1)
_1P: _Features = (None, "p", 1)
_OBJECTS = ("ه", "ها", "هم", "ني", "نا")
_POSSESSIVES: tuple[tuple[str, _Features], ...] = (
    ("ه", _3MS),
    ("ها", _3FS),
    ("هم", _3MP),
    ("هما", (None, "d", 3)),
    ("هن", _3FP),
    ("نا", _1P),
)
_Form = tuple[str, _Features]


def _join(stem: str, ending: str) -> str:
    """Write two folded parts as one word; two alefs become one (رأى + ا: رآه)."""
    if ending[:1] == "ا" and stem[-1:] == "ا":
        return stem + ending[1:]
    return stem + ending


def _perfect_forms(root: _Root) -> list[_Form]:
    """The perfect, most frequent form first; where two have the same letters the first is meant.

    >>> [word for word, _ in _perfect_forms(_root("دعا"))]
    ['دعا', 'دعت', 'دعوا', 'دعوا', 'دعتا', 'دعون', 'دعوت', 'دعونا']
    """
    whole = fold(root.letters)
    before_vowel = before_consonant = whole
    feminine = plural = whole
    if root.defective:
        feminine = plural = whole[:-1]
        if root.letters[-1] == "ي":
            feminine = whole
        glide = "و" if root.letters[-1] == "ا" and whole[-2] != "ي" else "ي"
        before_vowel = before_consonant = whole[:-1] + glide
    elif root.hollow:
        before_consonant = whole[:-2] + ("ي" if whole[-1] == "ء" else whole[-1])
    elif root.geminate:
        before_consonant = whole + whole[-1]

    def consonant(ending: str) -> str:
        return before_consonant + (ending[1:] if before_consonant[-1] == ending[0] else ending)

    return [
        (whole, _3MS),
        (feminine + "ت", _3FS),
        (plural + "وا", _3MP),
        (_join(before_vowel, "ا"), _3MD),
        (feminine + "تا", _3FD),
        (consonant("ن"), _3FP),
        (consonant("ت"), _1S),
        (consonant("نا"), _1P),
    ]


def _imperfect_forms(imperfect: str, root: _Root) -> list[_Form]:
    """The imperfect: bare, with the سـ of the future, and in the third person singular with لـ («ليضيف أن»).

    >>> [word for word, _ in _imperfect_forms("ينفي", _root("نفى"))][:8]
    ['ينفي', 'تنفي', 'ينفون', 'ينفوا', 'ينفيان', 'تنفيان', 'ينفين', 'انفي']
    """
    stem = fold(imperfect)[1:]
    plural = stem[:-1] if imperfect[-1] in "ويى" else stem
    feminine_plural = stem
    if root.geminate:
        feminine_plural = stem + stem[-1]
    elif root.hollow and stem[-2] in "ايو":
        feminine_plural = stem[:-2] + stem[-1]
    forms: list[_Form] = [
        ("ي" + stem, _3MS),
        ("ت" + stem, _3FS),
        (f"ي{plural}ون", _3MP),
        (f"ي{plural}وا", _3MP),
        (f"ي{stem}ان", _3MD),
        (f"ت{stem}ان", _3FD),
        (f"ي{feminine_plural}" + ("" if feminine_plural[-1] == "ن" else "ن"), _3FP),
        (_join("ا", stem), _1S),
        ("ن" + stem, _1P),
    ]
    future = [("س" + word, features) for word, features in forms if not word.endswith("وا")]
    return forms + future + [("ل" + word, features) for word, features in forms[:2]]


def _with_objects(imperfect: str, root: _Root) -> Iterator[tuple[str, _Features, Literal["perfect", "imperfect"]]]:
    """Third-person forms with an attached object pronoun (وصفه, قالته, ذكروه, يعتبرها, يصفونه)."""
    whole = fold(root.letters)
    before = _join(whole[:-1], "ا") if root.letters[-1] == "ى" else whole
    feminine, plural = (word for word, _ in _perfect_forms(root)[1:3])
    stem = fold(imperfect)[1:]
    vowelled = _join(stem[:-1], "ا") if imperfect[-1] == "ى" else stem
    masculine_plural = _imperfect_forms(imperfect, root)[2][0]
    for pronoun in _OBJECTS:
        yield before + pronoun, _3MS, "perfect"
        yield feminine + pronoun, _3FS, "perfect"
        yield plural[:-1] + pronoun, _3MP, "perfect"
        yield f"ي{vowelled}{pronoun}", _3MS, "imperfect"
        yield f"ت{vowelled}{pronoun}", _3FS, "imperfect"
        yield masculine_plural + pronoun, _3MP, "imperfect"


def _passive_forms(imperfect: str, root: _Root) -> list[tuple[str, Literal["perfect", "imperfect"]]]:
    """The passive where news uses it without a source: imperfect, and perfect where its letters differ from the active.

    >>> _passive_forms("يقول", _root("قال")), _passive_forms("يذكر", _root("ذكر"))
    ([('يقال', 'imperfect'), ('قيل', 'perfect')], [('يذكر', 'imperfect')])
    """
    folded = fold(imperfect)
    if not root.hollow:
        return [(folded, "imperfect")]
    whole = fold(root.letters)
    return [(f"{folded[:-2]}ا{folded[-1]}", "imperfect"), (f"{whole[:-2]}ي{whole[-1]}", "perfect")]


def _participle_forms(participle: str) -> list[tuple[str, _Features, bool]]:
    """The active participle as an adverb (accusative), and the forms that are only nominative, marked ``True``.

    >>> [word for word, _, nominative in _participle_forms("مضيف") if not nominative]
    ['مضيفا', 'مضيفه', 'مضيفين', 'مضيفات', 'مضيفتين']
    """
    whole = fold(participle)
    base = whole[:-1] if participle[-1] == "ي" else whole
    forms: list[tuple[str, _Features, bool]] = [
        (whole + "ا", ("m", "s", None), False),
        (whole + "ه", ("f", "s", None), False),
        (base + "ين", ("m", "p", None), False),
        (whole + "ات", ("f", "p", None), False),
        (whole + "تين", ("f", "d", None), False),
    ]
    if participle[0] == "م":  # elsewhere it is the name of an agent: كاتب, طالب
        forms += [
            (base, ("m", "s", None), True),
            (base + "ون", ("m", "p", None), True),
            (whole + "ان", ("m", "d", None), True),
            (whole + "تان", ("f", "d", None), True),
        ]
    return forms


def _with_possessives(noun: str) -> Iterator[_Form]:
    """A noun with attached pronouns; one that ends in hamza in its three spellings (ادعاءه, ادعائه, ادعاؤه).

    >>> [word for word, _ in _with_possessives("إشارة")]
    ['اشارته', 'اشارتها', 'اشارتهم', 'اشارتهما', 'اشارتهن', 'اشارتنا']
    """
    whole = fold(noun)
    bases = [whole]
    if noun[-1] == "ة":
        bases = [whole[:-1] + "ت"]
    elif noun[-1] == "ى":
        bases = [whole[:-1] + "ا"]
    elif noun[-1] == "ء":
        bases += [whole[:-1] + "ي", whole[:-1] + "و"]
    return ((base + pronoun, features) for base in bases for pronoun, features in _POSSESSIVES)


def _noun_forms(noun: str) -> Iterator[tuple[str, _Features, bool]]:
    """A noun of saying: bare, with the article, with attached pronouns (marked ``True``), each after ب, ل and ك too.

    >>> [word for word, _, _ in _noun_forms("قول")][:9]
    ['قول', 'بقول', 'لقول', 'القول', 'بالقول', 'للقول', 'قوله', 'بقوله', 'لقوله']
    """
    whole = fold(noun)
    for prefix in ("", "ب", "ل", "ال", "بال", "لل"):
        yield prefix + whole, (None, None, None), False
    for word, features in _with_possessives(noun):
        for prefix in ("", "ب", "ل", "ك"):
            yield prefix + word, features, True


# ---------------------------------------------------------------------------------------------------------------------
# Entries of the tables

_FLAGS = ("object", "impersonal", "quoted", "clause")
_VERB_FIELDS = (
    "lemma",
    "imperfect",
    "participle",
    "masdar",
    "takes",
    "flags",
    "act",
    "strength",
    "participle_strength",
    "masdar_strength",
    "homographs",
)
_NOMINATIVE = 0.3  # how much weaker «هو مؤكد» reports than «مؤكدا»
_FIRST_PERSON = 0.5  # and «نؤكد» than «يؤكد»: the writer's own words, or speech within speech


def _verb_forms(record: Mapping[str, Any], where: str) -> Iterator[CueForm]:
    """All forms of one verb, from a row of ``verbs.tsv`` or a user's entry with the same fields."""
    _only(record, _VERB_FIELDS, where)
    spelled = _VOWELS.sub("", _text(record, "lemma", where))
    if not _ARABIC_WORD.fullmatch(spelled) or len(spelled) < 3:
        raise LexiconError(f"{where}: 'lemma' must be one Arabic verb (third person perfect, as أضاف), not {spelled!r}")
    root = _root(spelled)
    imperfect = _part(record, "imperfect", where) or _imperfect(root)
    if imperfect[0] != "ي":
        raise LexiconError(f"{where}: 'imperfect' must be the third person masculine, beginning with ي, not {imperfect!r}")
    participle = _part(record, "participle", where)
    masdar = _part(record, "masdar", where)
    participle = _participle(root, imperfect) if participle is None else participle
    masdar = _masdar(root) if masdar is None else masdar
    takes = tuple(fold(p) for p in _list(record, "takes", where))
    flags = _list(record, "flags", where)
    for flag in flags:
        if flag not in _FLAGS:
            raise LexiconError(f"{where}: 'flags' may hold {', '.join(_FLAGS)}, not {flag!r}")
    strength = _probability(record, "strength", where, 0.8)
    participle_strength = _probability(record, "participle_strength", where, strength)
    masdar_strength = _probability(record, "masdar_strength", where, strength / 2)
    lemma, act = root.letters, _act(record, where)
    quoted, clause, impersonal = "quoted" in flags, "clause" in flags, "impersonal" in flags
    homographs = _homographs(record, where)
    seen: set[str] = set()

    def form(
        word: str,
        features: _Features,
        pos: PartOfSpeech,
        strength: float,
        aspect: Literal["perfect", "imperfect"] | None = None,
        pronoun: bool = False,
        object_pronoun: bool = False,
        impersonal: bool = False,
    ) -> Iterator[CueForm]:
        strength = homographs.get(word, strength)
        if word not in seen and strength > 0:
            seen.add(word)
            yield CueForm(
                (word,), lemma, pos, act, strength, *features, aspect, takes, pronoun, object_pronoun, impersonal,
                quoted, None, clause,
            )  # fmt: skip

    if impersonal:
        for word, aspect in _passive_forms(imperfect, root):
            yield from form(word, _3MS, "verb", strength, aspect, impersonal=True)
    for word, features in _perfect_forms(root):
        yield from form(word, features, "verb", strength, "perfect")
    for word, features in _imperfect_forms(imperfect, root):
        share = round(strength * _FIRST_PERSON, 2) if features[2] == 1 else strength
        yield from form(word, features, "verb", share, "imperfect")
    if "object" in flags:
        for word, features, aspect in _with_objects(imperfect, root):
            yield from form(word, features, "verb", strength, aspect, object_pronoun=True)
    if participle:
        seen.clear()
        for word, features, nominative in _participle_forms(participle):
            share = round(participle_strength * _NOMINATIVE, 2) if nominative else participle_strength
            yield from form(word, features, "participle", share)
    if masdar:
        seen.clear()
        for word, features, pronoun in _noun_forms(masdar):
            yield from form(word, features, "masdar", masdar_strength, pronoun=pronoun)


def _homographs(record: Mapping[str, Any], where: str) -> dict[str, float]:
    """The forms that are mostly another word, folded, with the strength they have as a cue (0: left out)."""
    found = {}
    for entry in _list(record, "homographs", where):
        word, _, strength = entry.partition("=")
        found[fold(word)] = _probability({"homographs": strength}, "homographs", where, 0.0)
    return found


def _report_noun_forms(record: Mapping[str, Any], where: str) -> Iterator[CueForm]:
    """The forms of a noun of saying that is a cue by itself: singular and plural, with and without pronoun."""
    if "alone" not in _list(record, "use", where):
        return
    lemma, act = _text(record, "noun", where), _act(record, where)
    strength = _probability(record, "strength", where, 0.3)
    for noun in (lemma, *_list(record, "plural", where)):
        for word, features, pronoun in _noun_forms(noun):
            yield CueForm((word,), lemma, "noun", act, strength, *features, pronoun=pronoun)


def _preposition_forms(record: Mapping[str, Any], measures: Sequence[str], where: str) -> Iterator[CueForm]:
    """The forms of a pattern of ``prepositions.tsv``; ``{noun}`` in it stands for each of ``measures``."""
    pattern = _text(record, "pattern", where)
    act, strength = _act(record, where), _probability(record, "strength", where, 0.5)
    words = pattern.split()
    last = words[-1]
    fixed = tuple(fold(w) for w in words[:-1])
    lemma = " ".join(w for w in words if w[0] != "{" and w != "ل+" and w != "أن")

    def form(
        words: tuple[str, ...],
        follows: Literal["source", "clause", "verb"] | None,
        features: _Features = (None, None, None),
        takes: tuple[str, ...] = (),
    ) -> CueForm:
        return CueForm(
            words, lemma, "preposition", act, strength, *features, takes=takes, pronoun=follows is None, follows=follows
        )

    if last == "{verb}":
        yield form(fixed, "verb")
    elif last == "أن":
        yield form(fixed, "clause")
    elif last == "ل+":
        yield form(fixed, "source", takes=("ل",))
    else:
        nouns = measures if last == "{noun}" else (last,)
        carries_pronoun = last == "{noun}" or _text(record, "pronoun", where, "") == "yes"
        for noun in nouns:
            yield form((*fixed, fold(noun)), "source")
            if carries_pronoun:
                for word, features in _with_possessives(noun):
                    yield form((*fixed, word), None, features)


_NOUN_FIELDS = ("word", "feminine", "plural", "feminine_plural", "class", "gender")


def _name_forms(record: Mapping[str, Any], where: str) -> Iterator[tuple[str, NounForm]]:
    """The forms of a noun of people or organisations, without article, from a row of ``nouns.tsv`` or a user's entry.

    A word that its plural repeats has no singular.
    """
    _only(record, _NOUN_FIELDS, where)
    word = _text(record, "word", where)
    cls = _one_of(record, "class", get_args(NounClass), where, "title")
    gender = cast(Gender, _one_of(record, "gender", ("m", "f"), where, "f" if word.endswith("ة") else "m"))
    if word not in _list(record, "plural", where):
        yield fold(word), NounForm(word, cls, gender, "s")
    for key, of in (("feminine", "f"), ("plural", gender), ("feminine_plural", "f")):
        number: Literal["s", "p"] = "s" if key == "feminine" else "p"
        for spelled in _list(record, key, where):
            value = NounForm(word, cls, cast(Gender, of), number)
            folded = fold(spelled)
            yield folded, value
            if number == "p" and key == "plural" and folded[-2:] in ("ون", "ين"):
                for ending in ("ون", "ين", "و", "ي"):
                    yield folded[:-2] + ending, value


def _speaker(entry: str | Mapping[str, Any] | KnownSpeaker, where: str) -> KnownSpeaker:
    if isinstance(entry, KnownSpeaker):
        return entry
    record = {"name": entry} if isinstance(entry, str) else entry
    _only(record, ("name", "aliases", "gender", "kind"), where)
    return KnownSpeaker(
        _text(record, "name", where),
        tuple(_list(record, "aliases", where)),
        cast("Gender | None", _one_of(record, "gender", ("m", "f"), where, "") or None),
        cast(SpeakerKind, _one_of(record, "kind", SPEAKER_KINDS, where, "person")),
    )


def _only(record: Mapping[str, Any], fields: Sequence[str], where: str) -> None:
    if not isinstance(record, Mapping):
        raise LexiconError(f"{where}: must be an object with the fields {', '.join(fields)}, not {type(record).__name__}")
    for key in record:
        if key not in fields:
            raise LexiconError(f"{where}: unknown field {key!r}; the fields are {', '.join(fields)}")


def _text(record: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    value = record.get(key) or default
    if value is None:
        raise LexiconError(f"{where}: {key!r} is missing")
    if not isinstance(value, str):
        raise LexiconError(f"{where}: {key!r} must be a string, not {type(value).__name__}")
    return value.strip()


def _part(record: Mapping[str, Any], key: str, where: str) -> str | None:
    """A principal part without diacritics: ``None`` where the rules make it, empty where the verb has none (``-``)."""
    value = _MARKS.sub("", _text(record, key, where, ""))
    if value == "-":
        return ""
    if value and not _ARABIC_WORD.fullmatch(value):
        raise LexiconError(f"{where}: {key!r} must be one Arabic word, not {value!r}")
    return value or None


def _list(record: Mapping[str, Any], key: str, where: str) -> list[str]:
    """A list, or its written form in a table: values between commas or bars."""
    value = record.get(key) or []
    if isinstance(value, str):
        value = re.split("[,،|]", value)
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
        raise LexiconError(f"{where}: {key!r} must be a list of strings")
    return [v.strip() for v in value if v.strip()]


def _probability(record: Mapping[str, Any], key: str, where: str, default: float) -> float:
    value = record.get(key)
    if value is None or value == "":
        return default
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number <= 1:
        raise LexiconError(f"{where}: {key!r} must be a number from 0 to 1, not {value!r}")
    return number


def _one_of(record: Mapping[str, Any], key: str, allowed: Sequence[str], where: str, default: str) -> str:
    value = _text(record, key, where, default)
    if value != default and value not in allowed:
        raise LexiconError(f"{where}: {key!r} must be one of {', '.join(allowed)}, not {value!r}")
    return value


def _act(record: Mapping[str, Any], where: str) -> Act:
    return cast(Act, _one_of(record, "act", ACTS, where, "assert"))


# ---------------------------------------------------------------------------------------------------------------------
# The lexicon


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Reporting words, and the nouns and names of those who speak.

    ``cues`` are keyed by their first folded word, longest first. ``nouns`` are keyed by the folded form without
    article, ``names`` and ``organisations`` by the folded word or words; ``nationalities`` are folded adjectives
    without article.

    >>> lexicon = Lexicon.load()
    >>> [(form.lemma, form.pos, form.gender, form.number) for form in lexicon.lookup("واضافت")]
    [('أضاف', 'verb', 'f', 's')]
    >>> [form.words for form in lexicon.match(["وعلي", "حد", "قولها", "ان"])]
    [('علي', 'حد', 'قولها')]
    """

    cues: Mapping[str, tuple[CueForm, ...]]
    nouns: Mapping[str, NounForm]
    names: Mapping[str, NameToken]
    organisations: Mapping[tuple[str, ...], NounForm]
    nationalities: frozenset[str]
    countries: frozenset[str]
    speakers: tuple[KnownSpeaker, ...] = ()

    @classmethod
    def load(cls) -> Lexicon:
        """The lexicon of the package; read once, the same value on every call."""
        return _default()

    @classmethod
    def from_file(cls, path: str | Path) -> Lexicon:
        """The lexicon of the package with the additions of a file, see `extended_from_file`."""
        return cls.load().extended_from_file(path)

    def lookup(self, token: str) -> tuple[CueForm, ...]:
        """The readings of a folded word as a cue or the first word of one: of it whole, then of it without و or ف.

        >>> [form.lemma for form in Lexicon.load().lookup("ورد") if form.aspect == "perfect"]
        ['ورد', 'رد']
        """
        whole = self.cues.get(token, ())
        if token[:1] in ("و", "ف") and len(token) > 2:
            return whole + self.cues.get(token[1:], ())
        return whole

    def match(self, tokens: Sequence[str]) -> tuple[CueForm, ...]:
        """The cues that stand at the beginning of a sequence of folded words, longest first."""
        found = self.lookup(tokens[0]) if tokens else ()
        if len(found) < 2 and (not found or len(found[0].words) == 1):
            return found
        fitting = [f for f in found if len(f.words) == 1 or f.words[1:] == tuple(tokens[1 : len(f.words)])]
        return tuple(sorted(fitting, key=lambda f: -len(f.words)))

    def extended(
        self,
        verbs: Iterable[str | Mapping[str, Any]] = (),
        titles: Iterable[str | Mapping[str, Any]] = (),
        speakers: Iterable[str | Mapping[str, Any] | KnownSpeaker] = (),
    ) -> Lexicon:
        """A new lexicon with verbs, titles and speakers of the user; an entry is a string or a mapping.

        A verb has the fields of ``verbs.tsv``: ``lemma``, and if wanted ``imperfect``, ``participle``, ``masdar``,
        ``takes``, ``flags``, ``act`` (assert), ``strength`` (0.8) and so on. From the lemma alone its form (I to X)
        is guessed by the spelling, so write hamza and shadda: صرّح is form II (مصرّح), صرح form I (صارح); ردّ has a
        doubled root letter; a hollow verb of form I has و in the imperfect (يقول), a defective one و for ا and ي
        for ى; one with first letter و loses it; form I has no guessed verbal noun; give the ``imperfect`` of verbs
        with آ (آمن, يؤمن) or ي (باع, يبيع). A title has the fields of ``nouns.tsv``; a speaker ``name``,
        ``aliases``, ``gender`` (m, f) and ``kind``. An entry of the user goes before one of the package with the
        same form. Raises `LexiconError`, naming entry and field.

        >>> lexicon = Lexicon.load().extended(verbs=["دندن"], speakers=[{"name": "نورة علي", "gender": "f"}])
        >>> lexicon.lookup("ومدندنه")[0].lemma, lexicon.speakers[0].name
        ('دندن', 'نورة علي')
        """
        forms: list[CueForm] = []
        for n, verb in enumerate(verbs):
            forms += _verb_forms({"lemma": verb} if isinstance(verb, str) else verb, f"verbs[{n}]")
        nouns: dict[str, NounForm] = {}
        for n, title in enumerate(titles):
            for word, noun in _name_forms({"word": title} if isinstance(title, str) else title, f"titles[{n}]"):
                nouns.setdefault(word, noun)
        added = _index(forms)
        return replace(
            self,
            cues={**self.cues, **{word: _longest_first(new + self.cues.get(word, ())) for word, new in added.items()}},
            nouns={**self.nouns, **nouns},
            speakers=(*self.speakers, *(_speaker(entry, f"speakers[{n}]") for n, entry in enumerate(speakers))),
        )

    def extended_from_file(self, path: str | Path) -> Lexicon:
        """A new lexicon with the additions of a file.

        JSON: one object with the lists ``verbs``, ``titles`` and ``speakers``, entries as for `extended`. Otherwise
        a table with tab-separated columns and a header: with a column ``lemma`` it holds verbs, with ``word``
        titles, with ``name`` speakers; several values in a field stand between commas or bars, lines that begin
        with # are left out. Raises `LexiconError`, naming file, entry and field, and `OSError` for a file that
        can't be read.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise LexiconError(f"{path}: not UTF-8 text") from None
        try:
            return self.extended(**(_additions(text) if text.lstrip()[:1] == "{" else _table_of_additions(text)))
        except LexiconError as error:
            raise LexiconError(f"{path}: {error}") from None


def _additions(text: str) -> dict[str, list[Any]]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise LexiconError(f"not JSON: {error}") from None
    _only(value, ("verbs", "titles", "speakers"), "additions")
    for key, entries in value.items():
        if not isinstance(entries, list):
            raise LexiconError(f"{key!r} must be a list, not {type(entries).__name__}")
    return cast("dict[str, list[Any]]", value)


def _table_of_additions(text: str) -> dict[str, list[Any]]:
    rows = [{key: value for key, value in row.items() if value} for _, row in _rows(text)]
    for key, kind in (("lemma", "verbs"), ("word", "titles"), ("name", "speakers")):
        if rows and any(key in row for row in rows):
            return {kind: rows}
    raise LexiconError("a table of additions needs a header with the column lemma (verbs), word (titles) or name (speakers)")


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a tab-separated table with a header, with their line numbers; comments and empty lines left out."""
    header: list[str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if header is None:
            header = cells
        elif len(cells) > len(header):
            raise LexiconError(f"line {number}: {len(cells)} cells under a header of {len(header)}")
        else:
            yield number, dict(zip_longest(header, cells, fillvalue=""))


def _table(name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a table of the package, each with its place for error messages; none where there is no such table."""
    table = files("quoteattr") / "data" / name
    if table.is_file():
        for number, row in _rows(table.read_text(encoding="utf-8")):
            yield f"{name} line {number}", row


def _longest_first(forms: Iterable[CueForm]) -> tuple[CueForm, ...]:
    return tuple(sorted(forms, key=lambda f: -len(f.words)))


def _index(forms: Iterable[CueForm]) -> dict[str, tuple[CueForm, ...]]:
    """Cues by their first word, longest first, otherwise in the order of the tables."""
    found: dict[str, list[CueForm]] = {}
    for form in forms:
        found.setdefault(form.words[0], []).append(form)
    return {word: _longest_first(same) if len(same) > 1 else (same[0],) for word, same in found.items()}


@cache
def _default() -> Lexicon:
    forms: list[CueForm] = []
    for where, row in _table("verbs.tsv"):
        forms += _verb_forms(row, where)
    measures: list[str] = []
    for where, row in _table("report_nouns.tsv"):
        forms += _report_noun_forms(row, where)
        if "measure" in _list(row, "use", where):
            measures += [row["noun"], *_list(row, "plural", where)]
    for where, row in _table("prepositions.tsv"):
        forms += _preposition_forms(row, measures, where)
    nouns: dict[str, NounForm] = {}
    for where, row in _table("nouns.tsv"):
        for word, noun in _name_forms(row, where):
            nouns.setdefault(word, noun)
    names = {
        fold(row["token"]): NameToken(float(row["weight"]), cast("Gender | None", row["gender"] or None))
        for _, row in _table("names.tsv")
    }
    organisations = {
        tuple(fold(row["name"]).split()): NounForm(row["name"], row["kind"], cast(Gender, row["gender"] or "f"), "s")
        for _, row in _table("organisations.tsv")
    }
    countries, nationalities = set(), set()
    for where, row in _table("nationalities.tsv"):
        countries.add(fold(row["country"]))
        for adjective in map(fold, _list(row, "adjective", where)):
            nationalities |= {adjective + ending for ending in ("", "ه", "ون", "ين", "ات")}
    return Lexicon(_index(forms), nouns, names, organisations, frozenset(nationalities), frozenset(countries))
