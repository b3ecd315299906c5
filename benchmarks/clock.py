"""The clock of all measurements: the processor time of the process, so that what else the machine does counts less.

Windows counts it in steps of 16 ms; there it is the time on the wall.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from time import perf_counter, process_time

now = perf_counter if sys.platform == "win32" else process_time


def cost() -> float:
    """The seconds that one look at the clock takes, which every interval is too long by."""
    looks = [now() for _ in range(1000)]
    return min(after - before for before, after in pairwise(looks))
