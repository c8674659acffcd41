"""Training: what gold teaches, that it is learned, that a stopped run goes on as if nothing had been, and the command."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import DATA, resolve
from encoders import ARTICLES, FAMILIES, build_model, text_encoder
from torch import Tensor
from transformers import AutoTokenizer

from quoteattr import train
from quoteattr.candidates import Proposer
from quoteattr.cli import main
from quoteattr.encoding import reach
from quoteattr.engine import ModelError
from quoteattr.evaluate import plain
from quoteattr.model import QuoteConfig, QuoteModel, quiet
from quoteattr.schema import Document
from quoteattr.text import fold, normalize
from quoteattr.train import Example, Recipe, Trainer, build_optimizer, calibrate, example, fresh_model, loss_of, save

PROPOSER = Proposer()
TEXT = (
    "قال وزير النقل سالم العلواني إن الطريق الساحلي سيفتح غدا. وفي الجهة المقابلة، أكدت النائبة هدى صليبا أن الأشغال متعثرة. "
    "وأضافت أن الكلفة تضاعفت. وأشار العلواني إلى أن الحكومة سددت ما عليها."
)
SPEAKERS = {"سالم العلواني": "وزير النقل سالم العلواني", "هدى صليبا": "النائبة هدى صليبا"}
SAID = [
    ("قال", "وزير النقل سالم العلواني", "الطريق الساحلي سيفتح غدا", "سالم العلواني"),
    ("أكدت", "النائبة هدى صليبا", "الأشغال متعثرة", "هدى صليبا"),
    ("وأضافت", None, "الكلفة تضاعفت", "هدى صليبا"),
    ("وأشار", "العلواني", "الحكومة سددت ما عليها", "سالم العلواني"),
]


def annotated() -> Document:
    ids = {name: f"S{n}" for n, name in enumerate(SPEAKERS, 1)}
    speakers = [
        {
            "id": ids[name],
            "name": name,
            "kind": "person",
            "aliases": [name, full, name.split()[-1]],
            "mentions": [[TEXT.index(full), TEXT.index(full) + len(full)]],
        }
        for name, full in SPEAKERS.items()
    ]
    speakers[0]["mentions"].append([TEXT.rindex("العلواني"), TEXT.rindex("العلواني") + 8])  # type: ignore[attr-defined]
    quotes = []
    for n, (cue, source, content, speaker) in enumerate(SAID, 1):
        spans = resolve(TEXT, {"cue": cue, "source": source, "content": content})
        quote = {"id": f"Q{n}", "type": "indirect", "source": None, "speaker": ids[speaker]}
        quotes.append(quote | {role: [span.start, span.end] for role, span in spans.items()})
    return Document.from_dict({"id": "two", "text": TEXT, "speakers": speakers, "quotes": quotes})


@pytest.fixture(scope="module")
def tokenizer(encoders: Mapping[str, Path]) -> Any:
    return AutoTokenizer.from_pretrained(encoders["bert"])


@pytest.fixture
def model(encoders: Mapping[str, Path]) -> QuoteModel:
    return build_model(encoders["bert"])


def taught(document: Document, tokenizer: Any) -> Example:
    return example(document, PROPOSER, text_encoder(tokenizer, length=96, context=20))


# ---------------------------------------------------------------------------------------------------------------------
# Examples


@pytest.mark.parametrize("document", [annotated(), *ARTICLES], ids=lambda document: document.id)
def test_an_example_points_at_the_words_of_gold(document: Document, tokenizer: Any) -> None:
    text = document.text
    normalized = normalize(text)
    tokens = PROPOSER(normalized).tokens
    found = taught(document, tokenizer)

    def words(span: tuple[int, int]) -> str:
        """The text from a first to a last word."""
        return text[slice(*normalized.original_span(tokens.starts[span[0]], tokens.end(span[1])))]

    quotes = sorted(document.quotes, key=lambda quote: (quote.content.start, quote.cue.start))
    assert len(found.cues) == len(found.contents) == len(found.sources) == len(quotes) > 0
    for n, quote in enumerate(quotes):
        k = found.cues[n]
        assert quote.cue.text.startswith(words((k, k))) or words((k, k)).endswith(quote.cue.text)
        assert plain(words(found.contents[n])) == plain(quote.text)
        begin, stop = reach(tokens, k)
        assert (found.begins[n], len(found.features[n])) == (begin, stop - begin)
        if quote.source is None:
            assert found.sources[n] == (-1, -1)
        else:
            assert words(found.sources[n]).endswith(quote.source.text)  # letters such as ل are no words of their own
            assert len(words(found.sources[n])) <= len(quote.source.text) + 2


def test_an_example_tells_names_from_titles(tokenizer: Any) -> None:
    tokens = PROPOSER(normalize(TEXT)).tokens
    names = taught(annotated(), tokenizer).names
    assert {tokens.words[k] for k, yes in names.items() if yes} == {*fold("سالم العلواني هدى صليبا").split()}
    assert {tokens.words[k] for k, yes in names.items() if not yes} >= {*fold("وزير النقل النائبة قال إن").split()}
    assert [k for k, word in enumerate(tokens.words) if word == "العلواني"] == [k for k in names if tokens.words[k] == "العلواني"]


def test_the_choice_of_an_example_is_right_about_who_is_meant(tokenizer: Any) -> None:
    words = PROPOSER(normalize(TEXT)).tokens.words
    choice = next(x for x in taught(annotated(), tokenizer).choices if words[x.cue] == "واضافت")
    assert len(choice.offers) == len(choice.right) >= 2
    assert {*choice.owners} <= {*range(len(choice.right))}
    assert sum(choice.right) == 1
    mine = [place for place, owner in zip(choice.places, choice.owners, strict=True) if choice.right[owner]]
    assert any("صليبا" in words[first : last + 1] for first, last, *_ in mine)
    others = [place for place, owner in zip(choice.places, choice.owners, strict=True) if not choice.right[owner]]
    assert any("سالم" in words[first : last + 1] for first, last, *_ in others)
    assert all("صليبا" not in words[first : last + 1] for first, last, *_ in others)


def test_where_nobody_who_is_offered_is_right_nobody_is(tokenizer: Any) -> None:
    record = annotated().to_dict()
    record["speakers"].append({"id": "S3", "name": "رباب قاسم", "kind": "person", "aliases": [], "mentions": []})
    record["quotes"][2]["speaker"] = "S3"
    found = taught(Document.from_dict(record), tokenizer)
    choice = next(x for x in found.choices if x.cue == found.cues[2])
    assert not any(choice.right)


def test_a_content_out_of_reach_of_its_cue_is_not_pointed_to(tokenizer: Any) -> None:
    text = f"قال الوزير {'في جلسة طويلة ' * 100}إن الطريق مفتوح"
    content = [text.index("الطريق"), len(text)]
    quote = {"id": "Q1", "type": "indirect", "cue": [0, 3], "source": [4, 10], "content": content, "speaker": None}
    found = taught(Document.from_dict({"id": "", "text": text, "speakers": [], "quotes": [quote]}), tokenizer)
    assert found.contents == [(-100, -100)]
    assert found.sources == [(1, 1)]


def test_a_text_without_quotes_is_an_example_too(tokenizer: Any, model: QuoteModel) -> None:
    silent = taught(Document("افتتحت البلدية السوق أمس وسط حضور كثيف."), tokenizer)
    assert (silent.cues, silent.choices, silent.names) == ([], [], {})
    losses = loss_of(model, [silent], Recipe(), tokenizer)
    assert {*losses} == {"cue"}
    assert losses["cue"].isfinite()


# ---------------------------------------------------------------------------------------------------------------------
# Learning


def test_the_losses_of_all_heads_fall(tokenizer: Any, model: QuoteModel) -> None:
    recipe = Recipe(hidden=0.0, smoothing=0.0, head_rate=3e-3)
    examples = [taught(document, tokenizer) for document in (annotated(), ARTICLES[0])]
    optimizer = build_optimizer(model, recipe)
    history: list[dict[str, float]] = []
    for _ in range(15):
        losses = loss_of(model, examples, recipe, tokenizer)
        history.append({name: loss.item() for name, loss in losses.items()})
        sum(losses.values(), torch.zeros(())).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
    first, last = history[0], history[-1]
    assert {*first} == {"cue", "name", "content start", "content end", "source start", "source end", "link"}
    assert sum(last.values()) < 0.6 * sum(first.values())
    assert all(last[name] < first[name] for name in first)


def test_the_loss_of_a_batch_does_not_depend_on_its_order(tokenizer: Any, model: QuoteModel) -> None:
    recipe = Recipe(hidden=0.0)
    examples = [taught(document, tokenizer) for document in (annotated(), ARTICLES[1], Document("لا شيء هنا."))]
    with torch.no_grad():
        one, other = (loss_of(model, own, recipe, tokenizer) for own in (examples, examples[::-1]))
    assert {name: loss.item() for name, loss in one.items()} == pytest.approx(
        {name: x.item() for name, x in other.items()}, rel=1e-3
    )


def test_of_an_unsure_quote_nothing_is_learned(tokenizer: Any, model: QuoteModel, monkeypatch: pytest.MonkeyPatch) -> None:
    document = annotated()
    *sure, last = document.quotes
    words = PROPOSER(normalize(TEXT)).tokens.words
    at = words.index("واشار")
    monkeypatch.setattr(model, "cues", lambda states, batch: torch.where(torch.arange(len(words)) == at, 50.0, 0.0))
    found = {}
    for name, rejected in (("none", ()), ("unsure", (last,))):
        taught_of = taught(replace(document, quotes=tuple(sure), rejected=rejected), tokenizer)
        assert (taught_of.unsure == [at]) == bool(rejected)
        assert len(taught_of.cues) == 3
        found[name] = float(loss_of(model, [taught_of], Recipe(hidden=0.0), tokenizer)["cue"])
    assert found["none"] == pytest.approx(found["unsure"] + 50 / 3)


def test_hidden_pieces_are_masks_and_never_special_ones(
    tokenizer: Any, model: QuoteModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Tensor] = []
    states = model.states
    monkeypatch.setattr(model, "states", lambda batch: read.extend(batch.ids) or states(batch))
    examples = [taught(document, tokenizer) for document in (annotated(), ARTICLES[0])]
    torch.manual_seed(0)
    for hidden in (0.0, 0.3):
        loss_of(model, examples, Recipe(hidden=hidden), tokenizer)
    whole, partly = (torch.cat([ids.flatten() for ids in own]) for own in (read[: len(read) // 2], read[len(read) // 2 :]))
    different = whole != partly
    assert (partly[different] == tokenizer.mask_token_id).all()
    special = torch.isin(whole, torch.tensor(tokenizer.all_special_ids))
    assert special.any()
    assert not (different & special).any()
    assert 0.2 < different.sum() / (~special).sum() < 0.4


def test_the_encoder_learns_slower_than_the_heads_and_slowest_at_its_bottom(model: QuoteModel) -> None:
    recipe = Recipe(encoder_rate=1e-4, head_rate=1e-3, layer_decay=0.5)
    groups = build_optimizer(model, recipe).param_groups
    rates = {id(parameter): group["lr"] for group in groups for parameter in group["params"]}
    decays = {id(parameter): group["weight_decay"] for group in groups for parameter in group["params"]}
    assert sum(len(group["params"]) for group in groups) == len(rates) == len(list(model.parameters()))
    named = {name: rates[id(parameter)] for name, parameter in model.named_parameters()}
    assert named["encoder.embeddings.word_embeddings.weight"] == pytest.approx(0.25e-4)
    assert named["encoder.encoder.layer.0.output.dense.weight"] == pytest.approx(0.5e-4)
    assert named["encoder.encoder.layer.1.output.dense.weight"] == pytest.approx(1e-4)
    assert {rate for name, rate in named.items() if not name.startswith("encoder.")} == {1e-3}
    assert {decays[id(parameter)] for parameter in model.parameters() if parameter.dim() == 1} == {0.0}


# ---------------------------------------------------------------------------------------------------------------------
# Runs

RECIPE = Recipe(epochs=2, batch=2, head_rate=3e-3)
LEARNED, HELD_OUT = [annotated(), *ARTICLES[:2]], [ARTICLES[3]]


def trained(encoder: Path, tokenizer: Any, out: Path, stop: int | None = None) -> QuoteModel:
    """A run that is interrupted before a step, or not."""
    model = build_model(encoder)
    steps = 0

    def interrupted(*arguments: Any) -> dict[str, Tensor]:
        nonlocal steps
        steps += 1
        if steps - 1 == stop:
            raise KeyboardInterrupt
        return loss_of(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "loss_of", interrupted)
        patch.setattr(train, "_SAVE_SECONDS", -1)  # a checkpoint behind every step
        Trainer(model, tokenizer, LEARNED, HELD_OUT, out, RECIPE).run()
    return model


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def run(encoders: Mapping[str, Path], tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[QuoteModel, Path]:
    """A model and its folder after a whole run."""
    out = tmp_path_factory.mktemp("run")
    return trained(encoders["bert"], tokenizer, out), out


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_run_that_was_stopped_ends_as_one_that_was_not(
    run: tuple[QuoteModel, Path], encoders: Mapping[str, Path], tokenizer: Any, tmp_path: Path, stop: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        trained(encoders["bert"], tokenizer, tmp_path, stop)
    again = trained(encoders["bert"], tokenizer, tmp_path)
    expected = run[0].state_dict()
    assert {name for name, x in again.state_dict().items() if not torch.equal(x, expected[name])} == set()
    starts = [record["done"] for record in records(tmp_path) if record["event"] == "start"]
    assert starts == [0, stop]
    ends = [[record for record in records(folder) if record["event"] == "end"] for folder in (tmp_path, run[1])]
    assert [{**x, "time": ""} for x in ends[0]] == [{**x, "time": ""} for x in ends[1]]


def test_a_run_that_is_done_stays_as_it_is(
    run: tuple[QuoteModel, Path], encoders: Mapping[str, Path], tokenizer: Any, tmp_path: Path
) -> None:
    (tmp_path / "checkpoint.pt").write_bytes((run[1] / "checkpoint.pt").read_bytes())
    again = trained(encoders["bert"], tokenizer, tmp_path, stop=0)  # there is no step left to be interrupted
    assert all(torch.equal(x, run[0].state_dict()[name]) for name, x in again.state_dict().items())
    assert [record["event"] for record in records(tmp_path)] == ["start", "end"]


def test_the_log_has_one_record_a_line_with_the_figures_on_dev(run: tuple[QuoteModel, Path]) -> None:
    log = records(run[1])
    assert [record["event"] for record in log] == ["start", "epoch", "dev", "epoch", "dev", "end"]
    start, epoch, dev, *_, end = log
    assert (start["documents"], start["steps"], start["done"]) == (3, 4, 0)
    assert start["recipe"]["epochs"] == 2
    assert {"cue", "name", "content start", "source end", "link"} <= {*epoch["losses"]}
    assert epoch["step"] == 2
    figures = ("detection", "content_exact", "source_exact", "attribution", "end_to_end", "resolved")
    assert all(0 <= dev[name] <= 1 for name in figures)
    assert dev["detection"] > 0.3  # fresh heads begin with what the rules find
    assert end["step"] == 4
    assert end["best"] == pytest.approx(max(x["end_to_end"] for x in log if x["event"] == "dev"), abs=1e-4)
    assert not [*run[1].glob("*.tmp")]


def test_a_run_stops_when_dev_does_not_get_better(
    encoders: Mapping[str, Path], tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([0.5, 0.4, 0.4, 0.9])
    monkeypatch.setattr(Trainer, "_evaluate", lambda self, model, epoch: next(scores))
    model = build_model(encoders["bert"])
    first: dict[str, Tensor] = {}

    def watch(facts: Mapping[str, Any]) -> None:
        if facts["event"] == "epoch" and not first:
            first.update({name: x.clone() for name, x in model.state_dict().items()})

    recipe = Recipe(epochs=4, batch=1, patience=2)
    progress = Trainer(model, tokenizer, [annotated()], HELD_OUT, tmp_path, recipe, watch).run()
    assert (progress.epoch, progress.best_epoch, progress.best) == (3, 1, 0.5)
    kept = QuoteModel.from_pretrained(tmp_path, dtype=torch.float32).state_dict()
    assert all(torch.allclose(x, first[name], atol=1e-3) for name, x in kept.items())


def test_a_folder_that_holds_another_run_is_refused(
    run: tuple[QuoteModel, Path], encoders: Mapping[str, Path], tokenizer: Any, tmp_path: Path
) -> None:
    (tmp_path / "checkpoint.pt").write_bytes((run[1] / "checkpoint.pt").read_bytes())
    other = replace(RECIPE, seed=1, smoothing=0.2)
    with pytest.raises(ModelError, match="holds a run with another smoothing, seed"):
        Trainer(build_model(encoders["bert"]), tokenizer, LEARNED, HELD_OUT, tmp_path, other).run()
    with pytest.raises(ModelError, match="holds a run of another encoder"):
        Trainer(build_model(encoders["electra"]), tokenizer, LEARNED, HELD_OUT, tmp_path, RECIPE).run()


def test_every_epoch_reads_the_next_silver_documents(
    encoders: Mapping[str, Path], tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def noted(document: Document, *rest: Any) -> Example:
        read.append(document.id)
        return example(document, *rest)

    monkeypatch.setattr(train, "example", noted)
    monkeypatch.setattr(Trainer, "_evaluate", lambda self, model, epoch: 0.0)
    silver = [replace(ARTICLES[n], id=f"silver {n}", rejected=ARTICLES[n].quotes[:1]) for n in (0, 1, 2)]
    recipe = Recipe(epochs=2, batch=2)
    Trainer(build_model(encoders["bert"]), tokenizer, LEARNED[:2], HELD_OUT, tmp_path, recipe, silver=silver).run()
    gold = [document.id for document in LEARNED[:2]]
    assert sorted(read[:4]) == sorted([*gold, "silver 0", "silver 1"])
    assert sorted(read[4:]) == sorted([*gold, "silver 2", "silver 0"])
    assert records(tmp_path)[0]["steps"] == 4


def test_the_mean_of_the_epochs_is_kept(
    encoders: Mapping[str, Path], tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([0.1, 0.2, 0.3])
    monkeypatch.setattr(Trainer, "_evaluate", lambda self, model, epoch: next(scores))
    monkeypatch.setattr(train, "AVERAGED", 2)
    model = build_model(encoders["bert"])
    ends: list[dict[str, Tensor]] = []

    def watch(facts: Mapping[str, Any]) -> None:
        if facts["event"] == "epoch":
            ends.append({name: x.clone() for name, x in model.state_dict().items()})

    Trainer(model, tokenizer, [annotated()], HELD_OUT, tmp_path, Recipe(epochs=3, batch=1), watch).run()
    kept = QuoteModel.from_pretrained(tmp_path, dtype=torch.float32).state_dict()
    assert all(torch.allclose(x, (ends[1][name] + ends[2][name]) / 2, atol=1e-3) for name, x in kept.items())
    assert any(not torch.allclose(x, ends[2][name], atol=1e-4) for name, x in kept.items())


def test_a_trained_model_is_part_of_the_mean(encoders: Mapping[str, Path], tokenizer: Any, tmp_path: Path) -> None:
    model = build_model(encoders["bert"])
    model.config.calibration = {"bias": 1.0}
    before = {name: x.clone() for name, x in model.state_dict().items()}
    Trainer(model, tokenizer, [annotated()], HELD_OUT, tmp_path, Recipe(epochs=1, batch=1)).run()
    kept = QuoteModel.from_pretrained(tmp_path, dtype=torch.float32).state_dict()
    assert all(torch.allclose(x, (before[name] + model.state_dict()[name]) / 2, atol=1e-3) for name, x in kept.items())


def test_calibration_is_saved_with_the_model(run: tuple[QuoteModel, Path]) -> None:
    report = calibrate(run[1], [ARTICLES[3], ARTICLES[4]])
    weights = QuoteConfig.from_pretrained(run[1]).calibration
    assert {*weights} == {"bias", "cue", "content", "speaker", "named", "named:speaker"}
    assert report.counts.detection.f1 > 0


# ---------------------------------------------------------------------------------------------------------------------
# Encoders


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_of_encoders_makes_a_model(encoders: Mapping[str, Path], family: str) -> None:
    model, tokenizer = fresh_model(str(encoders[family]), 0)
    assert model.config.preparation == "plain"
    assert tokenizer.is_fast


def test_a_model_of_quoteattr_is_taken_with_its_heads(model: QuoteModel, tokenizer: Any, tmp_path: Path) -> None:
    save(model, tokenizer, tmp_path)
    again, own_tokenizer = fresh_model(str(tmp_path), 7)
    kept = model.state_dict()
    assert all(torch.allclose(x, kept[name], atol=1e-3) for name, x in again.state_dict().items())
    assert own_tokenizer.get_vocab() == tokenizer.get_vocab()


def test_an_encoder_of_arabert_gets_its_preparation(encoders: Mapping[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "bert-base-arabertv02"
    folder.symlink_to(encoders["bert"])
    assert fresh_model(str(folder), 0)[0].config.preparation == "arabert"


def test_of_an_encoder_that_is_not_there_the_download_is_named() -> None:
    with pytest.raises(ModelError, match=r"nobody/no-encoder can't be loaded .*'hf download nobody/no-encoder' fetches it"):
        fresh_model("nobody/no-encoder", 0)


# ---------------------------------------------------------------------------------------------------------------------
# The command


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with documents to learn from and others."""
    lines = (DATA / "articles.jsonl").read_text(encoding="utf-8").splitlines()
    (tmp_path / "train.jsonl").write_text("\n".join(lines[:3]), encoding="utf-8")
    (tmp_path / "dev.jsonl").write_text("\n".join(lines[3:5]), encoding="utf-8")
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


Typed = Callable[..., tuple[int, str, list[str]]]


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Typed:
    """Runs the command: exit code, standard output, lines of standard error."""

    def run(*arguments: str) -> tuple[int, str, list[str]]:
        code = main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err.splitlines()

    return run


def own(messages: Sequence[str]) -> list[str]:
    return [message.removeprefix("quoteattr: ") for message in messages if message.startswith("quoteattr: ")]


def test_a_model_is_trained_and_used(folder: Path, typed: Typed, encoders: Mapping[str, Path]) -> None:
    command = ["train", "train.jsonl", "--dev", "dev.jsonl", "--encoder", str(encoders["electra"]), "-o", "model"]
    code, out, messages = typed(*command, "--epochs", "1", "--batch", "2")
    assert (code, out) == (0, "")
    assert [message.split(":")[0] for message in own(messages)] == ["start", "epoch", "dev", "end", "model"]
    assert "the model of epoch 1, end-to-end F1" in messages[-1]
    assert {path.name for path in (folder / "model").iterdir()} >= {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "log.jsonl",
        "checkpoint.pt",
        "evaluation.json",
    }
    assert "detection" in json.loads((folder / "model/evaluation.json").read_text(encoding="utf-8"))

    code, out, _ = typed("extract", "--model", "model", "--format", "jsonl", "a.txt")
    assert code == 0
    document = Document.from_dict(json.loads(out))
    assert document.text == TEXT
    assert {quote.evidence.found_by for quote in document.quotes if quote.evidence} == {"model"}

    code, out, _ = typed("evaluate", "--model", "model", "--json", "dev.jsonl")
    assert code == 0
    assert "attribution" in json.loads(out)


def test_using_a_model_says_nothing_of_its_own_accord(
    folder: Path, typed: Typed, encoders: Mapping[str, Path], tokenizer: Any
) -> None:
    with quiet():
        model = build_model(encoders["bert"])
    train.save(model, tokenizer, folder / "model")
    code, _, messages = typed("extract", "--model", "model", "a.txt")
    assert (code, messages) == (0, [])


def test_an_encoder_that_is_not_there_is_wrong_usage(folder: Path, typed: Typed) -> None:
    code, out, messages = typed("train", "train.jsonl", "--dev", "dev.jsonl", "-o", "model")
    assert (code, out) == (2, "")
    assert len(messages) == 1
    assert "'hf download aubmindlab/bert-base-arabertv02' fetches it from the Hub, or give a folder" in messages[0]
    assert not (folder / "model").exists()


def test_what_is_no_model_is_wrong_usage(folder: Path, typed: Typed, encoders: Mapping[str, Path]) -> None:
    code, out, messages = typed("extract", "--model", str(encoders["bert"]), "a.txt")
    assert (code, out) == (2, "")
    assert len(messages) == 1
    assert f"'quoteattr train --encoder {encoders['bert']}' makes one of it" in messages[0]
