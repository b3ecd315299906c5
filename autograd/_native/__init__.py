"""The engine in C, where it was built. AUTOGRAD_PURE_PYTHON=1 refuses it: then autograd/value.py computes.

core     the extension module, None without it
backend  "native" or "python"
"""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from typing import Any

core: Any = None
if os.environ.get("AUTOGRAD_PURE_PYTHON", "0") in ("", "0"):
    with suppress(ImportError):
        core = import_module("autograd._native.core")

backend = "python" if core is None else "native"
