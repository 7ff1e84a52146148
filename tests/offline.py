"""A first cell that takes the network from a notebook: what asks for it fails."""

from __future__ import annotations

import nbformat

CELL = """
import socket

def _refuse(*args, **kwargs):
    raise OSError("this notebook runs without a network")

socket.create_connection = socket.getaddrinfo = _refuse
"""


def offline(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook, with that cell put before its first; in memory only."""
    notebook.cells.insert(0, nbformat.v4.new_code_cell(CELL, id="offline"))
    return notebook
