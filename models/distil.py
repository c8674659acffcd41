"""Make a model with fewer layers that reads as a trained one does, to be trained on from there.

    python -m quoteattr.models.distil --model quoteattr-ar --layers 6 --raw ../shared/data/raw --out student --minutes 30
    quoteattr train GOLD --dev GOLD --silver SILVER --encoder student -o DIR

The student begins with every second layer (of six) and the heads of its teacher. On raw news it learns to give, behind each of
its layers, the states that the teacher has behind the layer of the same height: the loss is the mean squared difference of the
states, that of the last layer counting as much as those of all others (Sun et al. 2019, "Patient knowledge distillation for
BERT model compression"). No label is needed, and none is seen. Sequences, schedule and log are those of
`quoteattr.models.pretrain`.
"""

from __future__ import annotations

import argparse
import copy
import random
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from quoteattr.model import QuoteModel, load
from quoteattr.train import save

from .build_encoder import raw_folder, raw_texts
from .pretrain import BATCH, LENGTH, LOG_STEPS, Plan, State, batch_rows, pack, rate_factor, write_log

_RATE = 3e-4
_CLIP = 1.0


def heights(student: int, teacher: int) -> list[int]:
    """The layers of a teacher (counted from 1) that the layers of a student stand for, evenly spaced, the last one among them.

    >>> heights(6, 12)
    [2, 4, 6, 8, 10, 12]
    """
    return [round((n + 1) * teacher / student) for n in range(student)]


def student_of(teacher: QuoteModel, layers: int) -> QuoteModel:
    """A copy of the teacher with some of its layers."""
    config = copy.deepcopy(teacher.config)
    kept = heights(layers, config.encoder["num_hidden_layers"])
    config.encoder["num_hidden_layers"] = layers
    student = QuoteModel(config)
    names = {f"encoder.encoder.layer.{old - 1}.": f"encoder.encoder.layer.{new}." for new, old in enumerate(kept)}
    weights = {}
    for name, value in teacher.state_dict().items():
        old = next((prefix for prefix in names if name.startswith(prefix)), None)
        if old is not None:
            weights[names[old] + name.removeprefix(old)] = value
        elif not name.startswith("encoder.encoder.layer."):
            weights[name] = value
    student.load_state_dict(weights)
    return student


def difference(student: PreTrainedModel, teacher: PreTrainedModel, ids: Tensor) -> Tensor:
    """The loss over some sequences."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with torch.inference_mode():
            wanted = teacher(input_ids=ids, output_hidden_states=True).hidden_states
        found = student(input_ids=ids, output_hidden_states=True).hidden_states
    kept = heights(len(found) - 1, len(wanted) - 1)
    losses = [nn.functional.mse_loss(own.float(), wanted[old].clone().float()) for own, old in zip(found[1:], kept, strict=True)]
    return losses[-1] + sum(losses[:-1], torch.zeros(())) / max(1, len(losses) - 1)


def distil(student: QuoteModel, teacher: QuoteModel, rows: Tensor, plan: Plan, log: Path, seed: int) -> None:
    """Teach the student's encoder to the end of the plan."""
    optimizer = torch.optim.AdamW(student.encoder.parameters(), lr=_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    state = State()
    losses: list[float] = []
    last = time.monotonic()
    while (progress := plan.progress(state)) < 1.0:
        for group in optimizer.param_groups:
            group["lr"] = rate_factor(progress) * _RATE
        ids = batch_rows(rows, state.step, seed)
        loss = difference(student.encoder, teacher.encoder, ids)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.encoder.parameters(), _CLIP)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        now = time.monotonic()
        state = State(state.step + 1, state.seconds + now - last, state.tokens + ids.numel())
        last = now
        if state.step % LOG_STEPS == 0:
            write_log(log, event="train", **asdict(state), loss=round(float(np.mean(losses)), 5), progress=round(progress, 4))
            losses = []


def main(arguments: Sequence[str] | None = None) -> None:
    """Distil and save the student."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="folder of the trained model")
    parser.add_argument("--layers", type=int, default=6, help="layers of the student (default: 6)")
    parser.add_argument("--raw", type=raw_folder, required=True, metavar="DIR", help="folder of news as *.jsonl.gz files")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the student and log.jsonl")
    parser.add_argument("--threads", type=int, default=1, help="threads to compute with (default: 1)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the order (default: 0)")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--steps", type=int, help=f"end after so many steps of {BATCH} sequences")
    length.add_argument("--minutes", type=float, help="end after so many minutes")
    options = parser.parse_args(arguments)
    plan = Plan(options.steps, "steps") if options.minutes is None else Plan(60 * options.minutes, "seconds")

    torch.set_num_threads(options.threads)
    teacher, tokenizer = load(options.model)
    if not 0 < options.layers <= teacher.config.encoder["num_hidden_layers"]:
        parser.error(f"{options.model} has {teacher.config.encoder['num_hidden_layers']} layers, not {options.layers}")
    texts = list(raw_texts(options.raw))
    random.Random(options.seed).shuffle(texts)
    rows = torch.from_numpy(pack(tokenizer, texts)).long()
    if len(rows) < BATCH:
        parser.error(f"{options.raw} fills {len(rows)} sequences of {LENGTH} tokens, {BATCH} are needed")
    student = student_of(teacher, options.layers)
    options.out.mkdir(parents=True, exist_ok=True)
    distil(student, teacher, rows, plan, options.out / "log.jsonl", options.seed)
    save(student, tokenizer, options.out)


if __name__ == "__main__":
    main()
