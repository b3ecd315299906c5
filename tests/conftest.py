"""What tests of all packages share."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
CALL = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background may ignore it
runpy.run_path({file!r})[{name!r}](*{arguments!r})
"""


@pytest.fixture
def alone() -> Callable[..., None]:
    """Calls a function of a test module in a process of its own: for whoever presses Ctrl-C.

    Beside other tests the interrupt can land in what other packages do in between, the callbacks of the garbage
    collector for one, and is lost there.
    """

    def call(function: Callable[..., Any], *arguments: Any) -> None:
        code = CALL.format(file=inspect.getfile(function), name=function.__name__, arguments=arguments)
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr

    return call
