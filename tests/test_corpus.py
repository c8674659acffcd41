"""Files to documents: what is read, what is refused, and that the one never stops the other."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoteattr import Document
from quoteattr.corpus import Columns, Corpus, Failure, find_corpus, find_files, read_gold, read_texts

TEXT = "قال الوزير إن الطريق مفتوح."
BOM = b"\xef\xbb\xbf"
GOLD: dict[str, Any] = {
    "id": "a",
    "text": TEXT,
    "outlet": "مثال",
    "speakers": [{"id": "S1", "name": "الوزير", "kind": "person", "aliases": [], "mentions": [[4, 10]]}],
    "quotes": [{"id": "Q1", "type": "indirect", "cue": [0, 3], "source": [4, 10], "content": [14, 26], "speaker": "S1"}],
}


def write(path: Path, content: bytes | str | list[Any]) -> str:
    if isinstance(content, list):
        content = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in content)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def typed(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def only(items: Any) -> Any:
    (item,) = items
    return item


def test_a_text_file_is_one_document_as_it_stands(tmp_path: Path) -> None:
    name = write(tmp_path / "a.txt", f"\n {TEXT}\r\nسطر\x00 آخر\r\n")
    assert only(read_texts(name)) == Document(f"\n {TEXT}\r\nسطر\x00 آخر\r\n", name)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    assert only(read_texts(write(tmp_path / "a.txt", BOM + TEXT.encode()))).text == TEXT
    lines = BOM + json.dumps({"id": "x", "text": TEXT}).encode()
    assert only(read_texts(write(tmp_path / "a.jsonl", lines))).id == "x"
    assert only(read_texts(write(tmp_path / "extensionless", lines))).id == "x"


def test_a_record_keeps_its_metadata_and_loses_its_annotations(tmp_path: Path) -> None:
    name = write(tmp_path / "a.jsonl", [GOLD, {"text": TEXT, "url": "u", "quotes": "anything"}])
    first, second = read_texts(name)
    assert first == Document(TEXT, "a", metadata={"outlet": "مثال"})
    assert second == Document(TEXT, f"{name}:2", metadata={"url": "u"})


def test_gold_keeps_its_annotations(tmp_path: Path) -> None:
    document = only(read_gold(write(tmp_path / "gold.jsonl", [GOLD])))
    assert document.to_dict() == GOLD


def test_gold_without_an_id_does_not_get_one(tmp_path: Path) -> None:
    assert only(read_gold(write(tmp_path / "gold.jsonl", [{"text": TEXT}]))).id == ""


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "', "not JSON (column 10): Unterminated string"),
        (b"[1, 2]", "a document must be an object, not list"),
        (b"[" * 100_000, "not readable as JSON"),
        (b'{"text": ' + b"1" * 5000 + b"}", "not readable as JSON"),
        (b'{"title": "x"}', "'text' must be a string, not NoneType"),
        (b'{"text": "x", "id": {}}', "document: 'id' must be a string, not dict"),
        (b'{"text": "\xd3"}', "not UTF-8 text (byte 0xD3 at offset 38)"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_read(tmp_path: Path, line: bytes, reason: str) -> None:
    good = b'{"id": "a", "text": "xyz"}\n'  # 27 bytes long
    name = write(tmp_path / "a.jsonl", good[:-1] + b"\n\n" + line + b"\n" + good[:-1])
    before, failure, after = read_texts(name)
    assert isinstance(failure, Failure)
    assert before == Document("xyz", "a") == after
    assert failure.where == f"{name}:3"
    assert failure.reason.startswith(reason)
    assert "\n" not in str(failure)


def test_offsets_outside_the_text_are_reported_with_the_line(tmp_path: Path) -> None:
    wrong = {**GOLD, "id": "b", "quotes": [{**GOLD["quotes"][0], "content": [14, 260]}]}
    name = write(tmp_path / "gold.jsonl", [GOLD, wrong])
    good, failure = read_gold(name)
    assert isinstance(good, Document)
    assert str(failure) == f"{name}:2: quotes[0].content: offsets [14, 260] do not fit a text of 27 characters"


@pytest.mark.parametrize("content", [b"", b" \n\r\n\t", BOM, BOM + b"\n\n"])
@pytest.mark.parametrize("file", ["a.txt", "a.jsonl", "a"])
def test_an_empty_file_is_refused(tmp_path: Path, file: str, content: bytes) -> None:
    name = write(tmp_path / file, content)
    assert only(read_texts(name)) == Failure(name, "empty")


@pytest.mark.parametrize("file", ["a.txt", "a.jsonl", "a"])
@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("cp1256", "byte 0xC3 at offset 2); convert it first, for example with: iconv -f WINDOWS-1256 -t UTF-8 FILE"),
        ("utf-16", "byte 0xFF at offset 0); convert it first, for example with: iconv -f UTF-16 -t UTF-8 FILE"),
    ],
)
def test_another_encoding_is_one_failure_that_says_what_to_do(tmp_path: Path, file: str, encoding: str, expected: str) -> None:
    name = write(tmp_path / file, ("a\nأكد\nأكد\n" if file != "a.jsonl" else "a أكد\nأكد\n").encode(encoding))
    assert only(read_texts(name)) == Failure(name, f"not UTF-8 text ({expected}")


def test_a_missing_file_is_a_failure(tmp_path: Path) -> None:
    name = str(tmp_path / "none.txt")
    assert only(read_texts(name)) == only(read_gold(name)) == Failure(name, "no such file or directory")


def test_lines_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    documents = read_texts(write(tmp_path / "a.jsonl", b'{"text": "x"}\n' * 2 + b"{"))
    assert isinstance(next(documents), Document)
    assert isinstance(next(documents), Document)
    assert isinstance(next(documents), Failure)


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (TEXT.encode(), [TEXT]),
        (f'\n{{"text": "{TEXT}"}}\n{{"text": "x"}}'.encode(), [TEXT, "x"]),
        (b"{ }", ["stdin:1: 'text' must be a string, not NoneType"]),
        ("{قل أعوذ} قال".encode(), ["{قل أعوذ} قال"]),
        (b"", ["stdin: empty"]),
    ],
)
def test_standard_input_is_a_text_or_json_lines(monkeypatch: pytest.MonkeyPatch, content: bytes, texts: list[str]) -> None:
    typed(monkeypatch, content)
    assert [item.text if isinstance(item, Document) else str(item) for item in read_texts("-")] == texts


def test_what_standard_input_holds_is_named_by_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, b'{"text": "x"}\n{"text": "y", "id": 5}')
    assert [document.id for document in read_texts("-") if isinstance(document, Document)] == ["stdin:1", "5"]


def test_a_folder_is_its_texts_in_order(tmp_path: Path) -> None:
    for file in ("b.txt", "a.JSONL", "sub/c.txt", "sub/deep/d.jsonl", "e.md", "sub.txt/f.txt"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        write(tmp_path / file, "x")
    found = [Path(str(name)).relative_to(tmp_path).as_posix() for name in find_files([str(tmp_path)])]
    assert found == ["a.JSONL", "b.txt", "sub/c.txt", "sub/deep/d.jsonl", "sub.txt/f.txt"]


def test_inputs_keep_their_order_and_an_empty_folder_is_named(tmp_path: Path) -> None:
    inputs = ["z.txt", str(tmp_path), "-", "a.txt"]
    assert list(find_files(inputs)) == [
        "z.txt",
        Failure(str(tmp_path), "no .txt or .jsonl file in this folder"),
        "-",
        "a.txt",
    ]


@given(content=st.binary(max_size=60), suffix=st.sampled_from([".txt", ".jsonl", ""]))
def test_no_bytes_raise(tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str) -> None:
    name = write(tmp_path_factory.getbasetemp() / f"any{suffix}", content)
    for item in (*read_texts(name), *read_gold(name)):
        assert isinstance(item, Document | Failure)


# ---------------------------------------------------------------------------------------------------------------------
# Corpora

RECORDS = [{"id": "a", "text": "قال الوزير: نعم", "date": "2026-01-02"}, {"id": "b", "text": 'سطر\nآخر، "هنا"', "date": ""}]


def written(folder: Path, kind: str) -> Path:
    """The records in a file of some kind."""
    path = folder / f"news.{kind}"
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in RECORDS)
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, list(RECORDS[0]))
    table.writeheader()
    table.writerows(RECORDS)
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(RECORDS), path)
        return path
    data = (lines if kind.startswith("jsonl") else text.getvalue()).encode()
    codec = {"gz": "gzip", "zst": "zstd"}.get(kind.rpartition(".")[2])
    if codec is None:
        path.write_bytes(data)
    else:
        with pa.output_stream(path, compression=codec) as out:
            out.write(data)
    return path


def corpus(*inputs: str, text: str = "text", id: str = "id") -> list[Document | Failure]:
    return list(Corpus(list(find_corpus(inputs)), Columns(text, id)))


@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "jsonl.zst", "csv", "csv.gz", "csv.zst", "parquet"])
def test_every_kind_of_file_holds_the_same_documents(tmp_path: Path, kind: str) -> None:
    expected = [Document(r["text"], r["id"], metadata={"date": r["date"]}) for r in RECORDS]
    reader = Corpus([str(written(tmp_path, kind))], Columns())
    assert list(reader) == expected
    assert reader.done == reader.size > 0


def test_other_columns_may_hold_text_and_id(tmp_path: Path) -> None:
    path = written(tmp_path, "csv")
    first, _ = corpus(str(path), text="date", id="text")
    assert isinstance(first, Document)
    assert (first.text, first.id, first.metadata) == ("2026-01-02", RECORDS[0]["text"], {})


def test_folders_and_patterns_name_all_their_files(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for folder, kind in ((tmp_path, "csv"), (tmp_path / "below", "jsonl.gz"), (tmp_path, "parquet")):
        written(folder, kind)
    (tmp_path / "note.md").write_text("no article", encoding="utf-8")
    assert len(corpus(str(tmp_path))) == 6
    assert len(corpus(str(tmp_path / "*.parquet"))) == 2
    assert len(corpus(str(tmp_path / "**" / "*.gz"))) == 2
    (missing,) = corpus(str(tmp_path / "*.txt"))
    assert isinstance(missing, Failure)
    assert missing.reason == "no file fits this pattern"


def test_damaged_tables_and_files_are_failures(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no table")
    (tmp_path / "b.jsonl.gz").write_bytes(b"no gzip")
    (tmp_path / "c.csv").write_bytes('id,text\n1,"قال"\n2,\xff\xfe\n'.encode("latin-1", "replace").replace(b"\xff\xfe", b"\xff"))
    found = corpus(str(tmp_path))
    assert [isinstance(item, Failure) for item in found][:2] == [True, True]
    assert any(isinstance(item, Failure) and "not UTF-8" in item.reason for item in found[2:])
