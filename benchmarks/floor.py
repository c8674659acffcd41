"""What the encoder of a model costs at least, printed as a line of JSON; `speed.py` runs it.

    python benchmarks/floor.py --texts FILE --model FOLDER [--seconds 10]

``products`` is a graph of nothing but the encoder's matrix products, as many, as large and quantized in the same way: in every
layer six with 8-bit weights, which quantize what is multiplied with them, and the two of attention in float32. ``encoder`` is the
whole encoder as it ships; there three products of a layer share one quantized input. Both read full windows of the model's
length, one session and one window at a time in each thread, one thread for every processor. Pieces become characters by the
pieces that the encoder reads of the texts: what it reads twice, as context, is read twice here too, and is no progress.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # as `quoteattr.onnx` does

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from timing import cores, parser, texts_of

from quoteattr.candidates import Proposer
from quoteattr.encoding import Encoder
from quoteattr.engine import read_config
from quoteattr.onnx import FOLDER, load_onnx
from quoteattr.text import normalize

_OPSET = 17


def products(config: Mapping[str, Any], length: int) -> onnx.ModelProto:
    """The matrix products of a BERT encoder laid end to end, in float32. *Shape:* (length, width) in and out.

    One side of attention's products is a constant here, and no product waits for anything but the one before.
    """
    width, inner, heads = config["hidden_size"], config["intermediate_size"], config["num_attention_heads"]
    head = width // heads
    random = np.random.default_rng(0)
    nodes, constants = [], []
    last = "x"

    def constant(name: str, value: Any) -> str:
        constants.append(numpy_helper.from_array(value, name))
        return name

    def product(name: str, shape: Sequence[int]) -> None:
        nonlocal last
        weights = constant(f"{name}.weight", (random.standard_normal(shape) * shape[-2] ** -0.5).astype(np.float32))
        nodes.append(helper.make_node("MatMul", [last, weights], [name], name))
        last = name

    def reshape(name: str, shape: str) -> None:
        nonlocal last
        nodes.append(helper.make_node("Reshape", [last, shape], [name], name))
        last = name

    constant("by head", np.array([heads, length, head], dtype=np.int64))
    constant("whole", np.array([length, width], dtype=np.int64))
    for n in range(config["num_hidden_layers"]):
        for part in ("query", "key", "value"):
            product(f"{n}.{part}", (width, width))
        reshape(f"{n}.split", "by head")
        product(f"{n}.attention.scores", (heads, head, length))
        product(f"{n}.attention.sum", (heads, length, head))
        reshape(f"{n}.joined", "whole")
        product(f"{n}.output", (width, width))
        product(f"{n}.up", (width, inner))
        product(f"{n}.down", (inner, width))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [length, width]) for name in ("x", last)]
    graph = helper.make_graph(nodes, "products", ends[:1], ends[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=9)


def windows_a_second(open_session: Callable[[], Any], inputs: Mapping[str, Any], seconds: float) -> float:
    """How often all threads together run a graph in a second: the best of three tries."""

    def work(session: Any) -> tuple[int, float]:
        done, begun = 0, perf_counter()
        while perf_counter() - begun < seconds / 3:
            session.run(None, inputs)
            done += 1
        return done, perf_counter() - begun

    sessions = [open_session() for _ in range(cores())]
    best = 0.0
    with ThreadPoolExecutor(len(sessions)) as pool:
        for _ in range(4):  # the first warms up
            best = max(best, sum(done / took for done, took in pool.map(work, sessions)))
    return best


def session(path: Path) -> Any:
    """A graph that is ready to run in one thread, as `quoteattr.onnx` opens it."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=["SkipLayerNormFusion"]
    )


def pieces_of(encoder: Encoder, texts: Sequence[str]) -> tuple[int, int]:
    """Pieces that the encoder reads of the texts, and windows."""
    propose = Proposer()
    windows = []
    for text in texts:
        normalized = normalize(text)
        windows += encoder(normalized, propose(normalized)).windows
    return sum(len(window.ids) for window in windows), len(windows)


def main() -> None:
    """Measure and print."""
    options_parser = parser(__doc__)
    options_parser.add_argument("--model", type=Path, required=True)
    options_parser.add_argument("--seconds", type=float, default=10.0, help="how long to run each graph")
    options = options_parser.parse_args()
    texts = texts_of(options)
    config = read_config(options.model)
    length = config["length"]
    _, encoder = load_onnx(options.model)
    pieces, windows = pieces_of(encoder, texts)
    characters = sum(map(len, texts)) / pieces

    logging.disable(logging.WARNING)  # the quantizer's advice on graphs that come from an exporter
    with tempfile.TemporaryDirectory() as work:
        whole, quantized = Path(work) / "products.onnx", Path(work) / "products-8-bit.onnx"
        graph = products(config["encoder"], length)
        onnx.save(graph, str(whole))
        attention = [node.name for node in graph.graph.node if ".attention." in node.name]
        how = {"weight_type": QuantType.QInt8, "per_channel": True, "reduce_range": True}  # as the model's export has it
        quantize_dynamic(str(whole), str(quantized), nodes_to_exclude=attention, **how)
        states = np.random.default_rng(1).standard_normal((length, config["encoder"]["hidden_size"])).astype(np.float32)
        found = {"products": windows_a_second(lambda: session(quantized), {"x": states}, options.seconds)}
    ids = np.random.default_rng(2).integers(5, config["encoder"]["vocab_size"], (1, length))
    path = options.model / FOLDER / "encoder.onnx"
    found["encoder"] = windows_a_second(lambda: session(path), {"ids": ids}, options.seconds)
    record = {
        name: {"characters per second": windows_per_second * length * characters, "full windows per second": windows_per_second}
        for name, windows_per_second in found.items()
    }
    facts = {"characters per piece read": characters, "pieces per window": pieces / windows, "length": length, "threads": cores()}
    print(json.dumps({**record, **facts}))


if __name__ == "__main__":
    main()
