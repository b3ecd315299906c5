"""One engine in a process of its own: `python worker.py ENGINE`, requests and replies as lines of JSON.

It says hello with {"version": ...} or {"error": ...}. A request {"workload": "chain", "size": 1000, "graphs": 20}
builds that many graphs, if it is more than one after an untimed one for the caches, and is answered with the mean
seconds of [build, backward] and with {"numbers": [value, gradients ...]} of the last graph. {"workload": "microgpt",
"size": steps} runs the program.

It is started by its path, so that only this folder is on Python's path beside the engine's own environment.
"""

from __future__ import annotations

import gc
import json
import sys
import threading
from typing import Any

import clock
import program
from engines import ENGINES, Adapter
from workloads import WORKLOADS


def measure(engine: Adapter, workload: str, size: int, graphs: int) -> dict[str, Any]:
    prepare, build, _ = WORKLOADS[workload]
    seconds, cost = [0.0, 0.0], clock.cost()
    for graph in range(0 if graphs > 1 else 1, graphs + 1):
        root = given = some = None  # the graph before is freed here, untimed for every engine
        engine.start()
        given = prepare(engine.new, size)
        engine.record()
        start = clock.now()
        root, some = build(engine, given, size)
        built = clock.now()
        engine.backward(root)
        end = clock.now()
        if graph:
            seconds[0] += (built - start - cost) / graphs
            seconds[1] += (end - built - cost) / graphs
    return {"seconds": seconds, "numbers": [engine.value(root), *map(engine.gradient, some)]}


def serve(name: str) -> None:
    try:
        engine = ENGINES[name].adapter()
    except ImportError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return
    print(json.dumps({"version": engine.version}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if not gc.isenabled():
            gc.collect()  # what the last request left; where it is on, the collector finds it as it would in a loop
        if request["workload"] == "microgpt":
            reply = program.run(ENGINES[name].value, request["size"])
        else:
            reply = measure(engine, **request)
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    # micrograd and the like sort by recursion: they need a stack as deep as the graph.
    sys.setrecursionlimit(10_000_000)
    threading.stack_size(512 * 1024 * 1024)
    thread = threading.Thread(target=serve, args=(sys.argv[1],))
    thread.start()
    thread.join()
