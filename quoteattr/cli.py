"""The command ``quoteattr``: results on standard output, messages on standard error.

Exit codes: 0 done, 1 some documents failed (each named in one line), 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import difflib
import io
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from quoteattr import __version__
from quoteattr.corpus import STDIN, Failure, find_files, read_gold, read_texts
from quoteattr.schema import Document

if TYPE_CHECKING:  # what costs time to import is imported where it is used, so that --help is quick
    from quoteattr.attributor import QuoteAttributor
    from quoteattr.evaluate import Report
    from quoteattr.score import Counts

DONE, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
_WIDTH_WITHOUT_TERMINAL = 100
_FAILURES_SAID = 20


class _Stop(Exception):
    """The command ends here with an exit code; each message is one line."""

    def __init__(self, code: int, *messages: object) -> None:
        super().__init__(*messages)
        self.code = code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with the given arguments, those of the process by default, and return its exit code."""
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except _Stop as stop:
        _say(*stop.args)
        return stop.code
    except KeyboardInterrupt:
        _say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # whoever reads the output has seen enough
        _drop_output()
        return DONE
    except OSError as error:
        _drop_output()
        _say(f"{error.filename or 'standard output'}: {_reason(error)}")
        return WRONG_USAGE
    return code


def _drop_output() -> None:
    """Let what is left in the buffer of standard output go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(*messages: object) -> None:
    for message in messages:
        print(f"quoteattr: {message}", file=sys.stderr, flush=True)


# ---------------------------------------------------------------------------------------------------------------------
# extract


def _extract(options: argparse.Namespace) -> int:
    attributor = _attributor(options.model, options.lexicon, options.min_confidence)
    files = list(find_files(options.inputs or [STDIN]))
    page: list[Document] = []
    documents = quotes = failures = 0
    with _opened(options.output, files) as out:
        for item in _texts(files):
            result = item if isinstance(item, Failure) else _attribute(attributor, item)
            if isinstance(result, Failure):
                _say(result)
                failures += 1
                continue
            if isinstance(item, Document) and (warning := result.metadata.get("warning")) != item.metadata.get("warning"):
                _say(f"{result.id}: {warning}")
            if options.format == "jsonl":
                out.write(json.dumps(result.to_dict(), ensure_ascii=False) + "\n")
            elif options.format == "html":
                page.append(result)
            else:
                out.write(("\n" if documents else "") + _table(result, out) + "\n")
            out.flush()
            documents += 1
            quotes += len(result.quotes)
        if page:
            from quoteattr.html import render_html

            out.write(render_html(page))
    if documents + failures > 1:
        _say(f"{documents} documents done, {failures} failed, {quotes} quotes found")
    return SOME_FAILED if failures else DONE


def _texts(files: Sequence[str | Failure]) -> Iterator[Document | Failure]:
    for name in files:
        if isinstance(name, Failure):
            yield name
            continue
        if name == STDIN and sys.stdin.isatty():
            _say("reading a text from the terminal; end it with Ctrl-D on a line of its own")
        yield from read_texts(name)


def _attribute(attributor: QuoteAttributor, document: Document) -> Document | Failure:
    try:
        return attributor(document.text, id=document.id, metadata=document.metadata)
    except Exception as error:  # a defect that one text brings to light must not take the other texts with it
        return Failure(document.id, f"{type(error).__name__}: {error}")


def _table(document: Document, out: TextIO) -> str:
    from quoteattr.render import render_table

    terminal = out.isatty()
    return render_table(document, shutil.get_terminal_size().columns if terminal else _WIDTH_WITHOUT_TERMINAL, terminal)


@contextmanager
def _opened(path: str | None, files: Sequence[str | Failure]) -> Iterator[TextIO]:
    """Where the results go: the file at ``path``, which may not be one of those to be read, or standard output."""
    if path is None:
        yield sys.stdout
        return
    if os.path.exists(path) and any(os.path.samefile(path, f) for f in files if isinstance(f, str) and os.path.exists(f)):
        raise _Stop(WRONG_USAGE, f"{path}: is one of the files to be read and would be overwritten")
    folder = os.path.dirname(path)
    if folder and not os.path.isdir(folder):
        raise _Stop(WRONG_USAGE, f"{path}: there is no folder {folder}; make it first")
    try:
        with open(path, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as out:
            yield out
    except OSError as error:
        raise _Stop(WRONG_USAGE, f"{path}: {_reason(error)}") from None


# ---------------------------------------------------------------------------------------------------------------------
# score


def _score(options: argparse.Namespace) -> int:
    from quoteattr.corpus import Columns, Corpus, find_corpus
    from quoteattr.score import Job, ScoreError, format_of, score
    from quoteattr.workers import usable_cores

    out = Path(options.output)
    workers = options.workers or usable_cores()
    try:
        form = format_of(out)
    except ScoreError as error:
        raise _Stop(WRONG_USAGE, error) from None
    files = list(find_corpus(options.inputs))
    absent = [file for file in map(_absent, files) if file is not None]
    if len(absent) == len(files):
        raise _Stop(WRONG_USAGE, *absent)
    attributor = _attributor(options.model, options.lexicon, options.min_confidence)
    columns = Columns(options.text_column, options.id_column)
    corpus = Corpus(files, columns)
    begun = time.monotonic()
    try:
        with _progress() as watch:
            facts = {**attributor.facts, "min_confidence": options.min_confidence, "corpus": options.inputs}
            facts.update(text_column=columns.text, id_column=columns.id)
            job = Job(corpus, out, form, facts, tuple(options.keep_columns), workers, _say, watch)
            counts = score(attributor, job)
    except ScoreError as error:
        raise _Stop(WRONG_USAGE, error) from None
    except OSError as error:
        raise _Stop(WRONG_USAGE, f"{error.filename or out}: {_reason(error)}; the same command goes on from here") from None
    except KeyboardInterrupt:
        raise _Stop(INTERRUPTED, "interrupted; the same command goes on from here") from None
    seconds = time.monotonic() - begun
    speed = (counts.documents - job.resumed.documents) / max(seconds, 1e-6)
    _say(
        f"{out}: {counts.documents:,} documents, {counts.quotes:,} quotes, {counts.speakers:,} speakers, "
        f"{counts.failures:,} failures; {seconds:,.0f} s, {speed:,.1f} documents/s"
    )
    if counts.failures:
        _say(f"{out}.errors.jsonl names every failure; the first: {_first_failure(out)}")
    return SOME_FAILED if counts.failures else DONE


def _absent(file: str | Failure) -> Failure | None:
    """A file of a corpus that is not there."""
    if isinstance(file, Failure):
        return file
    return None if file == STDIN or os.path.exists(file) else Failure(file, "no such file or directory")


def _first_failure(out: Path) -> Failure:
    with open(f"{out}.errors.jsonl", encoding="utf-8") as lines:
        record = json.loads(next(lines))
    return Failure(record["id"], record["reason"])


@contextmanager
def _progress() -> Iterator[Callable[[Counts, float], None]]:
    """A progress bar on a terminal, else a line a minute."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, force_terminal=sys.stderr.isatty())  # whatever FORCE_COLOR says, as in notebooks
    begun = said = time.monotonic()
    first: int | None = None

    def line(counts: Counts) -> str:
        speed = (counts.documents - (first or 0)) / max(1e-6, time.monotonic() - begun)
        return f"{counts.documents:,} documents  {counts.quotes:,} quotes  {counts.failures:,} failures  {speed:,.1f} documents/s"

    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading", total=1.0)

        def watch(counts: Counts, share: float) -> None:
            nonlocal said, first
            first = counts.documents if first is None else first
            bar.update(task, completed=share, description=line(counts))
            if not console.is_terminal and time.monotonic() - said > 60:
                said = time.monotonic()
                _say(f"{100 * share:.0f} %: {line(counts)}")

        yield watch


# ---------------------------------------------------------------------------------------------------------------------
# report


def _report(options: argparse.Namespace) -> int:
    from quoteattr.corpus import Columns, Corpus, find_corpus
    from quoteattr.people import GroupsError, corrected, from_csv, grouped, table, to_csv
    from quoteattr.report import appearances, read, render_report

    files = list(find_corpus(options.quotes))
    texts = Corpus(list(find_corpus(options.corpus)), Columns(options.text_column, options.id_column)) if options.corpus else None
    try:
        rows = from_csv(Path(options.groups).read_text(encoding="utf-8-sig")) if options.groups else []
    except (GroupsError, UnicodeDecodeError) as error:
        raise _Stop(WRONG_USAGE, f"{options.groups}: {error if isinstance(error, GroupsError) else 'not UTF-8 text'}") from None
    except OSError as error:
        raise _Stop(WRONG_USAGE, f"{options.groups}: {_reason(error)}") from None
    quotes = read(files, options.date_column, options.outlet_column, texts)
    _say(*quotes.failures[:_FAILURES_SAID])
    if len(quotes.failures) > _FAILURES_SAID:
        _say(f"and {len(quotes.failures) - _FAILURES_SAID:,} more failures")
    if quotes.failures and not quotes.said:
        return SOME_FAILED  # a report that is there already is not made empty
    speaking = appearances(quotes.said)
    groups = corrected(grouped(speaking), rows)
    try:
        page = render_report(quotes, groups)
    except ModuleNotFoundError as error:
        raise _Stop(WRONG_USAGE, f"report needs {error.name}: pip install 'quoteattr[report]' installs it") from None
    with _opened(options.output, files) as out:
        out.write(page)
    if options.write_groups:
        with _opened(options.write_groups, files) as out:
            out.write("\ufeff" + to_csv(table(speaking, groups)))  # without the mark spreadsheets take it for another encoding
    if quotes.undated:
        _say(f"{quotes.undated:,} quotes have a {options.date_column!r} that is no date as 2026-01-05 or 5/1/2026")
    speakers = len(set(groups.values()))
    _say(f"{options.output}: {len(quotes.said):,} quotes, {speakers:,} speakers, {len(quotes.failures):,} failures")
    return SOME_FAILED if quotes.failures else DONE


# ---------------------------------------------------------------------------------------------------------------------
# export


def _export(options: argparse.Namespace) -> int:
    from quoteattr.engine import ModelError

    try:
        from quoteattr.export import export

        print(export(Path(options.model)))
    except ModuleNotFoundError as error:
        raise _Stop(WRONG_USAGE, f"export needs {error.name}: pip install 'quoteattr[train]' installs it") from None
    except ModelError as error:
        raise _Stop(WRONG_USAGE, error) from None
    except OSError as error:
        raise _Stop(WRONG_USAGE, f"{options.model}: {_reason(error)}") from None
    return DONE


# ---------------------------------------------------------------------------------------------------------------------
# evaluate


def _evaluate(options: argparse.Namespace) -> int:
    if options.json and (options.errors or options.worst):
        raise _Stop(WRONG_USAGE, "--json prints the figures only; leave out --errors and --worst")
    if options.suite is not None:
        return _evaluate_suite(options)
    if not 1 <= len(options.files) <= 2:
        raise _Stop(WRONG_USAGE, "evaluate needs GOLD, and PREDICTIONS or not: quoteattr evaluate gold.jsonl")
    from quoteattr.attributor import attribute, predict
    from quoteattr.evaluate import EvaluationError, evaluate

    gold_file, *predictions = options.files
    attributor = None if predictions else _attributor(options.model)
    gold = _gold([gold_file])
    if attributor is None:
        predicted, attributed = _annotated(predictions[0]), None
    else:
        predicted, attributed = predict(attributor, gold), attribute(attributor, gold)
    try:
        report = evaluate(gold, predicted, attributed)
    except EvaluationError as error:
        raise _Stop(SOME_FAILED, error) from None
    _write_errors(options.html, gold, report, {document.id: "all" for document in gold}, gold_file)
    if options.json:
        print(json.dumps(report.to_dict(), ensure_ascii=False, indent=2))
    else:
        print(report.to_text(), end="")
        _print_worst(report, options.worst)
        _print_errors(report, gold, options.errors)
    return DONE


def _evaluate_suite(options: argparse.Namespace) -> int:
    """Systems side by side on a suite: those named, and files of predictions."""
    from quoteattr.attributor import attribute, predict
    from quoteattr.baselines import BASELINES, model_alone
    from quoteattr.evaluate import EvaluationError
    from quoteattr.suite import Suite, SuiteError, compare, group_of

    if options.errors or options.worst or options.model:
        raise _Stop(
            WRONG_USAGE, "--suite goes without --errors, --worst and --model; --systems and PREDICTIONS name what to compare"
        )
    ours = ("model", "model-alone", "rules", *BASELINES)
    for name in options.systems or ():
        if name not in ours and not os.path.isdir(name):
            known = ", ".join(ours)
            raise _Stop(WRONG_USAGE, f"argument --systems: {name!r} is no folder and none of {known}")
    try:
        suite = Suite.read(Path(options.suite))
    except SuiteError as error:
        raise _Stop(SOME_FAILED, *error.args) from None
    predicted = {Path(name).stem: _annotated(name) for name in options.files}
    attributed = {}
    for name in options.systems if options.systems is not None else () if predicted else ours:
        if name in BASELINES:
            predicted[name] = [BASELINES[name](document) for document in suite.documents]
            attributed[name] = [BASELINES[name].attribute(document) for document in suite.documents]
        else:
            attributor = model_alone() if name == "model-alone" else _attributor(None if name == "model" else name)
            predicted[name] = predict(attributor, suite.documents)
            attributed[name] = attribute(attributor, suite.documents)
    try:
        comparison = compare(suite, predicted, attributed)
    except EvaluationError as error:
        raise _Stop(SOME_FAILED, error) from None
    first, report = next(iter(comparison.reports.items()))
    groups = {document.id: group_of(document) for document in suite.documents}
    _write_errors(options.html, suite.documents, report, groups, f"{first}, {options.suite}")
    if options.json:
        print(json.dumps(comparison.to_dict(), ensure_ascii=False, indent=2))
    else:
        print(comparison.to_text(), end="")
    return DONE


def _annotated(name: str) -> list[Document]:
    """The documents of a gold or predictions file; none is left out, since figures are about a whole set."""
    items = list(read_gold(name))
    failures = [item for item in items if isinstance(item, Failure)]
    if failures:
        raise _Stop(SOME_FAILED, *failures)
    return [item for item in items if isinstance(item, Document)]


def _write_errors(path: str | None, gold: Sequence[Document], report: Report, groups: Mapping[str, str], title: str) -> None:
    """The page of the errors, where one is asked for."""
    if path is None:
        return
    from quoteattr.error_page import render_errors

    with _opened(path, []) as out:
        out.write(render_errors(gold, report, groups, title))


def _gold(names: Sequence[str]) -> list[Document]:
    """The documents of gold files, in which one quote at least is annotated."""
    gold = [document for name in names for document in _annotated(name)]
    if not any(document.quotes for document in gold):
        raise _Stop(
            SOME_FAILED, f"{', '.join(names)}: no document has 'quotes', so there is nothing to compare with or learn from"
        )
    return gold


def _print_worst(report: Report, number: int) -> None:
    worst = report.worst(number)
    if worst:
        print("\nmost errors:")
    for score in worst:
        print(f"{len(score.errors):>8}  {score.id}")


def _print_errors(report: Report, gold: Sequence[Document], number: int) -> None:
    from quoteattr.evaluate import format_error

    documents = {document.id: document for document in gold}
    for error in report.errors()[:number]:
        print(f"\n{format_error(documents[error.document_id], error)}")


# ---------------------------------------------------------------------------------------------------------------------
# convert


def _convert(options: argparse.Namespace) -> int:
    from quoteattr.convert.formats import convert, restore

    if options.corpus and options.target != "jsonl":
        raise _Stop(WRONG_USAGE, "--corpus gives standoff annotations their texts back: --to jsonl")
    out = Path(options.output)
    if any(name != STDIN and out.exists() and os.path.exists(name) and out.samefile(name) for name in options.inputs):
        raise _Stop(WRONG_USAGE, f"{out}: is one of the files to be read and would be overwritten")
    documents = quotes = failures = 0
    try:
        made = (
            restore(options.inputs, options.corpus, out)
            if options.corpus
            else convert(options.inputs, options.source, options.target, out)
        )
        for result in made:
            if isinstance(result, Failure):
                _say(result)
                failures += 1
            else:
                documents += 1
                quotes += len(result.quotes)
    except OSError as error:
        raise _Stop(WRONG_USAGE, f"{error.filename or out}: {_reason(error)}") from None
    _say(f"{out}: {documents} documents done, {failures} failed, {quotes} quotes")
    if options.target == "label-studio":
        _say(f"{out.with_suffix('.xml')}: the labelling interface for the settings of the project")
    return SOME_FAILED if failures else DONE


# ---------------------------------------------------------------------------------------------------------------------
# agree


def _agree(options: argparse.Namespace) -> int:
    from quoteattr.agreement import agree
    from quoteattr.evaluate import EvaluationError

    first = _annotated(options.first)
    try:
        agreement = agree(first, _annotated(options.second))
    except EvaluationError as error:
        raise _Stop(SOME_FAILED, error) from None
    if options.json:
        print(json.dumps(agreement.to_dict(), ensure_ascii=False, indent=2))
    else:
        print(agreement.to_text(), end="")
        _print_errors(agreement.report, first, options.differences)
    return DONE


# ---------------------------------------------------------------------------------------------------------------------
# train


def _train(options: argparse.Namespace) -> int:
    train = _gold(options.gold)
    silver = [document for name in options.silver for document in _annotated(name)]
    dev = _gold([options.dev])
    both = {document.text for document in dev} & {document.text for document in train}
    if both:
        raise _Stop(
            WRONG_USAGE, f"{options.dev}: {len(both)} of its texts are among those to learn from; give --dev other documents"
        )
    from quoteattr.engine import ModelError

    try:
        from quoteattr.model import moved
        from quoteattr.train import Recipe, Trainer, calibrate, fresh_model
    except ModuleNotFoundError as error:
        raise _Stop(WRONG_USAGE, f"train needs {error.name}: pip install 'quoteattr[train]' installs it") from None

    recipe = Recipe(epochs=options.epochs, batch=options.batch, seed=options.seed)
    out = Path(options.output)
    if out.exists() and not out.is_dir():
        raise _Stop(WRONG_USAGE, f"{out}: is a file; -o names the folder of the model")
    try:
        model, tokenizer = fresh_model(options.encoder, recipe.seed)
        out.mkdir(parents=True, exist_ok=True)
        progress = Trainer(moved(model, options.device), tokenizer, train, dev, out, recipe, _say_progress, silver).run()
        report = calibrate(out, dev)
        figures = json.dumps(report.to_dict(), ensure_ascii=False, indent=2) + "\n"
        (out / "evaluation.json").write_text(figures, encoding="utf-8")
    except ModelError as error:
        raise _Stop(WRONG_USAGE, error) from None
    except OSError as error:
        raise _Stop(
            WRONG_USAGE, f"{error.filename or options.output}: {_reason(error)}; the same command goes on from here"
        ) from None
    _say(f"{out}: the model of epoch {progress.best_epoch}, end-to-end F1 {progress.best:.3f} on {options.dev}")
    return DONE


def _say_progress(facts: Mapping[str, Any]) -> None:
    """One line of the log for people: figures with their names, in the order of the log."""
    flat = [(name, value) for name, value in facts.items() if name not in ("time", "event", "recipe")]
    flat = [pair for name, value in flat for pair in (value.items() if isinstance(value, dict) else [(name, value)])]
    _say(f"{facts['event']}: " + ", ".join(f"{name} {value}" for name, value in flat))


# ---------------------------------------------------------------------------------------------------------------------
# options


def _attributor(model: str | None, lexicon_file: str | None = None, min_confidence: float = 0.0) -> QuoteAttributor:
    from quoteattr.attributor import QuoteAttributor
    from quoteattr.lexicon import Lexicon, LexiconError

    try:
        lexicon = Lexicon.load() if lexicon_file is None else Lexicon.from_file(lexicon_file)
    except LexiconError as error:
        raise _Stop(WRONG_USAGE, error) from None
    except OSError as error:
        raise _Stop(WRONG_USAGE, f"{lexicon_file}: {_reason(error)}") from None
    if model == "rules":
        return QuoteAttributor.rules(lexicon, min_confidence=min_confidence)
    from quoteattr.engine import ModelError

    try:
        return QuoteAttributor.from_pretrained(model, lexicon, min_confidence=min_confidence)
    except ModelError as error:
        raise _Stop(WRONG_USAGE, error) from None


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _probability(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number from 0 to 1")
    return number


def _count(value: str) -> int:
    if not value.isdecimal() or int(value) == 0:
        raise argparse.ArgumentTypeError(f"{value!r} is not a whole number from 1")
    return int(value)


class _Parser(argparse.ArgumentParser):
    """Wrong usage in one line, with the option that was perhaps meant."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """What argparse makes of the arguments; none is left over."""
        found, rest = super().parse_known_args(args, namespace)
        if rest:
            options = [name for action in self._actions for name in action.option_strings]
            near = difflib.get_close_matches(rest[0].partition("=")[0], options, 1)
            self.error(f"there is no {rest[0]!r} here" + (f"; did you mean {near[0]}?" if near else ""))
        return found, rest

    def error(self, message: str) -> NoReturn:
        """End with the message and where there is more."""
        self.exit(WRONG_USAGE, f"quoteattr: {message}; see '{self.prog} --help'\n")


def _parser() -> argparse.ArgumentParser:
    parser = _described(
        _Parser(prog="quoteattr"),
        "Who said what in Arabic news: every quote and the speaker it comes down to.",
        "example: quoteattr extract article.txt\n\n'quoteattr COMMAND --help' says more about a command.\n"
        "exit codes: 0 done, 1 some documents failed (named on standard error), 2 wrong usage",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    extract = _described(
        commands.add_parser("extract", help="print every quote of texts with its speaker"),
        "Print every quote of texts with its speaker.",
        "examples:\n"
        "  quoteattr extract article.txt\n"
        "  quoteattr extract --format jsonl --output quotes.jsonl news/ more.jsonl\n"
        "  quoteattr extract --format html --output quotes.html article.txt\n"
        "  cat article.txt | quoteattr extract",
    )
    extract.set_defaults(run=_extract)
    extract.add_argument(
        "inputs",
        nargs="*",
        metavar="FILE",
        help=".txt (one text), .jsonl (one object with a 'text' a line), a folder (all such files below it), "
        "or - for standard input (the default: one text, or JSON lines)",
    )
    extract.add_argument(
        "--format",
        choices=("table", "jsonl", "html"),
        default="table",
        help="table for reading (default); jsonl: one document a line with all spans as offsets into its text; "
        "html: one page for the browser with all texts, their quotes tinted by speaker",
    )
    _add_reading(extract)
    extract.add_argument("--output", metavar="FILE", help="write there and not to standard output")

    scoring = _described(
        commands.add_parser("score", help="find the quotes of a whole corpus"),
        "Find the quotes of a whole corpus and write them to one file. A run that was stopped, however it was, goes on with the\n"
        "same command; nothing is lost or done twice. Records that fail are named in OUT.errors.jsonl, OUT.meta.json says which\n"
        "model it was.",
        "examples:\n"
        "  quoteattr score news.jsonl.zst -o quotes.parquet --keep-columns date outlet\n"
        "  quoteattr score articles/ -o quotes.jsonl --workers 8\n"
        "  quoteattr score 'dump-*.parquet' -o quotes.csv --text-column body --id-column url",
    )
    scoring.set_defaults(run=_score)
    scoring.add_argument(
        "inputs",
        nargs="+",
        metavar="CORPUS",
        help=".jsonl, .csv, .parquet or .txt files, also .gz or .zst, folders of them, patterns, "
        "or - for JSON lines from standard input",
    )
    scoring.add_argument(
        "-o", "--output", required=True, metavar="OUT", help=".jsonl (one document a line), .csv or .parquet (one quote a row)"
    )
    scoring.add_argument("--text-column", metavar="NAME", default="text", help="field of the text (default: text)")
    scoring.add_argument("--id-column", metavar="NAME", default="id", help="field of the id (default: id)")
    scoring.add_argument(
        "--keep-columns",
        metavar="NAME",
        nargs="+",
        default=[],
        help="fields that every row of a table repeats (jsonl keeps all)",
    )
    scoring.add_argument("--workers", metavar="N", type=_count, help="processes (default: one for every processor)")
    _add_reading(scoring)

    reporting = _described(
        commands.add_parser("report", help="make a page of charts and quotes for the browser"),
        "Make one page for the browser of the quotes that 'quoteattr score' found: who speaks most, over time and by outlet,\n"
        "quoted or paraphrased, what speakers do (deny, warn, demand ...), the words that report it; to be filtered by speaker,\n"
        "outlet, date and words, each quote with its context. One file that loads nothing. Needs quoteattr[report].",
        "examples:\n"
        "  quoteattr report quotes.jsonl -o report.html\n"
        "  quoteattr report quotes.parquet --corpus news.jsonl.zst -o report.html\n"
        "  quoteattr report quotes.jsonl -o report.html --write-groups groups.csv   # correct the column 'group', then:\n"
        "  quoteattr report quotes.jsonl -o report.html --groups groups.csv\n\n"
        "who is one speaker across documents:\n"
        "  names with the same words (hamza, ta marbuta, diacritics, عبدالله and عبد الله make no difference);\n"
        "  a person's family name, or first and last name, and the fuller name that ends with it, where that speaks in the same\n"
        "  outlet within 60 days and no other name there and then fits; a given name alone joins nobody;\n"
        "  a title before such a name (وزير المالية سالم الخطيب);\n"
        "  organisations, groups and descriptions (الوزير, مصدر أمني) only with the same words",
    )
    reporting.set_defaults(run=_report)
    reporting.add_argument(
        "quotes",
        nargs="+",
        metavar="QUOTES",
        help="what 'quoteattr score' wrote: .jsonl brings the texts; of .csv and .parquet, kept with --keep-columns date outlet, "
        "contexts need --corpus; folders and patterns too",
    )
    reporting.add_argument("-o", "--output", required=True, metavar="FILE", help="the page, .html")
    reporting.add_argument(
        "--corpus", nargs="+", metavar="CORPUS", default=[], help="the texts that a table of quotes was made of, to show contexts"
    )
    reporting.add_argument("--text-column", metavar="NAME", default="text", help="field of the text in CORPUS (default: text)")
    reporting.add_argument("--id-column", metavar="NAME", default="id", help="field of the id in CORPUS (default: id)")
    reporting.add_argument("--date-column", metavar="NAME", default="date", help="field of the date in QUOTES (default: date)")
    reporting.add_argument(
        "--outlet-column", metavar="NAME", default="outlet", help="field of the outlet in QUOTES (default: outlet)"
    )
    reporting.add_argument("--write-groups", metavar="CSV", help="write there which names are taken for one speaker")
    reporting.add_argument("--groups", metavar="CSV", help="such a file, its column 'group' corrected, to go by")

    exporting = _described(
        commands.add_parser("export", help="make the fast form of a trained model"),
        "Make the fast form of a trained model: graphs with 8-bit weights in MODEL/onnx, which are taken from then on where the\n"
        "model runs on a processor. They need no PyTorch.",
        "example:\n  quoteattr export model",
    )
    exporting.set_defaults(run=_export)
    exporting.add_argument("model", metavar="MODEL", help="folder of a trained model")

    evaluate = _described(
        commands.add_parser("evaluate", help="compare predictions with annotated documents"),
        "Compare predictions with annotated documents: how many quotes are found, how many speakers are right.",
        "examples:\n"
        "  quoteattr evaluate gold.jsonl\n"
        "  quoteattr evaluate gold.jsonl predictions.jsonl --worst 5 --errors 20\n"
        "  quoteattr evaluate --suite benchmarks/phenomena\n"
        "  quoteattr evaluate --suite benchmarks/phenomena rival.jsonl --systems model rules nearest-name",
    )
    evaluate.set_defaults(run=_evaluate)
    evaluate.add_argument(
        "files",
        nargs="*",
        metavar="GOLD [PREDICTIONS]",
        help="annotated documents, one JSON object a line, and what 'extract --format jsonl' wrote for the same documents (by "
        "id); without that the model is run. With --suite: any number of files of predictions",
    )
    evaluate.add_argument(
        "--suite",
        metavar="DIR",
        help="a folder of annotated documents with a 'phenomenon' each: a table of systems by phenomenon, with intervals, and "
        "the difference of the first system to each other one with its p-value",
    )
    evaluate.add_argument(
        "--systems",
        nargs="+",
        metavar="NAME",
        help="with --suite: model, model-alone (not told the cues that the rules propose), rules, the folder of a model, "
        "nearest-name, last-subject, most-frequent (default: all but folders, or none where there are PREDICTIONS)",
    )
    _add_model(evaluate)
    evaluate.add_argument("--json", action="store_true", help="print the figures as JSON")
    evaluate.add_argument(
        "--errors",
        metavar="N",
        nargs="?",
        type=_count,
        const=sys.maxsize,
        default=0,
        help="print errors in context: all, or the first N",
    )
    evaluate.add_argument(
        "--html",
        metavar="FILE",
        help="write a page of all errors (of the first system) beside the gold, to be filtered by kind and phenomenon",
    )
    evaluate.add_argument("--worst", metavar="N", type=_count, default=0, help="name the N documents with most errors")

    convert = _described(
        commands.add_parser("convert", help="take documents to annotation tools and back"),
        "Take documents to annotation tools, where people correct the quotes, and back as annotated documents.",
        "examples:\n"
        "  quoteattr extract --format jsonl --output quotes.jsonl news/\n"
        "  quoteattr convert quotes.jsonl --to label-studio -o tasks.json\n"
        "  quoteattr convert export.json --to jsonl -o gold.jsonl\n"
        "  quoteattr convert quotes.jsonl --to brat -o folder\n"
        "  quoteattr convert folder --to jsonl -o gold.jsonl\n"
        "  quoteattr convert quotes.jsonl --to web-annotation -o quotes.jsonld\n"
        "  quoteattr convert gold.jsonl --to standoff -o annotations.jsonl\n"
        "  quoteattr convert annotations.jsonl --corpus news/ --to jsonl -o gold.jsonl\n\n"
        "In Label Studio: paste OUT.xml, which is written beside the tasks, into the settings of a project (Labeling Interface,\n"
        "Code), import the tasks, show predictions to annotators, and export what they made of them as JSON. In brat: annotate\n"
        "in the folder. 'quoteattr evaluate' and 'quoteattr train' take the documents that come back.\n\n"
        "A quote that nobody changed keeps its confidence, one that was changed has none. A document that nobody annotated, or\n"
        "whose annotations contradict each other, is named and left out; the others are done.",
    )
    convert.set_defaults(run=_convert)
    convert.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="documents as JSON lines (- for standard input), a JSON file exported by Label Studio, or a folder of brat",
    )
    convert.add_argument(
        "--to",
        dest="target",
        required=True,
        choices=("jsonl", "label-studio", "brat", "web-annotation", "standoff"),
        help="jsonl: one document a line, the format of all other commands; label-studio: tasks with predictions; brat: a new "
        "folder of texts with annotations; web-annotation: W3C Web Annotation, JSON-LD (there is no way back from it); standoff: "
        "offsets and hashes without any text, to publish annotations of texts that may not be published",
    )
    convert.add_argument(
        "--from",
        dest="source",
        choices=("jsonl", "label-studio", "brat"),
        help="the format of the inputs (default: found by looking at each)",
    )
    convert.add_argument(
        "--corpus",
        nargs="+",
        metavar="NEWS",
        default=[],
        help="the INPUTs are standoff annotations, whose texts are in these files (all that score reads), under any id",
    )
    convert.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="file to write, for brat a folder that is not there yet"
    )

    agreeing = _described(
        commands.add_parser("agree", help="measure how far two annotations agree"),
        "Measure how far two annotations of the same documents agree: same quotes, spans and speakers, Cohen's kappa of labels.",
        "example:\n  quoteattr agree first.jsonl second.jsonl --differences 20",
    )
    agreeing.set_defaults(run=_agree)
    agreeing.add_argument("first", metavar="FIRST", help="annotated documents, one JSON object a line")
    agreeing.add_argument("second", metavar="SECOND", help="the same documents, by id, as somebody else annotated them")
    agreeing.add_argument("--json", action="store_true", help="print the figures as JSON")
    agreeing.add_argument(
        "--differences",
        metavar="N",
        nargs="?",
        type=_count,
        const=sys.maxsize,
        default=0,
        help="print what differs in context, FIRST as gold: all, or the first N",
    )

    train = _described(
        commands.add_parser("train", help="train a model on annotated documents"),
        "Train a model on annotated documents. The same command again goes on where a run was stopped.",
        "examples:\n"
        "  quoteattr train train.jsonl --dev dev.jsonl -o model\n"
        "  quoteattr train train.jsonl --dev dev.jsonl --encoder FOLDER -o model\n\n"
        "The folder gets the model that is best on DEV (the mean of the last epochs), evaluation.json with its figures there\n"
        "and log.jsonl; checkpoint.pt and epochs/ may be deleted afterwards. 'quoteattr extract --model FOLDER' uses it.\n"
        "With --encoder FOLDER of a trained model, training goes on from it.",
    )
    train.set_defaults(run=_train)
    train.add_argument("gold", nargs="+", metavar="GOLD", help="annotated documents to learn from, one JSON object a line")
    train.add_argument("--dev", required=True, metavar="GOLD", help="others, to choose the best epoch and fit confidence")
    train.add_argument(
        "--silver",
        nargs="+",
        metavar="FILE",
        default=[],
        help="documents as 'quoteattr extract --min-confidence' gives them, to learn from beside GOLD",
    )
    train.add_argument(
        "--encoder",
        metavar="ID_OR_DIR",
        default="aubmindlab/bert-base-arabertv02",
        help="Hub id or folder of the encoder, or of a model of quoteattr, to start from (default: %(default)s)",
    )
    train.add_argument("-o", "--output", required=True, metavar="DIR", help="folder of the model")
    train.add_argument("--epochs", metavar="N", type=_count, default=8, help="times through GOLD (default: %(default)s)")
    train.add_argument("--batch", metavar="N", type=_count, default=4, help="documents in a step (default: %(default)s)")
    train.add_argument("--seed", metavar="N", type=int, default=0, help="of fresh heads, order and dropout (default: 0)")
    train.add_argument("--device", metavar="NAME", default="cpu", help="cpu (default), cuda, cuda:1, mps")
    return parser


def _described(parser: argparse.ArgumentParser, description: str, epilog: str) -> argparse.ArgumentParser:
    parser.description, parser.epilog = description, epilog
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    return parser


def _add_reading(parser: argparse.ArgumentParser) -> None:
    """The options of the commands that look for quotes."""
    _add_model(parser)
    parser.add_argument("--lexicon", metavar="FILE", help="verbs, titles and known speakers to add to the lexicon")
    parser.add_argument(
        "--min-confidence",
        metavar="X",
        type=_probability,
        default=0.0,
        help="leave out quotes below this confidence, 0 to 1",
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        metavar="NAME",
        help="'rules' for the rules alone, or the folder or Hub id of a trained model (default: the bundled one)",
    )
