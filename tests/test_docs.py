"""The pages of docs/: every block of Python and of commands is run, and the figures of the two READMEs are the same."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quoteattr.cli import main

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
ARTICLE = "قال وزير النقل سالم الخطيب إن الطريق سيفتح غدا."
GOLD = {
    "id": "1",
    "text": ARTICLE,
    "speakers": [{"id": "S1", "name": "سالم الخطيب"}],
    "quotes": [{"id": "Q1", "type": "indirect", "cue": [0, 3], "source": [4, 26], "content": [30, 46], "speaker": "S1"}],
}


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


def commands() -> Iterator[str]:
    for page in PAGES:
        for block in blocks(page, "sh"):
            yield from block.splitlines()


def test_there_are_pages() -> None:
    assert {"index.md", "formats.md", "annotation.md", "api.md"} <= {page.name for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_python_of_a_page_runs(page: Path) -> None:
    exec(compile("\n".join(blocks(page, "python")), page.name, "exec"), {"__name__": "docs"})


@pytest.mark.parametrize("command", dict.fromkeys(commands()))
def test_a_command_of_a_page_runs(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "article.txt").write_text(ARTICLE, encoding="utf-8")
    (tmp_path / "news.jsonl").write_text(f'{{"id": "1", "text": "{ARTICLE}", "date": "1", "outlet": "x"}}\n', encoding="utf-8")
    (tmp_path / "table.csv").write_text(f"url,body\nu1,{ARTICLE}\n", encoding="utf-8")
    for name in ("gold.jsonl", "predictions.jsonl", "quotes.jsonl"):
        (tmp_path / name).write_text(json.dumps(GOLD, ensure_ascii=False), encoding="utf-8")
    if "|" in command or ">" in command:
        shell = command.replace("quoteattr", f"{shlex.quote(sys.executable)} -m quoteattr", 1)
        assert subprocess.run(shell, shell=True, check=False).returncode == 0
    else:
        assert main(shlex.split(command, comments=True)[1:]) == 0


def test_the_arabic_readme_has_the_figures_of_the_english_one() -> None:
    arabic, english = (set(re.findall(r"0\.\d{3}", (ROOT / name).read_text("utf-8"))) for name in ("README.ar.md", "README.md"))
    assert arabic
    assert arabic <= english


def test_the_python_of_the_arabic_readme_runs() -> None:
    found: dict[str, Any] = {}
    exec("\n".join(blocks(ROOT / "README.ar.md", "python")), found)
    assert [quote.speaker.name for quote in found["document"].quotes].count("رنا الحديدي") == 3


@pytest.mark.slow
def test_the_pages_are_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("furo")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", str(ROOT / "docs"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "from_pretrained" in (tmp_path / "api.html").read_text(encoding="utf-8")
