"""Opens pages in headless Chromium and tells which of their scripts ran, and what they asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from tests.chromium import chromium


def scripts_that_ran(
    pages: Iterable[str], allowed: Sequence[str] = (), headers: dict[str, str] | None = None
) -> dict[str, list[str]]:
    """Address -> what happened in the page that must not: scripts of ours, links to scripts, dialogs, requests.

    Requests may go to files and to addresses that begin with one of `allowed`; nothing else leaves the browser.
    """
    found: dict[str, list[str]] = {}
    with chromium() as browser:
        from playwright.sync_api import Error

        for address in pages:
            context = browser.new_context(extra_http_headers=headers or {})
            page, events = context.new_page(), []
            page.on("dialog", partial(_dismiss, events))
            context.route("**/*", partial(_let, events, ("file:", "data:", *allowed)))
            page.goto(address, wait_until="load")
            page.wait_for_load_state("networkidle")
            try:
                for link in page.query_selector_all('a[href^="javascript:" i]'):
                    # Bootstrap's own menus say so and nothing more.
                    if link.get_attribute("href") not in ("javascript:void(0)", "javascript:;"):
                        events.append(f"a link to {link.get_attribute('href')[:40]}")
                events += [f"ran {name}" for name in page.evaluate("[].concat(window.ran || [])")]
            except Error:
                events.append("the page went elsewhere")
            found[address] = events
            context.close()
    return found


def but_for_libraries(events: list[str]) -> list[str]:
    """Without what nbconvert's own pages ask the network for: MathJax and the like. No attack here asks https."""
    return [event for event in events if not event.startswith("asked https://")]


def _dismiss(events: list[str], dialog) -> None:
    events.append("a dialog")
    dialog.dismiss()


def _let(events: list[str], allowed: tuple[str, ...], route) -> None:
    if route.request.url.startswith(allowed):
        route.continue_()
        return
    events.append(f"asked {route.request.url[:60]}")
    route.abort()
