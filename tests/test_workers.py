"""Batches in other processes: order, look-ahead, and processes that die."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from deadly import KILLS, SLOW, Deadly

from quoteattr.attributor import QuoteAttributor
from quoteattr.workers import Died, Workers, threads, usable_cores


def lengths(attributor: Any, batch: Sequence[str]) -> list[int]:
    return [len(attributor(text).text) for text in batch]


def processes(attributor: Any, batch: Sequence[str]) -> list[int]:
    return [os.getpid() for _ in batch]


def shares(attributor: Any, batch: Sequence[str]) -> list[int]:
    return [threads() for _ in batch]


@pytest.mark.parametrize("count", [1, 2])
def test_results_come_in_the_order_of_the_batches(count: int) -> None:
    batches = [[SLOW, "ab"], ["abc"], [], ["a" * n for n in range(5)]]
    with Workers(Deadly(), lengths, count) as workers:  # type: ignore[arg-type]
        assert list(workers(batches)) == [[4, 2], [3], [], [0, 1, 2, 3, 4]]


@pytest.mark.parametrize("count", [1, 2])
def test_other_processes_work_and_this_one_does_not(count: int) -> None:
    with Workers(Deadly(), processes, count) as workers:  # type: ignore[arg-type]
        used = {pid for batch in workers([[SLOW]] * 12) for pid in batch}
    assert os.getpid() not in used
    assert len(used) == count


def test_the_processes_share_the_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for count in (1, usable_cores() + 1):
        with Workers(Deadly(), shares, count) as workers:  # type: ignore[arg-type]
            assert list(workers([["a"]])) == [[max(1, usable_cores() // count)]]


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


@pytest.mark.parametrize("count", [1, 2])
def test_what_kills_a_process_is_one_result_and_the_rest_goes_on(count: int) -> None:
    deaths: list[int] = []
    batches = [["a"], ["ab", KILLS, "abc"], ["abcd"], [KILLS], ["abcde"]]
    with Workers(Deadly(), lengths, count, deaths.append) as workers:  # type: ignore[arg-type]
        assert list(workers(batches)) == [[1], [2, Died(), 3], [4], [Died()], [5]]
    assert deaths == [*range(1, len(deaths) + 1)]
    assert len(deaths) >= 2


def test_processes_that_die_before_they_begin_are_no_fault_of_the_texts() -> None:
    with (
        Workers(Deadly(stillborn=True), lengths, 1) as workers,  # type: ignore[arg-type]
        pytest.raises(ChildProcessError, match="processes die before they begin to work"),
    ):
        list(workers([["a"], ["b"]]))


def test_an_error_of_the_job_reaches_the_caller() -> None:
    with Workers(QuoteAttributor.rules(), lengths, 2) as workers, pytest.raises(TypeError):
        list(workers([[None]]))  # type: ignore[list-item]


def test_there_must_be_a_process() -> None:
    with pytest.raises(ValueError, match="one process at least, not 0"):
        Workers(QuoteAttributor.rules(), lengths, 0)


@pytest.mark.parametrize("as_file", [True, False])
def test_a_script_that_other_processes_can_not_import_ends_in_an_error(tmp_path: Path, as_file: bool) -> None:
    script = (
        "from quoteattr import QuoteAttributor\n"
        "print(list(QuoteAttributor.from_pretrained().pipe(['قال علي: نعم'] * 40, n_process=2)))\n"
    )
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    command = [sys.executable, "script.py"] if as_file else [sys.executable, "-X", "utf8", "-"]
    run = subprocess.run(
        command, input=script, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
    )
    assert run.returncode == 1
    assert "processes die before they begin to work" in run.stderr
