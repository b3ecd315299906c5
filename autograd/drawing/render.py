"""From DOT text to SVG, PNG or PDF: which executable does it, and what to do where none can."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

INSTALL = (
    "  Run: pip install graphviz-pure, for svg and png on Linux, macOS and Windows; or install Graphviz itself, for\n"
    "  pdf too: apt install graphviz, brew install graphviz, winget install graphviz."
)
MOST_PIXELS = 6000  # a side: 5,000 nodes in full size would need 30 GB


class GraphvizError(RuntimeError):
    """No executable of Graphviz was found, or it failed. The DOT text is there all the same, in `drawing.dot`."""


def executable() -> str:
    """The path of $GRAPHVIZ_DOT, of `dot` on PATH, or of the one that the package graphviz-pure brings, in that order.

    Raises GraphvizError that says how to get one.
    """
    chosen = os.environ.get("GRAPHVIZ_DOT")
    found = shutil.which(chosen or "dot")
    if found is None and chosen:
        raise GraphvizError(
            f"$GRAPHVIZ_DOT is {chosen!r}, which is no executable.\n"
            "  It comes before the `dot` on PATH and the one of the package graphviz-pure.\n"
            "  Set it to the path of Graphviz's dot, or unset it."
        )
    found = found or packaged()
    if found is None:
        raise GraphvizError(
            "No Graphviz was found to draw with: there is no `dot` on PATH, and no package graphviz-pure.\n"
            "  The DOT text needs none: it is in drawing.dot, and drawing.save('graph.dot') writes it.\n" + INSTALL
        )
    return found


def packaged() -> str | None:
    """The command of the package graphviz-pure, which need not be on PATH: a virtual environment may not be active."""
    from importlib import metadata

    try:
        files = metadata.files("graphviz-pure") or []
    except metadata.PackageNotFoundError:
        return None
    paths = [str(file.locate()) for file in files if Path(file).stem == "graphviz-pure"]
    return next((path for path in paths if os.access(path, os.X_OK)), None)


def render(dot: str, kind: str) -> bytes:
    """`dot` as "svg", "png" or "pdf".

    Raises GraphvizError where there is no executable, or it does not know the format.
    """
    command = [executable(), f"-T{kind}"]
    if kind == "png":
        command += ["-Gdpi=96", f"-Gsize={MOST_PIXELS / 96},{MOST_PIXELS / 96}"]
    done = subprocess.run(
        command,
        input=dot.encode(),
        capture_output=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # Windows would open a console for it
    )
    if done.returncode == 0 and done.stdout:
        return done.stdout
    said = done.stderr.decode(errors="replace").strip()
    if "not recognized" in said:
        raise GraphvizError(
            f"{command[0]} makes no {kind}.\n  It says: {said.splitlines()[0]}\n"
            "  Save it as .svg, which every browser opens and prints; or install Graphviz itself, which makes it:\n"
            "  apt install graphviz, brew install graphviz, winget install graphviz."
        )
    raise GraphvizError(
        f"{command[0]} failed with exit status {done.returncode}.\n  It says: {said[-500:] or 'nothing'}\n"
        "  Set $GRAPHVIZ_DOT to another dot, or write drawing.save('graph.dot') for the text."
    )
