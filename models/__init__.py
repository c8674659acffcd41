"""The trained weights that ship with the package, and what makes their encoder; installed as ``quoteattr.models``."""

from pathlib import Path

BUNDLED = Path(__file__).parent / "quoteattr-ar"
"""The folder of the bundled model."""
