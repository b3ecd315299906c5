"""Runs small programs on somebody else's class: this text is the child process of a check, `python -c` of it.

Requests and replies are lines of JSON: programs as text in one direction, numbers and names in the other. It imports
the standard library only, so that what the student's file imports is the student's business.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import importlib.machinery
import importlib.util
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial, reduce
from numbers import Real
from typing import Any

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


class MissingClass(Exception):
    pass


class Sink(io.RawIOBase):
    """Takes everything that is printed, keeps the beginning, counts the rest."""

    def __init__(self) -> None:
        self.printed, self.beginning = 0, b""

    def writable(self) -> bool:
        return True

    def write(self, text: Any) -> int:
        self.printed += len(text)
        self.beginning += bytes(text[: max(0, 60 - len(self.beginning))])
        return len(text)


def evaluate(engine: Any, lines: Sequence[str], reads: Sequence[str]) -> dict[str, Any]:
    """The numbers that the expressions `reads` have after the statements `lines`; `engine` goes by the name Value.

    An exception of any kind comes back as {"error": what it says, "type": its type, "at": the statement}.
    """
    names: dict[str, Any] = {"Value": engine}
    at = ""
    try:
        for at in lines:
            exec(at, names)
        numbers = []
        for at in reads:
            numbers.append(as_number(eval(at, names)))
    except BaseException as error:
        return {**described(error), "at": at}
    return {"numbers": numbers}


def as_number(x: Any) -> float | str:
    """x as a float, or the name of its type in words where it is no real number."""
    if getattr(x, "ndim", None) == 0 and hasattr(x, "item"):
        x = x.item()  # NumPy's scalars and arrays of no dimension
    try:
        return float(x) if isinstance(x, Real) else f"a {type(x).__name__}"
    except OverflowError:
        return float("inf")  # an int with hundreds of digits


def described(error: BaseException) -> dict[str, str]:
    kind = type(error).__name__
    try:
        message = str(error)[:300]
    except BaseException:
        message = ""
    traceback, place = error.__traceback__, ""
    while traceback:
        file = traceback.tb_frame.f_code.co_filename
        if file != described.__code__.co_filename and not file.startswith("<"):
            place = f" ({os.path.basename(file)}:{traceback.tb_lineno})"
        traceback = traceback.tb_next
    return {"error": f"{kind}: {message}{place}" if message else f"{kind}{place}", "type": kind}


def load(job: Mapping[str, Any]) -> Any:
    """The class that a job names, from a module (a name) or from a file (a path)."""
    sys.path[:] = job["search"]
    if job["module"]:
        module = importlib.import_module(job["module"])
    else:
        loader = importlib.machinery.SourceFileLoader("engine_under_check", job["path"])
        spec: Any = importlib.util.spec_from_loader(loader.name, loader)
        module = importlib.util.module_from_spec(spec)
        sys.modules[loader.name] = module  # where dataclasses look
        loader.exec_module(module)
    try:
        return reduce(getattr, job["name"].split("."), module)
    except AttributeError:
        classes = [name for name, entry in vars(module).items() if isinstance(entry, type)]
        raise MissingClass(f"it defines {', '.join(classes) or 'no class'}") from None


def own_names(engine: Any) -> list[str]:
    """What the class brings beyond what every object has."""
    return [name for name in dir(engine) if getattr(engine, name, None) is not getattr(object, name, None)]


def limit(job: Mapping[str, Any]) -> None:
    """No more memory than the job allows, and no process that computes for ever after its parent has died."""
    if resource is None:
        return
    for kind, most in ((resource.RLIMIT_AS, job["memory"]), (resource.RLIMIT_CPU, job["seconds"])):
        with contextlib.suppress(OSError, ValueError):  # macOS has the first one by name only
            resource.setrlimit(kind, (most, most))


def serve() -> None:
    requests, replies = os.fdopen(os.dup(0), "rb"), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):  # what the student's code reads and writes is not the conversation
        os.dup2(null, descriptor)
    sink = Sink()
    output = sys.stdout = sys.stderr = io.TextIOWrapper(io.BufferedWriter(sink), "utf-8", "backslashreplace")
    restore_builtins = partial(vars(builtins).update, dict(vars(builtins)))
    job = json.loads(requests.readline())
    dumps, loads, write, flush = json.dumps, json.loads, os.write, output.flush
    limit(job)
    engine = None
    try:
        engine = load(job)
        reply: dict[str, Any] = {"names": own_names(engine)}
    except BaseException as error:
        reply = described(error)
    while True:
        restore_builtins()
        with contextlib.suppress(Exception):
            flush()
        reply.update(printed=sink.printed, beginning=sink.beginning.decode("utf-8", "replace"))
        write(replies, dumps(reply).encode() + b"\n")
        request = requests.readline()
        if not request:
            return
        asked = loads(request)
        reply = evaluate(engine, asked["lines"], asked["reads"])


if __name__ == "__main__":
    serve()
    os._exit(0)  # no exit handlers of the student's
