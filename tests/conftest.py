"""What several test modules use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("quoteattr", parent=settings.default, deadline=None)  # a busy machine is no failure
settings.load_profile("quoteattr")
os.environ["HF_HUB_OFFLINE"] = "1"  # before anything is imported that reads it: no test needs the network


@pytest.fixture(scope="session")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The folders of the tiny encoders by family."""
    from encoders import FAMILIES, build_encoder  # imports torch, which most tests do without

    return {family: build_encoder(family, tmp_path_factory.mktemp(family)) for family in FAMILIES}


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of annotated news that does not belong to the repository: QUOTEATTR_SHARED, or beside the checkout."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("QUOTEATTR_SHARED", default))
    if not folder.is_dir():
        pytest.skip("no annotated news: neither QUOTEATTR_SHARED nor ../shared/data is a folder")
    return folder
