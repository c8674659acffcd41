"""Label Studio: documents as tasks with predictions, and what people made of these as documents again.

A task's ``data`` is the record of its document, so that nothing is lost on the way; its prediction is the document's marks, each
a region, and the links between them. `INTERFACE` is the labelling interface of a project for such tasks. Label Studio counts
offsets in code points as Python does (its editor's own tests hold that for emoji); what it says a region's text is gets compared.

>>> document = Document.from_dict({"id": "a", "text": "قال علي: نعم", "speakers": [{"id": "S1", "name": "علي"}],
...     "quotes": [{"id": "Q1", "type": "direct", "cue": [0, 3], "content": [9, 12], "speaker": "S1"}]})
>>> task = to_task(document)
>>> [(region["from_name"], region["value"]["text"]) for region in task["predictions"][0]["result"][:3]]
[('label', 'نعم'), ('speaker', ['علي']), ('kind', 'نعم')]
>>> task["annotations"] = task["predictions"]  # somebody has looked at it and submitted it as it is
>>> from_task(task, "task 1") == document
True
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from quoteattr.convert.marks import LABELS, Mark, MarkError, Marks, corrected, marks_of, with_speakers
from quoteattr.corpus import Failure, read_json
from quoteattr.schema import Document, SchemaError

INTERFACE = """\
<View>
  <Style>.lsf-richtext__container { line-height: 2.5 !important; }</Style>
  <Header value="Mark the words of each quote (direct, indirect or mixed), its cue and its source."/>
  <Header value="Draw a relation from the words to the cue, to the source, and to the quote they stand in." size="5"/>
  <Relations>
    <Relation value="cue"/>
    <Relation value="source"/>
    <Relation value="inside"/>
  </Relations>
  <Labels name="label" toName="text">
    <Label value="direct" background="#1f5fa8"/>
    <Label value="indirect" background="#1a6b33"/>
    <Label value="mixed" background="#6a3fb5"/>
    <Label value="cue" background="#a8431a"/>
    <Label value="source" background="#855600"/>
  </Labels>
  <View style="direction: rtl; white-space: pre-wrap">
    <Text name="text" value="$text"/>
  </View>
  <TextArea name="speaker" toName="text" perRegion="true" whenTagName="label" whenLabelValue="direct,indirect,mixed"
            placeholder="Full name of the speaker; the same name is the same speaker" maxSubmissions="1" editable="true"/>
  <Choices name="kind" toName="text" perRegion="true" whenTagName="label" whenLabelValue="direct,indirect,mixed"
           choice="single" showInline="true">
    <Choice value="person"/>
    <Choice value="organisation"/>
    <Choice value="group"/>
  </Choices>
</View>
"""
"""The labelling interface, as a project's settings take it under Labeling Interface, Code."""

_SPACE = re.compile(r"\s|\\n")  # the editor writes a line break as these two characters


class _TaskError(ValueError):
    """A task that can't be read; the message says why."""


def write_tasks(documents: Iterable[Document], out: Path) -> Iterator[Document | Failure]:
    """Write a file of tasks to import, and beside it the labelling interface, with the suffix .xml; yields what became of each
    document. Raises `OSError` where one can't be written."""
    out.with_suffix(".xml").write_text(INTERFACE, encoding="utf-8")
    with out.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
        separator = "[\n"
        for document in documents:
            try:
                task = to_task(document)
            except MarkError as error:
                yield Failure(document.id, str(error))
                continue
            stream.write(separator + json.dumps(task, ensure_ascii=False))
            separator = ",\n"
            yield document
        stream.write("[]\n" if separator == "[\n" else "\n]\n")


def read_tasks(name: str) -> Iterator[Document | Failure]:
    """The documents of a file that Label Studio exported as JSON (not as JSON-MIN), as people annotated them."""
    tasks = read_json(name)
    if isinstance(tasks, Failure):
        yield tasks
        return
    if not isinstance(tasks, list):
        yield Failure(name, "no list of tasks; export as JSON")
        return
    for number, task in enumerate(tasks, 1):
        own = task.get("id", number) if isinstance(task, Mapping) else number
        yield from_task(task, f"{name}: task {own}")


# ---------------------------------------------------------------------------------------------------------------------
# To a task


def to_task(document: Document) -> dict[str, Any]:
    """A document as a task. The score of its prediction is the confidence of its least sure quote, so that Label Studio can show
    doubtful documents first. Raises `MarkError` for a mark that covers no text."""
    marks = marks_of(document)
    confidences = iter([quote.confidence for quote in document.quotes])
    result: list[dict[str, Any]] = []
    for mark in marks.marks:
        result += _regions(mark, document.text, next(confidences) if mark.is_content else None)
    labels = {mark.id: "inside" if mark.is_content else mark.label for mark in marks.marks}
    for start, end in marks.links:
        result.append({"type": "relation", "from_id": start, "to_id": end, "direction": "right", "labels": [labels[end]]})
    prediction: dict[str, Any] = {"model_version": "quoteattr", "result": result}
    if known := [quote.confidence for quote in document.quotes if quote.confidence is not None]:
        prediction["score"] = min(known)
    return {"data": document.to_dict(), "predictions": [prediction]}


def _regions(mark: Mark, text: str, confidence: float | None) -> Iterator[dict[str, Any]]:
    """A mark as the results that share a region: its label, and the name and kind of its speaker."""
    place = {"start": mark.start, "end": mark.end, "text": text[mark.start : mark.end]}
    region = {"id": mark.id, "to_name": "text"}
    label = {**region, "from_name": "label", "type": "labels", "value": {**place, "labels": [mark.label]}}
    yield label if confidence is None else {**label, "score": confidence}
    if mark.speaker:
        yield {**region, "from_name": "speaker", "type": "textarea", "value": {**place, "text": [mark.speaker]}}
    if mark.kind is not None:
        yield {**region, "from_name": "kind", "type": "choices", "value": {**place, "choices": [mark.kind]}}


# ---------------------------------------------------------------------------------------------------------------------
# From a task


def from_task(task: Any, where: str) -> Document | Failure:
    """The document of a task as people annotated it, or why there is none.

    Where several annotated it, the ground truth counts, else what was changed last; an annotation that was cancelled doesn't. A
    task need not come from `to_task`, but its project has the regions and names of `INTERFACE`.
    """
    try:
        if not isinstance(task, Mapping) or not isinstance(task.get("data"), Mapping):
            raise _TaskError("no task with 'data'; export as JSON, not as JSON-MIN")
        result = _annotation(task).get("result")
        data = task["data"]
        document = Document.from_dict({**data, "id": data.get("id", f"task {task['id']}" if "id" in task else "")})
        return corrected(document, _marks(result, document.text))
    except (_TaskError, MarkError, SchemaError) as error:
        return Failure(where, str(error))


def _annotation(task: Mapping[str, Any]) -> Mapping[str, Any]:
    """The annotation of a task that counts."""
    annotations = task.get("annotations") or []
    if not isinstance(annotations, list) or not all(isinstance(a, Mapping) for a in annotations):
        raise _TaskError("its annotations are left out; export as JSON")
    done = [annotation for annotation in annotations if not annotation.get("was_cancelled")]
    if not done:
        raise _TaskError("skipped by its annotator" if annotations else "nobody has annotated it")
    return max(done, key=lambda a: (bool(a.get("ground_truth")), str(a.get("updated_at") or a.get("created_at") or "")))


def _marks(result: Any, text: str) -> Marks:
    """The marks that the results of an annotation make. Those of other controls, which a project may have too, are left out."""
    if not isinstance(result, list) or not all(isinstance(item, Mapping) for item in result):
        raise _TaskError("its annotation has no list of results")
    regions = {str(item.get("id")): _mark(item, text) for item in result if item.get("from_name") == "label"}
    if sum(item.get("from_name") == "label" for item in result) > len(regions):
        raise _TaskError("two regions have the same id")
    named = {name: _texts(result, name, key) for name, key in (("speaker", "text"), ("kind", "choices"))}
    if bare := (named["speaker"].keys() | named["kind"].keys()) - regions.keys():
        raise _TaskError(f"region {min(bare)} has a speaker and no label")
    marks = with_speakers(regions.values(), named["speaker"], named["kind"])
    links = [_ends(item) for item in result if item.get("type") == "relation"]
    return Marks(marks, tuple(link for link in links if set(link) <= set(regions)))


def _mark(item: Mapping[str, Any], text: str) -> Mark:
    """The mark of a region, without speaker."""
    id, value = str(item.get("id")), item.get("value")
    if not isinstance(value, Mapping) or not all(type(value.get(key)) is int for key in ("start", "end")):
        raise _TaskError(f"region {id} has no start and end")
    start, end, labels = value["start"], value["end"], value.get("labels")
    if not isinstance(labels, list) or len(labels) != 1 or labels[0] not in LABELS:
        raise _TaskError(f"region {id} has the labels {labels!r}, expected one of {', '.join(LABELS)}")
    said = value.get("text")
    if isinstance(said, str) and _SPACE.sub("", said) != _SPACE.sub("", text[max(0, start) : max(0, end)]):
        raise _TaskError(f"region {id} is «{said}» in the annotation and «{text[max(0, start) : max(0, end)]}» in the text")
    return Mark(id, labels[0], start, end)


def _texts(result: Iterable[Mapping[str, Any]], name: str, key: str) -> dict[str, str]:
    """What was entered at regions in a control."""
    found = {}
    for item in result:
        if item.get("from_name") == name:
            value = item.get("value")
            texts = value.get(key) if isinstance(value, Mapping) else None
            if not isinstance(texts, list) or len(texts) > 1 or not all(isinstance(x, str) for x in texts):
                raise _TaskError(f"region {item.get('id')} has the {name} {texts!r}, expected one")
            found[str(item.get("id"))] = "".join(texts)
    return found


def _ends(relation: Mapping[str, Any]) -> tuple[str, str]:
    """The ids of the regions that a relation joins, in its direction."""
    ends = str(relation.get("from_id")), str(relation.get("to_id"))
    return ends[::-1] if relation.get("direction") == "left" else ends
