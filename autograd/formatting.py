"""Numbers as people read them."""

from __future__ import annotations

import re
from typing import Any


def short(number: Any) -> str:
    """Four decimals, or four digits where these would be none or too many."""
    if not isinstance(number, (float, int)):
        return repr(number)
    text = f"{number:.4f}" if number == 0 or 1e-3 <= abs(number) < 1e6 else f"{number:.4g}"
    return re.sub(r"(\.\d*?)0+$", lambda found: found[1] + "0" * (found[1] == "."), text)
