"""One browser for all tests of a run, and the pages they open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.chromium import Tab, start
from tests.browser.pages import PAGES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(name="pages", scope="session")
def _pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each page as a file."""
    folder = tmp_path_factory.mktemp("pages")
    paths = {name: folder / f"{name}.html" for name in PAGES}
    for name, make in PAGES.items():
        paths[name].write_text(make(), "utf-8")
    return paths


@pytest.fixture(name="tab", scope="session")
def _tab() -> Iterator[Tab]:
    driver = start()
    try:
        yield Tab(driver)
    finally:
        driver.quit()
