"""Numbers as people read them."""

from __future__ import annotations

import re
from typing import Any


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
