"""limit.c, compiled by gcc when this is imported."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from ctypes import c_double, c_int, c_long, c_void_p
from pathlib import Path
from typing import Any

import numpy as np
from compilers import Task
from problems import PROBLEMS

FLAGS = ["-O3", "-march=native", "-ffast-math", "-fopenmp", "-shared", "-fPIC"]
CHUNKS = {"regression": 4}  # as in limit.c


def compiled(source: Path) -> ctypes.CDLL:
    with tempfile.TemporaryDirectory() as folder:
        target = str(Path(folder) / "limit.so")
        command = ["gcc", *FLAGS, str(source), "-o", target, "-lm"]
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except FileNotFoundError:
            raise ImportError("there is no gcc to compile it") from None
        if done.returncode:
            raise ImportError(f"gcc could not compile it: {(done.stderr.strip() or 'no message').splitlines()[-1]}")
        return ctypes.CDLL(target)


C = compiled(Path(__file__).resolve().parent.parent / "limit.c")


def version() -> str:
    done = subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True)
    return f"gcc {done.stdout.strip()} with vectors of {C.lanes()}"


def name_of(problem: Any) -> str:
    """The size of the rows may be another one, the formula or the layers are not."""
    return next(n for n, p in PROBLEMS.items() if p._replace(rows=0) == problem._replace(rows=0))


def aligned(shape: tuple[int, ...]) -> np.ndarray:
    """Zeros that begin with a cache line."""
    count = int(np.prod(shape))
    room = np.zeros(count + 8)
    first = -room.ctypes.data // 8 % 8
    return room[first : first + count].reshape(shape)


def copied(numbers: np.ndarray) -> np.ndarray:
    room = aligned(numbers.shape)
    room[...] = numbers
    return room


def in_vectors(columns: np.ndarray, chunks: int) -> np.ndarray:
    """Rows x inputs as layers.h has them: [chunk][input][stride] vectors, the rows that fill up are 0."""
    rows, inputs = columns.shape
    stride = -(-rows // chunks // C.lanes()) | 1
    room = aligned((chunks, inputs, stride * C.lanes()))
    room[:, :, : rows // chunks] = columns.reshape(chunks, rows // chunks, inputs).transpose(0, 2, 1)
    return room


def place(room: np.ndarray) -> c_void_p:
    return c_void_p(room.ctypes.data)


def network(problem: Any, threads: int, way: str) -> Task:
    name = name_of(problem)
    X, targets = problem.data(problem.rows)
    rooms = [X.T, targets.T] if name == "xor" else [in_vectors(a, CHUNKS.get(name, 1)) for a in (X, targets)]
    x, y, p, g = map(copied, (*rooms, problem.parameters(), problem.parameters()))
    loop = getattr(C, name)
    loop.restype, loop.argtypes = c_double, [c_void_p] * 4 + [c_double, c_int, c_long]
    given = place(p), place(x), place(y), place(g)

    def numbers() -> tuple[list[float], np.ndarray]:
        return [loop(*given, 0.0, threads, 1)], g

    def run(steps: int) -> Any:
        return loop(*given, problem.rate, threads, steps), p, x, y  # which live as long as this function

    return Task(numbers, run)


def function(problem: Any, threads: int, way: str) -> Task:
    x, f, g = copied(problem.columns()), aligned((problem.rows,)), aligned((problem.inputs, problem.rows))
    rows = getattr(C, name_of(problem))
    rows.restype, rows.argtypes = None, [c_void_p] * 3 + [c_long, c_int]

    def run(steps: int) -> Any:
        for _ in range(steps):
            rows(place(x), place(f), place(g), problem.rows, threads)
        return f, g

    return Task(lambda: run(1), run)
