"""What is installed, and what importing it costs."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from importlib.resources import files

import pytest

import quoteattr

HEAVY = {"numpy", "onnxruntime", "pyarrow", "rich", "scipy", "tokenizers", "torch", "transformers"}
NEEDED = {"filelock", "numpy", "onnxruntime", "pyarrow", "rich", "tokenizers"}


def loaded_after(code: str) -> set[str]:
    """The heavy packages that a fresh interpreter has loaded after the code."""
    code += "\nimport json, sys\nprint(json.dumps([*sys.modules]), file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return HEAVY & set(json.loads(result.stderr))


@pytest.mark.parametrize(
    "code",
    [
        "import quoteattr",
        "from quoteattr import Document, Quote, Span, Speaker",
        "from quoteattr.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass",
        "from quoteattr.cli import main\ntry: main(['extract', '--help'])\nexcept SystemExit: pass",
        "from quoteattr.cli import main\ntry: main(['score', '--help'])\nexcept SystemExit: pass",
    ],
)
def test_what_costs_time_is_not_imported_before_it_is_used(code: str) -> None:
    assert loaded_after(code) == set()


def test_the_rules_need_neither_torch_nor_transformers() -> None:
    assert loaded_after("from quoteattr import QuoteAttributor\nQuoteAttributor.rules()('قال علي: نعم')").isdisjoint(
        {"torch", "transformers", "scipy", "numpy", "onnxruntime"}
    )


def test_every_public_name_is_there() -> None:
    for name in quoteattr.__all__:
        assert getattr(quoteattr, name) is not None
        assert name in dir(quoteattr)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'quoteattr' has no attribute 'Quotes'"):
        quoteattr.Quotes  # type: ignore[attr-defined]  # noqa: B018


def test_the_installed_distribution_is_this_one() -> None:
    distribution = metadata.distribution("quoteattr")
    assert distribution.version == quoteattr.__version__
    assert distribution.metadata["License-Expression"] == "Apache-2.0"
    assert distribution.metadata["Requires-Python"] == ">=3.11"
    assert any(script.value == "quoteattr.cli:main" for script in distribution.entry_points)
    needed = [requirement for requirement in distribution.requires or [] if "extra ==" not in requirement]
    assert {requirement.split(">")[0] for requirement in needed} == NEEDED


@pytest.mark.parametrize("name", ["py.typed", "data/sample.txt", "data/verbs.tsv", "data/article.css", "models/__init__.py"])
def test_what_the_package_needs_is_installed_with_it(name: str) -> None:
    package, _, file = name.rpartition("/")
    folder = files("quoteattr.models") if package == "models" else files("quoteattr") / package
    assert (folder / file).is_file()
