"""Masked-language training: what is hidden, what a step learns from, and that a killed run goes on as if nothing had happened."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModel, AutoTokenizer, BertConfig, BertForMaskedLM, BertModel, PreTrainedTokenizerBase

from quoteattr.models import pretrain
from quoteattr.models.build_encoder import Vocabulary, build_tokenizer, save_tokenizer
from quoteattr.models.pretrain import NOTHING, Plan, State

WORDS = "قال الوزير إن الطريق مفتوح وأضاف أن العمل بدأ أمس في المدينة".split()
PIECES = ("<s>", "<pad>", "</s>", "<unk>", *(f"▁{word}" for word in WORDS), "<mask>")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny random encoder."""
    folder = tmp_path_factory.mktemp("encoder")
    config = BertConfig(vocab_size=len(PIECES), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
    torch.manual_seed(1)
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    save_tokenizer(build_tokenizer(Vocabulary(PIECES, (-1.0,) * len(PIECES)), {}), 512, folder)
    return folder


@pytest.fixture(scope="module")
def tokenizer(encoder: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(encoder)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of raw news: each of 30 articles begins with another word."""
    folder = tmp_path_factory.mktemp("raw")
    with gzip.open(folder / "news.jsonl.gz", "wt", encoding="utf8") as out:
        for i in range(30):
            words = WORDS[i % len(WORDS) :] + WORDS[: i % len(WORDS)]
            out.write(json.dumps({"text": " ".join(words * 2)}) + "\n")
    return folder


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sequences and batches of a size that fits the news above."""
    for name, value in {"LENGTH": 20, "BATCH": 4, "HELD_OUT": 4, "LOG_STEPS": 2}.items():
        monkeypatch.setattr(pretrain, name, value)


def run(encoder: Path, raw: Path, out: Path, *options: str) -> dict[str, Tensor]:
    """The weights after a run."""
    pretrain.main(["--encoder", str(encoder), "--raw", str(raw), "--out", str(out), *options])
    state: dict[str, Tensor] = AutoModel.from_pretrained(out / "final", add_pooling_layer=False).state_dict()
    return state


def log(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf8").splitlines()]


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


# Sequences


def test_texts_are_packed_without_loss_but_for_the_rest(tokenizer: PreTrainedTokenizerBase) -> None:
    texts = [" ".join(WORDS)] * 5
    rows = pretrain.pack(tokenizer, texts)
    assert rows.shape == (len(texts) * (len(WORDS) + 1) // 18, 20)
    assert set(rows[:, 0]) == {tokenizer.cls_token_id}
    assert set(rows[:, -1]) == {tokenizer.sep_token_id}
    stream = [*tokenizer.convert_tokens_to_ids([f"▁{word}" for word in WORDS]), tokenizer.sep_token_id] * len(texts)
    assert rows[:, 1:-1].flatten().tolist() == stream[: rows.shape[0] * 18]


def test_a_pass_takes_every_full_batch_once_and_the_next_in_another_order() -> None:
    rows = torch.arange(22)
    passes = [torch.cat([pretrain.batch_rows(rows, 5 * epoch + step, seed=3) for step in range(5)]) for epoch in range(2)]
    for taken in passes:
        assert len(set(taken.tolist())) == 20
    assert not torch.equal(*passes)
    assert torch.equal(pretrain.batch_rows(rows, 7, seed=3), pretrain.batch_rows(rows, 7, seed=3))


# What is hidden


@pytest.fixture(scope="module")
def masked(tokenizer: PreTrainedTokenizerBase) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, some of them special, with what is hidden and the labels."""
    ids = torch.randint(len(PIECES), (500, 200), generator=torch.Generator().manual_seed(0))
    return ids, *pretrain.mask(ids, tokenizer, torch.Generator().manual_seed(7))


def test_labels_are_the_ids_to_guess_and_the_others_stay(masked: tuple[Tensor, Tensor, Tensor]) -> None:
    ids, hidden, labels = masked
    chosen = labels != NOTHING
    assert hidden.shape == labels.shape == ids.shape
    assert torch.equal(labels[chosen], ids[chosen])
    assert torch.equal(hidden[~chosen], ids[~chosen])
    assert 0 <= int(hidden.min()) <= int(hidden.max()) < len(PIECES)


def test_special_tokens_are_never_guessed(masked: tuple[Tensor, Tensor, Tensor]) -> None:
    ids, _, labels = masked
    special = torch.isin(ids, torch.tensor([PIECES.index(p) for p in ("<s>", "<pad>", "</s>", "<unk>", "<mask>")]))
    assert special.any()
    assert (labels[special] == NOTHING).all()


def test_the_shares_are_those_of_bert(masked: tuple[Tensor, Tensor, Tensor]) -> None:
    ids, hidden, labels = masked
    chosen = labels != NOTHING
    eligible = (ids > 3) & (ids < len(PIECES) - 1)
    assert int(chosen.sum()) / int(eligible.sum()) == pytest.approx(0.15, abs=0.01)
    mask_id, by_chance = PIECES.index("<mask>"), 0.1 / len(PIECES)
    assert float((hidden == mask_id)[chosen].float().mean()) == pytest.approx(0.8 + by_chance, abs=0.015)
    assert float((hidden == ids)[chosen].float().mean()) == pytest.approx(0.1 + by_chance, abs=0.015)


def test_the_generator_decides(tokenizer: PreTrainedTokenizerBase) -> None:
    ids = torch.full((10, 20), 5)
    first, again, other = (pretrain.mask(ids, tokenizer, torch.Generator().manual_seed(seed))[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


# Training


def test_the_loss_is_that_of_the_whole_model(encoder: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    model = BertForMaskedLM.from_pretrained(encoder).eval()
    ids = torch.randint(4, len(PIECES) - 1, (4, 20), generator=torch.Generator().manual_seed(0))
    hidden, labels = pretrain.mask(ids, tokenizer, torch.Generator().manual_seed(0))
    expected = model(input_ids=hidden, labels=labels).loss.item()
    assert pretrain.guess_loss(model, hidden, labels).item() == pytest.approx(expected, abs=0.02)
    assert pretrain.held_out_loss(model, ids, tokenizer) == pytest.approx(expected, abs=0.02)


def test_every_parameter_is_trained_once(encoder: Path) -> None:
    model = BertForMaskedLM.from_pretrained(encoder)
    trained = [p for group in pretrain.build_optimizer(model).param_groups for p in group["params"]]
    assert len(trained) == len({id(p) for p in trained}) == len(list(model.parameters()))


@pytest.mark.parametrize(
    ("plan", "state", "progress"),
    [
        (Plan(8, "steps"), State(2, 900.0), 0.25),
        (Plan(8, "steps"), State(9, 900.0), 1.0),
        (Plan(60, "seconds"), State(9, 15.0), 0.25),
        (Plan(60, "seconds"), State(0, 61.0), 1.0),
    ],
)
def test_the_unit_of_the_plan_decides_how_much_is_done(plan: Plan, state: State, progress: float) -> None:
    assert plan.progress(state) == progress


def test_two_steps_train_save_and_log(encoder: Path, raw: Path, tmp_path: Path) -> None:
    trained = run(encoder, raw, tmp_path, "--steps", "2")
    before = AutoModel.from_pretrained(encoder, add_pooling_layer=False)
    assert trained.keys() == before.state_dict().keys()
    assert not same(trained, before.state_dict())
    config = AutoModel.from_pretrained(tmp_path / "final").config
    assert config.hidden_dropout_prob == before.config.hidden_dropout_prob > 0
    assert AutoTokenizer.from_pretrained(tmp_path / "final").get_vocab() == {p: i for i, p in enumerate(PIECES)}

    start, train, end = log(tmp_path)
    assert [start["event"], train["event"], end["event"]] == ["start", "train", "end"]
    assert start["plan"] == {"amount": 2, "unit": "steps"}
    assert (start["step"], train["step"], end["step"]) == (0, 2, 2)
    assert start["held_out"] == 4
    assert end["tokens"] == 2 * 4 * 20
    assert 0 < end["loss"] < 10


def test_the_loss_falls(encoder: Path, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrain, "_RATE", 3e-3)  # an encoder as small as this learns slowly at the real rate
    run(encoder, raw, tmp_path, "--steps", "40")
    losses = [line["loss"] for line in log(tmp_path) if line["event"] == "train"]
    assert len(losses) == 20
    assert losses[-1] < losses[0] - 0.15


def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    encoder: Path, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(encoder, raw, tmp_path / "whole", "--steps", "6")

    killed, batch_rows = tmp_path / "killed", pretrain.batch_rows

    def until_the_fifth_step(rows: Tensor, step: int, seed: int) -> Tensor:
        if step == 4:
            raise KeyboardInterrupt
        return batch_rows(rows, step, seed)

    with monkeypatch.context() as patch:
        patch.setattr(pretrain, "CHECKPOINT_SECONDS", 0.0)
        patch.setattr(pretrain, "batch_rows", until_the_fifth_step)
        with pytest.raises(KeyboardInterrupt):
            run(encoder, raw, killed, "--steps", "6")
    assert not (killed / "final").exists()
    (killed / "checkpoint.tmp").write_bytes(b"half a checkpoint")

    resumed = run(encoder, raw, killed, "--steps", "6")
    assert same(resumed, whole)
    starts = [line["step"] for line in log(killed) if line["event"] == "start"]
    assert starts == [0, 4]
    assert [line["step"] for line in log(killed) if line["event"] == "held-out"] == [1, 2, 3, 4]
    first, second = (log(folder)[-1] for folder in (tmp_path / "whole", killed))
    assert (first["loss"], first["step"], first["tokens"]) == (second["loss"], second["step"], second["tokens"])


def test_a_finished_run_is_left_as_it_is(encoder: Path, raw: Path, tmp_path: Path) -> None:
    first = run(encoder, raw, tmp_path, "--steps", "2")
    assert same(run(encoder, raw, tmp_path, "--steps", "2"), first)
    assert [line["step"] for line in log(tmp_path) if line["event"] == "end"] == [2, 2]


def test_a_time_ends_training_too(encoder: Path, raw: Path, tmp_path: Path) -> None:
    run(encoder, raw, tmp_path, "--minutes", "0.001")
    end = log(tmp_path)[-1]
    assert end["step"] > 0
    assert end["seconds"] >= 0.06


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--steps", "0"], "0 steps are no training"),
        (["--minutes", "-1"], "-60 seconds are no training"),
        ([], "one of the arguments --steps --minutes is required"),
    ],
)
def test_a_plan_without_an_amount_is_wrong_usage(
    encoder: Path, raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], reason: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(encoder, raw, tmp_path, *options)
    assert reason in capsys.readouterr().err


def test_too_little_news_is_said_before_training(
    encoder: Path, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pretrain, "HELD_OUT", 1000)
    with pytest.raises(SystemExit, match="2"):
        run(encoder, raw, tmp_path / "out", "--steps", "2")
    assert "sequences of 20 tokens, 1004 are needed" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
