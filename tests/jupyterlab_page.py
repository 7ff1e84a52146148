"""A real JupyterLab for tests, and what a person does in it."""

from __future__ import annotations

from playwright.sync_api import TimeoutError as TookTooLong

from tests.formgrader_server import Server


class Lab(Server):
    """JupyterLab with nbgrader's extension, in any folder."""

    program = ("jupyter", "lab", "--LabApp.news_url=")

    def notebook(self, name: str) -> str:
        """The address of a notebook, in a workspace of its own: others would reopen their notebooks."""
        return f"{self.address}/lab/workspaces/{name}/tree/{name}.ipynb?token=token"


def run_cell(page, place: int) -> None:
    """Run a cell, again if need be: what is run before the kernel is connected is forgotten."""
    cell = page.locator(".jp-NotebookPanel .jp-CodeCell").nth(place)
    for _ in range(20):
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        try:
            page.wait_for_function(
                "cell => !/\\[ \\]/.test(cell.querySelector('.jp-InputPrompt').innerText)",
                arg=cell.element_handle(),
                timeout=6000,
            )
            return
        except TookTooLong:
            continue
    raise AssertionError("the cell was not run")
