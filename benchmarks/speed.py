"""Speed beside others on the same machine in one run: rules, model, peers, the encoder's floor, and what follows of it.

    python benchmarks/speed.py --peers-python ENVIRONMENT/bin/python [--out benchmarks/results/speed.json]

Measured are characters a second, latency, the start of the command, peak memory, the size of the wheel, and the cost of a
character by the length of a document. Every program runs by itself in processes of its own, on the same processors (two, unless
``--cores`` says otherwise), warm: `timing.passes` says where the clock starts. Of several passes the median counts, of several
settings the best, for the peers too. Without ``--peers-python`` the peers are left out; ``peers/requirements.txt`` makes their
environment.

`stages.py` says where the time of the rules goes, `endurance.py` how memory and speed are over a long run.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import machine
from stages import DATA, texts
from timing import BATCH

from quoteattr import __version__
from quoteattr.attributor import QuoteAttributor
from quoteattr.candidates import Proposer
from quoteattr.corpus import Columns, Corpus, find_corpus
from quoteattr.models import BUNDLED
from quoteattr.schema import Document
from quoteattr.text import normalize

HERE = Path(__file__).parent
RAW = Path("../shared/data/raw")
AROUND = 600
"""Characters before and behind the start of a quote that a cross-encoder is given; more than it reads."""
STARTS = 5
PRICE = 0.04
"""Of a core hour, for the cost of many articles."""

RULES, MODEL, FLOAT32, BFLOAT16 = "rules", "model", "model, torch float32", "model, torch bfloat16"
TEXTACY, LEANER = "textacy, English, spaCy small", "textacy, English, spaCy small without entities"
WORDS, CROSS = "spaCy blank Arabic, words only", "cross-encoder of BERT-base size"
PRODUCTS, ENCODER = "floor: the encoder's products", "floor: the encoder"


@dataclass(frozen=True, slots=True)
class Program:
    """Something to be measured: what it is called, how it is set, its command, and whether it runs with the peers' Python."""

    name: str
    setting: str
    command: Sequence[str]
    peer: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """A ratio of two speeds that is aimed at."""

    name: str
    faster: str
    slower: str
    least: float


TARGETS = (
    Target("model / textacy", MODEL, TEXTACY, 1.5),
    Target("model / textacy without entities", MODEL, LEANER, 1.5),
    Target("model / cross-encoder", MODEL, CROSS, 15.0),
    Target("model / the encoder's products", MODEL, PRODUCTS, 0.6),
    Target("model / the encoder", MODEL, ENCODER, 0.6),
    Target("rules / textacy", RULES, TEXTACY, 20.0),
    Target("rules / textacy without entities", RULES, LEANER, 20.0),
)


def programs(options: argparse.Namespace, work: Path) -> Iterator[Program]:
    """All that is measured in characters a second; the floor is measured apart."""

    def passes(documents: int, warm: int, repeats: int) -> list[str]:
        given = min(documents, options.documents)
        warm = min(warm, given)
        return [f"--texts={work / 'texts.json'}", f"--documents={given}", f"--warm={warm}", f"--repeats={repeats}"]

    own = ["measure", "pipe"]
    model = f"--model={options.model.resolve()}"
    for processes in range(1, options.cores + 1):
        yield Program(RULES, _processes(processes), [*own, *passes(768, 192, 5), f"--processes={processes}"])
    for processes in range(1, options.cores + 1):
        yield Program(MODEL, _processes(processes), [*own, *passes(768, 192, 3), model, f"--processes={processes}"])
    torch = [*own, *passes(64, 16, 3), model, "--engine=torch"]
    yield Program(FLOAT32, _processes(1), torch)
    yield Program(BFLOAT16, _processes(1), [*torch, "--bfloat16"])
    for name, without in ((TEXTACY, ()), (LEANER, ("--without", "ner"))):
        for processes in range(1, options.cores + 1):
            for batch in (16, 32):
                how = [f"--processes={processes}", f"--batch={batch}", *without]
                command = ["peers.textacy_english", *passes(384, 128, 3), *how]
                yield Program(name, f"{_processes(processes)}, batches of {batch}", command, peer=True)
    for processes in range(1, options.cores + 1):
        yield Program(
            WORDS, _processes(processes), ["peers.spacy_arabic", *passes(768, 192, 3), f"--processes={processes}"], peer=True
        )
    for batch in (1, 8):
        command = ["peers.cross_encoder", f"--pairs={work / 'pairs.json'}", f"--tokenizer={options.model.resolve()}"]
        yield Program(CROSS, f"batches of {batch}", [*command, f"--score={options.pairs}", f"--batch={batch}"], peer=True)


def _processes(count: int) -> str:
    return f"{count} process{'es' if count > 1 else ''}"


def measured(command: Sequence[str], python: Path | str = sys.executable) -> dict[str, Any]:
    """What a program of this folder printed, and its peak memory."""
    run = machine.run([python, "-m", *command], folder=HERE)
    record: dict[str, Any] = json.loads(run.output.splitlines()[-1])
    record["peak memory, MB"] = run.peak / machine.MB
    return record


def speeds(options: argparse.Namespace, work: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """The figures of every program and setting, printed as they come."""
    found: dict[str, dict[str, dict[str, Any]]] = {}

    def add(name: str, setting: str, record: dict[str, Any]) -> None:
        found.setdefault(name, {})[setting] = record
        memory = record.get("peak memory, MB")
        shown = f"{memory:12,.0f}" if memory is not None else ""
        print(f"{name:50}{setting:32}{record['characters per second']:12,.0f}{shown}", flush=True)

    print(f"\n{'':50}{'':32}{'characters/s':>12}{'peak, MB':>12}")
    for program in programs(options, work):
        if program.peer and options.peers_python is None:
            continue
        add(program.name, program.setting, measured(program.command, options.peers_python if program.peer else sys.executable))
    floor = measured(
        ["floor", f"--texts={work / 'texts.json'}", f"--model={options.model.resolve()}", f"--seconds={options.seconds}"]
    )
    facts = {name: value for name, value in floor.items() if not isinstance(value, dict) and "memory" not in name}
    for name, part in ((PRODUCTS, "products"), (ENCODER, "encoder")):
        add(name, f"{floor['threads']} threads", {**floor[part], **facts})
    if options.peers_python is None:
        print("the peers are left out: there is no --peers-python")
    return found


def best(found: Mapping[str, Mapping[str, Mapping[str, Any]]], name: str) -> float | None:
    """The characters a second of a program in its best setting; ``None`` where it was not measured."""
    return max((record["characters per second"] for record in found.get(name, {}).values()), default=None)


def ratios(found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Every target with what was reached, printed."""
    reached = []
    print(f"\n{'ratio':50}{'reached':>12}{'target':>12}")
    for target in TARGETS:
        faster, slower = best(found, target.faster), best(found, target.slower)
        if faster is None or slower is None:
            print(f"{target.name:50}{'not measured':>12}{target.least:12.1f}")
            continue
        value = faster / slower
        reached.append({"ratio": target.name, "reached": value, "target": target.least, "holds": value >= target.least})
        print(f"{target.name:50}{value:12.2f}{target.least:12.1f}  {'holds' if value >= target.least else 'FALLS SHORT'}")
    return reached


def pairs(corpus: Sequence[str]) -> dict[str, Any]:
    """What a naive cross-encoder scores: every quote of a text, with what stands around it, beside every name or noun phrase of
    that text which can denote a speaker, each once."""
    attributor, propose = QuoteAttributor.rules(), Proposer()
    found = []
    for text in corpus:
        normalized = normalize(text)
        mentions = {normalized.text[m.start : m.end] for m in propose(normalized).mentions if m.form != "pronoun"}
        for quote in attributor(text).quotes:
            begin = max(0, quote.content.start - AROUND)
            around = text[begin : quote.content.start + AROUND]
            found += [(around, mention) for mention in sorted(mentions)]
    return {"pairs": found, "documents": len(corpus), "characters": sum(map(len, corpus))}


def latency(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """How long one article takes, by rules and model."""
    found = {}
    print(f"\n{'one article':50}{'p50, ms':>12}{'p95, ms':>12}")
    for name, model in ((RULES, "rules"), (MODEL, str(options.model.resolve()))):
        given = [f"--texts={work / 'texts.json'}", f"--documents={min(256, options.documents)}", "--warm=32"]
        found[name] = measured(["measure", "latency", *given, f"--model={model}"])
        print(f"{name:50}{found[name]['milliseconds, median']:12.1f}{found[name]['milliseconds, 95 % below']:12.1f}")
    return found


def lengths(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Microseconds of processor time a character by the length of a document, by rules and model."""
    found: dict[str, Any] = {}
    for name, model, repeats in ((RULES, "rules", 3), (MODEL, str(options.model.resolve()), 1)):
        command = ["measure", "lengths", f"--texts={work / 'texts.json'}", f"--model={model}", f"--repeats={repeats}"]
        found[name] = measured(command)
        del found[name]["peak memory, MB"]
    print(f"\n{'length of a document, characters':50}" + "".join(f"{int(size):>12,}" for size in found[RULES]))
    for name, own in found.items():
        print(f"{name + ', µs/character':50}" + "".join(f"{value:12.2f}" for value in own.values()))
    return found


def starts(options: argparse.Namespace) -> dict[str, Any]:
    """What ``quoteattr extract`` takes for the sample in a new process: medians of processor and wall time, and what it loads."""
    found = {}
    article = files("quoteattr").joinpath("data/sample.txt").read_text(encoding="utf-8")
    code = "import sys; from quoteattr.cli import main; main(sys.argv[1:]); print('torch' in sys.modules)"
    print(f"\n{'quoteattr extract sample, cold':50}{'CPU s':>12}{'wall s':>12}{'peak, MB':>12}")
    for name, model in ((RULES, "rules"), (MODEL, str(options.model))):
        with tempfile.TemporaryDirectory() as work:
            sample = Path(work) / "sample.txt"
            sample.write_text(article, encoding="utf-8")
            runs = [
                machine.run([sys.executable, "-c", code, "extract", sample, "--model", model], every=0.02) for _ in range(STARTS)
            ]
        found[name] = {
            "processor seconds": statistics.median(run.processor_seconds for run in runs),
            "wall seconds": statistics.median(run.seconds for run in runs),
            "peak memory, MB": max(run.peak for run in runs) / machine.MB,
            "imports torch": runs[0].output.splitlines()[-1] == "True",
        }
        own = found[name]
        print(f"{name:50}{own['processor seconds']:12.2f}{own['wall seconds']:12.2f}{own['peak memory, MB']:12,.0f}")
    return found


def packages() -> dict[str, float]:
    """Megabytes of the wheel and the source distribution, built from this folder."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "build", "--outdir", out, str(HERE.parent)]
        subprocess.run(command, check=True, capture_output=True)
        found = {path.suffix: path.stat().st_size / machine.MB for path in Path(out).iterdir()}
    record = {"wheel, MB": found[".whl"], "source, MB": found[".gz"]}
    print("\n" + ", ".join(f"{name} {size:.1f}" for name, size in record.items()))
    return record


def scaling(record: Mapping[str, Any], cores: int, folder: Path) -> dict[str, float]:
    """What many articles take, printed by name: the mean length is that of the raw articles."""
    if not folder.is_dir():
        print(f"\nscaling is left out: {folder} is no folder")
        return {}
    found = record["speeds"]
    lengths = [len(x.text) for x in Corpus(list(find_corpus([str(folder)])), Columns()) if isinstance(x, Document)]
    scaled: dict[str, float] = {"articles_measured": len(lengths), "article_characters": statistics.mean(lengths)}
    for name, program in (("rules", RULES), ("model", MODEL)):
        speed = best(found, program)
        assert speed is not None
        articles = speed / scaled["article_characters"] / cores  # a second on one core
        scaled[f"{name}_articles_per_core_second"] = articles
        for size, count in (("million", 1e6), ("billion", 1e9)):
            hours = count / articles / 3600
            scaled[f"{name}_core_hours_{size}"] = hours
            scaled[f"{name}_cost_{size}"] = hours * PRICE
        scaled[f"{name}_days_billion_64"] = hours / 64 / 24
        cost = [*record["microseconds a character by length of a document"][program].values()]
        scaled[f"{name}_length_ratio"] = cost[-1] / cost[0]
    products = best(found, PRODUCTS)
    assert speed is not None
    assert products is not None
    scaled["model_share_of_floor"] = speed / products
    print()
    for label, value in scaled.items():
        print(f"{label:50}{value:12,.2f}")
    return scaled


def main() -> None:
    """Print the figures, and write them where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", type=Path, default=BUNDLED, help="folder of a model with its onnx form (default: bundled)")
    parser.add_argument("--peers-python", type=Path, help="the Python of the peers' environment")
    parser.add_argument("--cores", type=int, default=2, help="processors to use (default: 2)")
    parser.add_argument("--text", type=Path, nargs="+", default=[], help=f"text or jsonl files (default: {DATA})")
    parser.add_argument("--raw", type=Path, default=RAW, help=f"folder of articles for the mean length (default: {RAW})")
    parser.add_argument("--documents", type=int, default=10**9, help="read no more of them (to try it out)")
    parser.add_argument("--pairs", type=int, default=96, help="pairs that the cross-encoder scores (default: 96)")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each graph of the floor runs (default: 10)")
    parser.add_argument("--out", type=Path, help="write the figures as JSON too")
    options = parser.parse_args()
    if not (options.model / "onnx").is_dir():
        parser.error(f"{options.model}: has no onnx form: 'quoteattr export {options.model}' makes it")
    options.cores = machine.keep_to(options.cores)
    corpus = texts(options.text)
    random.Random(0).shuffle(corpus)
    record: dict[str, Any] = {
        "quoteattr": __version__,
        "model": options.model.name,
        "machine": machine.describe(options.cores),
        "texts": {"documents": len(corpus), "characters": sum(map(len, corpus))},
    }
    print("\n".join(f"{name}: {value}" for name, value in record["machine"].items()))
    print(f"{len(corpus)} documents, {record['texts']['characters']:,} characters")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "texts.json").write_text(json.dumps(corpus), encoding="utf-8")
        (work / "pairs.json").write_text(json.dumps(pairs(corpus[: 16 * BATCH])), encoding="utf-8")
        record["speeds"] = speeds(options, work)
        record["ratios"] = ratios(record["speeds"])
        record["latency"] = latency(options, work)
        record["cold start"] = starts(options)
        record["microseconds a character by length of a document"] = lengths(options, work)
    record["packages"] = packages()
    record["scaling"] = scaling(record, options.cores, options.raw)
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(machine.rounded(record), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
