"""A program for the kernels in C, as bytes that anybody may have written: refused with ValueError, or it runs and stays
within its memory. That nothing is read or written outside is seen under AddressSanitizer, see .ci/sanitize.
"""

from __future__ import annotations

import contextlib
import random
import struct
from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value, where
from autograd._native import extension
from autograd.compiler import forms
from autograd.compiler.program import program_of
from autograd.tracing import Tape

tapes = extension("tapes")
pytestmark = pytest.mark.skipif(tapes is None, reason="about the kernels in C")

# Words of the head: magic, version, then the sizes in the order of `fields` in program.c.
INPUTS, PARAMETERS, CONSTANTS, UNIFORMS, SUMS = 2, 3, 4, 5, 6
OUTPUTS, SLOTS, SPLATS, RESULTS, LANES = 8, 9, 10, 11, 12
MEMORY = 10**7  # doubles: programs that would need more are made and not run


def network(x: Any, p: Any) -> Any:
    h = [autograd.tanh(p[2 * k] * x[0] + p[2 * k + 1] * x[1] + p[k]) for k in range(3)]
    g = [autograd.relu(sum(a * b for a, b in zip(h, p[6 + k :])) + p[k]) for k in range(2)]
    return autograd.sigmoid(g[0] * p[3] + g[1] * p[4] + p[5]) * x[0] + 0.01 * sum(w * w for w in p)


def elements(x: Any, p: Any) -> Any:
    y = where(x[0] > p[0], lambda: autograd.log(x[0] - p[0]), x[1] ** p[1])
    z = autograd.sin(y) - autograd.cos(y)
    return [y * x[0] + 2.0, autograd.maximum(y, p[2]) - x[0] * x[1], p[0] * p[1], x[1], 4.0, autograd.sqrt(abs(z))]


def programs() -> dict[str, bytes]:
    found = {}
    functions = {"network": network, "elements": elements, "product": lambda x, p: x[0] * x[1]}
    for name, function in functions.items():
        tape = Tape()
        x, p = list(map(tape.input, range(2))), [Value(0.1 * k - 0.4) for k in range(12)]
        result = function(x, p)
        outputs = [tape.lift(y) for y in (result if isinstance(result, list) else [result])]
        made = {
            "values": forms.values(tape, outputs), "values of one row": forms.values(tape, outputs, inputs_vary=False),
            "slopes": forms.input_gradients(tape, outputs, 2), "backward": forms.parameter_gradient(tape, outputs[0]),
            "slopes of one row": forms.input_gradients(tape, outputs, 2, inputs_vary=False),
        }  # fmt: skip
        for kind, form in made.items():
            program = program_of(
                form.tape, form.outputs, form.results, 2, tapes.OPERATIONS, form.inputs_vary, form.gradients
            )
            found[f"{name}, {kind}"] = program.data
    return found


PROGRAMS = programs() if tapes else {}


def head_of(data: bytes) -> tuple[int, ...]:
    """The head, which is all that the sizes in it do not account for."""
    words = struct.unpack_from("17i", data)
    constants, splats, results, before, after, instructions, pool = (words[k] for k in (4, 10, 11, 13, 14, 15, 16))
    count = len(data) // 4 - 2 * constants - splats - results - 4 * (before + after) - 8 * instructions - pool
    return struct.unpack_from(f"{count}i", data)


def run(data: bytes, rows: int = 11, threads: int = 1) -> bool:
    """Whether the bytes are a program; if they are, it has run."""
    try:
        program = tapes.Program(data)
    except ValueError:
        return False
    head = head_of(data)
    needed = [
        head[INPUTS] * rows,
        head[PARAMETERS],
        head[UNIFORMS],
        32 * head[SUMS],
        head[OUTPUTS] * rows,
    ]
    if max(*needed, (head[SLOTS] + head[SPLATS]) * head[LANES], head[RESULTS]) > MEMORY:
        return True
    table = np.linspace(-1.0, 1.0, rows * head[INPUTS]).reshape(rows, head[INPUTS])
    before = table.copy()
    for order in "CF":
        found = np.empty((rows, head[OUTPUTS]), order=order)
        given = array("d", [0.25] * head[PARAMETERS])
        results, finite, raised = program.run(given, np.array(table, order=order), found, weight=0.5, threads=threads)
        assert len(results) == head[RESULTS] and finite == np.isfinite(found).all() and raised in (True, False)
    assert np.array_equal(table, before)
    assert given == array("d", [0.25] * head[PARAMETERS])
    if head[OUTPUTS] == 0 and rows:
        with contextlib.suppress(ValueError):
            train(program, given, table, rows)
    return True


def train(program: Any, given: Any, table: Any, rows: int, batch: int = 4, guarded: bool = True) -> tuple[Any, ...]:
    """Two epochs of AdamW; see autograd/compiler/training.py."""
    adamw, epochs, count = 2, 2, len(given)
    losses, norms, gradients = (array("d", bytes(8 * size)) for size in (epochs, epochs, count))
    settings, state = array("d", [0.01, 0.0, 0.0, 0.0, 0.0, 0.9, 0.999, 1e-8, 0.0]), array("d", bytes(24 * count))
    totals, order = array("d", [0.0, 0.0, float("inf")]), np.arange(rows)[::-1].copy()
    where_it_stands = (state, 0, 0, batch, 1, epochs, 0, totals, -1.0, 0, 3)
    found: tuple[Any, ...] = program.train(
        given, table, order, adamw, settings, *where_it_stands, losses, norms, gradients, 10.0, 1, guarded
    )
    return found


def tampered(data: bytes) -> Iterator[bytes]:
    """With every word in turn replaced by what is no word there, or a wrong one."""
    for place in range(0, len(data) - 3, 4):
        (word,) = struct.unpack_from("i", data, place)
        for other in (0, 1, -1, -2, 2**31 - 1, -(2**31), 2**30, word + 1, word - 1, word + 8, word ^ 16, 4096):
            if other != word and -(2**31) <= other < 2**31:
                yield data[:place] + struct.pack("i", other) + data[place + 4 :]


def test_the_programs_are_programs():
    for data in PROGRAMS.values():
        for rows in (0, 1, 8, 11, 300):
            assert run(data, rows) and run(data, rows, threads=2)
    backward = PROGRAMS["network, backward"]
    given = array("d", [0.25] * head_of(backward)[PARAMETERS])
    assert train(tapes.Program(backward), given, np.ones((11, 2)), 11) == (2, 0, 6, 0, 0, 0, 0, 0)
    assert 0.25 not in given


def test_a_program_of_nothing():
    """Sizes of 0, wherever they may be: one constant, which is both results, and no step at all."""
    start = next(iter(PROGRAMS.values()))
    others = len(head_of(start)) - 13
    for inputs, results in [(1, 2), (1, 0), (0, 2), (0, 0)]:
        sizes = struct.pack("11i", inputs, 0, 1, 1, 0, 1, 0, inputs + 1, 0, results, 8) + bytes(4 * others)
        data = start[:8] + sizes + struct.pack("d", 0.5) + bytes(4 * results)
        assert run(data) and run(data, 300, threads=2)
        assert tapes.Program(data).run(array("d")) == ([0.5] * results, True, False)


def test_every_word_tampered_with():
    for name, data in PROGRAMS.items():
        outcomes = [run(other) for other in tampered(data)]
        assert outcomes.count(False) > len(outcomes) / 4, name


def test_several_words_tampered_with():
    generator = random.Random(1)
    for data in PROGRAMS.values():
        words = list(struct.unpack(f"{len(data) // 4}i", data))
        for _ in range(300):
            other = words.copy()
            for _ in range(generator.choice([2, 3, 8])):
                place = generator.randrange(2, len(words))
                other[place] = generator.choice(
                    [*words, generator.randrange(64), other[place] + generator.choice([-1, 1])]
                )
            run(struct.pack(f"{len(words)}i", *other), generator.choice([1, 9, 40]), generator.choice([1, 2]))


def test_instructions_in_another_order_and_of_other_programs():
    """What is computed is nonsense, and stays within bounds."""
    generator = random.Random(2)
    parts = list(PROGRAMS.values())
    for data in parts:
        for _ in range(50):
            words = list(struct.unpack(f"{len(data) // 4}i", data))
            start, length = generator.randrange(20, len(words)), generator.choice([4, 8, 16])
            length = min(length, len(words) - start)
            other = generator.choice(parts)
            pieces = struct.unpack(f"{len(other) // 4}i", other)
            at = generator.randrange(0, max(1, len(pieces) - length))
            words[start : start + length] = pieces[at : at + length]
            run(struct.pack(f"{len(words)}i", *words))


def test_too_short_and_too_long():
    for data in PROGRAMS.values():
        for length in range(len(data)):
            with pytest.raises(ValueError, match=r"size|short"):
                tapes.Program(data[:length])
        for more in (b"\0", b"\0\0\0\0", data):
            with pytest.raises(ValueError, match="size"):
                tapes.Program(data + more)


def test_random_bytes():
    generator = random.Random(3)
    data = next(iter(PROGRAMS.values()))
    for length in [0, 1, 4, 71, 72, 73, *(generator.randrange(1000) for _ in range(300))]:
        assert not run(generator.randbytes(length))
        assert not run(data[:8] + generator.randbytes(length))
    for version in (0, 2, -1, 2**30):
        with pytest.raises(ValueError, match="version"):
            tapes.Program(data[:4] + struct.pack("i", version) + data[8:])


def test_what_is_no_bytes_or_no_set_of_kernels():
    data = next(iter(PROGRAMS.values()))
    for other in (None, "text", 3, [1, 2], object()):
        with pytest.raises(TypeError):
            tapes.Program(other)
    with pytest.raises(ValueError, match="kernels"):
        tapes.Program(data, "sse9")
    for same in (bytearray(data), memoryview(data), np.frombuffer(data, np.uint8)):
        assert tapes.Program(same).kernels == tapes.Program(data, None).kernels


def test_a_run_is_given_what_it_needs_or_refuses():
    values, backward = PROGRAMS["network, values"], PROGRAMS["network, backward"]
    program, sums = tapes.Program(values), tapes.Program(backward)
    count, n = head_of(values)[PARAMETERS], 5
    p, x, y = array("d", [0.1] * count), np.ones((n, 2)), np.empty((n, 1))
    read_only = np.empty((n, 1))
    read_only.setflags(write=False)
    wrong: list[tuple[Any, ...]] = [
        (), (p,), (p, x), (array("d"), x, y), (array("f", p), x, y), (array("d", [0.1] * (count + 1)), x, y),
        (p[::2], x, y), (None, x, y), (p, None, y), (p, x, None), (p, x[:, :1], y), (p, x[0], y),
        (p, np.ones((n, 3)), y), (p, x, y[:4]), (p, x[:4], y), (p, x, np.empty((n, 2))), (p, x, read_only),
        (p, x.astype("f4"), y), (p, x.astype(">f8"), y), (p, x.astype(int), y), (p, x, y.astype("f4")),
        (p, x.tolist(), y), (p, "text", y), (p, x, b"text"),
        (p, x, y, np.array([0, 1, 2, 3, 5])), (p, x, y, np.array([0, 1, 2, 3, -1])), (p, x, y, np.array([0, 1])),
        (p, x, y, np.arange(5, dtype="i4")), (p, x, y, [0, 1, 2, 3, 4]), (p, x, y, None, "a"),
        (p, x, y, None, 1.0, "a"),
    ]  # fmt: skip
    for args in wrong:
        with pytest.raises((TypeError, ValueError, IndexError, BufferError)):
            program.run(*args)
    program.run(p, x, y)
    expected = y.copy()
    program.run(p, x, y, np.array([4, 4, 0, 1, 2]))
    assert np.array_equal(y, expected)
    for threads in (-1, 0, 1, 2, 7, 1000):
        program.run(p, x, y, threads=threads)
        assert np.array_equal(y, expected)
    given = array("d", [0.1] * head_of(backward)[PARAMETERS])
    for index in (np.zeros(0, int), np.array([0]), np.arange(5).repeat(100)):
        results, finite, _ = sums.run(given, x, index=index, threads=2)
        assert len(results) == head_of(backward)[RESULTS] and finite
    for nothing in (None, np.ones((0, 2))):
        assert sums.run(given, nothing)[0][0] == 0.0
