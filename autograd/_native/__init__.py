"""The extensions in C, where they were built. AUTOGRAD_PURE_PYTHON=1 refuses them: then Python computes.

core     the module with Value, None without it
backend  "native" or "python"
"""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from typing import Any


def extension(name: str) -> Any:
    """The extension of that name, None where it was not built or is refused."""
    if os.environ.get("AUTOGRAD_PURE_PYTHON", "0") in ("", "0"):
        with suppress(ImportError):
            return import_module(f"autograd._native.{name}")
    return None


core = extension("core")
backend = "python" if core is None else "native"
