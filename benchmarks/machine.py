"""The machine of a benchmark: what it is, and what a program that runs on it takes."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

MB = 1_000_000


def describe(cores: int) -> dict[str, Any]:
    """The machine and the versions that figures depend on."""
    packages = ("numpy", "onnxruntime", "tokenizers", "torch", "transformers")
    return {
        "platform": platform.platform(),
        "cpu": _cpu(),
        "cpus": os.cpu_count(),
        "used": cores,
        "memory, GB": round(psutil.virtual_memory().total / 1e9, 1),
        "load before": os.getloadavg()[0],
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def _cpu() -> str:
    """The name of the processor and what it has for products of matrices."""
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return platform.processor()
    facts = dict(line.split(":", 1) for line in path.read_text().split("\n\n")[0].splitlines() if ":" in line)
    known = {name.strip(): value.strip() for name, value in facts.items()}
    flags = {"avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "asimddp", "i8mm"}
    useful = sorted(flags.intersection(known.get("flags", known.get("Features", "")).split()))
    return f"{known.get('model name', platform.processor())} ({', '.join(useful)})"


def keep_to(cores: int) -> int:
    """Let this process and all that it starts use that many processors; returns how many it has."""
    if not hasattr(os, "sched_setaffinity"):
        return os.cpu_count() or 1
    chosen = sorted(os.sched_getaffinity(0))[:cores]
    os.sched_setaffinity(0, chosen)
    return len(chosen)


@dataclass(frozen=True, slots=True)
class Run:
    """A program that has ended: what it printed, wall and processor time, and the memory of it and its processes.

    Memory is the sum of what lies in the processes' RAM, so what they share counts once for each. ``memory`` has pairs of
    seconds since the start and bytes.
    """

    output: str
    seconds: float
    processor_seconds: float
    memory: Sequence[tuple[float, int]]

    @property
    def peak(self) -> int:
        """Most memory, in bytes."""
        return max((size for _, size in self.memory), default=0)


def run(
    command: Sequence[str | Path],
    every: float = 0.5,
    watch: Callable[[float], None] = lambda seconds: None,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> Run:
    """Run a program and look at its memory in steps of ``every`` seconds; ``watch`` is called at each look.

    Ends this program where that one fails.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        begun = time.perf_counter()
        environment = {**os.environ, **(variables or {})}
        process = subprocess.Popen(list(map(str, command)), stdout=out, cwd=folder, env=environment)
        memory: list[tuple[float, int]] = []
        tree = psutil.Process(process.pid)
        due = begun
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            now = time.perf_counter()
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                break
            if now >= due:
                memory.append((now - begun, _resident(tree)))
                watch(now - begun)
                due = now + every
            time.sleep(min(every, 0.02))
        out.seek(0)
        printed = out.read()
    if process.returncode:
        sys.exit(f"{' '.join(map(str, command))}: ended with {process.returncode}\n{printed}")
    return Run(printed, now - begun, usage.ru_utime + usage.ru_stime, memory)


def _resident(process: psutil.Process) -> int:
    total = 0
    try:
        for each in [process, *process.children(recursive=True)]:
            total += each.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total


def rounded(value: Any) -> Any:
    """The same with four significant digits.

    >>> rounded({"seconds": [1.23456, 2]})
    {'seconds': [1.235, 2]}
    """
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value
