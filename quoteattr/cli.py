"""The command ``quoteattr``: results on standard output, messages on standard error.

Exit codes: 0 done, 1 some documents failed (each named in one line), 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from quoteattr import __version__
from quoteattr.corpus import STDIN, Failure, find_files, read_gold, read_texts
from quoteattr.schema import Document

if TYPE_CHECKING:
    from quoteattr.attributor import QuoteAttributor

DONE, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
_WIDTH_WITHOUT_TERMINAL = 100


class UsageError(Exception):
    """The command can't be carried out as it was given; the message says why in one line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with the given arguments, those of the process by default, and return its exit code."""
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except UsageError as error:
        _say(error)
        return WRONG_USAGE
    except KeyboardInterrupt:
        _say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # whoever read the output has seen enough; let nothing be written when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return code


def _extract(options: argparse.Namespace) -> int:
    attributor = _attributor(options.model, options.lexicon, options.min_confidence)
    files = list(find_files(options.inputs or [STDIN]))
    documents = quotes = failures = 0
    with _output(options.output, files) as (out, show):
        for item in _texts(files):
            done = item if isinstance(item, Failure) else _attribute(attributor, item)
            if isinstance(done, Failure):
                _say(done)
                failures += 1
                continue
            if "warning" in done.metadata and not done.quotes:
                _say(f"{done.id}: {done.metadata['warning']}")
            if options.format == "jsonl":
                out.write(json.dumps(done.to_dict(), ensure_ascii=False) + "\n")
            else:
                out.write(("\n" if documents else "") + show(done) + "\n")
            out.flush()
            documents += 1
            quotes += len(done.quotes)
    if documents + failures > 1:
        _say(f"{documents} documents done, {quotes} quotes found, {failures} failed")
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
    except Exception as error:  # a defect that one text brings to light must not stop the other texts
        return Failure(document.id, f"{type(error).__name__}: {error}")


@contextmanager
def _output(path: str | None, files: Sequence[str | Failure]) -> Iterator[tuple[TextIO, Callable[[Document], str]]]:
    """Where results are written, and how a document is shown as a table there."""

    def show(document: Document) -> str:
        from quoteattr.render import render_table

        return render_table(document, width, colour)

    colour = path is None and sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if colour else _WIDTH_WITHOUT_TERMINAL
    if path is None:
        yield sys.stdout, show
        return
    if os.path.exists(path) and any(
        isinstance(name, str) and os.path.exists(name) and os.path.samefile(name, path) for name in files
    ):
        raise UsageError(f"{path}: would be overwritten while it is read")
    try:
        file = open(path, "w", encoding="utf-8", errors="backslashreplace", newline="\n")  # noqa: SIM115
    except OSError as error:
        raise UsageError(f"{path}: can't be written: {(error.strerror or str(error)).lower()}") from None
    with file:
        yield file, show


def _evaluate(options: argparse.Namespace) -> int:
    from quoteattr.evaluate import evaluate, format_error

    gold = _annotated(options.gold)
    attributed = None
    if options.predictions is None:
        attributor = _attributor(options.model)
        predicted = [attributor(document.text, id=document.id) for document in gold]
        attributed = [attributor.attribute(document.text, document.quotes) for document in gold]
    else:
        predicted = _annotated(options.predictions)
    report = evaluate(gold, predicted, attributed)
    return DONE


def _annotated(name: str) -> list[Document]:
    """The documents of a gold or predictions file. Without a single bad line or not at all: figures are of the whole set."""
    items = list(read_gold(name))
    for item in items:
        if isinstance(item, Failure):
            _say(item)
    ...


def _attributor(model: str, lexicon_file: str | None = None, min_confidence: float = 0.0) -> QuoteAttributor:
    if model != "rules":
        raise UsageError(f"there is no model {model!r}: only 'rules' so far")
    from quoteattr.attributor import QuoteAttributor
    from quoteattr.lexicon import Lexicon, LexiconError

    if lexicon_file is None:
        return QuoteAttributor.rules(min_confidence=min_confidence)
    try:
        lexicon = Lexicon.from_file(lexicon_file)
    except LexiconError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"{lexicon_file}: {(error.strerror or str(error)).lower()}") from None
    return QuoteAttributor.rules(lexicon, min_confidence=min_confidence)
