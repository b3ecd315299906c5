"""Pictures of training and of networks, drawn by matplotlib, an optional extra (`plot`)."""

from __future__ import annotations

from typing import Any


def new_figure(size: tuple[float, float] = (6.0, 4.5)) -> Any:
    """An empty matplotlib figure of `size` inches. Without matplotlib, ImportError says what to install."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError("Pictures need matplotlib, which is not installed.\n  Run: pip install matplotlib") from None
    return Figure(figsize=size, layout="constrained")
