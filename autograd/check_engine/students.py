"""The engine under check, asked to run programs: in a process of its own, or in this one where it has no file.

The process is not a sandbox: it has its own memory, a time limit and, where the platform knows it, a memory limit, and
may do to files and network whatever its user may.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from autograd.check_engine import worker

INSIDE = "AUTOGRAD_CHECK_ENGINE"  # set in the child: a file that checks itself when imported starts no further one
MOST_HANGS = 3  # then nothing more is asked, since each question may cost its time limit
LONGEST_REPLY = 1_000_000


class Reply(NamedTuple):
    """numbers: what was read, by its text; a str in it names the type of what is no number.
    kind: "" when all went well, "raised", "hang", "crash" or "not asked"; error: what it said; at: the statement."""

    numbers: dict[str, float | str]
    kind: str = ""
    error: str = ""
    type: str = ""
    at: str = ""


NOT_ASKED = Reply({}, "not asked")


class Student(Protocol):
    hangs: int
    names: frozenset[str]  # the methods and attributes of the class
    printed: int  # characters
    beginning: str  # of what was printed

    def start(self) -> Reply: ...
    def ask(self, lines: Sequence[str], reads: Sequence[str]) -> Reply: ...
    def close(self) -> None: ...


def read_reply(answer: Any, reads: Sequence[str]) -> Reply:
    """What the other side says, checked: it is somebody else's."""
    if isinstance(answer, dict) and isinstance(answer.get("error"), str):
        texts = [printable(answer.get(key, "")) for key in ("error", "type", "at")]
        return Reply({}, "raised", *texts)
    numbers = answer.get("numbers") if isinstance(answer, dict) else None
    if not isinstance(numbers, list) or len(numbers) != len(reads):
        return Reply({}, "crash", "the process answers nonsense")
    if not all(isinstance(number, (int, float, str)) for number in numbers):
        return Reply({}, "crash", "the process answers nonsense")
    return Reply({read: printable(x) if isinstance(x, str) else x for read, x in zip(reads, numbers)})


def printable(text: object) -> str:
    """Nothing that moves a terminal's cursor."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in str(text)[:400])


class Subprocess:
    """A class in a file, in a child process that is started again after a hang or a crash."""

    def __init__(self, module: str, path: str, name: str, time_limit: float, memory_limit: int) -> None:
        here = os.path.dirname(os.path.abspath(path))
        search = [entry or os.getcwd() for entry in sys.path]
        self.job = {
            "module": module, "path": path, "name": name, "memory": memory_limit,
            "search": search if module else [here, *search], "seconds": int(60 + 20 * time_limit),
        }  # fmt: skip
        self.time_limit, self.hangs = time_limit, 0
        self.names: frozenset[str] = frozenset()
        self.printed, self.beginning = 0, ""
        self.process: Any = None

    def start(self) -> Reply:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-c", inspect.getsource(worker)],  # by its text: a zip file has no path to it
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, INSIDE: "1"}, start_new_session=True,
        )  # fmt: skip
        self.lines: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=_collect, args=(self.process.stdout, self.lines), daemon=True).start()
        answer = self._converse(self.job)
        if isinstance(answer, Reply):
            return answer
        if isinstance(answer, dict) and isinstance(answer.get("names"), list):
            self.names = frozenset(map(str, answer["names"]))
            return Reply({})
        return read_reply(answer, ())

    def ask(self, lines: Sequence[str], reads: Sequence[str]) -> Reply:
        if self.hangs >= MOST_HANGS:
            return NOT_ASKED
        if self.process is None:
            begun = self.start()
            if begun.kind:
                return begun
        answer = self._converse({"lines": lines, "reads": reads})
        return answer if isinstance(answer, Reply) else read_reply(answer, reads)

    def close(self) -> None:
        if self.process is None:
            return
        with contextlib.suppress(OSError, AttributeError):  # Windows has no process groups
            os.killpg(self.process.pid, signal.SIGKILL)  # its own children too
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(OSError):
            self.process.stdin.close()  # stdout belongs to the thread that reads it
        self.process = None

    def _converse(self, message: Any) -> Any:
        """The answer, decoded; a Reply in its place when none comes, and the process is ended."""
        process = self.process
        try:
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()
            line = self.lines.get(timeout=self.time_limit)
            answer = json.loads(line) if line else None
        except queue.Empty:
            self.hangs += 1
            self.close()
            return Reply({}, "hang", f"no answer within {self.time_limit:g} s")
        except (OSError, ValueError, RecursionError):
            answer = None
        if answer is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=1)
            status = process.poll()
            self.close()
            return Reply({}, "crash", f"the process ended: {_ending(status)}")
        if isinstance(answer, dict) and isinstance(answer.get("printed"), int):
            self.printed, self.beginning = answer["printed"], str(answer.get("beginning", ""))[:60]
        return answer


def _collect(pipe: Any, lines: queue.Queue[bytes]) -> None:
    """Pass on what the child writes, b"" at its end. A thread, since a pipe has no time limit on every platform."""
    with contextlib.suppress(OSError, ValueError), pipe:
        while lines.qsize() < 100:
            line = pipe.readline(LONGEST_REPLY)
            lines.put(line)
            if not line:
                return


def _ending(status: int | None) -> str:
    if status is not None and status < 0:
        with contextlib.suppress(ValueError):
            return f"signal {signal.Signals(-status).name}"
    return f"exit status {status}"


class TooLong(BaseException):
    """Not an Exception, so that the student's `except Exception` lets it through."""


class Interactive:
    """A class without a file, in this process. A trace function keeps the time, which works for Python code only."""

    def __init__(self, engine: type, time_limit: float) -> None:
        self.engine, self.time_limit, self.hangs = engine, time_limit, 0
        self.names = frozenset(worker.own_names(engine))
        self.printed, self.beginning = 0, ""

    def start(self) -> Reply:
        return Reply({})

    def ask(self, lines: Sequence[str], reads: Sequence[str]) -> Reply:
        if self.hangs >= MOST_HANGS:
            return NOT_ASKED
        end = time.monotonic() + self.time_limit

        def keep_time(frame: Any, *_: Any) -> Any:
            frame.f_trace_opcodes = True  # a loop within one line has no further line events
            if time.monotonic() > end:
                raise TooLong
            return keep_time

        sink = worker.Sink()
        output = io.TextIOWrapper(io.BufferedWriter(sink), "utf-8", "backslashreplace")
        before = sys.gettrace()
        try:
            with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
                sys.settrace(keep_time)
                answer = worker.evaluate(self.engine, lines, reads)
        finally:
            sys.settrace(before)
        output.flush()
        self.printed += sink.printed
        self.beginning = self.beginning or sink.beginning.decode("utf-8", "replace")
        reply = read_reply(answer, reads)
        if reply.type == "KeyboardInterrupt":
            raise KeyboardInterrupt
        if reply.type == "TooLong":
            self.hangs += 1
            return Reply({}, "hang", f"no answer within {self.time_limit:g} s")
        return reply

    def close(self) -> None:
        pass


def find(engine: Any, name: str, time_limit: float, memory_limit: int) -> tuple[str, Student]:
    """What to call the engine in the report, and who answers for it. Raises TypeError or OSError for what is none."""
    if isinstance(engine, (str, os.PathLike)):
        path = Path(engine)
        if not path.is_file():
            raise FileNotFoundError(
                f"There is no file {str(path)!r}.\n  It is to be run in a process of its own and to define {name}.\n"
                "  Write the path of an existing file, check_engine('student.py')."
            )
        if path.suffix == ".ipynb":
            raise ValueError(
                f"{path.name} is a notebook.\n  A file of Python code is needed, or the class itself.\n"
                f"  Write check_engine({name}) in the notebook, or export it: jupyter nbconvert --to script {path.name}"
            )
        return path.name, Subprocess("", str(path.resolve()), name, time_limit, memory_limit)
    if not isinstance(engine, type):
        raise TypeError(
            f"check_engine was given {engine!r}, which is neither a class nor a path.\n"
            "  It makes nodes of its own: it needs the class.\n  Write check_engine(Value) or check_engine('file.py')."
        )
    title, module = engine.__qualname__, sys.modules.get(engine.__module__)
    try:
        file = inspect.getsourcefile(engine) or ""
        importable = reduce(getattr, title.split("."), module) is engine and os.path.isfile(file)
    except (TypeError, AttributeError, OSError):
        importable = False
    if not importable:
        return title, Interactive(engine, time_limit)
    package = getattr(module, "__package__", None)
    return title, Subprocess(engine.__module__ if package else "", file, title, time_limit, memory_limit)
