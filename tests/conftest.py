"""What several test modules use."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. It ends with the module, because an event loop runs in this thread for as long as it does."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install 'quoteattr[test]'")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium: chromium is not on the path")
    with (
        api.sync_playwright() as playwright,
        closing(playwright.chromium.launch(executable_path=chromium)) as launched,  # without its sandbox, so that root may, too
    ):
        yield launched


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens HTML as a file, in a window without a network: ``open_page(html, viewport={"width": 360, "height": 800})``.

    Further arguments are those of Playwright's ``new_context`` (``color_scheme``, ``has_touch`` …). The test fails where
    a page logs a warning or an error, raises one, opens a dialog or asks for anything but itself.
    """
    problems: list[str] = []
    with ExitStack() as windows:

        def opened(html: str, **options: Any) -> Page:
            file = tmp_path / f"page-{len(list(tmp_path.glob('page-*')))}.html"
            file.write_text(html, encoding="utf-8")
            window = windows.enter_context(closing(browser.new_context(offline=True, **options)))
            window.on("console", lambda said: problems.append(said.text) if said.type in ("error", "warning") else None)
            window.on("weberror", lambda raised: problems.append(str(raised.error)))
            window.on("request", lambda request: problems.append(request.url) if request.url != file.as_uri() else None)
            window.on("dialog", lambda dialog: (problems.append(dialog.message), dialog.dismiss()))
            page = window.new_page()
            page.goto(file.as_uri())
            return page

        yield opened
    assert problems == []
