"""Runs the notebooks and stores what they print and draw, so that a code host shows it: `make notebooks`."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = sorted(Path(__file__).parent.glob("*.ipynb"))


def execute(path: Path) -> nbformat.NotebookNode:
    """The notebook with the outputs of a new run; raises CellExecutionError where a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    return NotebookClient(notebook, timeout=300, record_timing=False, resources={}).execute()


if __name__ == "__main__":
    for path in NOTEBOOKS:
        print(path.name)
        nbformat.write(execute(path), path)
