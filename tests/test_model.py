"""The model: what it scores, that it is saved and loaded whole, and that a text's scores are its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from encoders import ARTICLES, FAMILIES, build_model, text_encoder
from torch import Tensor
from transformers import AutoTokenizer

from quoteattr.batching import Batch, Pairs, Pointers
from quoteattr.candidates import Candidates, Proposer
from quoteattr.encoding import Encoded, Encoder, cues_by_word, pair_features, reach
from quoteattr.engine import FORMAT, ROLES, ModelError, write_sums
from quoteattr.model import QuoteConfig, QuoteModel, load, on
from quoteattr.rules import logistic
from quoteattr.text import normalize
from quoteattr.train import save

PROPOSER = Proposer()
CPU = torch.device("cpu")
TEXTS = [
    ARTICLES[0].text,
    "قال وزير النقل سالم الخطيب إن الطريق الساحلي سيفتح غدا. وأضاف أن الأشغال انتهت.",
    ARTICLES[1].text,
    "«لا نصدق ذلك».",
]
Read = tuple[Candidates, Encoded]


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def tokenizer(family: str, encoders: Mapping[str, Path]) -> Any:
    return AutoTokenizer.from_pretrained(encoders[family])


@pytest.fixture(scope="module")
def model(family: str, encoders: Mapping[str, Path]) -> QuoteModel:
    return build_model(encoders[family])


@pytest.fixture(scope="module")
def encoder(model: QuoteModel, tokenizer: Any) -> Encoder:
    return text_encoder(tokenizer, model.config.preparation, model.config.length, model.config.context)


@pytest.fixture(scope="module")
def bert(encoders: Mapping[str, Path]) -> tuple[QuoteModel, Any]:
    return build_model(encoders["bert"]), AutoTokenizer.from_pretrained(encoders["bert"])


def encode(encoder: Encoder, text: str) -> Read:
    normalized = normalize(text)
    candidates = PROPOSER(normalized)
    return candidates, encoder(normalized, candidates)


def pointers_at(candidates: Candidates, words: Sequence[int]) -> Pointers:
    tokens, cues = candidates.tokens, cues_by_word(candidates)
    begins = [reach(tokens, k)[0] for k in words]
    return on(CPU, Pointers.of(words, begins, [pair_features(tokens, k, cues.get(k, ())) for k in words]))


@torch.inference_mode()
def scores(model: QuoteModel, texts: Sequence[Read], size: int = 8) -> list[dict[str, Tensor]]:
    """What every head says of each text, the texts read in one batch."""
    batch = on(CPU, Batch.of([encoded for _, encoded in texts], model.config.encoder["pad_token_id"], size))
    states = model.states(batch)
    cues, names = model.cues(states, batch), model.names(states)
    found = []
    for (candidates, _), begin, end in zip(texts, batch.offsets, batch.offsets[1:], strict=False):
        own = states[begin:end]
        words = [*range(0, end - begin, 7)]
        at = pointers_at(candidates, words)
        pairs = [(k, k, min(k + 2, end - begin - 1), k % 3, k - words[0], n) for n, k in enumerate(words)]
        result = {"states": own, "cues": cues[begin:end], "names": names[begin:end]}
        for role in ROLES:
            result[f"{role} starts"] = model.starts(role, own, at)
            result[f"{role} ends"] = model.ends(role, own, at, at.cues)
        result["links"] = model.links(own, on(CPU, Pairs.of(pairs, [[]] * len(words), len(model.config.link_features))))
        result["nobodies"] = model.nobodies(own, torch.tensor(words))
        found.append(result)
    return found


def largest_difference(a: Sequence[Mapping[str, Tensor]], b: Sequence[Mapping[str, Tensor]]) -> float:
    return max(float((x[name] - y[name]).abs().max()) for x, y in zip(a, b, strict=True) for name in x)


# ---------------------------------------------------------------------------------------------------------------------
# Scores


def test_every_encoder_gives_finite_scores_that_differ_from_word_to_word(model: QuoteModel, encoder: Encoder) -> None:
    texts = [encode(encoder, text) for text in TEXTS]
    for (candidates, _), found in zip(texts, scores(model, texts), strict=True):
        assert len(found["states"]) == len(candidates.tokens.words)
        assert all(x.isfinite().all() and x.dtype == torch.float32 for x in found.values())
        assert found["states"].std(dim=0).min() > 1e-3


@pytest.mark.parametrize("size", [1, 3, 100])
def test_the_scores_of_a_text_depend_neither_on_its_batch_nor_on_the_size_of_a_pass(
    model: QuoteModel, encoder: Encoder, size: int
) -> None:
    texts = [encode(encoder, text) for text in TEXTS]
    assert len(texts[0][1].windows) > 2
    alone = [scores(model, [text])[0] for text in texts]
    assert largest_difference(scores(model, texts, size), alone) < 1e-4
    assert largest_difference(scores(model, texts[::-1], size)[::-1], alone) < 1e-4


def test_a_text_without_words_has_no_scores_and_takes_none_from_others(bert: tuple[QuoteModel, Any]) -> None:
    model, tokenizer = bert
    encoder = text_encoder(tokenizer, length=64)
    empty, full = encode(encoder, "")[1], encode(encoder, TEXTS[1])[1]
    batch = on(CPU, Batch.of([empty, full, empty], 0, 8))
    assert batch.offsets == (0, 0, len(full.first), len(full.first))
    with torch.inference_mode():
        assert torch.allclose(model.states(batch), model.states(on(CPU, Batch.of([full], 0, 8))), atol=1e-5)


def test_an_untrained_model_takes_for_cues_what_the_rules_do(model: QuoteModel, encoder: Encoder) -> None:
    texts = [encode(encoder, document.text) for document in ARTICLES]
    for (_, encoded), found in zip(texts, scores(model, texts), strict=True):
        probabilities = torch.sigmoid(found["cues"]).numpy()
        proposed = encoded.logits != 0
        assert proposed.any()
        assert (probabilities[~proposed] < 0.05).all()
        for p, logit in zip(probabilities[proposed], encoded.logits[proposed], strict=True):
            assert p == pytest.approx(logistic(float(logit)), abs=0.2)


def test_an_untrained_model_points_where_the_rules_do(model: QuoteModel, encoder: Encoder) -> None:
    candidates, encoded = encode(encoder, TEXTS[1])
    words = candidates.tokens.words
    (found,) = scores(model, [(candidates, encoded)])
    at = pointers_at(candidates, [0])
    with torch.inference_mode():
        for role, (first, last) in {"content": ("الطريق", "غدا"), "source": ("وزير", "الخطيب")}.items():
            starts = model.starts(role, found["states"], at)
            assert words[int(starts.argmax())] == first
            ends = model.ends(role, found["states"], at, torch.tensor([words.index(first)]))
            assert words[int(ends.argmax())] == last


def test_no_end_is_before_its_start_and_no_masked_word_is_chosen(model: QuoteModel, encoder: Encoder) -> None:
    candidates, encoded = encode(encoder, TEXTS[0])
    count = len(candidates.tokens.words)
    (found,) = scores(model, [(candidates, encoded)])
    words = [0, 40, 90, count - 1]
    at = pointers_at(candidates, words)
    assert not at.mask.all()
    generator = torch.Generator().manual_seed(1)
    with torch.inference_mode():
        for role in ROLES:
            # whatever the features say: these speak for the masked words too
            loud = Pointers(at.cues, at.reach, at.mask, torch.rand(at.features.shape, generator=generator) * 100)
            chances = torch.softmax(model.starts(role, found["states"], loud), dim=1)[:, : at.reach.shape[1]]
            assert chances[~at.mask].max() < 1e-6
            for first in (at.cues, at.cues.clamp(max=count - 3) + 2, torch.full((4,), count - 1)):
                chances = torch.softmax(model.ends(role, found["states"], loud, first), dim=1)
                assert chances[~at.mask].max() < 1e-6
                inside = (first >= at.reach[:, 0]) & (first <= at.reach.max(dim=1).values)
                before = at.mask & (at.reach < first[:, None])
                assert chances[inside][before[inside]].numel() == 0 or chances[inside][before[inside]].max() < 1e-6


def test_only_a_source_can_be_none(bert: tuple[QuoteModel, Any]) -> None:
    model, tokenizer = bert
    candidates, encoded = encode(text_encoder(tokenizer, length=64), TEXTS[1])
    (found,) = scores(model, [(candidates, encoded)])
    at = pointers_at(candidates, [0])
    with torch.inference_mode():
        width = at.reach.shape[1]
        assert model.starts("content", found["states"], at).shape == (1, width)
        assert model.starts("source", found["states"], at).shape == (1, width + 1)


def test_pairs_know_whose_features_are_whose() -> None:
    pairs = Pairs.of([(7, 3, 5, 0, -4, 0), (7, 9, 9, 2, 2, 2)], [[2, 1], [], [0]], 3)
    assert (pairs.cue.tolist(), pairs.first.tolist(), pairs.last.tolist()) == ([7, 7], [3, 9], [5, 9])
    assert (pairs.kind.tolist(), pairs.distance.tolist(), pairs.owner.tolist()) == ([0, 2], [-4, 2], [0, 2])
    assert pairs.known.tolist() == [[0, 1, 1], [0, 0, 0], [1, 0, 0]]
    assert Pairs.of([], [], 3).cue.shape == (0,)


def test_a_link_feature_changes_the_score_of_its_own_offer_alone(encoders: Mapping[str, Path]) -> None:
    model = QuoteModel.from_encoder(str(encoders["bert"]), QuoteConfig(link_features=["near", "far"])).eval()
    torch.nn.init.normal_(model.link_features.weight)
    torch.nn.init.normal_(model.link_mix[-1].weight)
    states = torch.randn(10, model.config.width)
    rows = [(5, 1, 2, 0, -4, 0), (5, 3, 3, 1, -2, 1)]
    with torch.inference_mode():
        one, other = (model.links(states, on(CPU, Pairs.of(rows, [[0], [n]], 2))) for n in (0, 1))
    assert one[0] == other[0]
    assert abs(one[1] - other[1]) > 1e-3


# ---------------------------------------------------------------------------------------------------------------------
# Saving and loading


def test_a_saved_model_gives_the_same_scores(model: QuoteModel, encoder: Encoder, tmp_path: Path) -> None:
    texts = [encode(encoder, text) for text in TEXTS]
    model.save_pretrained(tmp_path)
    again = QuoteModel.from_pretrained(tmp_path, dtype=torch.float32).eval()
    assert largest_difference(scores(model, texts), scores(again, texts)) < 1e-5  # sums depend on where arrays lie in memory
    state = again.state_dict()
    assert {name: torch.equal(x, state[name]) for name, x in model.state_dict().items()} == dict.fromkeys(state, True)


def test_a_model_that_is_saved_as_it_ships_gives_close_scores_in_single_precision(
    model: QuoteModel, tokenizer: Any, encoder: Encoder, tmp_path: Path
) -> None:
    texts = [encode(encoder, text) for text in TEXTS]
    save(model, tokenizer, tmp_path)
    size = (tmp_path / "model.safetensors").stat().st_size
    assert size < 2.5 * sum(x.numel() for x in model.state_dict().values())
    again, own_tokenizer = load(tmp_path)
    assert {x.dtype for x in again.parameters()} == {torch.float32}
    assert {x.dtype for x in model.parameters()} == {torch.float32}  # saving changes nothing
    assert not again.training
    assert 0 < largest_difference(scores(model, texts), scores(again, texts)) < 0.05
    assert own_tokenizer(TEXTS[0])["input_ids"] == tokenizer(TEXTS[0])["input_ids"]


def test_precision_and_device_can_be_chosen(bert: tuple[QuoteModel, Any], tmp_path: Path) -> None:
    save(*bert, tmp_path)
    assert QuoteModel.from_pretrained(tmp_path, dtype=torch.float16).dtype == torch.float16
    assert load(tmp_path, "meta")[0].device.type == "meta"
    assert load(tmp_path)[0].device.type == "cpu"


def test_the_configuration_is_saved_whole(bert: tuple[QuoteModel, Any], tmp_path: Path) -> None:
    encoder = bert[0].config.encoder
    config = QuoteConfig(encoder, "arabert", 192, 30, 64, 0.2, ["near"], 0.35, {"bias": -0.5, "cue": 1.25})
    config.save_pretrained(tmp_path)
    again = QuoteConfig.from_pretrained(tmp_path)
    names = ("encoder", "preparation", "length", "context", "width", "dropout", "link_features", "cue_threshold", "calibration")
    assert {name: getattr(again, name) for name in names[1:]} == {name: getattr(config, name) for name in names[1:]}
    assert again.encoder == json.loads(json.dumps(encoder))
    assert again.format == config.format == FORMAT
    assert again.encoder["model_type"] == "bert"


def test_a_model_of_a_later_format_is_refused(bert: tuple[QuoteModel, Any], tmp_path: Path) -> None:
    save(*bert, tmp_path)
    record = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({**record, "format": FORMAT + 1}), encoding="utf-8")
    write_sums(tmp_path)
    with pytest.raises(ModelError, match=f"has format {FORMAT + 1}, this quoteattr reads up to {FORMAT}: upgrade quoteattr"):
        load(tmp_path)


def test_the_seed_decides_the_fresh_heads(encoders: Mapping[str, Path]) -> None:
    def weights(seed: int) -> np.ndarray[Any, Any]:
        return build_model(encoders["bert"], seed).cue[1].weight.detach().numpy()

    assert (weights(1) == weights(1)).all()
    assert (weights(1) != weights(2)).any()


def test_the_weights_of_the_encoder_are_taken_over(family: str, model: QuoteModel, encoders: Mapping[str, Path]) -> None:
    from transformers import AutoModel

    state = model.encoder.state_dict()
    shared = {name: x for name, x in AutoModel.from_pretrained(encoders[family]).state_dict().items() if name in state}
    assert {*shared} == {*state}
    assert all(torch.equal(x, state[name]) for name, x in shared.items())
    assert not any("pooler" in name for name in state)
