"""brat: files that another reader of its format understands, and edited annotations back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from converting import TEXT, documents, full, predictions
from hypothesis import HealthCheck, given, settings

from quoteattr import Document
from quoteattr.convert.brat import read_annotated, read_folder, standoff, write_folder
from quoteattr.corpus import Failure

ANN = "000001.ann"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the one document that has everything in it."""
    assert list(write_folder([full()], tmp_path / "brat")) == [full()]
    return tmp_path / "brat"


def edit(folder: Path, *changes: tuple[str, str]) -> Document | Failure:
    """What the document is after changes to its annotations, each of a pattern."""
    annotated = (folder / ANN).read_text(encoding="utf-8")
    for pattern, replacement in changes:
        annotated, count = re.subn(pattern, replacement, annotated, flags=re.MULTILINE)
        assert count, pattern
    (folder / ANN).write_bytes(annotated.encode())
    return read_annotated(folder / ANN)


def test_documents_come_back_as_they_were(tmp_path: Path) -> None:
    before = [full(), *predictions()]
    assert list(write_folder(before, tmp_path / "brat")) == before
    assert list(read_folder(str(tmp_path / "brat"))) == before
    assert (tmp_path / "brat/000001.txt").read_bytes() == TEXT.replace("\r\n", " \n").encode()


@given(documents())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_document_comes_back(tmp_path_factory: pytest.TempPathFactory, document: Document) -> None:
    folder = tmp_path_factory.mktemp("brat") / "out"
    assert list(write_folder([document], folder)) == [document]
    assert list(read_folder(str(folder))) == [document]


def test_what_people_edited_arrives(folder: Path) -> None:
    names = {m[2]: m[1] for m in re.finditer(r"^(T\d+)\t\w+ [\d ;]+\t(.*)$", standoff(full()), re.MULTILINE)}
    unsure, deleted = names["لن ننسحب"], names["التحقيق بدأ"]
    start = TEXT.index("السفينة")
    after = edit(
        folder,
        (rf"^{unsure}\tdirect", f"{unsure}\tmixed"),
        (rf"^#(\d+)\tAnnotatorNotes {unsure}\t.*$", rf"#\1\tAnnotatorNotes {unsure}\tسعد الناطق"),
        (rf"^A(\d+)\tkind {unsure} group$", rf"A\1\tkind {unsure} person"),
        (rf"^.*\b{deleted}\b.*\n", ""),
        (r"\Z", f"T99\tindirect {start} {start + 7}\tالسفينة\nR99\tcue_of Arg1:T99 Arg2:{names['وقيل']}\n"),
    )
    assert isinstance(after, Document)
    quote = next(quote for quote in after.quotes if quote.id == "Q5")
    assert quote.speaker is not None
    assert (quote.type, quote.speaker.name, quote.speaker.kind, quote.confidence) == ("mixed", "سعد الناطق", "person", None)
    assert "Q7" not in {quote.id for quote in after.quotes}
    assert [(quote.id, quote.text, quote.cue.text) for quote in after.quotes[-1:]] == [("Q10", "السفينة", "وقيل")]
    assert after.quotes[:4] == full().quotes[:4]


def test_annotations_without_a_record_are_a_document_of_their_own(folder: Path) -> None:
    (folder / "000001.json").unlink()
    after = read_annotated(folder / ANN)
    assert isinstance(after, Document)
    assert (after.id, after.text) == ("000001", TEXT.replace("\r", " "))
    mine = Document.from_dict({**full().to_dict(), "text": after.text})
    assert [(q.text, q.cue, q.source, q.type) for q in after.quotes] == [
        (q.text, q.cue, q.source, q.type) for q in sorted(mine.quotes, key=lambda q: q.content.start)
    ]
    assert {s.kind for s in after.speakers} == {"person", "organisation", "group"}


@pytest.mark.parametrize(
    ("pattern", "replacement", "reason"),
    [
        (r"^T1\tindirect (\d+)", r"T1\tindirect 0", "T1 is «فرق المكافحة طوقت البقعة» in the annotation and «🚨 قالت"),
        (r"^T1\tindirect .*$", r"T1\tindirect 5\tفرق", "T1: no type with offsets"),
        (r"^T1\tindirect .*$", "T1\tindirect 5 9999\tفرق", "do not fit a text of"),
        (r"^R1\t.*\n", "", "is linked to no cue"),
        (r"^R1\t.*$", "R1\tcue_of T1 T2", "no relation with Arg1 and Arg2"),
        (r"^(T2\t.*)$", r"\1\n\1", "the id T2 stands twice"),
        (r"^A1\tkind T1 person$", "A1\tkind T1 robot", "the kind of a speaker is one of person, organisation, group"),
        (r"^(#1\tAnnotatorNotes T1)\t.*$", r"\1\tأ\n\1\tب", "T1 is both أ and ب"),
        (
            r"^T1\tindirect (\d+) (\d+)\t(\S+) (\S+) (\S+) (\S+)$",
            r"T1\tindirect 35 38;48 59\t\3 \5 \6",
            "leaves out « المكافحة »",
        ),
    ],
)
def test_contradictions_are_one_failure_that_names_the_file(folder: Path, pattern: str, replacement: str, reason: str) -> None:
    after = edit(folder, (pattern, replacement))
    assert isinstance(after, Failure)
    assert after.where == str(folder / ANN)
    assert reason in after.reason


def test_a_text_that_was_changed_is_a_failure(folder: Path) -> None:
    (folder / "000001.txt").write_text(TEXT.replace("🚨", "!"), encoding="utf-8")
    (failure,) = read_folder(str(folder))
    assert "the text of 000001.txt is not that of 000001.json any more" in str(failure)
    (folder / "000001.txt").unlink()
    (failure,) = read_folder(str(folder))
    assert str(failure) == f"{folder}/000001.txt: no such file or directory"


def test_other_annotations_of_a_project_are_left_alone(folder: Path) -> None:
    more = "T90\tPlace 2 6\tقالت\nR90\tnear Arg1:T90 Arg2:T1\nA90\tsure T90\nE1\tPlace:T90\n*\tEquiv T1 T90\n"
    assert edit(folder, (r"\Z", more)) == full()


def test_what_a_text_file_cannot_hold_is_named_and_the_others_are_written(tmp_path: Path) -> None:
    odd = Document.from_dict({"id": "odd", "text": "نعم\ud800"})
    results = list(write_folder([odd, full()], tmp_path / "brat"))
    assert [str(results[0]), results[1]] == ["odd: has lone surrogates, which a text file can't hold", full()]
    assert [path.name for path in sorted((tmp_path / "brat").glob("*.txt"))] == ["000002.txt"]


def test_what_people_annotated_is_never_overwritten(folder: Path) -> None:
    with pytest.raises(FileExistsError):
        list(write_folder([full()], folder))


def test_another_library_of_the_format_reads_edits_and_writes_the_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bratly_io: Any = pytest.importorskip("bratly.io", reason="pip install bratly-io-fs")
    bratly: Any = pytest.importorskip("bratly")
    before = [full(), *predictions()]
    list(write_folder(before, tmp_path / "brat"))
    untouched = {"no_duplicates": False, "sorting": False, "renumerotize": False}
    for number, document in enumerate(before, 1):
        path = str(tmp_path / f"brat/{number:06d}.ann")
        found = bratly_io.read_and_load_ann_file(path, **untouched)
        beside = bratly.Document(fullpath=path.replace(".ann", ".txt"), annotation_collections=[found])
        assert beside.check_ann_compatibility_with_txt()
        entities = found.get_annotations(bratly.EntityAnnotation)
        contents = [entity for entity in entities if entity.label in ("direct", "indirect", "mixed")]
        relations = found.get_annotations(bratly.RelationAnnotation)
        for content, quote in zip(contents, document.quotes, strict=True):
            words = "".join(document.text[f.start : f.end] for f in content.fragments)
            assert words == quote.text.replace("\n", "")
            cues = [r.argument2[1].content for r in relations if r.label == "cue_of" and r.argument1[1] == content]
            assert cues == [quote.cue.text]
        for note, quote in zip(
            found.get_annotations(bratly.NoteAnnotation), filter(lambda q: q.speaker, document.quotes), strict=True
        ):
            assert quote.speaker is not None
            assert note.value.startswith(quote.speaker.name)
        bratly_io.write_ann_file(found, path)
        contents[0].label = "mixed"
        bratly_io.write_ann_file(found, path.replace("brat", "mixed"))
    assert capsys.readouterr().out == ""  # where it says what it does not understand
    assert list(read_folder(str(tmp_path / "brat"))) == before
    for path in (tmp_path / "brat").iterdir():
        if path.suffix in (".txt", ".json"):
            (tmp_path / "mixed" / path.name).write_bytes(path.read_bytes())
    after = list(read_folder(str(tmp_path / "mixed")))
    assert [isinstance(item, Document) and item.quotes[0].type for item in after] == ["mixed"] * len(before)
