"""Looks for texts that take more than linear time: for every regular expression of the package, and for every stage.

    python benchmarks/worst.py [--seed 1] [--without-model] [--out benchmarks/results/worst.json]

`attacks` makes some hundred texts for each expression. All are tried at a small size, the slowest at doubling sizes; the
*exponent* says by which power of the length the time grows (1: linear, 2: quadratic) over the last doublings, and the seconds for
a megabyte (a million characters) are reckoned from the largest size. Expressions are looked for in the whole text; those that the
package only asks for at one place, there. Stages (what a text goes through on its way in and out) get the worst texts of all
expressions, the hard texts of the tests and the units of `stages`. Times are processor time, the least of several runs.

Ends with 1 where something grows faster than `LIMIT`.
"""

from __future__ import annotations

import argparse
import csv
import gc
import importlib
import json
import pkgutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import log2
from pathlib import Path
from time import process_time
from typing import Any

from attacks import PACKAGE, Attack, Regex, attacks, recorded

TESTS = Path(__file__).resolve().parents[1] / "tests"
START = "قال الوزير إن الطريق مفتوح.\n"  # a text that begins without Arabic is not read at all
LIMIT = 1.4  # an exponent above which growth is not linear: a cache that overflows makes 1.2 of 1
SHORT, SMALL, LARGE = 64, 4_000, 128_000  # characters
PIECE = 100_000  # of a stage whose texts are cut: `quoteattr.pieces.LONGEST`
PATIENCE = 0.4  # seconds, above which a text is not doubled
TOO_LONG = 10.0  # seconds, after which a text is given up
SLOWEST = 4  # of the small texts, that are doubled
RUNS = 3


@dataclass(frozen=True, slots=True)
class Growth:
    """How the time for a text grows: its seconds by the number of characters. ``None`` where it was given up."""

    seconds: Mapping[int, float | None]

    @property
    def exponent(self) -> float | None:
        """The power of the length over the last two doublings; ``None`` where all went too fast to tell."""
        (a, first), *_, (b, last) = list(self.seconds.items())[-3:]
        if last is None:
            return float("inf")
        return log2(last / first) / log2(b / a) if first and first > 0.0005 else None

    @property
    def megabyte(self) -> float:
        """Seconds for a million characters, if the time grew linearly from the largest size on."""
        size, last = list(self.seconds.items())[-1]
        return (TOO_LONG if last is None else last) / size * 1e6


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Raises `TimeoutError` where its block takes longer, on a busy machine much longer.

    A timer of processor time would not do: with one set, Linux counts that time in ticks of some milliseconds.
    """

    def give_up(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, 6 * seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def took(work: Callable[[Any], object], given: Any, runs: int = 1) -> float | None:
    """The least processor time of some runs, without collecting garbage; ``None`` where one is given up."""
    spent = []
    gc.disable()  # as `timeit` does: it looks at all that lives whenever that has grown by a quarter, in steps
    try:
        for _ in range(runs):
            with patience(TOO_LONG):
                begun = process_time()
                work(given)
                spent.append(process_time() - begun)
            if spent[-1] > PATIENCE:
                break
    except TimeoutError:
        return None
    finally:
        gc.enable()
    return min(spent)


def growth(work: Callable[[Any], object], prepared: Callable[[int], Any], sizes: Sequence[int]) -> Growth:
    """Times at doubling sizes, until one takes longer than `PATIENCE`."""
    seconds: dict[int, float | None] = {}
    for size in sizes:
        gc.collect()
        seconds[size] = spent = took(work, prepared(size), RUNS)
        if spent is None or (spent > PATIENCE and len(seconds) > 2):
            break
    return Growth(seconds)


def doubled(first: int, last: int) -> list[int]:
    """Sizes from one to another, each twice the one before.

    >>> doubled(25, 100)
    [25, 50, 100]
    """
    sizes = [last]
    while sizes[-1] // 2 >= first:
        sizes.append(sizes[-1] // 2)
    return sizes[::-1]


def worst(found: Mapping[str, Growth]) -> tuple[str, Growth]:
    """The one that grows fastest, if one does not grow linearly, else the one that takes longest."""

    def rank(name: str) -> tuple[float, float]:
        exponent = found[name].exponent or 0.0
        return (exponent if exponent > LIMIT else 0.0), found[name].megabyte

    name = max(found, key=rank)
    return name, found[name]


def of_regex(regex: Regex, seed: int) -> tuple[Attack, Growth]:
    """The worst text for an expression."""
    spent: dict[Attack, float] = {}
    for attack in attacks(regex.pattern, seed):
        early = took(regex.run, attack.text(SHORT))
        own = None if early is None else took(regex.run, attack.text(SMALL))
        spent[attack] = TOO_LONG if own is None else own
    slowest = sorted(spent, key=lambda attack: -spent[attack])[:SLOWEST]
    by_name = {str(attack): attack for attack in slowest}
    name, found = worst({name: growth(regex.run, a.text, doubled(SMALL, LARGE)) for name, a in by_name.items()})
    return by_name[name], found


# ---------------------------------------------------------------------------------------------------------------------
# Stages


@dataclass(frozen=True, slots=True)
class Stage:
    """A step on the way of a text: what it is given, made of the text beforehand, what it does with it, and up to which size."""

    prepare: Callable[[str], Any]
    work: Callable[[Any], object]
    largest: int = 4 * PIECE


def stages(folder: Path, with_model: bool) -> dict[str, Stage]:
    """The stages by name; files are written to ``folder``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from quoteattr import Document, QuoteAttributor
    from quoteattr.candidates import Proposer
    from quoteattr.convert.brat import standoff
    from quoteattr.convert.label_studio import to_task
    from quoteattr.convert.marks import MarkError
    from quoteattr.convert.web_annotation import quote_annotations
    from quoteattr.corpus import Columns, Corpus, read_texts
    from quoteattr.html import render_html
    from quoteattr.lexicon import Lexicon
    from quoteattr.pieces import pieces
    from quoteattr.preparation import PREPARATIONS
    from quoteattr.render import render_table
    from quoteattr.tables import documents_to_arrow
    from quoteattr.text import fold, html_tags, normalize, not_arabic, quotations, sentence_ends
    from quoteattr.tokens import Reader

    reader, proposer, rules = Reader(Lexicon.load()), Proposer(), QuoteAttributor.rules()

    def same(text: str) -> str:
        return text

    def document(text: str) -> Document:
        return rules(text, id="worst")

    def written(name: str, write: Callable[[Path, str], object]) -> Callable[[str], str]:
        def prepare(text: str) -> str:
            write(folder / name, text.encode("utf-8", "replace").decode())
            return str(folder / name)

        return prepare

    def as_csv(path: Path, text: str) -> None:
        with path.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([["id", "text"], ["worst", text]])

    def read(name: str) -> None:
        for _ in Corpus([name], Columns()):
            pass

    def task(found: Document) -> None:
        with suppress(MarkError):
            to_task(found)

    found = {
        "language": Stage(same, lambda text: (not_arabic(text), html_tags(text))),
        "cuts of long texts": Stage(same, pieces),
        "normalization": Stage(same, normalize),
        "folding": Stage(same, fold),
        "sentences": Stage(same, sentence_ends),
        "quotation marks": Stage(same, quotations),
        **{f"preparation, {name}": Stage(same, prepare) for name, prepare in PREPARATIONS.items()},
        "tokens": Stage(normalize, reader.read, PIECE),
        "candidates": Stage(normalize, proposer, PIECE),
        "rules, a piece": Stage(same, rules, PIECE),
        "rules, a long text": Stage(same, rules),
        "record and back": Stage(document, lambda own: Document.from_dict(own.to_dict())),
        "JSON of the record": Stage(document, lambda own: json.dumps(own.to_dict(), ensure_ascii=False)),
        "HTML": Stage(document, lambda own: render_html([own])),
        "table of the terminal": Stage(document, lambda own: render_table(own, 80, True)),
        "Arrow, UTF-16": Stage(document, lambda own: documents_to_arrow([own], offsets="utf-16")),
        "brat": Stage(document, standoff),
        "Label Studio": Stage(document, task),
        "Web Annotation": Stage(document, lambda own: list(quote_annotations(own))),
        "read text": Stage(
            written("a.txt", lambda path, text: path.write_text(text, "utf-8")), lambda name: list(read_texts(name))
        ),
        "read JSON lines": Stage(
            written("a.jsonl", lambda path, text: path.write_text(json.dumps({"id": "worst", "text": text}), "utf-8")), read
        ),
        "read CSV": Stage(written("a.csv", as_csv), read),
        "read Parquet": Stage(
            written("a.parquet", lambda path, text: pq.write_table(pa.table({"id": ["worst"], "text": [text]}), path)), read
        ),
    }
    if with_model:
        found["model, a piece"] = Stage(same, QuoteAttributor.from_pretrained(), PIECE // 4)
    return found


def texts(regexes: Mapping[str, Attack]) -> dict[str, Callable[[int], str]]:
    """Texts of any length by name: the worst for the expressions, the units of `stages`, and the hard texts of the tests."""
    from stages import SLOW

    sys.path.insert(0, str(TESTS))
    from test_hard_input import HARD, NEWS

    def repeated(unit: str) -> Callable[[int], str]:
        return lambda size: START + (unit * (size // len(unit) + 1))[: size - len(START)]

    units = {f"{name}, again and again": unit for name, unit in SLOW.items()}
    units |= {f"{name} (tests)": text.removeprefix(NEWS) for name, text in HARD.items()}
    found = {f"for {name}: {attack}": lambda size, attack=attack: START + attack.text(size) for name, attack in regexes.items()}
    return {**found, "news": repeated(NEWS), **{name: repeated(unit) for name, unit in units.items()}}


def of_stage(stage: Stage, given: Mapping[str, Callable[[int], str]]) -> tuple[str, Growth]:
    """The worst text for a stage."""
    spent = {name: took(stage.work, stage.prepare(make(SMALL))) for name, make in given.items()}
    slowest = sorted(spent, key=lambda name: -(spent[name] or TOO_LONG))[:SLOWEST]
    sizes = doubled(stage.largest // 16, stage.largest)

    def prepared(name: str) -> Callable[[int], Any]:
        return lambda size: stage.prepare(given[name](size))

    return worst({name: growth(stage.work, prepared(name), sizes) for name in slowest})


def import_all() -> None:
    """Import every module of the package; those of tools that are not installed are left out."""
    package = importlib.import_module(PACKAGE)
    for module in pkgutil.walk_packages(package.__path__, f"{PACKAGE}."):
        if not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ImportError as error:
                print(f"left out {module.name}: {error}", file=sys.stderr)


def described(text: object, found: Growth) -> dict[str, Any]:
    """What is kept of the worst text."""
    return {
        "worst text": str(text).encode("utf-8", "backslashreplace").decode(),
        "exponent": found.exponent,
        "seconds for a megabyte": found.megabyte,
        "seconds by characters": {str(size): spent for size, spent in found.seconds.items()},
    }


def shown(name: str, found: Growth) -> str:
    exponent = "-" if found.exponent is None else f"{found.exponent:.2f}"
    return f"{name:36}{exponent:>9}{found.megabyte:12.3f}"


def measured(seed: int, with_model: bool) -> dict[str, Any]:
    """All figures, printed as they come."""
    with recorded() as regexes, tempfile.TemporaryDirectory() as folder:
        import_all()
        steps = stages(Path(folder), with_model)
        for stage in steps.values():  # what is compiled only when it is used
            stage.work(stage.prepare(START))
        gc.freeze()
        from machine import describe

        record: dict[str, Any] = {"machine": describe(1), "seed": seed, "expressions": {}, "stages": {}}
        print(f"{'expression':36}{'exponent':>9}{'s/MB':>12}")
        attacked: dict[str, Attack] = {}
        for regex in list(regexes.values()):
            attack, found = of_regex(regex, seed)
            name = next(own for n in range(1, 100) if (own := f"{regex.name} {n}".removesuffix(" 1")) not in attacked)
            attacked[name] = attack
            pattern = regex.pattern.pattern
            record["expressions"][name] = {
                "pattern": pattern if isinstance(pattern, str) else pattern.decode(),
                **described(attack, found),
            }
            print(shown(name, found), flush=True)
        print(f"\n{'stage':36}{'exponent':>9}{'s/MB':>12}")
        given = texts(attacked)
        for name, stage in steps.items():
            text, found = of_stage(stage, given)
            record["stages"][name] = described(text, found)
            print(shown(name, found), " ", text.split(":")[0], flush=True)
    return record


def main() -> int:
    """Print the figures, and write them where asked."""
    parser = argparse.ArgumentParser(description="Looks for texts that take more than linear time.")
    parser.add_argument("--seed", type=int, default=1, help="of the texts (default: 1)")
    parser.add_argument("--without-model", action="store_true", help="leave out the model")
    parser.add_argument("--out", type=Path, help="write the figures as JSON too")
    options = parser.parse_args()
    record = measured(options.seed, not options.without_model)
    if options.out is not None:
        from machine import rounded

        options.out.write_text(json.dumps(rounded(record), ensure_ascii=True, indent=2) + "\n", encoding="utf8")
    found = {**record["expressions"], **record["stages"]}
    beyond = [name for name, own in found.items() if (own["exponent"] or 0) > LIMIT]
    print(f"\nmore than linear: {', '.join(beyond) or 'none'}")
    return 1 if beyond else 0


if __name__ == "__main__":
    sys.exit(main())
