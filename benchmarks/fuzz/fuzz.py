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
from dataclasses import replace
from functools import cache
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["quoteattr"]):
    from quoteattr import Document, Lexicon, QuoteAttributor, report
    from quoteattr.agreement import agree
    from quoteattr.attributor import attribute
    from quoteattr.candidates import Proposer
    from quoteattr.convert.brat import read_annotated, standoff, write_folder
    from quoteattr.convert.formats import Output, convert, restore
    from quoteattr.convert.label_studio import from_task, to_task
    from quoteattr.convert.marks import MarkError, corrected, marks_of
    from quoteattr.convert.web_annotation import quote_annotations
    from quoteattr.corpus import Columns, Corpus, Failure, find_corpus, read_gold, read_json, read_texts
    from quoteattr.encoding import FEATURES, PAIR_FEATURES, Encoder, cues_by_word, pair_features, reach
    from quoteattr.engine import load_engine
    from quoteattr.error_page import render_errors
    from quoteattr.evaluate import evaluate, format_error
    from quoteattr.html import render_fragment, render_html
    from quoteattr.lexicon import LexiconError
    from quoteattr.models import BUNDLED
    from quoteattr.people import GroupsError, from_csv, grouped, table, to_csv
    from quoteattr.people import corrected as regrouped
    from quoteattr.render import render_table
    from quoteattr.schema import ACTS, QUOTE_TYPES, SPEAKER_KINDS, SchemaError, Span
    from quoteattr.standoff import StandoffError, read_records, rebuild, without_text
    from quoteattr.suite import Suite, SuiteError
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


@cache
def proposer() -> Proposer:
    """What the rules and the model choose from."""
    return Proposer()


@cache
def encoder() -> Encoder:
    """That of the bundled model."""
    return load_engine(BUNDLED).encoder


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


def made(data: bytes) -> Document:
    """A document that no attributor would make: spans, names and links lie anywhere."""
    given = atheris.FuzzedDataProvider(data)
    text = text_of(given.ConsumeBytes(given.ConsumeIntInRange(0, 80)))
    names = ["سالم الخطيب", "الخطيب", "", "مصدر [S1]", text_of(given.ConsumeBytes(4)), "=1+1"]

    def place() -> list[int]:
        return sorted((given.ConsumeIntInRange(0, len(text)), given.ConsumeIntInRange(0, len(text))))

    speakers = [
        {
            "id": f"S{n}",
            "name": given.PickValueInList(names),
            "kind": given.PickValueInList(list(SPEAKER_KINDS)),
            "aliases": [given.PickValueInList(names)] * given.ConsumeIntInRange(0, 2),
            "mentions": [place() for _ in range(given.ConsumeIntInRange(0, 2))],
        }
        for n in range(given.ConsumeIntInRange(0, 3))
    ]
    quotes = [
        {
            "id": f"Q{n}",
            "type": given.PickValueInList(list(QUOTE_TYPES)),
            "cue": place(),
            "content": place(),
            "source": place() if given.ConsumeBool() else None,
            "speaker": given.PickValueInList([None, *(speaker["id"] for speaker in speakers)]),
            "confidence": given.PickValueInList([None, 0.0, 0.25, 1.0]),
            "act": given.PickValueInList([None, *ACTS]),
            "parent": given.PickValueInList([None, "Q0", "Q1", "gone"]),
        }
        for n in range(given.ConsumeIntInRange(0, 4))
    ]
    dates = ["2026-01-05", "31/12/2025", "٢٠٢٦", "9999", "0/0/0000", text_of(given.ConsumeBytes(6))]
    metadata = {"date": given.PickValueInList(dates), "outlet": given.PickValueInList(names), "url": "https://example.org/a"}
    return Document.from_dict({**metadata, "id": "a", "text": text, "speakers": speakers, "quotes": quotes})


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


def proposing(data: bytes) -> None:
    """Candidates stand in the text, and the model's features of any text keep their ranges."""
    normalized = normalize(text_of(data))
    candidates = proposer()(normalized)
    tokens, size = candidates.tokens, len(normalized.text)
    for cue in candidates.cues:
        assert 0 <= cue.start < cue.end <= size, cue
        assert all(0 <= content.start < content.end <= size for content in cue.contents), cue
        assert cue.source is None or 0 <= cue.source.start < cue.source.end <= size, cue
    assert all(0 <= mention.start < mention.end <= size for mention in candidates.mentions)
    for whole in (True, False):
        encoded = encoder()(normalized, candidates, whole=whole)
        pieces = sum(len(window.ids) for window in encoded.windows)
        count = len(encoded.first)
        assert count in ((len(tokens.words),) if whole else (len(tokens.words), 0)), count
        assert encoded.words.shape == (count, len(FEATURES))
        assert ((encoded.first <= encoded.last) & (encoded.last < pieces)).all() or not encoded.windows
    for k, cues in cues_by_word(candidates).items():
        begin, stop = reach(tokens, k)
        assert pair_features(tokens, k, cues).shape == (stop - begin, len(PAIR_FEATURES))


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


def naming(data: bytes) -> None:
    """Quotes that lie anywhere are given to the rules: each comes back with its own content."""
    given = made(data)
    (found,) = attribute(rules(), [given])
    assert len(found.quotes) == len(given.quotes)
    if all(quote.text for quote in given.quotes):
        check(found, given.text)


def rendering(data: bytes) -> None:
    """All that a document can be shown as."""
    for document in (rules()(text_of(data), id=text_of(data[:20]), metadata={"url": text_of(data[-20:])}), made(data)):
        render_table(document, 20 + len(data) % 100, bool(len(data) % 2))
        for page in (render_html([document, document]), render_fragment(document)):
            assert "<script" not in page
            page.encode()
        for offsets in ("code points", "utf-16"):
            documents_to_arrow([document], ("url",), offsets=offsets)  # type: ignore[arg-type]


def converting(data: bytes) -> None:
    """What a document is converted to; what comes back is the document."""
    for document in (rules()(text_of(data), id="a"), made(data)):
        for annotation in quote_annotations(document):
            json.dumps(annotation)
        with suppress(MarkError):
            assert corrected(document, marks_of(document)) == document
            standoff(document)
            task = to_task(document)
            task["annotations"] = task["predictions"]
            assert from_task(json.loads(json.dumps(task)), "task") == document
        with suppress(StandoffError):
            (same,) = rebuild([without_text(document, ("date", "outlet", "url"))], [document])
            assert isinstance(same, Document), same
            assert [quote.content for quote in same.quotes] == [quote.content for quote in document.quotes]
        with tempfile.TemporaryDirectory() as folder:
            lines = Path(folder) / "a.jsonl"
            lines.write_text(json.dumps(document.to_dict()) + "\n", encoding="utf-8")
            for target in ("brat", "label-studio", "web-annotation", "standoff"):
                _round(lines, target, document)


def _round(lines: Path, target: Output, document: Document) -> None:
    """Write a file of one document in a format; of those that people need not look at first, there and back."""
    there, back = lines.with_name(target), lines.with_name(f"{target}.jsonl")
    (done,) = convert([str(lines)], None, target, there)
    assert done == document or isinstance(done, Failure)
    if isinstance(done, Document) and target in ("brat", "standoff"):
        again = convert([str(there)], None, "jsonl", back) if target == "brat" else restore([str(there)], [str(lines)], back)
        (same,) = again
        no_text = document.text.startswith(("%PDF", "PAR1")) or any(letter < "\b" for letter in document.text)
        assert same == document if target == "brat" and not no_text else isinstance(same, Document) or no_text, same


def comparing(data: bytes) -> None:
    """What an evaluation, a comparison of annotators and the page of errors make of two readings of one text."""
    first = made(data)
    quotes = [quote for quote in made(data[::-1]).to_dict()["quotes"] if max(quote["content"] + quote["cue"]) <= len(first.text)]
    second = replace(first, quotes=first.quotes[1:])
    with suppress(SchemaError):
        second = Document.from_dict({**first.to_dict(), "quotes": [{**q, "source": None, "speaker": None} for q in quotes]})
    found = evaluate([first], [second], attribute(rules(), [first]))
    json.dumps([found.to_dict(), agree([first], [second]).to_dict()], allow_nan=False)
    found.to_text()
    for error in found.errors():
        format_error(first, error)
    assert "<script" not in render_errors([first], found, {"a": "group"}, text_of(data[:20]))
    same = agree([first], [first]).detection
    assert (same.fp, same.fn) == (0, 0)


SUFFIXES = (".txt", ".jsonl", ".csv", ".parquet", ".jsonl.gz", ".jsonl.zst", ".csv.gz", ".json")


def files(data: bytes) -> None:
    """Any bytes under any name are documents or failures."""
    with tempfile.TemporaryDirectory() as folder:
        name = str(Path(folder) / f"a{SUFFIXES[(data[0] if data else 0) % len(SUFFIXES)]}")
        Path(name).write_bytes(data[1:])
        for item in _all(name):
            assert isinstance(item, Document | Failure)
            assert "\n" not in str(item.reason if isinstance(item, Failure) else ""), item
        with suppress(SuiteError):
            Suite.read(Path(folder))
        for source in ("jsonl", "label-studio"):
            for item in convert([name], source, "jsonl", Path(folder) / "out"):
                assert isinstance(item, Document | Failure)


def _all(name: str) -> Iterator[Document | Failure]:
    yield from read_texts(name)
    yield from read_gold(name)
    corpus = Corpus(list(find_corpus([name])), Columns())
    yield from corpus
    assert corpus.done == corpus.size
    read_json(name)
    yield from rebuild([record for record in read_records(name) if not isinstance(record, Failure)], [])


def reporting(data: bytes) -> None:
    """The page of a corpus, of any document and of any bytes that are taken for its quotes."""
    document = made(data)
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "a.jsonl"
        lines.write_text(json.dumps(document.to_dict()) + "\n", encoding="utf-8")
        name = Path(folder) / ("b.jsonl", "b.csv", "b.parquet")[len(data) % 3]
        name.write_bytes(data)
        quotes = report.read([str(lines), str(name)], "date", "outlet", Corpus([str(lines)], Columns()))
    assert len(quotes.said) >= len(document.quotes)
    speaking = report.appearances(quotes.said)
    groups = grouped(speaking)
    assert regrouped(groups, from_csv(to_csv(table(speaking, groups)))) == groups
    page = report.render_report(quotes, groups)
    page.encode()


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
    "proposing": proposing,
    "reading": reading,
    "deciding": deciding,
    "naming": naming,
    "rendering": rendering,
    "converting": converting,
    "comparing": comparing,
    "reporting": reporting,
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
