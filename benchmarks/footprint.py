"""What a node weighs and what `import autograd` takes, each in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.engines import ENGINES
from benchmarks.peers import surroundings

NODE = """
import json, os, sys
from autograd import Value

def resident():
    try:
        with open("/proc/self/statm") as pages:
            return int(pages.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None  # no system but Linux says it without a package

x, w = Value(0.5), Value(0.999)
before = resident()
for _ in range({nodes}):
    x = x * w
after = resident()
grown = None if before is None else (after - before) / {nodes}
print(json.dumps({{"object": sys.getsizeof(x), "resident": grown}}))
"""
SECONDS = "; import time; print(time.process_time())"
MODULES = "import sys; before = set(sys.modules); import autograd; print(*set(sys.modules) - before)"


def python(engine: str, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], env=surroundings(ENGINES[engine]), stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def memory(engine: str, nodes: int) -> dict[str, Any]:
    """Bytes of an interior node with two parents: of the object, and by how much the process grew for each."""
    return json.loads(python(engine, NODE.format(nodes=nodes)))  # type: ignore[no-any-return]


def import_seconds(engine: str, rounds: int) -> list[float]:
    """What `import autograd` adds to `pass`, a number for each round of both; the first round is not counted."""
    added = []
    for _ in range(rounds + 1):
        bare, full = (float(python(engine, code + SECONDS)) for code in ("pass", "import autograd"))
        added.append(full - bare)
    return added[1:]


def foreign_modules(engine: str) -> list[str]:
    """The packages beside the standard library and our own that `import autograd` brings in."""
    tops = {module.partition(".")[0] for module in python(engine, MODULES).split()}
    return sorted(tops - sys.stdlib_module_names - {"autograd"})


def rows(engines: Sequence[str], small: bool) -> Iterator[tuple[str, str, str, list[float], str]]:
    """Of each engine: its title, the two sizes of a node, seconds that the import adds, foreign modules."""
    for engine in engines:
        found = memory(engine, 100_000 if small else 1_000_000)
        grown = "?" if found["resident"] is None else f"{found['resident']:.1f}"
        added = import_seconds(engine, 2 if small else 21)
        yield ENGINES[engine].title, str(found["object"]), grown, added, ", ".join(foreign_modules(engine)) or "none"
