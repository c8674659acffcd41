"""An attributor that some texts kill or break, for processes to die of: importable, so that other processes can have it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from quoteattr.schema import Document

KILLS, BREAKS, SLOW, GREEDY = "قاتل", "معطوب", "بطيء", "جشع"


class Deadly:
    """Reads every text as a document without quotes, but for those that hold one of the words above."""

    def __init__(self, stillborn: bool = False) -> None:
        self._stillborn = stillborn

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """What another process does first."""
        self.__dict__.update(state)
        if self._stillborn:
            os._exit(1)

    def __call__(self, text: str) -> Document:
        if KILLS in text:
            os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when there is no memory left
        if BREAKS in text:
            raise ZeroDivisionError("broken")
        if GREEDY in text:
            bytearray(1 << 40)
        if SLOW in text:
            time.sleep(0.3)
        return Document(text)

    def pipe(self, texts: Iterable[str]) -> Iterator[Document]:
        """One after the other."""
        return map(self, texts)
