"""Training: annotated documents to a model folder.

    quoteattr train GOLD --dev GOLD --encoder ID_OR_DIR -o DIR

Each document is one example: its windows, and what the heads should say of its words. The loss of a batch is the sum of the
heads' mean losses: binary cross-entropy for cues and names, cross-entropy for the pointers, and for the link the negative log
of the summed probability of everybody who is right (marginal likelihood over entities and, inside one, over mentions).
"""

from __future__ import annotations

import copy
import errno
import json
import math
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional
from transformers import AutoTokenizer, PreTrainedConfig

from quoteattr.attributor import QuoteAttributor, attribute, linker, predict
from quoteattr.augment import Augmenter
from quoteattr.batching import Batch, Pairs, Place, Pointers
from quoteattr.calibration import cross_fitted, fit, read_gold
from quoteattr.candidates import Candidates, Content, Proposer, given_cue
from quoteattr.decode import places_of
from quoteattr.encoding import Encoded, Encoder, Floats, cues_by_word, pair_features, reach, word_span
from quoteattr.engine import SUMS, ModelError, write_sums
from quoteattr.evaluate import Report as Evaluation
from quoteattr.evaluate import evaluate, plain
from quoteattr.model import PASS, QuoteConfig, QuoteModel, encoder_of, load, loaded, on, quiet
from quoteattr.phrases import Mention, spanned
from quoteattr.rules import Report, weights
from quoteattr.schema import Document, Quote, Speaker
from quoteattr.speakers import Entity, Link, Offer
from quoteattr.text import NormalizedText, fold, normalize
from quoteattr.tokens import Tokens

_NOTHING = -100
_SURE = 60.0
_SAY_SECONDS, _SAVE_SECONDS = 60, 600
AVERAGED = 4
"""Of how many epochs' ends the weights are averaged."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision of the link: the cue's word, the places of all who are offered, the offer that each place belongs to, what
    the rules know of every offer, and which offers are right (none: nobody)."""

    cue: int
    places: list[Place]
    owners: list[int]
    offers: list[Offer]
    right: list[bool]


@dataclass(frozen=True, slots=True)
class Example:
    """One document for training. ``cues`` are words with a gold cue; the pointers of each are two words, or -1 for none, or
    -100 where gold has none that can be pointed to. ``unsure`` are words of which nobody knows whether they are cues, ``names``
    words with whether they are part of a speaker's name."""

    encoded: Encoded
    cues: list[int]
    unsure: list[int]
    begins: list[int]
    features: list[Floats]
    contents: list[tuple[int, int]]
    sources: list[tuple[int, int]]
    names: dict[int, bool]
    choices: list[Choice]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. ``batch`` counts documents; rates are those at the top of the schedule, which rises over ``warm_up`` of all
    steps and falls to nothing in a line. ``hidden`` is the share of pieces that the encoder does not see in training;
    ``variations`` reads documents in the varied copies of `quoteattr.augment`."""

    epochs: int = 8
    batch: int = 4
    encoder_rate: float = 1.5e-4
    head_rate: float = 1e-3
    warm_up: float = 0.06
    weight_decay: float = 0.01
    layer_decay: float = 0.9
    clip: float = 1.0
    smoothing: float = 0.05
    hidden: float = 0.05
    variations: bool = True
    seed: int = 0
    patience: int = 3


def example(document: Document, proposer: Proposer, encoder: Encoder) -> Example:
    """What an annotated document teaches; its ``rejected`` quotes teach nothing, not even that there is none."""
    normalized = normalize(document.text)
    candidates = proposer(normalized)
    tokens = candidates.tokens
    encoded = encoder(normalized, candidates)
    by_word = cues_by_word(candidates)
    reports = _gold_reports(document, normalized, candidates)
    cues, begins, features, contents, sources = [], [], [], [], []
    for _, report in reports:
        k = report.cue.token
        begin, stop = reach(tokens, k)
        content = word_span(tokens, report.content.start, report.content.end)
        source = report.cue.source
        cues.append(k)
        begins.append(begin)
        features.append(pair_features(tokens, k, by_word.get(k, ())))
        contents.append(_inside(content, begin, stop))
        sources.append(_inside((source.first, source.last), begin, stop) if source is not None else (-1, -1))
    choices = _choices(document, normalized, candidates, [report for _, report in reports], [quote for quote, _ in reports])
    unsure = [word_span(tokens, *normalized.from_original(q.cue.start, q.cue.end))[0] for q in document.rejected]
    names = _names(document, normalized, tokens)
    return Example(encoded, cues, [k for k in unsure if k not in cues], begins, features, contents, sources, names, choices)


def _inside(words: tuple[int, int], begin: int, stop: int) -> tuple[int, int]:
    """First and last word of a span where both are in reach."""
    first, last = words[0], words[1] - 1
    return (first, last) if begin <= first <= last < stop else (_NOTHING, _NOTHING)


def _gold_reports(document: Document, normalized: NormalizedText, candidates: Candidates) -> list[tuple[Quote, Report]]:
    """The gold quotes as reports, in the order of their contents."""
    tokens = candidates.tokens
    found = []
    for quote in document.quotes:
        cue_span = normalized.from_original(quote.cue.start, quote.cue.end)
        start, end = normalized.from_original(quote.content.start, quote.content.end)
        cue = given_cue(tokens, candidates.cues, cue_span, start)
        cue = replace(cue, token=word_span(tokens, *cue_span)[0], source=None, side=None)
        if quote.source is not None:
            source = normalized.from_original(quote.source.start, quote.source.end)
            mention = spanned(tokens, *word_span(tokens, *source))
            cue = replace(cue, source=mention, side="before" if mention.start < cue.start else "after")
        found.append((quote, Report(cue, Content(start, end, quote.type, "gold"), "gold", 1.0)))
    return sorted(found, key=lambda pair: (pair[1].content.start, pair[1].cue.start))


def _choices(
    document: Document, normalized: NormalizedText, candidates: Candidates, reports: Sequence[Report], quotes: Sequence[Quote]
) -> list[Choice]:
    """The decisions of the link, each with the right answers to those before."""
    teacher = _Teacher(normalized, reports, quotes)
    linker(normalized, candidates, reports, adviser=teacher).link()
    return teacher.choices


class _Teacher:
    """Gives the linker the right answers, and keeps what it asked."""

    def __init__(self, normalized: NormalizedText, reports: Sequence[Report], quotes: Sequence[Quote]) -> None:
        self._normalized = normalized
        self._cues = [report.cue.token for report in reports]
        self._known = [_known(quote.speaker) for quote in quotes]
        sources = [(n, report.cue.source) for n, report in enumerate(reports)]
        self._quote = {(source.start, source.end): n for n, source in sources if source is not None}
        self.choices: list[Choice] = []

    def speaker(
        self, n: int, offers: Mapping[int, Offer], entities: Sequence[Entity], links: Sequence[Link]
    ) -> tuple[Mapping[int, float], float]:
        """The gold speaker, or what the rules say where it is not among the offers."""
        return self._answer(self._cues[n], n, offers, entities, links), -_SURE

    def antecedent(
        self, mention: Mention, offers: Mapping[int, Offer], entities: Sequence[Entity], links: Sequence[Link]
    ) -> tuple[Mapping[int, float], float]:
        """The gold speaker, or nobody of the offers."""
        n = self._quote[mention.start, mention.end]
        return self._answer(mention.first, n, offers, entities, links), _SURE / 2

    def _answer(
        self, k: int, n: int, offers: Mapping[int, Offer], entities: Sequence[Entity], links: Sequence[Link]
    ) -> Mapping[int, float]:
        right = [self._denotes(entities[index], self._known[n]) for index in offers]
        places, owners = places_of(list(offers), entities, links, self._cues, k)
        self.choices.append(Choice(k, places, owners, list(offers.values()), right))
        return {index: offer.score + _SURE * yes for (index, offer), yes in zip(offers.items(), right, strict=True)}

    def _denotes(self, entity: Entity, names: frozenset[str]) -> bool:
        text = self._normalized
        spans = {s for m in entity.mentions for s in ((m.start, m.end), m.name or (m.start, m.end))}
        return any(plain(text.original[slice(*text.original_span(*span))]) in names for span in spans)


def _known(speaker: Speaker | None) -> frozenset[str]:
    return frozenset(map(plain, (speaker.name, *speaker.aliases))) if speaker is not None else frozenset()


def _names(document: Document, normalized: NormalizedText, tokens: Tokens) -> dict[int, bool]:
    """The words of and around the mentions of persons who speak, and whether each is part of a name."""
    labels: dict[int, bool] = {}
    for speaker in document.speakers:
        if speaker.kind != "person":
            continue
        words = set() if _described(tokens, speaker) else set(fold(speaker.name).split())
        for mention in speaker.mentions:
            first, last = word_span(tokens, *normalized.from_original(mention.start, mention.end))
            for k in range(first, last):
                info = tokens.infos[k]
                own = info.form in words or info.form[info.clitics :] in words
                labels[k] = own
            for k in (first - 1, last, last + 1):
                if 0 <= k < len(tokens.words):
                    labels.setdefault(k, False)
    return labels


def _described(tokens: Tokens, speaker: Speaker) -> bool:
    """Whether a speaker's name is no name but a description (المتحدث باسم الداخلية): it begins with a title."""
    lexicon = tokens.lexicon
    words = fold(speaker.name).split()
    noun = lexicon.nouns.get(words[0].removeprefix("ال")) if words else None
    return noun is not None and noun.cls != "honorific" and words[0] not in lexicon.names


# ---------------------------------------------------------------------------------------------------------------------
# Loss


def loss_of(model: QuoteModel, examples: Sequence[Example], recipe: Recipe, tokenizer: Any) -> dict[str, Tensor]:
    """The mean loss of every head over some documents."""
    device, smoothing = model.device, recipe.smoothing
    batch = on(device, Batch.of([x.encoded for x in examples], tokenizer.pad_token_id, PASS))
    batch = replace(batch, ids=tuple(_hidden(ids, recipe.hidden, tokenizer) for ids in batch.ids))
    states = model.states(batch)
    labels = torch.zeros(len(batch.first), device=device)
    shifts = batch.offsets
    cues = [k + shift for x, shift in zip(examples, shifts, strict=False) for k in x.cues]
    labels[cues] = 1.0
    known = torch.ones(len(batch.first), device=device)
    known[[k + shift for x, shift in zip(examples, shifts, strict=False) for k in x.unsure]] = 0.0
    logits = model.cues(states, batch)
    losses = {
        "cue": functional.binary_cross_entropy_with_logits(logits, labels, known, reduction="sum") / max(1, len(cues)),
    }
    named = [(k + shift, yes) for x, shift in zip(examples, shifts, strict=False) for k, yes in x.names.items()]
    if named:
        places = torch.tensor([k for k, _ in named], device=device)
        wanted = torch.tensor([float(yes) for _, yes in named], device=device)
        losses["name"] = functional.binary_cross_entropy_with_logits(model.names(states)[places], wanted)
    if cues:
        begins = [b + shift for x, shift in zip(examples, shifts, strict=False) for b in x.begins]
        at = on(device, Pointers.of(cues, begins, [f for x in examples for f in x.features]))
        for role, targets in (("content", [x.contents for x in examples]), ("source", [x.sources for x in examples])):
            wanted_words = [
                (a + shift if a >= 0 else a, b + shift if b >= 0 else b)
                for own, shift in zip(targets, shifts, strict=False)
                for a, b in own
            ]
            losses |= _pointer_losses(model, role, states, at, torch.tensor(begins, device=device), wanted_words, smoothing)
    choices = [(x, shift) for own, shift in zip(examples, shifts, strict=False) for x in own.choices]
    if choices:
        losses["link"] = _link_loss(model, states, choices)
    return losses


def _hidden(ids: Tensor, share: float, tokenizer: Any) -> Tensor:
    """Piece ids, a share of them replaced by the mask."""
    special = torch.isin(ids, torch.tensor(tokenizer.all_special_ids, device=ids.device))
    chosen = (torch.rand(ids.shape, device=ids.device) < share) & ~special
    return torch.where(chosen, tokenizer.mask_token_id, ids)


def _pointer_losses(
    model: QuoteModel,
    role: str,
    states: Tensor,
    at: Pointers,
    begins: Tensor,
    words: Sequence[tuple[int, int]],
    smoothing: float,
) -> dict[str, Tensor]:
    width = at.reach.shape[1]
    first = torch.tensor([a for a, _ in words], device=states.device)
    last = torch.tensor([b for _, b in words], device=states.device)
    starts = model.starts(role, states, at)
    target = torch.where(first >= 0, first - begins, torch.where(first == -1, width, _NOTHING))
    losses = {f"{role} start": _cross_entropy(starts, target, smoothing)}
    real = torch.nonzero(first >= 0).squeeze(1)
    if len(real):
        some = Pointers(at.cues[real], at.reach[real], at.mask[real], at.features[real])
        ends = model.ends(role, states, some, first[real])
        losses[f"{role} end"] = _cross_entropy(ends, (last - begins)[real], smoothing)
    return losses


def _cross_entropy(scores: Tensor, target: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy whose smoothing spreads over the words that may be meant only."""
    logs = functional.log_softmax(scores, dim=1)
    keep = target != _NOTHING
    if not keep.any():
        return scores.sum() * 0.0
    logs, target = logs[keep], target[keep]
    allowed = scores[keep] > -1e3
    right = logs.gather(1, target[:, None]).squeeze(1)
    other = logs.masked_fill(~allowed, 0.0).sum(dim=1) / allowed.sum(dim=1)
    return -((1 - smoothing) * right + smoothing * other).mean()


def _link_loss(model: QuoteModel, states: Tensor, choices: Sequence[tuple[Choice, int]]) -> Tensor:
    device = states.device
    rows: list[tuple[int, ...]] = []
    numbers = {name: n for n, name in enumerate(model.config.link_features)}
    features: list[list[int]] = []
    offer_choice: list[int] = []
    rules: list[float] = []
    right: list[bool] = []
    for n, (choice, shift) in enumerate(choices):
        base = len(rules)
        rows += [
            (choice.cue + shift, a + shift, b + shift, kind, distance, base + owner)
            for (a, b, kind, distance), owner in zip(choice.places, choice.owners, strict=True)
        ]
        rules += [offer.score for offer in choice.offers]
        features += [[numbers[name] for name in offer.features if name in numbers] for offer in choice.offers]
        right += choice.right
        offer_choice += [n] * len(choice.offers)
    pairs = on(device, Pairs.of(rows, features, len(numbers)))
    pooled = _log_sum(model.links(states, pairs), pairs.owner, len(rules))
    scores = pooled + model.link_rule * torch.tensor(rules, device=device)
    nobody = model.nobodies(states, torch.tensor([choice.cue + shift for choice, shift in choices], device=device))
    index = torch.tensor(offer_choice, device=device)
    count = len(choices)
    everybody = torch.cat([index, torch.arange(count, device=device)])
    total = _log_sum(torch.cat([scores, nobody]), everybody, count)
    is_right = torch.tensor(right, device=device)
    found = torch.zeros(count, dtype=torch.bool, device=device)
    found[index[is_right]] = True
    lost = torch.nonzero(~found).squeeze(1)
    good = _log_sum(torch.cat([scores[is_right], nobody[lost]]), torch.cat([index[is_right], lost]), count)
    return (total - good).mean()


def _log_sum(values: Tensor, groups: Tensor, count: int) -> Tensor:
    """The log of the summed exponentials of every group; 0 for an empty one. *Shape:* (count,)."""
    top = torch.zeros(count, device=values.device).scatter_reduce(0, groups, values.detach(), "amax", include_self=False)
    sums = torch.zeros(count, device=values.device).index_add(0, groups, torch.exp(values - top[groups]))
    empty = sums == 0
    return torch.where(empty, 0.0, top + torch.log(torch.where(empty, 1.0, sums)))


# ---------------------------------------------------------------------------------------------------------------------
# The run


@dataclass(slots=True)
class Progress:
    """How far a run has come: optimizer steps, epochs finished, the best score on dev and the epoch it was reached in."""

    step: int = 0
    epoch: int = 0
    best: float = -1.0
    best_epoch: int = 0


@dataclass(slots=True)
class Trainer:
    """Trains one model in one folder: ``checkpoint.pt``, ``log.jsonl``, and the model that is best on dev.

    What is tried on dev and saved is the mean of the weights behind the last `AVERAGED` epochs, of which the state of a model
    that was trained before is one; ``epochs`` holds them.

    ``silver`` are documents that a model has annotated: each epoch takes as many of them, the next ones in line, as there are
    documents in ``train``.
    """

    model: QuoteModel
    tokenizer: Any
    train: Sequence[Document]
    dev: Sequence[Document]
    out: Path
    recipe: Recipe = field(default_factory=Recipe)
    report: Callable[[Mapping[str, Any]], None] = lambda facts: None
    silver: Sequence[Document] = ()
    progress: Progress = field(default_factory=Progress)

    def run(self) -> Progress:
        """Train to the end of the recipe, from the checkpoint where there is one.

        Raises `ModelError` where the checkpoint is of another recipe or encoder, or another run writes the folder. `OSError` (no
        space left, say) leaves what the next run goes on from.
        """
        folder = self._weights(0).parent
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(folder / "lock").acquire(timeout=0):
                return self._run()
        except Timeout:
            raise ModelError(f"{self.out}: another run is writing it") from None

    def _run(self) -> Progress:
        recipe, model, progress = self.recipe, self.model, self.progress
        count = len(self.train) + min(len(self.train), len(self.silver))
        a_pass = math.ceil(count / recipe.batch)
        optimizer = build_optimizer(model, recipe)
        self._resume(optimizer)
        steps = recipe.epochs * a_pass
        silver = len(self.silver)
        self._say("start", documents=len(self.train), silver=silver, steps=steps, done=progress.step, recipe=asdict(recipe))
        if model.config.calibration and not progress.step:
            self._keep_weights(0)
        while progress.epoch < recipe.epochs and progress.epoch - progress.best_epoch < recipe.patience:
            self._epoch(optimizer, a_pass)
            self._keep_weights(progress.epoch + 1)
            mean = self._mean(progress.epoch + 1)
            score = self._evaluate(mean, progress.epoch + 1)
            if score > progress.best:
                progress.best, progress.best_epoch = score, progress.epoch + 1
                save(mean, self.tokenizer, self.out)
            progress.epoch += 1
            self._save_checkpoint(optimizer)
        self._say("end", **asdict(progress))
        return progress

    def _examples(self, epoch: int) -> list[Example]:
        """The examples of an epoch in their order; chance depends on seed and epoch alone."""
        recipe = self.recipe
        begin = epoch * len(self.train)
        silver = [self.silver[(begin + n) % len(self.silver)] for n in range(min(len(self.train), len(self.silver)))]
        proposer = Proposer()
        encoder = encoder_of(self.model.config, self.tokenizer)
        chance = random.Random(recipe.seed * 1000 + epoch)
        documents = [*self.train, *silver]
        if recipe.variations:
            augmenter = Augmenter(self.train, proposer.lexicon)
            documents = [augmenter(document, chance) for document in documents]
        chance.shuffle(documents)
        return [example(document, proposer, encoder) for document in documents]

    def _epoch(self, optimizer: torch.optim.Optimizer, a_pass: int) -> None:
        """The rest of an epoch. Order and chance depend on seed and step alone: a run that was resumed is the same run."""
        recipe, model, progress = self.recipe, self.model, self.progress
        model.train()
        examples = self._examples(progress.epoch)
        means: dict[str, list[float]] = {}
        begun = said = saved = time.monotonic()
        pieces = 0
        for step in range(progress.step, (progress.epoch + 1) * a_pass):
            at = step % a_pass * recipe.batch
            chosen = [x for x in examples[at : at + recipe.batch] if x.encoded.windows]
            progress.step = step + 1
            if not chosen:
                continue
            torch.manual_seed(recipe.seed * 1_000_003 + step)
            for group in optimizer.param_groups:
                group["lr"] = group["top"] * rate_factor(step / (recipe.epochs * a_pass), recipe.warm_up)
            with torch.autocast(model.device.type, dtype=torch.bfloat16):
                losses = loss_of(model, chosen, recipe, self.tokenizer)
            sum(losses.values(), torch.zeros((), device=model.device)).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            pieces += sum(len(window.ids) for x in chosen for window in x.encoded.windows)
            for name, loss in losses.items():
                means.setdefault(name, []).append(loss.item())
            now = time.monotonic()
            if now - said > _SAY_SECONDS:
                said = now
                self._say_losses("train", means, pieces, now - begun)
            if now - saved > _SAVE_SECONDS:
                saved = now
                self._save_checkpoint(optimizer)
        if means:
            self._say_losses("epoch", means, pieces, time.monotonic() - begun)

    def _say_losses(self, event: str, means: Mapping[str, list[float]], pieces: int, seconds: float) -> None:
        losses = {name: round(sum(x[-50:]) / len(x[-50:]), 4) for name, x in means.items()}
        self._say(event, step=self.progress.step, pieces_per_second=round(pieces / seconds), losses=losses)

    def _weights(self, epoch: int) -> Path:
        return self.out / "epochs" / f"{epoch}.safetensors"

    def _keep_weights(self, epoch: int) -> None:
        with _writing(self._weights(epoch)):
            save_file(_half(self.model), self._weights(epoch))

    def _mean(self, epoch: int) -> QuoteModel:
        """The model with the mean of the weights behind this and the last epochs before."""
        paths = [path for n in range(epoch, epoch - AVERAGED, -1) if (path := self._weights(n)).exists()]
        states = [load_file(path) for path in paths]
        mean = copy.deepcopy(self.model)
        mean.load_state_dict(
            {name: torch.stack([state[name].float() for state in states]).mean(dim=0) for name in mean.state_dict()}
        )
        return mean

    def _evaluate(self, model: QuoteModel, epoch: int) -> float:
        begun = time.monotonic()
        report = accuracy(model, self.tokenizer, self.dev)
        counts = report.counts
        self._say(
            "dev",
            epoch=epoch,
            seconds=round(time.monotonic() - begun),
            detection=round(counts.detection.f1, 4),
            content_exact=round(counts.fields["content"].exact.rate, 4),
            source_exact=round(counts.fields["source"].exact.rate, 4),
            attribution=round(counts.attribution.right.rate, 4),
            by_form={form: round(x.rate, 4) for form, x in counts.attribution.by_form.items()},
            end_to_end=round(counts.end_to_end.f1, 4),
            resolved=round(counts.resolved.f1, 4),
        )
        return counts.end_to_end.f1

    def _say(self, event: str, **facts: Any) -> None:
        record = {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "event": event, **facts}
        with (self.out / "log.jsonl").open("a", encoding="utf8") as log:
            log.write(json.dumps(record, ensure_ascii=False) + "\n")
        self.report(record)

    def _save_checkpoint(self, optimizer: torch.optim.Optimizer) -> None:
        state = {
            "model": self.model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "progress": asdict(self.progress),
            "recipe": asdict(self.recipe),
        }
        fresh = self.out / "checkpoint.tmp"
        with _writing(fresh):
            torch.save(state, fresh)
        os.replace(fresh, self.out / "checkpoint.pt")

    def _resume(self, optimizer: torch.optim.Optimizer) -> None:
        path = self.out / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        other = [name for name, value in asdict(self.recipe).items() if state["recipe"].get(name) != value]
        if other:
            raise ModelError(f"{self.out}: holds a run with another {', '.join(other)}; choose another folder or empty this one")
        try:
            self.model.load_state_dict(state["model"])
        except RuntimeError as error:
            raise ModelError(f"{self.out}: holds a run of another encoder; choose another folder or empty this one") from error
        optimizer.load_state_dict(state["optimizer"])
        for name, value in state["progress"].items():
            setattr(self.progress, name, value)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Libraries that write files have exceptions of their own for a full disk: each becomes an `OSError`, and the file goes."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        path.unlink(missing_ok=True)
        raise OSError(
            errno.ENOSPC, f"could not be written, is there space left? ({str(error).splitlines()[0]})", str(path)
        ) from error


def rate_factor(done: float, warm_up: float) -> float:
    """Share of the top learning rate when a part of all steps is done.

    >>> [round(rate_factor(x, 0.1), 2) for x in (0.0, 0.05, 0.1, 0.55, 1.0)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return done / warm_up if done < warm_up else (1 - done) / (1 - warm_up)


def build_optimizer(model: QuoteModel, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW: each layer of the encoder learns slower than the one above it, the heads faster; vectors do not decay."""
    layers = max((_layer(name) for name, _ in model.encoder.named_parameters()), default=0)
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for name, parameter in model.named_parameters():
        rate = recipe.head_rate
        if name.startswith("encoder."):
            rate = recipe.encoder_rate * recipe.layer_decay ** (layers - _layer(name))
        groups.setdefault((rate, recipe.weight_decay if parameter.dim() > 1 else 0.0), []).append(parameter)
    settings = [{"params": own, "lr": rate, "top": rate, "weight_decay": decay} for (rate, decay), own in groups.items()]
    return torch.optim.AdamW(settings, betas=(0.9, 0.98))


def _layer(name: str) -> int:
    """The number of the layer that a parameter of the encoder belongs to, -1 for the embeddings."""
    return next((int(part) for part in name.split(".") if part.isdigit()), -1)


def accuracy(model: QuoteModel, tokenizer: Any, gold: Sequence[Document]) -> Evaluation:
    """How well a model reads annotated documents: from the text alone and from gold cues and contents."""
    model.eval()
    attributor = QuoteAttributor.of(loaded(model, tokenizer))
    return evaluate(gold, predict(attributor, gold), attribute(attributor, gold))


def calibrate(folder: Path, dev: Sequence[Document]) -> Evaluation:
    """Fit the confidence of a saved model on annotated documents that it was not trained on, and save it with the model.

    The evaluation that comes back is of the same documents, each with the confidences of a fit on others.
    """
    model, tokenizer = load(folder)
    read = read_gold(loaded(model, tokenizer), dev)
    model.config.calibration = fit(read)
    (folder / SUMS).unlink(missing_ok=True)  # a run that ends here is not left with hashes of another file
    with TemporaryDirectory(dir=folder) as fresh:
        model.config.save_pretrained(fresh)
        os.replace(Path(fresh) / "config.json", folder / "config.json")
    write_sums(folder)
    return evaluate(dev, cross_fitted(read))


def fresh_model(encoder: str, seed: int) -> tuple[QuoteModel, Any]:
    """A model with untrained heads around an encoder, and its tokenizer; a model of quoteattr is taken with its trained heads.

    AraBERT v0.2 and AraELECTRA get AraBERT's text preparation; versions 1 and 2 want words cut by Farasa, which is not done
    here, and get the plain one like all others. Raises `ModelError` where the encoder can't be loaded.
    """
    named = Path(encoder).name.lower()
    preparation = "arabert" if "arabertv02" in named or "araelectra" in named else "plain"
    torch.manual_seed(seed)
    try:
        with quiet():
            if PreTrainedConfig.get_config_dict(encoder)[0].get("model_type") == QuoteConfig.model_type:
                return load(encoder)
            tokenizer = AutoTokenizer.from_pretrained(encoder)
            model = QuoteModel.from_encoder(
                encoder, QuoteConfig(preparation=preparation, link_features=sorted(weights()["link"]))
            )
    except (OSError, ValueError) as error:
        raise ModelError(
            f"the encoder {encoder} can't be loaded ({str(error).splitlines()[0]}); "
            f"'hf download {encoder}' fetches it from the Hub, or give a folder"
        ) from error
    if not tokenizer.is_fast:
        raise ModelError(f"the encoder {encoder} has no fast tokenizer, which quoteattr needs for the places of its pieces")
    return model, tokenizer


def save(model: QuoteModel, tokenizer: Any, folder: Path) -> None:
    """Save model and tokenizer in half precision, as they ship, with their hashes."""
    with quiet(), _writing(folder / "model.safetensors"):
        model.save_pretrained(folder, state_dict=_half(model))
    tokenizer.save_pretrained(folder)
    write_sums(folder)


def _half(model: QuoteModel) -> dict[str, Tensor]:
    """The weights of a model in half precision, on the processor."""
    return {name: x.to("cpu", torch.float16, copy=True) for name, x in model.state_dict().items()}
