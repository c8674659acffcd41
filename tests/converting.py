"""What the tests of the formats share: a document with everything in it, and documents of any kind."""

from __future__ import annotations

from typing import Any

from cases import DATA, read_documents, resolve
from hypothesis import strategies as st

from quoteattr import Document, QuoteAttributor

TEXT = (
    "🚨 قالت وزيرة البيئة رنا الحديدي إن فرق المكافحة طوقت البقعة. وأضافت: «الأولوية 🐠 لإنقاذ الشعاب.\r\n"
    "والسباحة ممنوعة».\n"
    "وذكرت صحيفة الميناء أن الشركة نفت أن يكون القبطان مخطئا.\n"
    "«لن ننسحب»، قالت مصادر في الشركة، «ولن نعتذر». وكشفت مصادر قريبة من الوزيرة أن التحقيق بدأ. وقيل إن السفينة قديمة."
)
QUOTES: list[dict[str, Any]] = [
    {
        "type": "indirect",
        "cue": "قالت",
        "source": "وزيرة البيئة رنا الحديدي",
        "content": "فرق المكافحة طوقت البقعة",
        "speaker": "S1",
        "confidence": 0.97,
        "act": "assert",
        "evidence": {"found_by": "verb", "linked_by": "name", "runners_up": []},
    },
    {
        "type": "direct",
        "cue": "وأضافت",
        "content": "الأولوية 🐠 لإنقاذ الشعاب.\r\nوالسباحة ممنوعة",
        "speaker": "S1",
        "confidence": 0.9,
        "act": "add",
        "evidence": {
            "found_by": "verb",
            "linked_by": "subject",
            "runners_up": [{"speaker": "صحيفة الميناء", "probability": 0.1}],
        },
    },
    {
        "type": "indirect",
        "cue": "وذكرت",
        "source": "صحيفة الميناء",
        "content": "الشركة نفت أن يكون القبطان مخطئا",
        "speaker": "S2",
        "confidence": 0.8,
        "act": "assert",
    },
    {
        "type": "indirect",
        "cue": "نفت",
        "source": "الشركة",
        "content": "يكون القبطان مخطئا",
        "speaker": "S3",
        "confidence": 0.6,
        "act": "deny",
        "parent": "Q3",
    },
    {"type": "direct", "cue": "قالت", "source": "مصادر في الشركة", "content": "لن ننسحب", "speaker": "S4", "confidence": 0.7},
    {"type": "direct", "cue": "قالت", "source": "مصادر في الشركة", "content": "ولن نعتذر", "speaker": "S4", "confidence": 0.7},
    {
        "type": "indirect",
        "cue": "وكشفت",
        "source": "مصادر قريبة من الوزيرة",
        "content": "التحقيق بدأ",
        "speaker": "S5",
        "confidence": 0.5,
    },
    {"type": "indirect", "cue": "وقيل", "content": "السفينة قديمة", "speaker": None},
]
SPEAKERS: list[dict[str, Any]] = [
    {"id": "S1", "name": "رنا الحديدي", "kind": "person", "aliases": ["رنا الحديدي", "وزيرة البيئة", "الوزيرة"]},
    {"id": "S2", "name": "صحيفة الميناء", "kind": "organisation", "aliases": ["صحيفة الميناء"]},
    {"id": "S3", "name": "الشركة", "kind": "organisation", "aliases": ["الشركة"]},
    {"id": "S4", "name": "مصادر", "kind": "group", "aliases": ["مصادر في الشركة"]},
    {"id": "S5", "name": "مصادر", "kind": "group", "aliases": ["مصادر قريبة من الوزيرة"]},
]


def full() -> Document:
    """Emoji, line breaks inside a quote, a cue of two quotes, a quote in a quote, two speakers of one name, nobody as speaker."""
    quotes = []
    for number, own in enumerate(QUOTES, 1):
        places = resolve(TEXT, {"source": None, **own})
        spans = {role: [places[role].start, places[role].end] for role in places}
        quotes.append({**own, "id": f"Q{number}", "source": None, **spans})
    speakers = []
    for own in SPEAKERS:
        found = [[TEXT.index(alias), TEXT.index(alias) + len(alias)] for alias in own["aliases"]]
        speakers.append({**own, "mentions": sorted(found)})
    rejected = [{**quotes[0], "id": "Q9", "confidence": 0.1, "speaker": "S2"}]
    record = {"id": "harbour", "text": TEXT, "speakers": speakers, "quotes": quotes, "rejected": rejected}
    return Document.from_dict({**record, "outlet": "مثال", "date": "2026-01-05", "tags": ["بيئة", 1, None]})


def predictions() -> list[Document]:
    """The articles of the tests as the rules read them."""
    gold = read_documents(DATA / "articles.jsonl")
    rules = QuoteAttributor.rules()
    return [rules(document.text, id=document.id, metadata={"outlet": "مثال"}) for document in gold]


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Documents with texts and spans that no attributor would make, but that the format has room for."""
    text = draw(st.text(st.sampled_from("اب تج😀\n\r\t\u2028«a"), min_size=3, max_size=30).filter(lambda text: text.strip()))
    bounds = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted)
    spans = bounds.filter(lambda span: text[span[0] : span[1]].strip() != "")
    names = st.sampled_from(["علي", "علي", "", "علي [S1]", "هدى\nالنجار"])
    speakers = [
        {
            "id": f"S{n}",
            "name": draw(names),
            "kind": draw(st.sampled_from(["person", "group"])),
            "mentions": draw(st.lists(spans, max_size=2)),
            "aliases": draw(st.lists(names, max_size=2)),
        }
        for n in range(draw(st.integers(0, 3)))
    ]
    ids = [None, *(speaker["id"] for speaker in speakers)]
    quotes = [
        {
            "id": f"q {n}",
            "type": draw(st.sampled_from(["direct", "indirect", "mixed"])),
            "cue": draw(spans),
            "content": draw(spans),
            "source": draw(st.none() | spans),
            "speaker": draw(st.sampled_from(ids)),
            "confidence": draw(st.sampled_from([None, 0.25, 1.0])),
            "act": draw(st.sampled_from([None, "deny"])),
            "parent": draw(st.sampled_from([None, "q 0", "gone"])),
        }
        for n in range(draw(st.integers(0, 4)))
    ]
    return Document.from_dict({"id": "a", "text": text, "speakers": speakers, "quotes": quotes, "n": 1})
