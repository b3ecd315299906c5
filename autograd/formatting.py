"""Numbers as people read them, and whatever a message has to name."""

from __future__ import annotations

import linecache
import os
import re
import sys
from functools import lru_cache
from reprlib import Repr
from typing import Any

ENGINE = os.path.dirname(__file__) + os.sep
_LIMITED = Repr()  # looks at the first items of a container only, so that a huge one takes no time
_LIMITED.maxstring = _LIMITED.maxother = _LIMITED.maxlong = 80


def short(number: Any, digits: int = 4) -> str:
    """`digits` decimals, or digits where these would be none or too many.

    >>> short(0.1 + 0.2), short(1e-7 / 3, 2)
    ('0.3', '3.3e-08')
    """
    if not isinstance(number, (float, int)):
        return repr(number)
    if number and not 10.0 ** (1 - digits) <= abs(number) < 1e6:
        return f"{number:.{digits}g}"
    text = f"{number:.{digits}f}"
    return re.sub(r"(\.\d*?)0+$", lambda found: found[1] + "0" * (found[1] == "."), text)


def shown(x: Any, limit: int = 80) -> str:
    """repr(x) for a message: on one line and not too long, whatever x is.

    >>> shown("2.5"), shown(list(range(1000)))
    ("'2.5'", '[0, 1, 2, 3, 4, 5, ...]')
    """
    try:
        text = _LIMITED.repr(x)
    except Exception:  # an int of too many digits, or a class whose repr fails
        text = f"<{type(x).__name__}>"
    return on_one_line(text, limit)


def on_one_line(text: object, limit: int = 80) -> str:
    """Text as data: line breaks as spaces, control characters as escapes, and cut where it gets too long.

    >>> on_one_line("two\\n  lines"), on_one_line("a long label", 7)
    ('two lines', 'a long…')
    """
    return printable(re.sub(r"\s*\n\s*", " ", str(text)[: 4 * limit]), limit)


def printable(label: object, limit: int = 24) -> str:
    """A label as data: control characters as escapes, since a terminal would obey them, and not too long."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(label)[: limit + 1])
    return text if len(text) <= limit else text[: limit - 1] + "…"


def program_line() -> str:
    """Where the program calls the engine: "model.py:12 (y = x.exp())"."""
    frame: Any = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith(ENGINE):
        frame = frame.f_back
    return written_line(frame.f_code.co_filename, frame.f_lineno)


@lru_cache(maxsize=4096)
def written_line(file: str, number: int) -> str:
    """A line of a file: where it stands and what it says."""
    code = linecache.getline(file, number).strip()
    return f"{os.path.basename(file)}:{number}" + f" ({code})" * bool(code)
