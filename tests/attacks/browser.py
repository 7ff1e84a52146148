"""Opens pages in headless Chromium and tells which of their scripts ran, and what they asked for."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from functools import partial
from pathlib import Path


def scripts_that_ran(pages: Iterable[Path]) -> dict[Path, list[str]]:
    """Page -> what happened in it that must not: scripts of ours, dialogs, requests to anything but files.

    Raises ImportError where playwright is missing.
    """
    from playwright.sync_api import Error, sync_playwright

    found: dict[Path, list[str]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for path in pages:
            context = browser.new_context()
            page, events = context.new_page(), []
            page.on("dialog", partial(_dismiss, events))
            context.route("**/*", partial(_let, events))
            page.goto(path.absolute().as_uri(), wait_until="load")
            page.wait_for_timeout(100)
            try:
                for link in page.query_selector_all('a[href^="javascript:" i]'):
                    events.append(f"a link to {link.get_attribute('href')[:40]}")
                events += [f"ran {name}" for name in page.evaluate("[].concat(window.ran || [])")]
            except Error:
                events.append("the page went elsewhere")
            found[path] = [event for event in events if not event.startswith("asked https://")]
            context.close()
        browser.close()
    return found


def _dismiss(events: list[str], dialog) -> None:
    events.append("a dialog")
    dialog.dismiss()


def _let(events: list[str], route) -> None:
    """Files are shown; the listener's address is noted, and nothing else leaves the machine."""
    address = route.request.url
    if address.startswith(("file:", "data:")):
        route.continue_()
        return
    events.append(f"asked {address[:60]}")
    route.abort()
