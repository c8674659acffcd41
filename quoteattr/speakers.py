"""Quotes and mentions to speakers: who is meant by a name, a title, a pronoun, or by nothing at all.

Works on its own: `Linker` takes utterances (what is known of each quote) and mentions in the order of the text, from rules
or from a model, and gives entities and a link for each utterance. Offsets are into the normalized text.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import exp, inf
from typing import Literal, Protocol, get_args

from quoteattr.lexicon import Gender, KnownSpeaker, Number
from quoteattr.phrases import Mention
from quoteattr.schema import SpeakerKind
from quoteattr.text import fold
from quoteattr.words import word_set

_GENERIC = word_set("generic")
_GOD, _PROPHET, _BLESSING = word_set("god"), word_set("prophet"), word_set("blessing")
_SACRED = {"god": "الله", "prophet": "النبي محمد"}
_NO_NAME = word_set("no name")
WordClass = Literal["verb", "participle", "masdar", "tag"]
_CLASSES: tuple[str, ...] = get_args(WordClass)
_MISSPELT = 800  # how many characters away a short name may be that is the same but for one letter
_REMEMBERED = 2_000  # how many phrases and words are remembered, whose parts are asked for again and again
_NO_WORD = re.compile(r"[\W_]+")
_AHEAD, _OFFERS = 12, 8  # how many mentions behind a description, and how many persons, may be meant by it
_CHOSEN = 2.0  # the rules' score of the one that they choose for a description
_FAR = 6  # how many paragraphs back somebody may be meant where nobody nearer can be
_REACH = 40  # how many mentions or entities back are looked at


@dataclass(frozen=True, slots=True)
class Utterance:
    """What the linker needs of one quote: where its cue and content stand, its source, and the agreement of its cue.

    ``adds`` says that its verb goes on with what was said (أضاف), ``says`` that it is قال itself, ``shift`` that its paragraph
    begins by turning to somebody else (من جهته، في المقابل), ``blessed`` that the blessing of the Prophet follows the cue in
    place of a subject (وقال صلى الله عليه وسلم).
    """

    cue: int
    start: int
    end: int
    sentence: int
    paragraph: int
    source: Mention | None
    gender: Gender | None
    number: Number | None
    word_class: WordClass
    attached: bool
    adds: bool
    says: bool
    starts_sentence: bool
    shift: bool
    blessed: bool = False


@dataclass(slots=True)
class Entity:
    """One who may speak: names and titles as folded words, the mentions that made it (those beside a cue in ``sources``),
    agreement and kind."""

    kind: SpeakerKind
    form: str
    gender: Gender | None
    number: Number | None
    first: int
    names: list[tuple[str, ...]] = field(default_factory=list)
    titles: list[tuple[str, ...]] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    sources: set[tuple[int, int]] = field(default_factory=set)
    known: KnownSpeaker | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """The entity of an utterance (an index; ``None`` for nobody), the rule that chose it, how probable it is, and up to
    three others."""

    entity: int | None
    rule: str
    probability: float
    others: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """What the rules know of one who may be meant: their score, and the features that it comes from."""

    score: float
    features: Sequence[str] = ()


class Adviser(Protocol):
    """Scores who is meant where nobody is named: a model's say in `Linker`.

    Both methods take every entity that may be meant with what the rules know of it, and the links of the utterances before,
    and give a score (log odds up to a constant) of each entity, and of none of them.
    """

    def speaker(
        self, n: int, offers: Mapping[int, Offer], entities: Sequence[Entity], links: Sequence[Link]
    ) -> tuple[Mapping[int, float], float]:
        """Who speaks in utterance ``n``, whose subject is elided or a pronoun."""

    def antecedent(
        self, mention: Mention, offers: Mapping[int, Offer], entities: Sequence[Entity], links: Sequence[Link]
    ) -> tuple[Mapping[int, float], float]:
        """Which person a description beside a cue (الوزير) means."""


@dataclass(frozen=True, slots=True)
class Linked:
    """The entities of a document and one link for each utterance."""

    entities: tuple[Entity, ...]
    links: tuple[Link, ...]


class Linker:
    """Resolves the utterances of one document. They must stand in the order of the text; ``text`` is the normalized text and
    ``weights`` has one number for each feature of `offers`; an ``adviser`` has the last word on them."""

    def __init__(
        self,
        text: str,
        utterances: Sequence[Utterance],
        mentions: Sequence[Mention],
        weights: Mapping[str, float],
        known: Sequence[KnownSpeaker] = (),
        adviser: Adviser | None = None,
    ) -> None:
        self.weights = weights
        self.adviser = adviser
        self.text = text
        self.utterances = utterances
        self.entities: list[Entity] = []
        self.of: dict[tuple[int, int], int] = {}
        self.by_word: dict[str, list[int]] = defaultdict(list)  # a word of a name -> its entities
        self.by_near: dict[str, list[int]] = defaultdict(list)  # the same with one letter left out
        self.by_title: dict[str, list[int]] = defaultdict(list)  # a word of a title or of a body's name -> its entities
        self.sources = {(u.source.start, u.source.end) for u in utterances if u.source is not None}
        self.mentions = _merged([u.source for u in utterances if u.source is not None], mentions)
        self.starts = [m.start for m in self.mentions]
        self.said = self._said()
        self.sacred: dict[str, int] = {}
        self.aliases: dict[tuple[str, ...], int] = {}  # the words of each string that denotes a known speaker
        for speaker in known:
            self.entities.append(Entity(speaker.kind, "name", speaker.gender, None, -1, known=speaker))
            for name in (speaker.name, *speaker.aliases):
                self._name_entity(len(self.entities) - 1, name_words(name))
                self.aliases[name_words(name)] = len(self.entities) - 1

    def _said(self) -> list[float]:
        """For every mention the end of the shortest content that it stands in."""
        said = [inf] * len(self.mentions)
        for utterance in self.utterances:
            for n in range(bisect_left(self.starts, utterance.start), bisect_left(self.starts, utterance.end)):
                said[n] = min(said[n], utterance.end)
        return said

    def link(self) -> Linked:
        """The entities of the document and a link for every utterance."""
        for mention in self.mentions:
            if (who := sacred(mention)) is not None:
                self._add_sacred(who, mention)
        self._named()
        links: list[Link] = []
        at = 0
        for utterance in self.utterances:
            limit = utterance.source.start if utterance.source is not None else utterance.cue
            while at < len(self.mentions) and self.mentions[at].start <= limit:
                self._resolve(self.mentions[at], links)
                at += 1
            links.append(self._link(utterance, links))
        return Linked(tuple(self.entities), tuple(links))

    # -- names first: they hold for the whole document ----------------------------------------------------------------

    def _named(self) -> None:
        named = [m for m in self.mentions if m.name is not None and m.kind == "person" and (m.start, m.end) not in self.of]
        for mention in sorted(named, key=lambda m: (-len(self._name(m)), m.start)):
            words = self._name(mention)
            if not words:
                continue
            index = self._by_name(words, mention)
            if index is None:
                index = self._new(mention)
            self._add(index, mention, words)

    def _holy(self, who: str) -> int:
        """The entity of God or of the Prophet, whom formulas name: «قال تعالى», «وقال عليه الصلاة والسلام»."""
        if who not in self.sacred:
            known = KnownSpeaker(_SACRED[who], gender="m")
            self.entities.append(Entity("person", "title", "m", "s", -1, known=known))
            self.sacred[who] = len(self.entities) - 1
        return self.sacred[who]

    def _add_sacred(self, who: str, mention: Mention) -> None:
        index = self._holy(who)
        if mention.words[0] in _PROPHET:
            self.entities[index].known = None  # the text names him
        if mention.words[0] in _PROPHET or who == "god":
            self._add(index, mention)
        else:
            self.of[mention.start, mention.end] = index

    def _name(self, mention: Mention) -> tuple[str, ...]:
        assert mention.name is not None
        return name_words(self.text[mention.name[0] : mention.name[1]])

    def _by_name(self, words: tuple[str, ...], mention: Mention) -> int | None:
        found = {index for word in words for index in self.by_word.get(_bare(word), ())[-_REACH:]}
        if not found:
            found = {index for word in words for near in _near(word) for index in self.by_near.get(near, ())[-_REACH:]}
        best: tuple[float, int] | None = None
        for index in found:
            entity = self.entities[index]
            if mention.gender and entity.gender and mention.gender != entity.gender and not _surname(words, entity):
                continue
            score = max((_name_match(words, name) for name in entity.names[-_REACH:]), default=0.0)
            if score <= 0:
                continue
            distance = abs(mention.start - entity.first) if entity.first >= 0 else 0
            if score < 1 and distance > _MISSPELT:
                continue
            rank = score - distance / 1e6
            if best is None or rank > best[0]:
                best = (rank, index)
        return best[1] if best else None

    def _name_entity(self, index: int, name: tuple[str, ...]) -> None:
        if name in self.entities[index].names:
            return
        self.entities[index].names.append(name)
        for word in name:
            _index(self.by_word, _bare(word), index)
            for near in _near(word):
                _index(self.by_near, near, index)

    def _new(self, mention: Mention) -> int:
        self.entities.append(Entity(mention.kind, mention.form, mention.gender, mention.number, mention.start))
        return len(self.entities) - 1

    def _add(self, index: int, mention: Mention, name: tuple[str, ...] = ()) -> None:
        entity = self.entities[index]
        entity.mentions.append(mention)
        insort(entity.places, mention.start)
        entity.first = mention.start if entity.first < 0 else min(entity.first, mention.start)
        entity.gender = entity.gender or mention.gender
        entity.number = entity.number or mention.number
        if name:
            self._name_entity(index, name)
        title = tuple(w for w in mention.words if w not in name) if name else mention.words
        if title and mention.form not in ("name", "pronoun") and title not in entity.titles:
            entity.titles.append(title)
            for word in title:
                _index(self.by_title, word, index)
        self.of[mention.start, mention.end] = index
        if (mention.start, mention.end) in self.sources:
            entity.sources.add((mention.start, mention.end))

    # -- everything else in the order of the text ---------------------------------------------------------------------

    def _resolve(self, mention: Mention, links: list[Link]) -> None:
        if (mention.start, mention.end) in self.of:
            return
        if mention.form == "pronoun":
            return
        index = self._alias(mention)
        if index is None:
            index = self._issuer(mention)
        if index is None:
            index = self._antecedent(mention, links)
        if self.adviser is not None and self._describes(mention) and self._alias(mention) is None:
            index = self._advised(self.adviser, mention, index, links)
        if index is None:
            index = self._new(mention)
        self._add(index, mention, self._name(mention) if mention.name is not None else ())

    def _alias(self, mention: Mention) -> int | None:
        """The known speaker that the whole mention denotes anywhere (وزيرة البيئة)."""
        return self.aliases.get(name_words(self.text[mention.start : mention.end])) if self.aliases else None

    def _describes(self, mention: Mention) -> bool:
        """Whether a mention beside a cue may mean a person who is named elsewhere."""
        return (
            mention.kind == "person"
            and mention.name is None
            and not mention.fresh
            and (mention.start, mention.end) in self.sources
        )

    def _advised(self, adviser: Adviser, mention: Mention, chosen: int | None, links: list[Link]) -> int | None:
        """The entity that the adviser takes a description for: the one that the rules chose, or a person named around it."""
        here = bisect_left(self.starts, mention.start)
        offers = [] if chosen is None else [chosen]
        around = [*self.mentions[max(0, here - _REACH) : here][::-1], *self.mentions[here + 1 : here + _AHEAD]]
        for other in around:
            index = self.of.get((other.start, other.end))
            if index is None or index in offers or len(offers) > _OFFERS:
                continue
            entity = self.entities[index]
            if entity.kind == "person" and entity.names and entity.number != "p" and _agree(entity.gender, mention.gender):
                offers.append(index)
        if not offers:
            return chosen
        known = {index: Offer(_CHOSEN if index == chosen else 0.0) for index in offers}
        scores, new = adviser.antecedent(mention, known, self.entities, links)
        best = max(offers, key=lambda index: scores[index])
        return best if scores[best] > new else None

    def _issuer(self, mention: Mention) -> int | None:
        """«قالت الوزارة، في بلاغ لها»: the document is the ministry's, and «البلاغ» later means the ministry."""
        if mention.form != "document" or not mention.governed or mention.definite or mention.name is not None:
            return None
        here = bisect_left(self.starts, mention.start)
        for n in range(here - 1, max(-1, here - 4), -1):
            other = self.mentions[n]
            if (
                other.sentence == mention.sentence
                and (other.start, other.end) in self.sources
                and (other.start, other.end) in self.of
            ):
                return self.of[other.start, other.end]
        return None

    def _antecedent(self, mention: Mention, links: list[Link]) -> int | None:
        """The entity that a title, an organisation's short name or a group points back to."""
        last = next((x.entity for x in reversed(links) if x.entity is not None), None)
        best: tuple[float, int] | None = None
        near_ids = {i for word in mention.words for table in (self.by_title, self.by_word) for i in table.get(word, ())[-_REACH:]}
        for index in near_ids:
            entity = self.entities[index]
            score = self._fit(mention, entity)
            if score <= 0 or (mention.fresh and mention.words not in entity.titles):
                continue
            if index == last:
                score += 0.8
            before = bisect_right(entity.places, mention.start)
            near = entity.places[before - 1] if before else -1
            score += 0.0 if near < 0 else 0.3 + 0.3 * near / max(1, mention.start)
            if best is None or score > best[0]:
                best = (score, index)
        if best is not None and best[0] >= 1.5:
            return best[1]
        if last is None or not mention.definite:
            return None
        entity = self.entities[last]
        if mention.form == "title" and entity.kind == "person" and entity.names and not entity.titles:
            return last if _agree(mention.gender, entity.gender) else None
        if mention.same or mention.head in _GENERIC:
            if mention.kind != "organisation" and entity.kind == "person" and _agree(mention.gender, entity.gender):
                return last
            if mention.same and mention.kind == entity.kind:
                return last
        return None

    def _fit(self, mention: Mention, entity: Entity) -> float:
        if not mention.words or (
            mention.gender and entity.gender and mention.gender != entity.gender and mention.kind == "person"
        ):
            return 0.0
        own = frozenset(mention.words)
        if mention.kind == "organisation" or entity.kind == "organisation":
            if mention.kind != entity.kind:
                return 0.0
            best = 0.0
            for title in (*entity.titles[-_REACH:], *entity.names[-_REACH:]):
                other = frozenset(title)
                if own == other:
                    best = max(best, 3.0)
                elif own < other and (mention.definite or len(own) > 1) and (mention.head in other):
                    best = max(best, 2.0 if mention.definite else 1.4)
                elif other < own and (len(other) > 1 or title in entity.names):
                    best = max(best, 1.8)
                elif mention.definite and title[0] == mention.words[0] and len(own) <= 2:
                    best = max(best, 0.9)
            return best
        if not mention.definite and mention.form == "group":
            return 3.0 if any(frozenset(t) == own for t in entity.titles) else 0.0
        best = 0.0
        for title in entity.titles[-_REACH:]:
            other = frozenset(title)
            if own <= other and (title[0] == mention.words[0] or len(own) > 1):
                best = max(best, 2.0 if len(own) == 1 else 2.5)
            elif title[0] == mention.words[0]:
                shared = len(own & other) - 1
                rest = len(own) - 1
                if shared > 0:
                    best = max(best, 1.2 + shared / rest)
                elif len(other) == 1:
                    best = max(best, 1.2)
                else:
                    best = max(best, 0.6)
        return best

    # -- utterances ---------------------------------------------------------------------------------------------------

    def _link(self, utterance: Utterance, links: list[Link]) -> Link:
        source = utterance.source
        if source is not None and source.form != "pronoun":
            return Link(self.of[source.start, source.end], f"source:{source.form}", 1.0)
        if utterance.blessed:
            return Link(self._holy("prophet"), "elided:blessing", 1.0)
        offers = self.offers(utterance, links)
        if not offers:
            return Link(None, "nobody", 0.0)
        offers = self._in_number(self._of_this_world(offers, utterance), utterance)
        scores: Mapping[int, float]
        scores = {index: sum(self.weights.get(name, 0.0) for name in names) for index, names in offers.items()}
        nobody = -inf
        if self.adviser is not None:
            known = {index: Offer(scores[index], names) for index, names in offers.items()}
            scores, nobody = self.adviser.speaker(len(links), known, self.entities, links)
        top = max(*scores.values(), nobody)
        total = sum(exp(score - top) for score in (*scores.values(), nobody))
        ranked = sorted(scores, key=lambda index: -scores[index])
        best, *rest = ((index, exp(scores[index] - top) / total) for index in ranked[:4])
        rule = "pronoun" if source is not None else "attached" if utterance.attached else "elided"
        if self.adviser is not None:
            return Link(best[0], f"{rule}:model", best[1], tuple(rest))
        how = "last-speaker" if any(f"{c}:speaker:0" in offers[best[0]] for c in _CLASSES) else "subject"
        return Link(best[0], f"{rule}:{how}", best[1], tuple(rest))

    def _of_this_world(self, offers: dict[int, list[str]], utterance: Utterance) -> dict[int, list[str]]:
        """God and the Prophet speak by «قال»; it is not they who explain and add («وأوضح أن»)."""
        if utterance.says:
            return offers
        people = {index: names for index, names in offers.items() if index not in self.sacred.values()}
        return people or offers

    def _in_number(self, offers: dict[int, list[str]], utterance: Utterance) -> dict[int, list[str]]:
        """Those of some offers who can be several, where the verb says that several speak and there are any: «وقالوا»."""
        if utterance.source is not None or utterance.number != "p":
            return offers
        gender, number = utterance.gender, utterance.number
        several = {index: names for index, names in offers.items() if self._agrees(self.entities[index], gender, number)}
        return several or offers

    def offers(self, utterance: Utterance, links: Sequence[Link]) -> dict[int, list[str]]:
        """Who an elided subject or pronoun may mean: for every entity that speaks or stands before, its features by name."""
        found: dict[int, list[str]] = {}
        c = utterance.word_class
        recent: list[int] = []
        for back in range(len(links) - 1, max(-1, len(links) - _REACH), -1):
            index = links[back].entity
            if index is None or index in recent:
                continue
            other = self.utterances[back]
            names = found.setdefault(index, [])
            names.append(f"{c}:speaker:{min(len(recent), 3)}")
            recent.append(index)
            where = (
                "sentence"
                if other.sentence == utterance.sentence
                else "paragraph"
                if other.paragraph == utterance.paragraph
                else "text"
            )
            names.append(f"{c}:speaker:same-{where}")
            if where == "text":
                names.append(f"speaker:paragraphs:{min(utterance.paragraph - other.paragraph, 4)}")
            if other.start <= utterance.cue < other.end:
                names.append(f"{c}:speaker:around")
            names.append(f"speaker:by-{other.word_class}:{'source' if other.source is not None else 'elided'}")
            if any(u.start <= other.cue < u.end for u in self.utterances[max(0, back - 3) : back]):
                names.append(f"speaker:nested:{'rank0' if len(recent) == 1 else 'later'}")
            if len(recent) == 4:
                break
        seen: set[int] = set()
        here = bisect_left(self.starts, utterance.cue)
        begin = here
        while begin > 0 and here - begin < _REACH and utterance.paragraph - self.mentions[begin - 1].paragraph <= 1:
            begin -= 1
        if not found and not any(self._mention_agrees(m, utterance) for m in self.mentions[begin:here] if not m.governed):
            begin = self._farther(utterance, begin)
        free = [m for n, m in enumerate(self.mentions[begin:here], begin) if not m.governed and self.said[n] > utterance.cue]
        leading = next((m for m in free if m.sentence == utterance.sentence), None)
        before = next((m for m in free if m.sentence == utterance.sentence - 1), None)
        topic = next((m for m in free if m.paragraph == utterance.paragraph and self._mention_agrees(m, utterance)), None)
        rank = 0
        for n in range(here - 1, begin - 1, -1):
            mention = self.mentions[n]
            index = self.of.get((mention.start, mention.end))
            if index is None or index in seen or self.said[n] <= utterance.cue:
                continue
            seen.add(index)
            names = found.setdefault(index, [])
            where = (
                "sentence"
                if mention.sentence == utterance.sentence
                else "sentence-before"
                if mention.sentence == utterance.sentence - 1
                else "paragraph"
                if mention.paragraph == utterance.paragraph
                else "paragraph-before"
            )
            role = "subject" if mention.subject else "governed" if mention.governed else "plain"
            names.append(f"{c}:mention:{where}:{role}")
            names.append(f"{c}:mention:rank:{min(rank, 4)}")
            if mention is leading:
                names.append(f"{c}:mention:leading:{role}")
            if mention is before:
                names.append(f"{c}:mention:leading-before:{role}")
            if mention is topic:
                names.append(f"{c}:topic:{'shift' if utterance.shift else 'no-shift'}")
                if mention.subject and mention in (leading, before):
                    names.append(f"new-subject:{'shift' if utterance.shift else 'no-shift'}")
            names.append(f"mention:{mention.form}{':definite' if mention.definite else ''}")
            rank += 1
        topic_entity = self.of.get((topic.start, topic.end)) if topic is not None else None
        for index, names in found.items():
            entity = self.entities[index]
            if topic_entity is not None and index != topic_entity:
                names.append(
                    f"{c}:off-topic:{'shift' if utterance.shift else 'no-shift'}:{'speaker' if index in recent[:1] else 'other'}"
                )
            names.append(f"kind:{entity.kind}:{entity.form}")
            names.append(f"{c}:{self._agreement(entity, utterance)}")
            names.append(f"speaks:{'yes' if index in recent else 'no'}:{'adds' if utterance.adds else 'says'}")
            if entity.names and entity.kind == "person":
                thin = not entity.titles and not entity.sources and max(map(len, entity.names)) < 2
                names.append("named:thinly" if thin else "named")
            names.append(f"mentions:{min(len(entity.mentions), 4)}")
            turns = sum(x.entity == index for x in links[-12:])
            names.append(f"turns:{'none' if not turns else 'one' if turns == 1 else 'more'}")
            if utterance.starts_sentence:
                names.append(f"start:{'speaker' if index in recent[:1] else 'other'}")
        return found

    def _farther(self, utterance: Utterance, begin: int) -> int:
        """The nearest mention before some others, up to some paragraphs back, that may be meant: a subject that agrees."""
        for n in range(begin - 1, max(-1, begin - _REACH), -1):
            mention = self.mentions[n]
            if utterance.paragraph - mention.paragraph > _FAR:
                break
            if mention.subject and not mention.governed and self._mention_agrees(mention, utterance):
                return n
        return begin

    def _mention_agrees(self, mention: Mention, utterance: Utterance) -> bool:
        index = self.of.get((mention.start, mention.end))
        return index is not None and self._agreement(self.entities[index], utterance) != "disagrees"

    def _agreement(self, entity: Entity, utterance: Utterance) -> str:
        gender, number = utterance.gender, utterance.number
        if utterance.source is not None:
            gender, number = utterance.source.gender or gender, utterance.source.number or number
        if not self._agrees(entity, gender, number):
            return "disagrees"
        return "agrees" if gender is not None and entity.gender == gender else "may-agree"

    def _agrees(self, entity: Entity, gender: Gender | None, number: Number | None) -> bool:
        """Agreement of a verb that follows its subject: a non-human plural takes the feminine singular."""
        if number in ("p", "d"):
            return entity.number in (number, None) or entity.kind in ("group", "organisation")
        if entity.kind == "person" and entity.number == "p":
            return False
        if entity.kind == "group" and entity.number == "p":
            return gender == "f"
        return _agree(gender, entity.gender)


def sacred(mention: Mention) -> Literal["god", "prophet"] | None:
    """Whether a mention is a phrase for God (سبحانه وتعالى) or the Prophet (رسول الله صلى الله عليه وسلم)."""
    words = mention.words
    if not words or mention.kind != "person":
        return None
    if _GOD.issuperset(words):
        return "god" if words[0] not in ("عز", "جل", "علا") else None
    ours = len(words[0]) > 4  # with a pronoun: نبينا
    if words[0] in _PROPHET and _BLESSING.issuperset(words[1:]) and (mention.definite or "الله" in words or ours):
        return "prophet"
    return "prophet" if words[0] in ("صلي", "صلاه") and _BLESSING.issuperset(words) else None


def name_of(entity: Entity, text: str) -> tuple[int, int]:
    """Where the name of an entity stands: the fullest proper name, else the fullest description that does not point back.

    A name or description beside a cue is bounded on both sides and so sure; a name found elsewhere is taken only where it ends
    alike (سيرغي لافروف for لافروف).
    """
    alone = {name_words(text[m.start : m.end]) for m in entity.mentions}
    named = [(_proper(m, text, alone), (m.start, m.end) in entity.sources) for m in entity.mentions if m.name is not None]
    spans = [name for name, _ in named]
    sure = [name for name, source in named if source]
    if sure:
        best = max(sure, key=lambda s: len(name_words(text[s[0] : s[1]])))
        last = name_words(text[best[0] : best[1]])[-1:]
        spans = [s for s in spans if name_words(text[s[0] : s[1]])[-1:] == last] or [best]
    if not spans:
        beside = [m for m in entity.mentions if (m.start, m.end) in entity.sources and len(m.words) > 1 and not m.same]
        plain = (
            beside
            or [m for m in entity.mentions if not m.same and not m.definite]
            or [m for m in entity.mentions if not m.same]
            or entity.mentions
        )
        spans = [(m.start, m.end) for m in plain]
    return max(spans, key=lambda s: (len(name_words(text[s[0] : s[1]])), -s[0]))


def _proper(mention: Mention, text: str, alone: Collection[tuple[str, ...]]) -> tuple[int, int]:
    """The proper name in a mention: «صحيفة الجارديان» whole, but only what stands in marks in «صحيفة "الجارديان" البريطانية», or
    ``alone`` elsewhere."""
    assert mention.name is not None
    start, end = mention.name
    marked = text[start - 1 : start] in ('"', "'", "«", "“", "(")
    if mention.form == "organisation" and start > mention.start and not marked and name_words(text[start:end]) not in alone:
        return mention.start, mention.end
    return mention.name


def _agree(a: Gender | None, b: Gender | None) -> bool:
    return a is None or b is None or a == b


def _merged(sources: Sequence[Mention], mentions: Sequence[Mention]) -> list[Mention]:
    """Sources and mentions in the order of the text; a mention that touches a source gives way to it."""
    chosen = {(m.start, m.end): m for m in sources}
    spans = sorted(chosen)
    starts = [s for s, _ in spans]
    for mention in mentions:
        n = bisect_left(starts, mention.end)
        if not any(spans[k][1] > mention.start for k in range(max(0, n - 3), n)):
            chosen.setdefault((mention.start, mention.end), mention)
    return sorted(chosen.values(), key=lambda m: (m.start, -m.end))


def _index(table: dict[str, list[int]], key: str, index: int) -> None:
    indices = table[key]
    if index not in indices[-4:]:
        indices.append(index)


@lru_cache(_REMEMBERED)
def _near(word: str) -> frozenset[str]:
    """The word and all words with one letter less: two words that share one differ by one letter at most."""
    bare = _bare(word)
    return frozenset([bare, *(bare[:k] + bare[k + 1 :] for k in range(len(bare)))] if len(bare) >= 3 else ())


@lru_cache(_REMEMBERED)
def name_words(name: str) -> tuple[str, ...]:
    """The folded words of a name, for comparison: عبد الله and عبدالله alike."""
    words = _NO_WORD.sub(" ", fold(name)).split()
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] in ("عبد", "ابو", "ابي"):
            joined[-1] += word
        else:
            joined.append(word)
    return tuple(w for w in joined if w not in _NO_NAME)


def _bare(word: str) -> str:
    return word[2:] if word.startswith("ال") and len(word) > 4 else word


def _surname(words: tuple[str, ...], entity: Entity) -> bool:
    """Whether a name is the family name of somebody with a fuller one, and so says nothing about the gender (سليم, a woman's)."""
    return len(words) == 1 and any(len(name) > 1 and name[-1] == words[0] for name in entity.names[-_REACH:])


def _name_match(new: tuple[str, ...], old: tuple[str, ...]) -> float:
    """How well two names can be one person's: equal, one a part of the other, or the same but for one letter."""
    if not new or not old:
        return 0.0
    a, b = [_bare(w) for w in new], [_bare(w) for w in old]
    if a == b:
        return 4.0
    short, long = (a, b) if len(a) <= len(b) else (b, a)
    if len(short) == 1:
        if short[0] == long[-1]:
            return 3.0
        if short[0] in long[1:]:
            return 2.5
        if short[0] == long[0]:
            return 2.0
        if len(long) > 1 and _one_letter_apart(short[0], long[-1]):
            return 1.0 if len(short[0]) >= 4 else 0.5
        return 0.0
    rest = iter(long)
    if all(word in rest for word in short):
        return 3.5
    different = [(x, y) for x, y in zip(a, b, strict=False) if x != y]
    if len(a) == len(b) and len(different) == 1 and _one_letter_apart(*different[0]):
        given = a[0] != b[0] and len(a[0]) == len(b[0])
        return 0.0 if given else 2.5  # أحمد and محمد are two, دونالد and دونلد one
    return 0.0


def _one_letter_apart(a: str, b: str) -> bool:
    """Whether two words differ by one letter changed, lost or added."""
    if abs(len(a) - len(b)) > 1 or a == b:
        return a == b
    if len(a) > len(b):
        a, b = b, a
    k = 0
    while k < len(a) and a[k] == b[k]:
        k += 1
    return a[k + 1 :] == b[k + 1 :] if len(a) == len(b) else a[k:] == b[k + 1 :]
