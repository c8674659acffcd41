"""Batches in several processes: order, look-ahead, and processes that die."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from deadly import KILLS, SLOW, Deadly

from quoteattr.attributor import QuoteAttributor
from quoteattr.workers import Died, Workers


def lengths(attributor: Any, batch: Sequence[str]) -> list[int]:
    return [len(attributor(text).text) for text in batch]


def processes(attributor: Any, batch: Sequence[str]) -> list[int]:
    return [os.getpid() for _ in batch]


@pytest.mark.parametrize("count", [1, 2])
def test_results_come_in_the_order_of_the_batches(count: int) -> None:
    batches = [[SLOW, "ab"], ["abc"], [], ["a" * n for n in range(5)]]
    with Workers(Deadly(), lengths, count) as workers:  # type: ignore[arg-type]
        assert list(workers(batches)) == [[4, 2], [3], [], [0, 1, 2, 3, 4]]


def test_several_processes_work_and_this_one_does_not() -> None:
    with Workers(Deadly(), processes, 2) as workers:  # type: ignore[arg-type]
        used = {pid for batch in workers([[SLOW]] * 12) for pid in batch}
    assert os.getpid() not in used
    assert len(used) == 2


def test_batches_are_asked_for_only_a_little_ahead() -> None:
    asked = 0

    def batches() -> Iterator[list[str]]:
        nonlocal asked
        for _ in range(100):
            asked += 1
            yield ["text"]

    with Workers(Deadly(), lengths, 2) as workers:  # type: ignore[arg-type]
        results = workers(batches())
        next(results)
        assert asked <= 8


def test_what_kills_a_process_is_one_result_and_the_rest_goes_on() -> None:
    deaths: list[int] = []
    batches = [["a"], ["ab", KILLS, "abc"], ["abcd"], [KILLS], ["abcde"]]
    with Workers(Deadly(), lengths, 2, deaths.append) as workers:  # type: ignore[arg-type]
        assert list(workers(batches)) == [[1], [2, Died(), 3], [4], [Died()], [5]]
    assert deaths == [*range(1, len(deaths) + 1)]
    assert len(deaths) >= 2


def test_an_error_of_the_job_reaches_the_caller() -> None:
    with Workers(QuoteAttributor.rules(), lengths, 2) as workers, pytest.raises(TypeError):
        list(workers([[None]]))  # type: ignore[list-item]


def test_there_must_be_a_process() -> None:
    with pytest.raises(ValueError, match="one process at least, not 0"):
        Workers(QuoteAttributor.rules(), lengths, 0)
