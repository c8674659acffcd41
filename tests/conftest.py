"""What several test modules use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("quoteattr", parent=settings.default, deadline=None)  # a busy machine is no failure
settings.load_profile("quoteattr")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of annotated news that does not belong to the repository: QUOTEATTR_SHARED, or beside the checkout."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("QUOTEATTR_SHARED", default))
    if not folder.is_dir():
        pytest.skip("no annotated news: neither QUOTEATTR_SHARED nor ../shared/data is a folder")
    return folder
