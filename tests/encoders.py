"""Tiny encoders with random weights, one of each family that `quoteattr` is used with, made on the spot without a network.

Their vocabularies are trained on the texts of ``tests/data``, so that words fall into few pieces or many as in a real one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from cases import DATA, read_documents
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoModel, BertConfig, ElectraConfig, PreTrainedConfig, PreTrainedTokenizerFast, XLMRobertaConfig

from quoteattr.encoding import Encoder, Special
from quoteattr.model import QuoteConfig, QuoteModel
from quoteattr.rules import weights

ARTICLES = read_documents(DATA / "articles.jsonl")
FAMILIES = ("bert", "xlm-r", "electra")
LENGTH, CONTEXT = 96, 20
"""The sizes of the windows of `build_model`: an article of the tests takes several."""
_PIECES = 700
_WIDTH = 32
_POSITIONS = 300


def build_encoder(family: str, folder: Path) -> Path:
    """Save an encoder of one of `FAMILIES` with its tokenizer, and return the folder: what ``--encoder`` takes."""
    tokenizer = _sentencepiece() if family == "xlm-r" else _wordpiece()
    sizes = {"hidden_size": _WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 2 * _WIDTH}
    others = {
        "vocab_size": len(tokenizer),
        "max_position_embeddings": _POSITIONS,
        "pad_token_id": tokenizer.pad_token_id,
        "initializer_range": 0.2,
    }
    configs: Mapping[str, type[PreTrainedConfig]] = {"bert": BertConfig, "xlm-r": XLMRobertaConfig, "electra": ElectraConfig}
    if family == "electra":
        others["embedding_size"] = _WIDTH // 2
    torch.manual_seed(0)
    AutoModel.from_config(configs[family](**sizes, **others)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def build_model(encoder: Path, seed: int = 0) -> QuoteModel:
    """A small model with fresh heads, ready to read.

    It prefers what the rules prefer, no source where they see none, and takes nothing for a name.
    """
    torch.manual_seed(seed)
    config = QuoteConfig(width=_WIDTH, length=LENGTH, context=CONTEXT, link_features=sorted(weights()["link"]))
    model = QuoteModel.from_encoder(str(encoder), config).eval()
    with torch.no_grad():
        model.no_source[-1].bias.fill_(2.5)
        model.name[-1].bias.fill_(-2.5)
    return model


texts = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(
            [
                *"قال وقالت أكّد وأضاف أن إن الوزير سالم الخطيب المتحدثة باسم البلدية الطريقُ مفتوحـــة غدا بحسب مصادر".split(),
                *'« » “ ” " : ، . … ؟ ( ) - 12 ٣٫٥ Reuters 😀 ﷺ ﻻ é ⁧'.split(),
                "قال سالم الخطيب إن",
                "، بحسب المصدر.",
                "\n",
                "\r\n",
                "\u200f",
                "\u0301",
                "\x00",
                "\u2028",
            ]
        ),
        max_size=40,
    ).map(" ".join),
)
"""What may come: anything at all, and Arabic words and marks in any order."""


def _samples() -> list[str]:
    return [*(document.text for document in ARTICLES), (DATA / "encoder_sentences.txt").read_text(encoding="utf-8")]


def _wordpiece() -> PreTrainedTokenizerFast:
    special = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(strip_accents=False, lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=_PIECES, special_tokens=[*special.values()], show_progress=False)
    tokenizer.train_from_iterator(_samples(), trainer)
    return _fast(tokenizer, special)


def _sentencepiece() -> PreTrainedTokenizerFast:
    special = {"cls": "<s>", "pad": "<pad>", "sep": "</s>", "unk": "<unk>", "mask": "<mask>"}
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=_PIECES, special_tokens=[*special.values()], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(_samples(), trainer)
    return _fast(tokenizer, special)


def _fast(tokenizer: Tokenizer, special: Mapping[str, str]) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **{f"{name}_token": piece for name, piece in special.items()})


def text_encoder(tokenizer: Any, preparation: str = "plain", length: int = 256, context: int = 40) -> Encoder:
    """The encoder of texts of a tokenizer."""
    special = Special(tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.unk_token_id)
    return Encoder(tokenizer.backend_tokenizer, special, preparation, length, context)
