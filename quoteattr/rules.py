"""Candidates to quotes by rule: which cues report, and what each reports.

The fast path and the honest baseline. Every cue is described by named features (the pattern it stands in, what its source looks
like, what stands before it …); ``data/rule_weights.json`` holds one weight a feature, fitted on annotated news by
``benchmarks/fit_rules.py``, so that the score of a report is a probability.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import accumulate
from math import exp, log

from quoteattr.candidates import Candidates, Content, Cue, is_interview, other_half
from quoteattr.phrases import Mention
from quoteattr.tokens import Tokens

THRESHOLD = 0.4


@dataclass(frozen=True, slots=True)
class Report:
    """A cue that was found to report, with its content; offsets into the normalized text.

    ``probability`` that it is a quote; ``parent`` the index of the report in whose content it stands; ``parts`` what a model
    says of cue, content and source, each a probability.
    """

    cue: Cue
    content: Content
    found_by: str
    probability: float
    parent: int | None = None
    parts: Mapping[str, float] = field(default_factory=dict)


@cache
def weights() -> Mapping[str, Mapping[str, float]]:
    """The fitted weights: one table a decision, one number a feature."""
    return json.loads(files("quoteattr").joinpath("data/rule_weights.json").read_text(encoding="utf8"))  # type: ignore[no-any-return]


@cache
def weights_hash() -> str:
    """The SHA-256 of the weights, by which an output tells which rules it comes from."""
    return sha256(files("quoteattr").joinpath("data/rule_weights.json").read_bytes()).hexdigest()


def decide(candidates: Candidates) -> list[Report]:
    """The reports among the candidates, in the order of their contents."""
    found = []
    for cue in candidates.cues:
        content = choose(candidates.tokens, cue)
        probability = logistic(cue_logit(candidates.tokens, cue, content))
        if probability >= THRESHOLD:
            found.append(Report(cue, content, f"{cue.pattern}:{cue.form.pos}", probability))
    return consistent(sound(candidates, found))


def sound(candidates: Candidates, reports: Sequence[Report]) -> list[Report]:
    """Reports as they can stand together in one text.

    The turns of an interview are none, nor is what a colon leads to where that reports itself, nor «قيل إن» where nobody is
    said to speak. A quotation that its cue divides is two. Indirect speech ends before a clause of somebody else («…، ورد
    المدير بأن»), and what only a tag with a pronoun attributes («…، على حد قوله») is added.
    """
    tokens = candidates.tokens
    interview = is_interview(tokens)
    ordered = sorted(reports, key=lambda report: report.cue.start)
    places = [report.cue.start for report in ordered]
    cues = {report.cue.token for report in ordered}
    kept = []
    for report in ordered:
        if tokens.words[report.cue.token] == ":" and (interview or tokens.at(report.content.start) in cues):
            continue
        if report.cue.form.impersonal and report.cue.pattern == "clause" and report.cue.source is None:
            continue
        inside = ordered[bisect_right(places, report.content.start) : bisect_left(places, report.content.end)]
        kept.append(replace(report, content=_up_to_others(tokens, report.content, inside)))
    found, taken = list(kept), _Taken([report.content for report in kept])
    for report in kept:
        half = other_half(tokens, report.cue, report.content) if report.content.type == "direct" else None
        if half is not None and not taken.touches(half):
            found.append(replace(report, content=half))
    for cue in candidates.cues:
        if cue.pattern == "tag" and cue.form.pronoun and cue.form.words[0] == "علي" and cue.token not in cues:
            content = choose(tokens, cue)
            if not taken.touches(content):
                found.append(Report(cue, content, "tag:pronoun", THRESHOLD))
    return sorted(found, key=lambda report: report.cue.start)


class _Taken:
    """Which places of a text belong to some contents."""

    def __init__(self, contents: Iterable[Content]) -> None:
        ordered = sorted(contents, key=lambda content: content.start)
        self._starts = [content.start for content in ordered]
        self._ends = list(accumulate((content.end for content in ordered), max))  # the last end up to each

    def touches(self, content: Content) -> bool:
        """Whether a content shares a place with one of them."""
        before = bisect_left(self._starts, content.end)
        return before > 0 and self._ends[before - 1] > content.start


def _up_to_others(tokens: Tokens, content: Content, inside: Iterable[Report]) -> Content:
    """A content up to the first clause behind a comma in which somebody else, who is named, reports: one of those ``inside``."""
    if content.type == "direct":
        return content
    for other in inside:
        k, source = other.cue.token, other.cue.source
        if source is None or source.form == "pronoun" or other.cue.side != "after" or tokens.inside[k] is not None:
            continue
        first = k - 1 if tokens.words[k - 1] in _TURNING else k - 2 if tokens.words[max(0, k - 2) : k] == ["في", "حين"] else k
        turns = first < k or tokens.words[k][0] in "وف"
        if turns and first > 1 and tokens.words[first - 1] in "،,":
            end = tokens.end(first - 2)
            return replace(content, end=end) if end > content.start else content
    return content


_TURNING = ("فيما", "بينما")


def consistent(reports: Iterable[Report]) -> list[Report]:
    """Reports in the order of their contents, without second readings of one, each with its parent.

    They come in the order of their cues.
    """
    chosen: list[Report] = []
    for report in reports:
        clash = next((n for n in range(len(chosen) - 1, max(-1, len(chosen) - 6), -1) if _clash(chosen[n], report)), None)
        if clash is None:
            chosen.append(report)
        elif _better(report, chosen[clash]):
            chosen[clash] = report
    chosen.sort(key=lambda r: (r.content.start, r.cue.start))
    return [_with_parent(report, n, chosen) for n, report in enumerate(chosen)]


def cue_logit(tokens: Tokens, cue: Cue, content: Content) -> float:
    """The log odds that a cue reports a content."""
    table = weights()["cue"]
    return sum(table.get(name, 0.0) * value for name, value in features(tokens, cue, content))


def logistic(x: float) -> float:
    """1 / (1 + e^-x), safe for any x."""
    return 1 / (1 + exp(-x)) if x > -60 else 0.0


def choose(tokens: Tokens, cue: Cue) -> Content:
    """The likeliest content of a cue."""
    if len(cue.contents) == 1:
        return cue.contents[0]
    return max(cue.contents, key=lambda content: _end_logit(tokens, cue, content))


def end_scores(tokens: Tokens, cue: Cue) -> list[float]:
    """For every content of a cue the probability that it is the right one of them."""
    logits = [_end_logit(tokens, cue, content) for content in cue.contents]
    powers = [exp(x - max(logits)) for x in logits]
    return [x / sum(powers) for x in powers]


def _end_logit(tokens: Tokens, cue: Cue, content: Content) -> float:
    table = weights()["end"]
    return sum(table.get(name, 0.0) for name in end_features(tokens, cue, content))


def end_features(tokens: Tokens, cue: Cue, content: Content) -> Iterator[str]:
    """What speaks for and against one of several contents of a cue."""
    pattern = (
        "colon"
        if cue.pattern in ("colon", "headline")
        else cue.pattern
        if cue.pattern in ("tag", "bare", "aside", "need")
        else "clause"
    )
    place = cue.contents.index(content)
    yield f"{pattern}:{content.ends_by}"
    yield f"{content.ends_by.rpartition(':')[0] or content.ends_by}:{'first' if place == 0 else 'later'}"
    size = tokens.text.count(" ", content.start, content.end)
    yield f"{pattern}:size:{_bucket(size, (2, 5, 10, 20, 40))}"
    yield f"place:{min(place, 4)}"
    if tokens.text.count('"', content.start, content.end) % 2:
        yield "odd-marks"


def features(tokens: Tokens, cue: Cue, content: Content) -> Iterator[tuple[str, float]]:
    """What speaks for and against a cue, as names with values."""
    form = cue.form
    strength = min(max(form.strength, 0.02), 0.98)
    pattern = cue.pattern
    token = cue.token
    yield "bias", 1.0
    yield f"{pattern}:strength", log(strength / (1 - strength))
    yield f"{pattern}:{form.pos}", 1.0
    yield f"{pattern}:source:{_source_class(tokens, cue.source)}:{cue.side}", 1.0
    if pattern in ("clause", "colon", "quotation", "need"):
        gap = _gap(tokens, cue)
        yield f"{pattern}:gap:{_bucket(len(gap), (0, 1, 3, 6, 12))}", 1.0
        if gap and not _explained(tokens, cue):
            yield f"{pattern}:unexplained", 1.0
        if any(tokens.infos[k].verb for k in gap):
            yield f"{pattern}:verb-between", 1.0
        if tokens.words[cue.opener][0] == "ب":
            yield "clause:with-ba", 1.0
        if tokens.words[cue.opener] != "ان":
            yield f"{pattern}:pronoun", 1.0
    before = tokens.infos[token - 1] if token > tokens.first(token) else None
    yield f"before:{_before_class(before)}", 1.0
    if form.words[0] != tokens.words[token]:
        yield f"{form.pos}:with-conjunction", 1.0
    if pattern == "inverted":
        joined = "joined" if form.words[0] != tokens.words[token] else "plain"
        first = tokens.at(content.start) - 1
        place = "opens" if first <= tokens.first(token) else "inside"
        size = "long" if token - first > 5 else "short"
        yield f"inverted:{joined}", 1.0
        yield f"inverted:{joined}:{place}:{size}:{tokens.words[token - 1] if tokens.words[token - 1] in '،.' else 'mark'}", 1.0
    if form.aspect == "imperfect":
        yield "imperfect", 1.0
    if form.person == 1:
        yield f"first-person:{form.aspect}", 1.0
    if form.impersonal and cue.source is None:
        yield "impersonal", 1.0
    if form.quoted_only and content.type == "indirect":
        yield f"{pattern}:unquoted", 1.0
    if form.object_pronoun:
        yield "object-pronoun", 1.0
    if tokens.inside[token] is not None:
        yield "inside-quotation", 1.0
    if pattern != "inverted" and (content.type != "indirect" or pattern == "quotation"):
        yield f"{pattern}:{content.type}", 1.0
        yield f"{pattern}:size:{_bucket(content.end - content.start, (8, 16, 30, 60, 120))}", 1.0
    elif content.end - content.start < 12:
        yield "short", 1.0
    if pattern in ("tag", "aside"):
        behind = tokens.words[cue.after] if cue.after < tokens.stop(token) else "end"
        yield f"tag:before-{behind if behind in ('.', '،', 'end') else 'word'}", 1.0
        yield f"tag:{content.ends_by.partition(':')[0]}", 1.0
    if pattern == "headline":
        paragraph = tokens.paragraph[token]
        yield f"headline:line:{_bucket(paragraph, (0, 1, 3, 8))}", 1.0
        yield f"headline:size:{_bucket(content.end - content.start, (25, 60, 120, 250))}", 1.0
        if token + 1 < len(tokens.words) and tokens.words[tokens.stop(token) - 1] == ".":
            yield "headline:full-stop", 1.0


def _gap(tokens: Tokens, cue: Cue) -> list[int]:
    """The tokens between a cue and what opens its content that belong neither to its source nor to a relative clause."""
    k = cue.source.last if cue.source is not None and cue.side == "after" else cue.after
    gap = []
    relative = False
    while k < cue.opener:
        if tokens.infos[k].function == "relative":
            relative = True
        elif tokens.words[k] in "،,":
            relative = False
        elif not relative:
            gap.append(k)
        k += 1
    return gap


def _bucket(value: int, bounds: tuple[int, ...]) -> str:
    return next((f"<={b}" for b in bounds if value <= b), f">{bounds[-1]}")


def _source_class(tokens: Tokens, mention: Mention | None) -> str:
    if mention is None:
        return "none"
    if mention.form == "name" and not any(tokens.infos[k].name >= 0.5 for k in range(mention.first, mention.last)):
        return "unsure-name"
    if mention.form == "title":
        return "title-and-name" if mention.name is not None else "title-definite" if mention.definite else "title"
    return mention.form


def _before_class(before: object) -> str:
    if before is None:
        return "start"
    function = getattr(before, "function", "")
    form = getattr(before, "form", "")
    if function:
        return str(function)
    if form in ("،", ",", "."):
        return "comma"
    if not form[0].isalnum():
        return "mark"
    return "word"


def _explained(tokens: Tokens, cue: Cue) -> bool:
    """Whether only the source and adverbials stand between a cue and what opens its content."""
    p = cue.source.last if cue.source is not None and cue.side == "after" else cue.after
    while p < cue.opener and not tokens.words[p][0].isalnum():
        p += 1
    if p >= cue.opener or (cue.opener - p == 1 and tokens.words[p] in cue.form.takes):
        return True
    info = tokens.infos[p]
    return info.function in ("inner", "preposition", "time", "relative", "tail", "event", "oblique") or bool(info.preposition)


def _clash(a: Report, b: Report) -> bool:
    """Whether two reports are readings of one: the same content, or what a verb without complementiser may have before it and
    behind it."""
    if a.cue.token == b.cue.token and {a.cue.pattern, b.cue.pattern} == {"inverted", "bare"}:
        return True
    shared = min(a.content.end, b.content.end) - max(a.content.start, b.content.start)
    return shared > 0.9 * max(a.content.end - a.content.start, b.content.end - b.content.start)


def _better(new: Report, old: Report) -> bool:
    if new.cue.pattern == "inverted" and old.cue.pattern == "bare":
        return True
    if (new.cue.source is None) != (old.cue.source is None):
        return new.cue.source is not None
    return new.probability > old.probability


def _with_parent(report: Report, n: int, reports: list[Report]) -> Report:
    for m in range(n - 1, max(-1, n - 8), -1):
        other = reports[m].content
        if other.start <= report.cue.start and report.content.end <= other.end and other != report.content:
            return replace(report, parent=m)
    return report
