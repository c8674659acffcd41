"""Looks for inputs that break a promise: no crash, no hang, no offset outside the text, the same result in any batch.

    pip install atheris
    python benchmarks/fuzz/fuzz.py TARGET [FOLDER] [-max_total_time=600 ...]

Atheris mutates bytes towards code that was not reached yet; options with one dash are those of libFuzzer. What it finds worth
keeping goes to FOLDER, by default one for this run only; the kept corpus beside this script is where it starts. A promise that
is broken ends the run with a traceback and a file ``crash-…``; the same command with that file in place of FOLDER repeats it.

Most targets take bytes as a text in one of two ways: as they are (what is no UTF-8 becomes lone surrogates), or each byte as one
of `PIECES`, the words and marks that the rules know, so that chance makes reports and not only letters.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["quoteattr"]):
    from quoteattr import Document, Lexicon, QuoteAttributor
    from quoteattr.convert.brat import read_annotated, standoff, write_folder
    from quoteattr.convert.label_studio import from_task, to_task
    from quoteattr.convert.marks import MarkError
    from quoteattr.convert.web_annotation import quote_annotations
    from quoteattr.corpus import Columns, Corpus, Failure, read_gold, read_json, read_texts
    from quoteattr.html import render_html
    from quoteattr.lexicon import LexiconError
    from quoteattr.people import GroupsError, from_csv, to_csv
    from quoteattr.render import render_table
    from quoteattr.schema import SchemaError, Span
    from quoteattr.standoff import StandoffError, rebuild, without_text
    from quoteattr.tables import documents_to_arrow
    from quoteattr.text import normalize

CORPUS = Path(__file__).parent / "corpus"
LONGEST = 4096
"""Bytes of an input, where the options do not say otherwise."""
PIECES = [
    *(
        "قال وقالت أكد وأضاف أضافت أشار كشف وأوضحت يقول تساءل أفاد مضيفا مؤكدة قائلا بحسب وفقا نقلا قوله رد نفى "
        "أن إن أنه بأن إلى عن على من في هل كما بينما لكن الذي وزير الوزير وزيرة الخارجية المتحدث باسم رئيس الحكومة صحيفة الوطن "
        "مصادر خبراء البيان الدكتور الشيخ سامي سالم الخطيب فاطمة الزهراء عبد الله بن رويترز القرار نهائي النتائج مشجعة غدا له و ب"
    ).split(),
    *"« » “ ” „ \" ' '' ‘ ’ ‹ › ,, (( )) : ، . ؟ ! … - – ( ) [ ] * # > | / \\ < & ؛ س: ج:".split(),
    *("<p>", "&quot;", "&#1600;", "https://a.org/b?c=d", "2016", "٣٫٥", "12%", "د.", "Reuters", "é", "😀", "👩‍👧", "ﷺ", "ﻻ", "ـ"),
    *(
        "\u0650",
        "\u0301",
        "\u200f",
        "\u202e",
        "\u2066",
        "\ufeff",
        "\x00",
        "\ud800",
        "\udfff",
        "\u2028",
        "\u00a0",
        "\n",
        "\r\n",
        "\t",
    ),
    *("قال وزير النقل سالم الخطيب إن الطريق مفتوح.", "«لن نقبل»، قالت فاطمة.", "وأضاف أن النتائج مشجعة. "),
]


def text_of(data: bytes) -> str:
    """The text that some bytes stand for; the first says which way."""
    if not data or data[0] % 2:
        return data[1:].decode("utf-8", "surrogateescape")
    return "".join(PIECES[byte % len(PIECES)] + (" " if byte < 200 else "") for byte in data[1:])


@cache
def rules() -> QuoteAttributor:
    """The attributor of most targets."""
    return QuoteAttributor.rules()


@cache
def model() -> QuoteAttributor:
    """The bundled model."""
    return QuoteAttributor.from_pretrained()


def check(document: Document, text: str) -> None:
    """What holds for every document."""
    assert document.text == text
    spans: list[Span] = [span for speaker in document.speakers for span in speaker.mentions]
    for quote in document.quotes:
        assert quote.text, quote
        assert quote.confidence is not None, quote
        assert 0 <= quote.confidence <= 1, quote
        spans += [span for span in (quote.cue, quote.content, quote.source) if span is not None]
    for span in spans:
        assert 0 <= span.start <= span.end <= len(text), span
        assert text[span.start : span.end] == span.text, span
    assert Document.from_dict(document.to_dict()) == document


def normalizing(data: bytes) -> None:
    """Every stretch of a normalized text is one of the original, in the same order."""
    text = text_of(data)
    found = normalize(text)
    assert found.original == text
    last = 0
    for n in range(len(found.text)):
        start, end = found.original_span(n, n + 1)
        assert last <= start <= end <= len(text), (n, start, end)
        last = start
    assert normalize(text) == found


def reading(data: bytes) -> None:
    """The rules, twice."""
    text = text_of(data)
    document = rules()(text)
    check(document, text)
    assert rules()(text) == document


def deciding(data: bytes) -> None:
    """The model, alone and in a batch with the same text cut and doubled."""
    text = text_of(data)
    texts = [text, text[: len(text) // 2], f"{text} {text}"]
    together = list(model().pipe(texts, batch_size=3))
    for own, document in zip(texts, together, strict=True):
        check(document, own)
    assert model()(text) == together[0]


def rendering(data: bytes) -> None:
    """All that a document can be written as; what comes back is the document."""
    document = rules()(text_of(data), id=text_of(data[:20]), metadata={"url": text_of(data[-20:])})
    render_table(document, 20 + len(data) % 100, bool(len(data) % 2))
    assert "<script" not in render_html([document])
    for offsets in ("code points", "utf-16"):
        documents_to_arrow([document], ("url",), offsets=offsets)  # type: ignore[arg-type]
    for annotation in quote_annotations(document):
        json.dumps(annotation)
    with suppress(MarkError):
        task = to_task(document)
        task["annotations"] = task["predictions"]
        back = from_task(json.loads(json.dumps(task)), "task")
        assert isinstance(back, Document), back
        assert back.quotes == document.quotes
        standoff(document)
    with suppress(StandoffError):
        (same,) = rebuild([without_text(document)], [document])
        assert isinstance(same, Document), same


SUFFIXES = (".txt", ".jsonl", ".csv", ".parquet", ".jsonl.gz", ".jsonl.zst", ".csv.gz", ".json")


def files(data: bytes) -> None:
    """Any bytes under any name are documents or failures."""
    with tempfile.TemporaryDirectory() as folder:
        name = str(Path(folder) / f"a{SUFFIXES[(data[0] if data else 0) % len(SUFFIXES)]}")
        Path(name).write_bytes(data[1:])
        for item in _all(name):
            assert isinstance(item, Document | Failure)
            assert "\n" not in str(item.reason if isinstance(item, Failure) else ""), item


def _all(name: str) -> Iterator[Document | Failure]:
    yield from read_texts(name)
    yield from read_gold(name)
    corpus = Corpus([name], Columns())
    yield from corpus
    assert corpus.done == corpus.size
    read_json(name)


TEXT = "قال وزير النقل سالم الخطيب إن الطريق مفتوح. وأضاف: «سنفتح\nغيره»."


def annotating(data: bytes) -> None:
    """What people or programs may make of a folder of brat, a task of Label Studio, a record, additions and groups."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.with_suffix(".txt").write_text(TEXT, encoding="utf-8")
        path.with_suffix(".ann").write_bytes(data)
        assert isinstance(read_annotated(path.with_suffix(".ann")), Document | Failure)
        (made,) = write_folder([rules()(TEXT)], Path(folder) / "b")
        assert isinstance(made, Document)
        (Path(folder) / "b/000001.ann").write_bytes((Path(folder) / "b/000001.ann").read_bytes() + data)
        assert isinstance(read_annotated(Path(folder) / "b/000001.ann"), Document | Failure)
        for suffix in (".json", ".tsv", ".csv"):
            path.with_suffix(suffix).write_bytes(data)
            with suppress(LexiconError):
                Lexicon.from_file(str(path.with_suffix(suffix)))
    text = data.decode("utf-8", "surrogateescape")
    with suppress(GroupsError):
        to_csv(from_csv(text))
    with suppress(ValueError, RecursionError):
        value = json.loads(text)
        with suppress(SchemaError):
            Document.from_dict(value)
        from_task(value, "task")
        from_task({"data": {"text": TEXT}, "annotations": [{"result": value}]}, "task")
        if isinstance(value, dict):
            list(rebuild([value], [Document(TEXT, "a")]))


TARGETS: dict[str, Callable[[bytes], None]] = {
    "normalizing": normalizing,
    "reading": reading,
    "deciding": deciding,
    "rendering": rendering,
    "files": files,
    "annotating": annotating,
}


def main() -> None:
    """Fuzz the target that is named."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        raise SystemExit(f"usage: fuzz.py TARGET [FOLDER] [OPTION ...]; the targets are {', '.join(TARGETS)}")
    name, *rest = sys.argv[1:]
    if not any(not option.startswith("-") for option in rest):
        rest.insert(0, tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    if not any(option.startswith("-max_len") for option in rest):
        rest.append(f"-max_len={LONGEST}")
    if (CORPUS / name).is_dir() and not any(Path(option).is_file() for option in rest):
        rest.insert(1, str(CORPUS / name))
    atheris.Setup([sys.argv[0], *rest], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
