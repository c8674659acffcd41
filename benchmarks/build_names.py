"""Build ``quoteattr/data/names.tsv``: how likely a word of running news is a part of a person's name.

Candidates are the Arabic name tokens of Wikidata (CC0), the given and family names of ``given_names.tsv``, and words
that news itself often enough puts into the place of a name. A word's weight is the share of its occurrences that stand
where names stand (behind a form of address, بن or عبد, right behind a reporting verb, beside another name), set against
how much of a common word it is: whether it also takes the article, attached pronouns and inflectional endings.
Only counts of single words and of pairs of words are taken; nothing else of the texts goes into the table.

    python benchmarks/build_names.py DATA_FOLDER          # a folder with gazetteers/ and raw/
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from quoteattr.lexicon import Lexicon
from quoteattr.text import LETTERS, fold
from quoteattr.words import function_words

HERE = Path(__file__).resolve().parent
WORD = re.compile(f"[{LETTERS}]+|[^\\s]")
NAME = re.compile("[ء-ي]{2,}")


def folded(words: str) -> frozenset[str]:
    """The folded words of a string."""
    return frozenset(map(fold, words.split()))


LINKS = folded("بن ابن بنت أبو أبي آل عبد")
ADDRESS = folded("الأمير الأميرة الشيخ الشيخة السيد السيدة الدكتور الدكتورة المهندس اللواء العميد سيدي مولاي")
SPELLED = folded("إي أي بي سي دي إف أف جي إتش إيه آي جيه كي إل أل إم أم إن أن أو كيو آر إس أس تي يو في دبليو إكس واي زد")
CALENDAR = folded(
    "رمضان شعبان رجب محرم صفر كانون شباط آذار نيسان أيار تموز آب أيلول تشرين جانفي فيفري مارس أفريل ماي جوان أوت"
    " يناير فبراير أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر جمعة خميس الأول الثاني الثالث الرابع"
    " الخامس السادس السابع الثامن التاسع العاشر"
)
PARTICLES = folded("يا عليه عليها عليهم إليه لديه أي ذي عين ابن رام تعالى سبحانه رضي صلى العطاء التخصصي")
ENDINGS = ("ه", "ها", "هم", "ي", "ين", "ون", "ات", "يه", "ا")
PRONOUNS = ("ه", "ها", "هم", "نا")

ROUNDS = 4
LEAST = 0.15  # a word below this weight is left out
UNSEEN = 0.6  # the weight of a Wikidata name that news never used, and the prior of one that it did
BEARERS = 3  # people of Wikidata with a name, for it to have a prior at all
SURE = 20  # from so many on, a name that begins with و is no conjunction and a word
CALENDAR_WEIGHT = 0.3  # the most a month, weekday or ordinal can have
VERB = 0.7  # how often a name, and not a title, stands behind a reporting verb
STRONG = 0.8  # the strength from which a verb is a reporting verb here
DOCUMENTS = 3  # documents with a mined name
NEIGHBOURS = 3  # different words before a mined name that show it to be one


@dataclass(slots=True)
class Counts:
    """How often each word and each pair of neighbours occurs, and in how many documents a word does."""

    words: Counter[str] = field(default_factory=Counter)
    documents: Counter[str] = field(default_factory=Counter)
    before: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    after: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


def count(folder: Path) -> Counts:
    """The counts of all articles of the ``*.jsonl.gz`` files of a folder."""
    counts = Counts()
    pairs: Counter[tuple[str, str]] = Counter()
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                words = WORD.findall(fold(json.loads(line)["text"]))
                counts.words.update(words)
                counts.documents.update(set(words))
                pairs.update(pairwise(words))
    for (left, right), n in pairs.items():
        counts.before[right][left] = n
        counts.after[left][right] = n
    return counts


def gazetteer(path: Path) -> Counter[str]:
    """The folded Arabic tokens of the Wikidata list with how many people bear them."""
    found: Counter[str] = Counter()
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        token, _, bearers = line.split("\t")
        if NAME.fullmatch(fold(token)):
            found[fold(token)] += int(bearers)
    return found


def given_names(path: Path) -> dict[str, str]:
    """The names listed by hand, folded, with their gender (m, f or empty)."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {fold(token): gender for token, gender in (line.split("\t") for line in lines[1:])}


@dataclass(frozen=True, slots=True)
class Known:
    """What the lexicon says of words that are no names, or not only.

    ``common`` are nouns, nationalities, countries and bodies; ``inside`` are neighbours within the listed name of a
    body; ``verbs`` report strongly; ``excluded`` can never be a candidate.
    """

    common: frozenset[str]
    inside: frozenset[tuple[str, str]]
    verbs: frozenset[str]
    excluded: frozenset[str]

    @classmethod
    def of(cls, lexicon: Lexicon) -> Known:
        """The knowledge of a lexicon."""
        bare = {*lexicon.nouns, *lexicon.nationalities, *lexicon.countries}
        bare |= {words[0] for words in lexicon.organisations if len(words) == 1}
        accusative = {word + "ا" for word, noun in lexicon.nouns.items() if noun.cls == "title" and noun.number == "s"}
        inside = {pair for words in lexicon.organisations for pair in pairwise(words)}
        verbs = {
            word
            for word, forms in lexicon.cues.items()
            if any(f.pos == "verb" and f.number == "s" and f.strength >= STRONG and len(f.words) == 1 for f in forms)
        }
        return cls(
            frozenset(bare | {"ال" + word for word in bare} | accusative),
            frozenset(inside),
            frozenset(verbs | {"و" + word for word in verbs}),
            frozenset({*function_words(), *SPELLED, *PARTICLES, *lexicon.cues, *("و" + word for word in verbs)}),
        )


def evidence(word: str, counts: Counts, weights: Mapping[str, float], known: Known, given: bool) -> float:
    """The share (0 to 1) of a word's occurrences that stand where names stand.

    A name behind the word counts only where something stands before it too, or where it is a given name: verbs stand
    before names as well.
    """
    common = word in known.common

    def left(neighbour: str) -> float:
        if neighbour in LINKS:
            return 1.0
        if neighbour in ADDRESS:
            return 0.0 if common else 1.0
        if neighbour in known.verbs:
            return 0.0 if common else VERB
        return 0.0 if neighbour in known.common or (neighbour, word) in known.inside else weights.get(neighbour, 0.0)

    def right(neighbour: str) -> float:
        if (neighbour in known.common and not neighbour.startswith("ال")) or (word, neighbour) in known.inside:
            return 0.0
        return weights.get(neighbour, 0.0)

    total = counts.words[word]
    before = sum(n * left(w) for w, n in counts.before[word].items()) / total
    if common or word.startswith("ال"):
        return before
    after = sum(n * right(w) for w, n in counts.after[word].items()) / total
    return 1 - (1 - before) * (1 - 0.8 * after * (1.0 if given else min(1.0, 8 * before)))


def commonness(word: str, counts: Counts) -> float:
    """How often a word's inflected forms occur beside it: 0 for a mere name, 1 for a word of the language."""
    base = word.removeprefix("ال")
    forms = {base + ending for ending in ENDINGS}
    forms |= {base} if word != base else {"ال" + base, "لل" + base, "بال" + base}
    return min(1.0, sum(counts.words[form] for form in forms) / counts.words[word])


def weigh(candidates: Mapping[str, int], counts: Counts, known: Known, given: Mapping[str, str]) -> dict[str, float]:
    """The weight of every candidate that news uses, from a first guess by round after round of counting neighbours.

    ``candidates`` gives the number of people of Wikidata with the name, the strength of the prior.
    """
    seen = {word for word in candidates if counts.words[word]}
    relatives = {word: commonness(word, counts) for word in seen}
    prior = {word: 0.0 if word in known.common else UNSEEN * (1 - 0.8 * relatives[word]) for word in seen}
    weights = {word: max(0.3, prior[word]) for word in seen}
    for _ in range(ROUNDS):
        last, weights = weights, {}
        for word in seen:
            share = evidence(word, counts, last, known, word in given)
            weight = min(1.0, max(0.0, share - 0.02) / (0.25 + 0.3 * relatives[word]))
            bearers = candidates[word]
            pull = 0.0 if bearers < BEARERS else 4 + min(16.0, bearers / 10)
            weight = (weight * counts.words[word] + prior[word] * pull) / (counts.words[word] + pull)
            if word in given:
                weight = max(weight, floor(word, relatives[word], known))
            weights[word] = min(weight, CALENDAR_WEIGHT) if word in CALENDAR else weight
    return weights


def floor(word: str, relatives: float, known: Known) -> float:
    """The least weight of a name listed by hand: high where the word has no inflected forms."""
    return LEAST if word in known.excluded or word in known.common else max(LEAST, 0.9 - 1.5 * relatives)


def has_clitic(word: str, counts: Counts, letters: str, factor: float) -> bool:
    """Whether a word looks like a clitic (one of ``letters``) before a word that is ``factor`` times as frequent."""
    if word.startswith(("لل", "بال", "وال")):
        return True
    return word[0] in letters and counts.words[word[1:]] > factor * counts.words[word]


def mined(counts: Counts, names: Mapping[str, float], known: Known) -> Iterator[str]:
    """Words outside the lists that often stand behind names, forms of address and verbs, and behind different ones."""
    openers = {**names, **dict.fromkeys(LINKS | ADDRESS, 1.0), **dict.fromkeys(known.verbs, VERB)}
    for word, total in counts.words.items():
        if counts.documents[word] < DOCUMENTS or word in names or word in known.common or word in known.excluded:
            continue
        if not NAME.fullmatch(word) or has_clitic(word, counts, "وفبلكس", 0.5):
            continue
        if any(word.endswith(p) and word.removesuffix(p) in known.common for p in PRONOUNS):
            continue
        openings = {w: n * openers[w] for w, n in counts.before[word].items() if w in openers and w not in known.common}
        if len(openings) >= NEIGHBOURS and sum(openings.values()) / total >= 0.2 + 0.3 * commonness(word, counts):
            yield word


def main() -> None:
    """Read the data folder, write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path, help="folder with gazetteers/ and raw/")
    parser.add_argument("--given", type=Path, default=HERE / "given_names.tsv", help="names listed by hand")
    parser.add_argument("--out", type=Path, default=HERE.parent / "quoteattr" / "data" / "names.tsv")
    arguments = parser.parse_args()
    bearers = gazetteer(arguments.data / "gazetteers" / "person_name_tokens_wikidata_cc0.tsv")
    given = given_names(arguments.given)
    counts = count(arguments.data / "raw")
    known = Known.of(Lexicon.load())
    candidates = {
        word: n
        for word, n in bearers.items()
        if word not in known.excluded and not (n < SURE and has_clitic(word, counts, "و", 1))
    }
    candidates |= {word: max(BEARERS, bearers[word]) for word in given}
    weights = weigh(candidates, counts, known, given)
    candidates |= dict.fromkeys(mined(counts, weights, known), 0)
    weights = weigh(candidates, counts, known, given)
    weights |= {word: UNSEEN for word, n in candidates.items() if not counts.words[word] and n >= BEARERS}
    rows = [
        f"{word}\t{weight:.2f}\t{given.get(word, '')}"
        for word, weight in sorted(weights.items(), key=lambda item: (-item[1], item[0]))
        if weight >= (CALENDAR_WEIGHT if word in known.common and word not in given else LEAST)
    ]
    head = [
        "# Tokens of personal names, folded. Built by benchmarks/build_names.py; do not edit by hand.",
        "# weight: how likely the word is part of a name in running news (0 to 1).",
        "# gender: of those who bear it as a given name, where that is sure.",
        "token\tweight\tgender",
    ]
    arguments.out.write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8")
    print(f"{len(rows)} tokens, {arguments.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
