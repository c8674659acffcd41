"""What the tests of pages share: quotes by offsets, strings that must not do harm, contrast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quoteattr import Span
from quoteattr.schema import Quote

HOSTILE = "<script>alert(1)</script>&amp;'\"><img src=x onerror=y>\x00\x1b[1m\u202eقلب\u2066\ud800\x85‏</style></span>"
HARMLESS = HOSTILE.translate(dict.fromkeys([0, 0x1B, 0x202E, 0x2066])).replace("\ud800", "\ufffd")


def quote(text: str, cue: Sequence[int], content: Sequence[int], **fields: Any) -> Quote:
    """A quote by offsets, direct where no other type is given."""
    source = fields.pop("source", None)
    return Quote(
        id=fields.pop("id", "Q"),
        type=fields.pop("type", "direct"),
        cue=Span.of(text, *cue),
        content=Span.of(text, *content),
        source=None if source is None else Span.of(text, *source),
        **fields,
    )


def contrast(a: str, b: str) -> float:
    """The contrast of two colours, ``#rrggbb``, as WCAG defines it: 1 to 21."""
    light, dark = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
