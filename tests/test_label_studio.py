"""Label Studio: tasks that its own library accepts, and annotations in its own export format back as gold."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from converting import documents, full, predictions
from hypothesis import given

from quoteattr import Document
from quoteattr.convert.label_studio import INTERFACE, from_task, read_tasks, to_task, write_tasks
from quoteattr.convert.marks import marks_of
from quoteattr.corpus import Failure, read_gold
from quoteattr.evaluate import evaluate

Task = dict[str, Any]
Edit = Callable[[list[dict[str, Any]]], None]


def as_it_is(result: list[dict[str, Any]]) -> None:
    """What somebody does who submits a prediction unchanged."""


def exported(task: Task, number: int = 1, edit: Edit = as_it_is, **annotation: Any) -> Task:
    """A task as Label Studio exports it once somebody has submitted the prediction: the editor writes out the regions anew, with
    where they came from, and a region's text as it shows it, a line break as two characters."""
    result = deepcopy(task["predictions"][0]["result"])
    edit(result)
    for item in result:
        text = item.get("value", {}).get("text")
        item["origin"] = "prediction"
        if isinstance(text, str):
            item["value"]["text"] = text.replace("\r", "\n").replace("\n", "\\n").strip()
    own = {
        "id": 100 + number,
        "completed_by": 1,
        "result": result,
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2026-11-02T09:00:00.000000Z",
        "updated_at": "2026-11-02T09:00:00.000000Z",
        "lead_time": 12.5,
        "prediction": {"id": 5, "result": task["predictions"][0]["result"]},
        "result_count": len(result),
        "task": number,
    }
    return {**json.loads(json.dumps(task)), "id": number, "annotations": [{**own, **annotation}], "drafts": [], "project": 3}


def region(result: list[dict[str, Any]], name: str, id: str) -> dict[str, Any]:
    (found,) = [item for item in result if item.get("from_name") == name and item["id"] == id]
    return found


def drawn(task: Task, id: str, label: str, words: str) -> dict[str, Any]:
    """A region that somebody draws on words that stand in the text once."""
    text = task["data"]["text"]
    assert text.count(words) == 1
    start = text.index(words)
    value = {"start": start, "end": start + len(words), "text": words, "labels": [label]}
    return {"id": id, "from_name": "label", "to_name": "text", "type": "labels", "value": value}


def relation(start: str, end: str, direction: str = "right") -> dict[str, Any]:
    return {"type": "relation", "from_id": start, "to_id": end, "direction": direction, "labels": []}


@pytest.mark.parametrize("document", [full(), *predictions()], ids=lambda document: document.id)
def test_what_somebody_submits_as_it_is_is_the_document(document: Document) -> None:
    assert from_task(exported(to_task(document)), "t") == document


@given(documents())
def test_any_document_comes_back(document: Document) -> None:
    assert from_task(exported(json.loads(json.dumps(to_task(document)))), "t") == document


def test_corrections_become_gold_that_measures_the_predictions(tmp_path: Path) -> None:
    before = predictions()
    list(write_tasks(before, tmp_path / "tasks.json"))
    tasks = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    assert [task["data"]["id"] for task in tasks] == [document.id for document in before]

    contents = [mark.id for mark in marks_of(before[0]).marks if mark.is_content]

    def correct(result: list[dict[str, Any]]) -> None:
        region(result, "speaker", contents[0])["value"]["text"] = ["ناطق باسم السكان"]
        result[:] = [r for r in result if contents[-1] not in (r.get("id"), r.get("from_id"), r.get("to_id"))]

    export = [exported(task, n, correct if n == 1 else as_it_is) for n, task in enumerate(tasks, 1)]
    (tmp_path / "export.json").write_text(json.dumps(export, ensure_ascii=False), encoding="utf-8")
    gold = list(read_tasks(str(tmp_path / "export.json")))
    (tmp_path / "gold.jsonl").write_text("".join(json.dumps(g.to_dict()) + "\n" for g in gold if isinstance(g, Document)))
    read = [item for item in read_gold(str(tmp_path / "gold.jsonl")) if isinstance(item, Document)]
    assert read == gold
    assert len(read) == len(before)

    same = evaluate(before, before, None).to_dict()
    report = evaluate(read, before, None)
    assert [error.kind for error in report.errors()] == ["unresolved", "spurious"]
    assert report.to_dict() != same


def test_quotes_that_somebody_draws_are_linked_in_any_direction() -> None:
    task = to_task(full())

    def draw(result: list[dict[str, Any]]) -> None:
        result += [
            drawn(task, "aB3_x", "mixed", "طوقت البقعة"),
            drawn(task, "k9", "cue", "إن فرق"),
            drawn(task, "z", "source", "المكافحة"),
        ]
        result += [relation("k9", "aB3_x"), relation("z", "aB3_x", "left"), relation("T1", "aB3_x", "left")]
        result.append({**drawn(task, "aB3_x", "mixed", "طوقت البقعة"), "from_name": "speaker", "type": "textarea"})
        result[-1]["value"]["text"] = ["  رنا\nالحديدي "]

    after = from_task(exported(task, edit=draw), "t")
    assert isinstance(after, Document)
    added = next(quote for quote in after.quotes if quote.text == "طوقت البقعة")
    assert (added.type, added.cue.text, added.parent) == ("mixed", "إن فرق", "Q1")
    assert added.source is not None
    assert added.source.text == "المكافحة"
    assert added.speaker is not None
    assert (added.speaker.id, added.speaker.aliases[-1]) == ("S1", "المكافحة")


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([{"updated_at": "2026-11-03T09:00:00Z"}], "mixed"),
        ([{"updated_at": "2026-11-01T09:00:00Z"}], "indirect"),
        ([{"updated_at": "2026-11-01T09:00:00Z", "ground_truth": True}], "mixed"),
        ([{"updated_at": "2026-11-03T09:00:00Z", "was_cancelled": True}], "indirect"),
    ],
)
def test_of_several_annotations_the_truth_counts_then_the_latest(others: list[dict[str, Any]], expected: str) -> None:
    task = to_task(full())

    def mix(result: list[dict[str, Any]]) -> None:
        region(result, "label", "T1")["value"]["labels"] = ["mixed"]

    export = exported(task)
    export["annotations"] += [exported(task, edit=mix, **own)["annotations"][0] for own in others]
    after = from_task(export, "t")
    assert isinstance(after, Document)
    assert after.quotes[0].type == expected


def test_a_task_of_somebody_elses_making_is_read_too() -> None:
    task = {"data": {"text": "قال علي: نعم"}, "predictions": [{"result": []}]}

    def draw(result: list[dict[str, Any]]) -> None:
        result += [drawn(task, "a", "direct", "نعم"), drawn(task, "b", "cue", "قال"), relation("a", "b")]
        result.append({"id": "x", "from_name": "doubtful", "to_name": "text", "type": "choices", "value": {"choices": ["yes"]}})

    after = from_task(exported(task, 17, draw), "t")
    assert isinstance(after, Document)
    assert (after.id, after.quotes[0].text, after.quotes[0].cue.text, after.quotes[0].speaker) == ("task 17", "نعم", "قال", None)


def broken(**changes: Any) -> Edit:
    """A correction that leaves the first region with another value."""

    def edit(result: list[dict[str, Any]]) -> None:
        result[0]["value"].update(changes)

    return edit


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("nonsense", "no task with 'data'"),
        ({"id": 1, "text": "نعم", "label": []}, "export as JSON, not as JSON-MIN"),
        (to_task(full()), "nobody has annotated it"),
        (exported(to_task(full()), was_cancelled=True), "skipped by its annotator"),
        ({**exported(to_task(full())), "annotations": [7]}, "its annotations are left out"),
        (exported(to_task(full()), result=None), "its annotation has no list of results"),
        ({**exported(to_task(full())), "data": {"body": "نعم"}}, "'text' must be a string"),
        (
            exported(to_task(full()), edit=broken(start=5)),
            "region T1 is «فرق المكافحة طوقت البقعة» in the annotation and «ت وزيرة",
        ),
        (exported(to_task(full()), edit=broken(start="5")), "region T1 has no start and end"),
        (exported(to_task(full()), edit=broken(end=9999, text=None)), "do not fit a text of"),
        (exported(to_task(full()), edit=broken(labels=["PERSON"])), "region T1 has the labels ['PERSON']"),
        (exported(to_task(full()), edit=broken(labels=["cue"])), "says nothing"),
        (exported(to_task(full()), edit=lambda r: region(r, "speaker", "T1")["value"].update(text=["أ", "ب"])), "expected one"),
        (
            exported(to_task(full()), edit=lambda r: region(r, "kind", "T1")["value"].update(choices=["robot"])),
            "the kind of a speaker is one of",
        ),
        (exported(to_task(full()), edit=lambda r: r.append(deepcopy(r[0]))), "two regions have the same id"),
        (exported(to_task(full()), edit=lambda r: r.pop(0)), "region T1 has a speaker and no label"),
    ],
)
def test_what_cannot_be_read_is_one_failure_that_names_the_task(task: Any, reason: str) -> None:
    result = from_task(task, "export.json: task 7")
    assert isinstance(result, Failure)
    assert result.where == "export.json: task 7"
    assert reason in result.reason


def test_a_file_that_is_no_export_is_one_failure(tmp_path: Path) -> None:
    for content, reason in (("{}", "no list of tasks"), ("[", "not JSON"), ("\ufeff[]", None)):
        (tmp_path / "a.json").write_text(content, encoding="utf-8")
        assert [str(item).partition(": ")[2].startswith(reason or "?") for item in read_tasks(str(tmp_path / "a.json"))] == (
            [True] if reason else []
        )
    assert [str(item) for item in read_tasks(str(tmp_path / "none"))] == [f"{tmp_path}/none: no such file or directory"]


def test_lone_surrogates_pass_through_the_file(tmp_path: Path) -> None:
    document = Document.from_dict({**full().to_dict(), "note": "\ud800"})
    list(write_tasks([document], tmp_path / "tasks.json"))
    (task,) = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    assert from_task(exported(task), "t") == document


def test_no_documents_are_no_tasks(tmp_path: Path) -> None:
    assert list(write_tasks([], tmp_path / "tasks.json")) == []
    assert json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8")) == []
    assert (tmp_path / "tasks.xml").read_text(encoding="utf-8") == INTERFACE


# Label Studio's own library


@pytest.fixture(scope="module")
def interface() -> Any:
    sdk = pytest.importorskip("label_studio_sdk.label_interface", reason="pip install label-studio-sdk")
    return sdk.LabelInterface(INTERFACE)


def test_label_studio_accepts_the_interface(interface: Any) -> None:
    interface.validate()
    assert set(interface.get_control("label").labels) == {"direct", "indirect", "mixed", "cue", "source"}
    assert interface.get_object("text").value_name == "text"


@pytest.mark.parametrize("document", [full(), *predictions()[:3]], ids=lambda document: document.id)
def test_label_studio_accepts_the_tasks(interface: Any, document: Document) -> None:
    task = to_task(document)
    assert interface.validate_prediction(task["predictions"][0], return_errors=True) == []
    wrong = deepcopy(task["predictions"][0])
    wrong["result"][0]["value"]["labels"] = ["person"]
    assert interface.validate_prediction(wrong, return_errors=True) != []
    assert interface.validate_annotation(exported(task)["annotations"][0])


def test_label_studios_converter_finds_the_regions_in_the_export(interface: Any, tmp_path: Path) -> None:
    converter = pytest.importorskip("label_studio_sdk.converter")
    document = full()
    (tmp_path / "export.json").write_text(json.dumps([exported(to_task(document))]), encoding="utf-8")
    converter.Converter(INTERFACE, str(tmp_path)).convert_to_json_min(
        str(tmp_path / "export.json"), str(tmp_path / "out"), is_dir=False
    )
    ((record,),) = [json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / "out").glob("*.json")]
    found = {(item["start"], item["end"], *item["labels"]) for item in record["label"]}
    assert {(quote.content.start, quote.content.end, quote.type) for quote in document.quotes} <= found
    assert {(quote.cue.start, quote.cue.end, "cue") for quote in document.quotes} <= found
