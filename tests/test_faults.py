"""Bad days: no space, no permission, files that shrink or are altered, no memory, two runs at once, a clock that goes back.

Each ends in one clear line and in a state that the same command goes on from.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cases import DATA
from deadly import GREEDY

from quoteattr import QuoteAttributor, standoff
from quoteattr import score as module
from quoteattr.cli import main
from quoteattr.corpus import Columns, Corpus, Failure
from quoteattr.engine import ModelError, load_engine, write_sums
from quoteattr.models import BUNDLED
from quoteattr.schema import Document

TEXT = "قال وزير النقل سالم الخطيب إن الطريق الساحلي سيفتح غدا. وأضاف أن الأشغال انتهت."
RULES = QuoteAttributor.rules()
LIMITED = """
import resource, sys
kind, limit, *arguments = sys.argv[1:]
from quoteattr.cli import main
resource.setrlimit(getattr(resource, kind), (int(limit), resource.RLIM_INFINITY))
sys.exit(main(arguments))
"""


def news(folder: Path, number: int) -> Path:
    path = folder / "news.jsonl"
    records = ({"id": str(n), "text": TEXT} for n in range(number))
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return path


def limited(kind: str, limit: int, *arguments: object) -> tuple[int, list[str]]:
    """The exit code of a command under a limit of its process, and the lines of standard error."""
    command = [sys.executable, "-c", LIMITED, kind, str(limit), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    return result.returncode, result.stderr.splitlines()


def scored(path: Path, out: Path, *options: str) -> tuple[str, ...]:
    return ("score", "--model", "rules", str(path), "-o", str(out), "--workers", "1", *options)


# ---------------------------------------------------------------------------------------------------------------------
# The disk


@pytest.mark.parametrize("size", [8_000, 60_000, 300_000])
def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_space(tmp_path: Path, size: int) -> None:
    """The table of ids does not fit, a part does not, or the whole does not."""
    path = news(tmp_path, module.PART + 10)
    out = tmp_path / "out.jsonl"
    code, lines = limited("RLIMIT_FSIZE", size, *scored(path, out))
    assert (code, len(lines)) == (2, 1)
    assert lines[0].endswith("; the same command goes on from here")
    assert "Traceback" not in lines[0]
    assert not out.exists()
    assert main(scored(path, out)) == 0
    assert len(out.read_text(encoding="utf-8").splitlines()) == module.PART + 10
    assert {path.name for path in tmp_path.iterdir()} == {"news.jsonl", "out.jsonl", "out.jsonl.meta.json"}


@pytest.mark.parametrize(
    "command",
    ["extract --model rules --format jsonl news.jsonl --output out", "convert quotes.jsonl --to label-studio -o out.json"],
)
def test_a_full_disk_is_one_line_of_every_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.chdir(tmp_path)
    news(tmp_path, 50)
    (tmp_path / "quotes.jsonl").write_text(
        "".join(json.dumps(RULES(TEXT, id=str(n)).to_dict(), ensure_ascii=False) + "\n" for n in range(20)), encoding="utf-8"
    )
    code, lines = limited("RLIMIT_FSIZE", 4000, *command.split())
    assert (code, lines) == (2, [f"quoteattr: {command.split()[-1]}: file too large"])


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_standard_output_may_be_full(tmp_path: Path) -> None:
    path = news(tmp_path, 3)
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "quoteattr", "extract", "--model", "rules", path],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (result.returncode, result.stderr) == (2, "quoteattr: standard output: no space left on device\n")


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A folder in which nobody may write, root neither."""
    if os.geteuid() == 0:
        if not os.path.isdir("/sys/kernel"):
            pytest.skip("root may write anywhere here")
        yield Path("/sys/kernel")
        return
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    yield folder
    folder.chmod(0o700)


def test_a_folder_that_may_not_be_written_is_one_line(tmp_path: Path, locked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = news(tmp_path, 3)
    for command in (
        scored(path, locked / "out.csv"),
        ("extract", "--model", "rules", str(path), "--output", str(locked / "out.txt")),
        ("convert", str(path), "--to", "brat", "-o", str(locked / "folder")),
    ):
        assert main(command) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"quoteattr: {locked}/")


def test_an_output_that_was_not_cleaned_up_is_not_gone_on_with(tmp_path: Path) -> None:
    """A run that was killed while it removed its parts leaves some of them, without their settings."""
    path, out = news(tmp_path, 2), tmp_path / "out.jsonl"
    assert main(scored(path, out)) == 0
    parts = tmp_path / "out.jsonl.parts"
    parts.mkdir()
    (parts / "part-00000001.json").write_text('{"documents": 9, "quotes": 9, "speakers": 9, "failures": 0}', encoding="utf-8")
    (parts / "part-00000001.jsonl").write_text("{}\n", encoding="utf-8")
    other = (*scored(path, out), "--min-confidence", "0.1")
    assert main(other) == 2
    out.unlink()
    assert main(other) == 0
    assert [json.loads(line)["id"] for line in out.read_text(encoding="utf-8").splitlines()] == ["0", "1"]


# ---------------------------------------------------------------------------------------------------------------------
# The input


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet", ".jsonl.gz"])
def test_a_file_that_shrinks_while_it_is_read_is_said(tmp_path: Path, suffix: str) -> None:
    import gzip

    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / f"news{suffix}"
    records = [{"id": str(n), "text": f"{n} {TEXT} {os.urandom(500).hex()}"} for n in range(3000)]
    if suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(records), path, row_group_size=500)
    elif suffix == ".csv":
        path.write_text("id,text\n" + "".join(f"{r['id']},{r['text']}\n" for r in records), encoding="utf-8")
    else:
        content = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()
        path.write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
    corpus = Corpus([str(path)], Columns())
    items = iter(corpus)
    assert isinstance(next(items), Document)
    size = path.stat().st_size
    os.truncate(path, size // 2)
    found = list(items)
    assert str(found[-1]) == f"{path}: became shorter while it was read: {size:,} bytes, then {size // 2:,}"
    assert corpus.done == size // 2


def test_a_file_that_goes_while_it_is_read_does_not_stop_the_others(tmp_path: Path) -> None:
    path = news(tmp_path, 3)
    corpus = Corpus(["gone.jsonl", str(path)], Columns())
    assert [str(item) if isinstance(item, Failure) else item.id for item in corpus] == [
        "gone.jsonl: no such file or directory",
        "0",
        "1",
        "2",
    ]


def test_a_first_record_without_text_does_not_stop_the_others(tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    path.write_text(json.dumps({"id": "none"}) + "\n" + json.dumps({"id": "good", "text": TEXT}) + "\n", encoding="utf-8")
    assert main(scored(path, tmp_path / "out.jsonl")) == 1
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))["id"] == "good"


# ---------------------------------------------------------------------------------------------------------------------
# Memory, other runs, the clock

GREEDILY = """
import resource
from pathlib import Path
from deadly import Deadly
from quoteattr.corpus import Columns, Corpus
from quoteattr.score import Job, score
if __name__ == "__main__":
    import sys
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
    print(score(Deadly(), Job(Corpus([sys.argv[1]], Columns()), Path(sys.argv[2]), "jsonl", {}, (), int(sys.argv[3]))))
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_AS") or sys.platform != "linux", reason="no limit of memory here")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_text_for_which_memory_does_not_suffice_is_one_failure(tmp_path: Path, workers: int) -> None:
    path, out, script = tmp_path / "news.jsonl", tmp_path / "out.jsonl", tmp_path / "run.py"
    script.write_text(GREEDILY, encoding="utf-8")
    texts = ["a", GREEDY, "b"]
    path.write_text("".join(json.dumps({"id": text, "text": text}) + "\n" for text in texts), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    subprocess.run([sys.executable, script, path, out, str(workers)], check=True, env=environment, stdout=subprocess.DEVNULL)
    assert [json.loads(line)["id"] for line in out.read_text(encoding="utf-8").splitlines()] == ["a", "b"]
    failed = json.loads(Path(f"{out}.errors.jsonl").read_text(encoding="utf-8"))
    assert failed == {"id": GREEDY, "reason": "MemoryError"}


def test_of_two_runs_at_once_one_writes_and_the_other_says_so(tmp_path: Path) -> None:
    path, out = news(tmp_path, 8 * module.PART), tmp_path / "out.csv"
    command = [sys.executable, "-m", "quoteattr", *scored(path, out)]
    first = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while first.poll() is None and not (tmp_path / "out.csv.parts/settings.json").exists():
        time.sleep(0.01)
    second = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    said = first.communicate()[1]
    assert first.returncode == 0, said
    if second.returncode:  # else the first was done before the second had begun
        assert (second.returncode, second.stderr) == (2, f"quoteattr: {out}: another run is writing it\n")
    else:
        assert "finished before" in second.stderr
    assert len(out.read_text(encoding="utf-8").splitlines()) == 1 + 2 * 8 * module.PART


def test_a_run_that_another_ends_just_before_it_has_the_lock_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = news(tmp_path, 4), tmp_path / "out.jsonl"

    class Late(module.FileLock):  # type: ignore[misc]
        """A lock that is waited for while the other run does all."""

        def acquire(self, *arguments: Any, **options: Any) -> Any:
            monkeypatch.undo()
            shutil.rmtree(tmp_path / "out.jsonl.parts")
            assert main(scored(path, out)) == 0
            (tmp_path / "out.jsonl.parts").mkdir()
            return super().acquire(*arguments, **options)

    monkeypatch.setattr(module, "FileLock", Late)
    assert main(scored(path, out)) == 0
    assert "finished before" in capsys.readouterr().err
    assert len(out.read_text(encoding="utf-8").splitlines()) == 4


def test_a_clock_that_goes_back_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, out, whole = news(tmp_path, 2 * module.PART), tmp_path / "out.csv", tmp_path / "whole.csv"
    assert main(scored(path, whole)) == 0
    with monkeypatch.context() as patch:
        patch.setattr(module, "_finish", lambda *arguments: (_ for _ in ()).throw(KeyboardInterrupt))
        assert main(scored(path, out)) == 130
    for left in (tmp_path / "out.csv.parts").iterdir():
        os.utime(left, (4e9, 4e9))  # made in 2096
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert main(scored(path, out)) == 0
    assert out.read_bytes() == whole.read_bytes()


# ---------------------------------------------------------------------------------------------------------------------
# Training


@pytest.fixture(scope="module")
def training(encoders: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Path]:
    """A command that trains a tiny model, without the folder that it names last, and one in which it ran undisturbed."""
    folder = tmp_path_factory.mktemp("training")
    lines = (DATA / "articles.jsonl").read_text(encoding="utf-8").splitlines()
    (folder / "train.jsonl").write_text("\n".join(lines[:3]), encoding="utf-8")
    (folder / "dev.jsonl").write_text("\n".join(lines[3:5]), encoding="utf-8")
    files = [str(folder / "train.jsonl"), "--dev", str(folder / "dev.jsonl"), "--encoder", str(encoders["bert"])]
    command = ["train", *files, "--epochs", "1", "-o"]
    assert main([*command, str(folder / "whole")]) == 0
    return command, folder / "whole"


@pytest.mark.parametrize("name", ["epochs/1.safetensors", "checkpoint.pt"])
def test_training_goes_on_when_there_is_space_again(training: tuple[list[str], Path], tmp_path: Path, name: str) -> None:
    command, whole = training
    out = tmp_path / "model"
    code, lines = limited("RLIMIT_FSIZE", (whole / name).stat().st_size - 1, *command, out)
    lines = [line for line in lines if line.startswith("quoteattr: ")] + [line for line in lines if "Error" in line]
    assert code == 2
    assert "could not be written, is there space left?" in lines[-1]
    assert lines[-1].endswith("; the same command goes on from here")
    assert main([*command, str(out)]) == 0
    assert (out / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert (out / "config.json").read_bytes() == (whole / "config.json").read_bytes()


def test_hashes_that_could_not_be_written_do_not_refuse_the_model(
    training: tuple[list[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from quoteattr import train

    command, whole = training
    out = shutil.copytree(whole, tmp_path / "model")

    def full(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(folder / "SHA256SUMS"))

    with monkeypatch.context() as patch:
        patch.setattr(train, "write_sums", full)
        assert main([*command, str(out)]) == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith("no space left on device; the same command goes on from here")
    assert main([*command, str(out)]) == 0
    assert (out / "SHA256SUMS").read_bytes() == (whole / "SHA256SUMS").read_bytes()


def test_of_two_runs_that_train_in_one_folder_one_says_so(
    training: tuple[list[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "model"
    (out / "epochs").mkdir(parents=True)
    with module.FileLock(out / "epochs/lock"):
        assert main([*training[0], str(out)]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"quoteattr: {out}: another run is writing it"


def test_training_in_a_folder_that_may_not_be_written_is_said(
    training: tuple[list[str], Path], locked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*training[0], str(locked / "model")]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"quoteattr: {locked}/model: ")


# ---------------------------------------------------------------------------------------------------------------------
# The model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BUNDLED, tmp_path / "model"))


def test_the_hashes_of_the_bundled_model_are_those_of_its_files(model: Path) -> None:
    sums = (BUNDLED / "SHA256SUMS").read_text(encoding="utf-8")
    write_sums(model)
    assert (model / "SHA256SUMS").read_text(encoding="utf-8") == sums
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=model, check=True)


@pytest.mark.parametrize("engine", ["onnx", "torch"])
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "weights"])
@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_file_of_a_model_is_named(model: Path, engine: Any, name: str, damage: str) -> None:
    weights = {"onnx": "onnx/encoder.onnx", "torch": "model.safetensors"}
    path = model / (weights[engine] if name == "weights" else name)
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        content = content[: len(content) // 2]
    else:
        content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        load_engine(model, engine)
    assert str(caught.value).startswith(
        f"{path}: truncated or altered, its hash is not the one in SHA256SUMS: get the model again"
    )
    assert "\n" not in str(caught.value)


def test_a_model_without_hashes_or_with_those_of_other_files_loads(model: Path) -> None:
    expected = QuoteAttributor.from_pretrained()(TEXT)
    (model / "model.safetensors").write_bytes(b"")  # not loaded, not compared
    assert QuoteAttributor.from_pretrained(model)(TEXT) == expected
    (model / "SHA256SUMS").write_text("7 words that are no hash of anything\n", encoding="utf-8")
    assert QuoteAttributor.from_pretrained(model)(TEXT) == expected
    (model / "SHA256SUMS").unlink()
    assert QuoteAttributor.from_pretrained(model)(TEXT) == expected


@pytest.fixture
def hub(model: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """A Hub that has the model under every id, and what it was asked for."""
    asked: list[tuple[str, list[str]]] = []

    def snapshot_download(repo_id: str, allow_patterns: list[str]) -> str:
        asked.append((repo_id, allow_patterns))
        return str(model)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    return asked


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_a_model_of_the_hub_is_compared_with_its_hashes(hub: list[tuple[str, list[str]]], model: Path, engine: Any) -> None:
    (model / "pytorch_model.bin").write_bytes(b"")
    found, own = (QuoteAttributor.from_pretrained(name, engine=engine) for name in ("owner/name", None))
    assert found(TEXT) == own(TEXT)
    assert found.facts == {**own.facts, "model": "owner/name"}
    weights = model / {"onnx": "onnx/words.onnx", "torch": "model.safetensors"}[engine]
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ModelError, match="truncated or altered, its hash is not the one in SHA256SUMS"):
        QuoteAttributor.from_pretrained("owner/name", engine=engine)
    (name, patterns), _ = hub
    assert name == "owner/name"
    wanted = {file.name for file in model.rglob("*") if any(file.match(pattern) for pattern in patterns)}
    assert wanted == {file.name for file in BUNDLED.rglob("*") if file.is_file()} - {"README.md", "__init__.py"}


def test_a_model_of_the_hub_is_run_without_torch_where_it_can_be(hub: list[tuple[str, list[str]]], model: Path) -> None:
    hashes = [QuoteAttributor.from_pretrained("owner/name", engine=engine).facts for engine in (None, "onnx", "torch")]
    assert hashes[0] == hashes[1] != hashes[2]


def test_the_command_says_what_is_damaged(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.truncate(model / "onnx/words.onnx", 1000)
    assert main(["extract", "--model", str(model), "none.txt"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"quoteattr: {model}/onnx/words.onnx: truncated or altered")


@pytest.mark.parametrize("change", [{"characters": None}, {"sha256": []}, {"characters": "many", "sha256": "0"}])
def test_a_damaged_standoff_record_is_a_failure(change: dict[str, Any]) -> None:
    document = RULES(TEXT, id="a")
    record = {**standoff.without_text(document), **change}
    (found,) = standoff.rebuild([record], [Document(f"{TEXT}!", "a")])
    assert isinstance(found, Failure)
    assert found.reason.startswith("its text was altered")
