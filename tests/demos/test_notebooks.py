"""The notebooks run from top to bottom, and what is stored in them is what they print today."""

from __future__ import annotations

import nbformat
import pytest

from demos._notebooks import NOTEBOOKS, execute


def told(notebook):
    """What each code cell shows: what it prints, and of each result the text and the kinds of its pictures, whose lines
    depend on who draws them. (What is printed comes in one piece or in several, as time has it.)"""
    return [
        (
            "".join(output.text for output in cell.outputs if output.output_type == "stream"),
            [
                (output["data"].get("text/plain"), sorted(output["data"]))
                for output in cell.outputs
                if output.output_type != "stream"
            ],
        )
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_new_run_shows_what_is_stored(path):
    stored = nbformat.read(path, as_version=4)
    nbformat.validate(stored)
    assert told(execute(path)) == told(stored), "write `make notebooks` and look at what changed"


def test_these_are_the_notebooks():
    assert [path.stem for path in NOTEBOOKS] == ["lectures", "tour"]
