"""Continue the masked-language training of an encoder on raw news.

    python -m quoteattr.models.pretrain --encoder encoder --raw ../shared/data/raw --out mlm --minutes 100

Articles are packed into sequences of 192 tokens; 15 % of the tokens are to be guessed. The output layer shares the word
embeddings and has a small transform before it, which starts at random and learns faster than the encoder. The learning
rate warms up and falls to nothing at the end of the plan, which is either a number of steps (reproducible) or a time (for
a machine that others share). There is no dropout, as few sequences are seen twice.

A run that was killed goes on from its last checkpoint when the same command is given again. The output folder takes
``log.jsonl`` with the losses, ``checkpoint.pt``, and ``final/`` with the encoder and its tokenizer.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import AutoTokenizer, BertForMaskedLM, PreTrainedTokenizerBase

from .build_encoder import raw_folder, raw_texts

Ids = npt.NDArray[np.int32]

LENGTH = 192
BATCH = 16
HELD_OUT = 500
CHECKPOINT_SECONDS = 600.0
LOG_STEPS = 10
NOTHING = -100
"""The label of a token that is not to be guessed."""

_MASKED = 0.15
_RATE = 1e-4
_HEAD_RATE = 1e-3
_WARM_UP = 0.05
_WEIGHT_DECAY = 0.01
_CLIP = 1.0


@dataclass(frozen=True, slots=True)
class State:
    """How far training has come. ``seconds`` counts checkpoints and held-out losses too, not the time between two runs."""

    step: int = 0
    seconds: float = 0.0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """When training ends: after so many steps, or after so many seconds."""

    amount: float
    unit: Literal["steps", "seconds"]

    def progress(self, state: State) -> float:
        """The part of the plan that is done, 1 at its end.

        >>> Plan(600, "seconds").progress(State(step=7, seconds=150.0))
        0.25
        """
        done = state.step if self.unit == "steps" else state.seconds
        return min(1.0, done / self.amount)


def rate_factor(progress: float) -> float:
    """Share of the full learning rate: it rises over the first 5 % of the plan, then falls to 0 in a line.

    >>> [round(rate_factor(p), 2) for p in (0.0, 0.025, 0.05, 0.525, 1.0)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    if progress < _WARM_UP:
        return progress / _WARM_UP
    return (1.0 - progress) / (1.0 - _WARM_UP)


# ---------------------------------------------------------------------------------------------------------------------
# Sequences


def pack(tokenizer: PreTrainedTokenizerBase, texts: Iterable[str]) -> Ids:
    """The texts one after another, cut into sequences. *Shape:* (sequences, LENGTH)

    Every sequence stands between the first and the last special token; the last one also stands after each text. What
    remains and fills no sequence is dropped.
    """
    stream: list[int] = []
    for text in texts:
        stream.extend(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
        stream.append(tokenizer.sep_token_id)
    inner = LENGTH - 2
    rows = len(stream) // inner
    body = np.asarray(stream[: rows * inner], dtype=np.int32).reshape(rows, inner)
    return np.pad(body, ((0, 0), (1, 1)), constant_values=((0, 0), (tokenizer.cls_token_id, tokenizer.sep_token_id)))


def batch_rows(rows: Tensor, step: int, seed: int) -> Tensor:
    """The sequences of a step; every pass over them has an order of its own, which depends only on the seed."""
    epoch, place = divmod(step, len(rows) // BATCH)
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed + epoch))
    return rows[order[place * BATCH : (place + 1) * BATCH]]


def mask(ids: Tensor, tokenizer: PreTrainedTokenizerBase, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The ids with some hidden, and the labels: the ids to guess, `NOTHING` elsewhere. *Shape:* both that of ``ids``

    Of the tokens to guess, 80 % become the mask, 10 % a random token, 10 % stay; special tokens are never among them.
    """
    special = torch.isin(ids, torch.tensor(tokenizer.all_special_ids))
    chosen = (torch.rand(ids.shape, generator=generator) < _MASKED) & ~special
    fate = torch.rand(ids.shape, generator=generator)
    others = torch.randint(len(tokenizer), ids.shape, generator=generator)
    hidden = torch.where(chosen & (fate < 0.8), tokenizer.mask_token_id, ids)
    hidden = torch.where(chosen & (fate >= 0.9), others, hidden)
    return hidden, torch.where(chosen, ids, NOTHING)


# ---------------------------------------------------------------------------------------------------------------------
# Training


def guess_loss(model: BertForMaskedLM, hidden: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy in nats over the tokens to guess; only they pass through the output layer."""
    wanted = labels != NOTHING
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states = model.bert(input_ids=hidden).last_hidden_state
        scores = model.cls(states[wanted])
    return torch.nn.functional.cross_entropy(scores.float(), labels[wanted])


def held_out_loss(model: BertForMaskedLM, rows: Tensor, tokenizer: PreTrainedTokenizerBase) -> float:
    """Mean loss over held-out sequences, masked alike in every call."""
    generator = torch.Generator().manual_seed(0)
    total = count = 0.0
    with torch.inference_mode():
        for batch in rows.split(BATCH):
            hidden, labels = mask(batch, tokenizer, generator)
            guesses = int((labels != NOTHING).sum())
            total += guess_loss(model, hidden, labels).item() * guesses
            count += guesses
    return total / count


def build_optimizer(model: BertForMaskedLM) -> torch.optim.AdamW:
    """AdamW in three groups: the encoder's matrices, its vectors (no decay), and the transform with the output bias."""
    encoder = list(model.bert.parameters())
    shared = {id(p) for p in encoder}
    head = [p for p in model.parameters() if id(p) not in shared]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in encoder if p.dim() > 1], "weight_decay": _WEIGHT_DECAY, "full_rate": _RATE},
        {"params": [p for p in encoder if p.dim() == 1], "weight_decay": 0.0, "full_rate": _RATE},
        {"params": head, "weight_decay": 0.0, "full_rate": _HEAD_RATE},
    ]
    return torch.optim.AdamW(groups, lr=_RATE, betas=(0.9, 0.98), eps=1e-6)


def save_checkpoint(path: Path, model: BertForMaskedLM, optimizer: torch.optim.AdamW, state: State) -> None:
    """Write the checkpoint beside the old one and only then replace that."""
    fresh = path.with_suffix(".tmp")
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "state": asdict(state)}, fresh)
    os.replace(fresh, path)


def load_checkpoint(path: Path, model: BertForMaskedLM, optimizer: torch.optim.AdamW) -> State:
    """Take up the checkpoint, where there is one."""
    if not path.exists():
        return State()
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return State(**saved["state"])


def write_log(path: Path, **facts: object) -> None:
    """Add one line to the log."""
    with path.open("a", encoding="utf8") as log:
        log.write(json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), **facts}) + "\n")


def train(
    model: BertForMaskedLM,
    tokenizer: PreTrainedTokenizerBase,
    rows: Tensor,
    held_out: Tensor,
    plan: Plan,
    out: Path,
    seed: int,
) -> None:
    """Train to the end of the plan, from the last checkpoint in ``out`` where there is one.

    The mode of the model stays as it is: dropout is used where the caller has switched it on.
    """
    checkpoint, log = out / "checkpoint.pt", out / "log.jsonl"
    optimizer = build_optimizer(model)
    state = load_checkpoint(checkpoint, model, optimizer)
    write_log(log, event="start", sequences=len(rows), held_out=len(held_out), plan=asdict(plan), **asdict(state))
    last = saved = time.monotonic()
    losses: list[float] = []
    while (progress := plan.progress(state)) < 1.0:
        for group in optimizer.param_groups:
            group["lr"] = rate_factor(progress) * group["full_rate"]
        generator = torch.Generator().manual_seed(seed + state.step)
        hidden, labels = mask(batch_rows(rows, state.step, seed), tokenizer, generator)
        loss = guess_loss(model, hidden, labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), _CLIP)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        now = time.monotonic()
        state = State(state.step + 1, state.seconds + now - last, state.tokens + hidden.numel())
        last = now
        if state.step % LOG_STEPS == 0:
            mean = round(sum(losses) / len(losses), 4)
            speed = round(state.tokens / state.seconds)
            write_log(log, event="train", **asdict(state), loss=mean, progress=round(progress, 4), tokens_per_second=speed)
            losses = []
        if now - saved >= CHECKPOINT_SECONDS:
            save_checkpoint(checkpoint, model, optimizer, state)
            write_log(log, event="held-out", step=state.step, loss=round(held_out_loss(model, held_out, tokenizer), 4))
            saved = time.monotonic()
    save_checkpoint(checkpoint, model, optimizer, state)
    write_log(log, event="end", **asdict(state), loss=round(held_out_loss(model, held_out, tokenizer), 4))


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and save the encoder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--encoder", type=Path, required=True, metavar="DIR", help="folder of the encoder to start from")
    parser.add_argument("--raw", type=raw_folder, required=True, metavar="DIR", help="folder of news as *.jsonl.gz files")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for log, checkpoint and final/")
    parser.add_argument("--threads", type=int, default=1, help="threads to compute with (default: 1)")
    parser.add_argument("--seed", type=int, default=0, help="seed of order, masks and transform (default: 0)")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--steps", type=int, help=f"end after so many steps of {BATCH} sequences")
    length.add_argument("--minutes", type=float, help="end after so many minutes")
    options = parser.parse_args(arguments)
    plan = Plan(options.steps, "steps") if options.minutes is None else Plan(60 * options.minutes, "seconds")
    if plan.amount <= 0:
        parser.error(f"{plan.amount:g} {plan.unit} are no training")

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    tokenizer = AutoTokenizer.from_pretrained(options.encoder)
    texts = list(raw_texts(options.raw))
    random.Random(options.seed).shuffle(texts)
    rows = torch.from_numpy(pack(tokenizer, texts)).long()
    if len(rows) < HELD_OUT + BATCH:
        parser.error(f"{options.raw} fills {len(rows)} sequences of {LENGTH} tokens, {HELD_OUT + BATCH} are needed")
    model = BertForMaskedLM.from_pretrained(options.encoder).eval()  # no dropout
    options.out.mkdir(parents=True, exist_ok=True)
    train(model, tokenizer, rows[HELD_OUT:], rows[:HELD_OUT], plan, options.out, options.seed)

    model.bert.save_pretrained(options.out / "final")
    tokenizer.save_pretrained(options.out / "final")


if __name__ == "__main__":
    main()
