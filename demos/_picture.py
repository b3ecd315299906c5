"""What `--plot FILE` needs: axes to draw on, and a file written when all is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nn.plots import new_figure

# Told apart without colour, too: line styles and markers go with the colours.
STYLES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v")


@contextmanager
def picture(path: str, columns: int = 1, rows: int = 1, size: tuple[float, float] | None = None) -> Iterator[Any]:
    """Axes (one, or an array of rows x columns) that are saved to `path` in the format of its suffix."""
    figure = new_figure(size or (5.5 * columns, 4.2 * rows))
    yield figure.subplots(rows, columns)
    figure.savefig(path, dpi=120)
    print(f"Picture written to {path}.")
