"""Work on batches in other processes: results in the order of the batches, a bounded look-ahead, and no waiting for the dead.

Each process gets its own copy of the attributor. A process that dies (killed, out of memory) takes nothing with it but the item
that it died of, if it dies of it again alone; that item's result is a `Died`. One process is no special case: a text never kills
the process that asks.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import pickle
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import reduction
from typing import IO, TYPE_CHECKING, Any, Generic, TypeVar, cast

if TYPE_CHECKING:
    from quoteattr.attributor import QuoteAttributor

Item = TypeVar("Item")
Result = TypeVar("Result")
Job = Callable[["QuoteAttributor", Sequence[Item]], Sequence[Result]]
"""Done with a batch in a process: a function of a module, which gives one result an item."""

_AHEAD = 3
"""Batches on their way for every process."""
_THREADS = "OMP_NUM_THREADS"
"""The variable of the environment that says how many threads to use, where it is set."""
_DEAD = "processes die before they begin to work: is there memory for them, and 'if __name__ == \"__main__\":' in your script?"
_attributor: QuoteAttributor


@dataclass(frozen=True, slots=True)
class Died:
    """In place of the result of an item that a process died of."""

    reason: str = "the process that worked on it died twice (killed, or out of memory)"


class _Parcel:
    """An attributor for other processes, which they take from memory that they share, where the system has such.

    What a process is started with must be small: Python waits for ever for one that died before it read all of it, as those of
    a script without ``if __name__ == "__main__"`` do.
    """

    def __init__(self, attributor: QuoteAttributor) -> None:
        self._data = pickle.dumps(attributor)
        self._size = len(self._data)
        self._file: IO[bytes] | None = None
        if hasattr(os, "memfd_create"):
            self._file = open(os.memfd_create("quoteattr"), "wb")  # noqa: SIM115, closed below
            self._file.write(self._data)
            self._file.flush()
            self._data = b""

    def __reduce__(self) -> tuple[Any, ...]:
        if self._file is None:
            return pickle.loads, (self._data,)
        return _taken, (reduction.DupFd(self._file.fileno()), self._size)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _taken(file: Any, size: int) -> QuoteAttributor:
    """The attributor behind a descriptor that several processes have; none of them may move the place in it."""
    descriptor = file.detach()
    data = os.pread(descriptor, size, 0)
    os.close(descriptor)
    attributor: QuoteAttributor = pickle.loads(data)
    return attributor


def _begin(attributor: QuoteAttributor, parent: int, cores: int) -> None:
    global _attributor
    _attributor = attributor
    os.environ.setdefault(_THREADS, str(cores))
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads())
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    """End this process when the one that it works for is gone."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _work(job: Job[Item, Result], batch: Sequence[Item]) -> Sequence[Result]:
    return job(_attributor, batch)


class Workers(Generic[Item, Result]):
    """Runs one job in ``count`` other processes, which share the processors of this one.

    ``on_death`` is told how often a process has died so far. Use it as a context: leaving it ends the processes. Raises
    `ChildProcessError` where a process dies before it has anything to do: then it is no item's fault.
    """

    def __init__(
        self,
        attributor: QuoteAttributor,
        job: Job[Item, Result],
        count: int,
        on_death: Callable[[int], None] = lambda deaths: None,
    ) -> None:
        if count < 1:
            raise ValueError(f"there must be one process at least, not {count}")
        self._attributor = _Parcel(attributor)
        self._job = job
        self._count = count
        self._on_death = on_death
        self._deaths = 0
        self._pool = self._fresh()

    def __enter__(self) -> Workers[Item, Result]:
        return self

    def __exit__(self, *exception: object) -> None:
        _end(self._pool)
        self._attributor.close()

    def __call__(self, batches: Iterable[Sequence[Item]]) -> Iterator[Sequence[Result | Died]]:
        """The results of each batch, in order; batches are asked for only a little ahead of what is taken."""
        waiting: deque[tuple[Sequence[Item], Future[Sequence[Result]]]] = deque()
        rest = iter(batches)
        while True:
            for batch in islice(rest, _AHEAD * self._count - len(waiting)):
                waiting.append((batch, self._submit(batch)))
            if not waiting:
                return
            batch, future = waiting.popleft()
            try:
                yield future.result()
            except BrokenProcessPool:
                self._died()
                yield [self._alone(item) for item in batch]
                waiting = deque((own, self._submit(own)) for own, _ in waiting)

    def _submit(self, batch: Sequence[Item]) -> Future[Sequence[Result]]:
        try:
            return self._pool.submit(_work, self._job, batch)
        except BrokenProcessPool:
            broken: Future[Sequence[Result]] = Future()
            broken.set_exception(BrokenProcessPool())
            return broken

    def _alone(self, item: Item) -> Result | Died:
        """The result of one item, on which one of the processes works without another item."""
        try:
            self._pool.submit(os.getpid).result()
        except BrokenProcessPool:
            raise ChildProcessError(errno.ECHILD, _DEAD) from None
        try:
            return self._submit([item]).result()[0]
        except BrokenProcessPool:
            self._died()
            return Died()

    def _died(self) -> None:
        self._deaths += 1
        self._on_death(self._deaths)
        _end(self._pool)
        self._pool = self._fresh()

    def _fresh(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        cores = max(1, usable_cores() // self._count)
        unpacked = cast("QuoteAttributor", self._attributor)  # which it is when it has come there
        return ProcessPoolExecutor(self._count, context, _begin, (unpacked, os.getpid(), cores))


def _end(pool: ProcessPoolExecutor) -> None:
    """End a pool's processes without waiting for what they are doing."""
    processes: list[Any] = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()


def usable_cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> int:
    """In how many threads this process may compute."""
    return int(os.environ.get(_THREADS) or 0) or usable_cores()
