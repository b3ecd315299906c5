"""The engine in C beside the one in Python: the same bits and the same errors; and what only C has to keep.

All other tests of `autograd` and `nn` run on both, see `make test`. Run as a script this file prints its table.
"""

from __future__ import annotations

import gc
import importlib
import math
import os
import pickle
import random
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import psutil
import pytest

import autograd
from autograd import OPERATIONS, Value, operation
from autograd._native import core, header
from autograd.value import new_node

REFUSED = os.environ.get("AUTOGRAD_PURE_PYTHON", "0") not in ("", "0")
native = pytest.mark.skipif(autograd.backend != "native", reason="this is the engine in Python")

inf, nan = math.inf, math.nan
EDGES = [0.0, -0.0, 5e-324, -1e-310, 1e-300, 0.1, 0.5, 1.0, -1.0, 2.0, -2.0, 3.0, 7.7, -20.5, 710.0, -745.0, 1e8, -1e8,
         1e154, -1e200, 1.797e308, -1.797e308, inf, -inf, nan]  # fmt: skip


@operation(lambda out, x, y: (autograd.exp(y) * y, out))
def custom(x: float, y: float) -> float:
    return x * y * 2.0


def outcome(call, *numbers: float) -> str:
    """The value and the gradients to the last bit, or the error as it reads."""
    leaves = [Value(x, name) for x, name in zip(numbers, "abcdef")]
    try:
        root = call(*leaves)
    except (ArithmeticError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    root.backward()
    # The sign of a zero partial says nothing, and NaN has many signs.
    return " ".join([hexadecimal(root.data), *(hexadecimal(leaf.grad + 0.0) for leaf in leaves)])


def hexadecimal(x: float) -> str:
    return "nan" if x != x else float.hex(x)


def table() -> Iterator[str]:
    generator = random.Random(1)
    numbers = [*EDGES, *(generator.gauss(0, 10 ** generator.uniform(-3, 3)) for _ in range(200))]
    for name, row in OPERATIONS.items():
        count = len(row.example) - 1
        for operands in product(EDGES, EDGES) if count == 2 else zip(numbers):
            yield f"{name} {operands}: {outcome(row, *operands)}"
        if count == 2:
            for a, b in zip(numbers, reversed(numbers)):
                yield f"{name} {a, b}: {outcome(row, a, b)}"
                yield f"{name} of x and {b}: {outcome(lambda x, row=row, b=b: row(x, b), a)}"
                yield f"{name} of {a} and x: {outcome(lambda x, row=row, a=a: row(a, x), b)}"
    for x, parameter in product(numbers, [0, 1, -1, 2, 0.5, -0.5, 3, 1 + 2**-40, 51, -2.7, inf, nan]):
        yield f"{x} ** {parameter}: {outcome(lambda x, p=parameter: x**p, x)}"
        yield f"leaky_relu({x}, {parameter}): {outcome(lambda x, p=parameter: x.leaky_relu(p), x)}"
    for seed in range(300):
        yield f"program {seed}: {outcome(program(seed), *(random.Random(seed).uniform(-2, 2) for _ in range(4)))}"


def program(seed: int):
    """A random graph that shares nodes, of all kinds of nodes."""

    def run(*leaves: Value) -> Value:
        generator = random.Random(seed)
        nodes = list(leaves)
        for _ in range(generator.choice([5, 30, 100])):
            a, b, c = generator.choices(nodes[-8:], k=3)
            k = generator.choice([2, 0.5, -1, 3.25])
            nodes.append(
                generator.choice(
                    [
                        lambda a=a, b=b: a * b / (b * b + 1.0),
                        lambda a=a, b=b: a - b,
                        lambda a=a, k=k: k - a / k,
                        lambda a=a, k=k: k / (a * a + 1) + a * k,
                        lambda a=a: a.tanh() + a.sigmoid() * a.relu(),
                        lambda a=a: (a * a + 1) ** -0.5,
                        lambda a=a, b=b: autograd.maximum(a, b) + autograd.minimum(a, 0.5),
                        lambda a=a, b=b, c=c: autograd.logsumexp([a, b, c, a]),
                        lambda a=a, b=b: custom(a.tanh(), b.tanh()),
                        lambda a=a: -abs(a).softplus().sqrt().leaky_relu(0.1),
                    ]
                )()
            )
        return autograd.sum(nodes[-3:])

    return run


@native
def test_both_engines_give_the_same_bits_and_the_same_errors():
    environment = {**os.environ, "AUTOGRAD_PURE_PYTHON": "1"}
    command = [sys.executable, __file__]
    other = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    backend, *lines = other.splitlines()
    assert backend == "python"
    differences = [(mine, theirs) for mine, theirs in zip("\n".join(table()).splitlines(), lines) if mine != theirs]
    assert not differences[:10]
    assert len(lines) > 15_000


def test_the_committed_header_is_current():
    assert header.FILE.read_text(encoding="utf-8") == header.operations_header(), (
        "operations.h is not what the rules in autograd/operations.py say; run: make generate"
    )


def test_the_backend_is_the_one_that_was_asked_for():
    assert autograd.backend == ("python" if REFUSED or not shutil.which("cc") else "native")
    assert (core is None) == (autograd.backend == "python")


@native
def test_a_graph_dies_with_its_root_and_nothing_of_it_is_the_collector_s():
    gc.collect()
    before = core.nodes_alive()
    x = Value(2.0, "x")
    y = (x * x + 3).tanh() ** 2 - custom(x, 1.0) + autograd.logsumexp([x, 1.0, x])
    assert not gc.is_tracked(x) and not gc.is_tracked(y)
    assert "logsumexp" in str(autograd.explain(y, x))
    y.backward()
    del y
    assert core.nodes_alive() == before + 1
    assert (x.label, x.grad != 0.0) == ("x", True)
    del x
    assert core.nodes_alive() == before


@native
def test_ten_million_nodes_deep():
    n = 10_000_000
    before = core.nodes_alive()
    x = Value(1.0)
    y = x
    for _ in range(n):
        y = y + 1.0
    y.backward()
    assert (y.data, x.grad) == (n + 1.0, 1.0)
    del y
    assert core.nodes_alive() == before + 1


@native
def test_a_node_is_small():
    x, y = Value(2.0), Value(3.0)
    assert max(map(sys.getsizeof, [x, x * y, x * 2.0, x.exp(), x**2])) <= 72


def test_a_plain_number_becomes_a_parent_for_whoever_asks_and_stays_the_same_one():
    x = Value(2.0)
    for node, place in [(x * 3, 1), (3 / x, 0)]:
        constant = node.parents[place]
        assert node.parents[place] is constant and node.parents[1 - place] is x
        assert (constant.data, constant.parents, constant.operation.name) == (3.0, (), "constant")
        node.backward()
        assert constant.grad == 0.0
    assert x.grad == 3.0 - 3.0 / 4.0


@native
def test_an_error_in_a_rule_of_python_leaves_every_leaf_as_it_was():
    @operation(lambda out, x: 1 / 0 if out else (1.0,))
    def broken(x):
        return x

    x, y = Value(2.0), Value(3.0)
    y.grad = 7.0
    root = x * y + broken(x) * y
    with pytest.raises(ZeroDivisionError):
        root.backward()
    assert (x.grad, y.grad) == (0.0, 7.0)
    (x * y).backward()
    assert (x.grad, y.grad) == (3.0, 9.0)


@native
def test_a_backward_pass_inside_of_a_rule():
    inner = Value(5.0)

    def rule(out, x):
        (inner * inner).backward()
        return (2.0,)

    twice = operation(rule)(lambda x: 2 * x)
    x = Value(3.0)
    (twice(x) * x).backward()
    assert (x.grad, inner.grad) == (12.0, 10.0)


def fails(call) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError)):
        call()


def every_call() -> None:
    """Each way into the engine once, those that raise among them."""
    x, y = Value(2.0, "x"), Value(data=0.5, label="y")
    nodes = [x + y, x - 1, 2 * x, x / y, 1 / y, x**2, 2**x, x**y, -x, +x, abs(x)]
    nodes += [x.leaky_relu(), x.leaky_relu(0.1), x.leaky_relu(slope=0.2)]
    nodes += [getattr(y, name)() for name, row in OPERATIONS.items() if len(row.example) == 2 and hasattr(Value, name)]
    nodes += [row(x, y) for row in OPERATIONS.values() if len(row.example) == 3]
    nodes += [custom(x, y), autograd.logsumexp([x, y, 1.0]), autograd.stop_gradient(x), autograd.maximum(x, 1)]
    root = autograd.sum(nodes)
    root.backward()
    root.backward(gradient=2.0)
    for node in autograd.topological_order(root):
        node.label, node.grad = f"{node.label}!", 0.0
        str(node), node.parents, node.operation, node.is_leaf, node.data, node < 1, node >= x, bool(node), hash(node)
        node.label = ""
    x.data = 3
    with autograd.no_grad():
        fails((x * y).backward)
    with autograd.detect_anomaly():
        (x * y).backward()
    pickle.loads(pickle.dumps(root))
    autograd.hessian(lambda a: a[0] ** 2 * a[1].tanh())([1.0, 2.0])
    fails(lambda: Value("a"))
    fails(lambda: Value())
    fails(lambda: Value(1.0, "a", 3))
    fails(lambda: Value(1.0, (x,)))
    fails(lambda: setattr(x, "label", 3))
    pickle.loads(pickle.dumps(Value(1.0, (x, y), (2.0, 3.0), label="given"))).backward()
    fails(lambda: new_node(1.0, OPERATIONS["exp"], [x, y]))
    fails(lambda: x + "a")
    fails(lambda: x == 3)
    fails(lambda: float(x))
    fails(lambda: (x * 0).log())
    fails(lambda: setattr(root, "data", 1.0))
    fails(lambda: setattr(x, "grad", None))
    fails(lambda: delattr(x, "grad"))
    fails(lambda: x.backward("a"))
    fails(lambda: x.leaky_relu("a"))
    fails(lambda: pow(x, 2, 3))
    fails(lambda: x**10**400)
    fails(lambda: x < "a")
    fails(lambda: x.exp(1))
    fails(lambda: type("Sub", (Value,), {}))


@native
@pytest.mark.parametrize("compiler", [name for name in ("gcc", "clang") if shutil.which(name)])
def test_every_file_compiles_without_a_warning(compiler: str):
    files = [str(path) for folder in ("", "tape") for path in (Path(header.__file__).parent / folder).glob("*.c")]
    flags = ["-std=c11", "-fsyntax-only", "-Wall", "-Werror", "-Wno-psabi", f"-I{sysconfig.get_paths()['include']}"]
    done = subprocess.run([compiler, *flags, *files], capture_output=True, text=True)
    assert len(files) > 10 and (done.returncode, done.stderr) == (0, "")


FAST = ["-Ofast", "-ffast-math", "-funsafe-math-optimizations", "-ffinite-math-only", "-fno-signed-zeros"]
BUILD = """
import sys
import setuptools  # brings distutils where Python has none
from distutils.core import run_setup

built = run_setup("setup.py", stop_after="init")
del built.ext_modules[1:]  # that of tapes takes a minute
command = built.get_command_obj("build_ext")
command.build_lib = command.build_temp = sys.argv[1]
built.run_command("build_ext")
"""


@native
@pytest.mark.skipif(sys.platform == "win32", reason="the options are those of gcc and clang")
def test_options_that_break_ieee_arithmetic_are_taken_back_when_the_engine_is_built(tmp_path: Path):
    pytest.importorskip("setuptools")
    root = Path(__file__).parents[2]
    options = " ".join(flag for flag in [*FAST, "-mdaz-ftz"] if accepts(flag))
    environment = {**os.environ, "CFLAGS": options, "LDFLAGS": options}
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(tmp_path)], cwd=root, env=environment, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    shutil.copytree(root / "autograd", tmp_path / "autograd", ignore=lambda _, names: [n for n in names if ".so" in n],
                    dirs_exist_ok=True)  # fmt: skip
    environment |= {"PYTHONPATH": str(tmp_path)}
    found = subprocess.run([sys.executable, __file__], env=environment, capture_output=True, text=True, check=True)
    backend, *lines = found.stdout.splitlines()
    assert backend == "native", built.stderr
    assert lines == "\n".join(table()).splitlines()


@native
@pytest.mark.skipif(sys.platform == "win32", reason="the options are those of gcc and clang")
@pytest.mark.parametrize("flag", FAST)
def test_no_file_compiles_with_such_an_option(flag: str):
    for file in ("core.c", "tape/run.c"):
        assert "IEEE arithmetic" in syntax(Path(header.__file__).parent / file, flag)


def accepts(flag: str) -> bool:
    return not subprocess.run(["cc", flag, "-E", "-x", "c", os.devnull], capture_output=True).returncode


def syntax(file: Path, *flags: str) -> str:
    command = ["cc", "-std=c11", "-fsyntax-only", *flags, f"-I{sysconfig.get_paths()['include']}", str(file)]
    return subprocess.run(command, capture_output=True, text=True).stderr


SECOND = """
import sys
sys.path[:] = {path!r}
import autograd
from autograd import Value
from autograd._native import extension

x = Value(2.0, "x")
(x * x).backward()
assert (autograd.backend, extension("core"), extension("tapes"), x.grad) == ("python", None, None, 4.0)
"""


@native
@pytest.mark.parametrize("kind", ["legacy", "isolated"])
def test_another_interpreter_is_served_by_python_and_leaves_this_one_alone(kind: str):
    x = Value(3.0)
    code = SECOND.format(path=sys.path)
    if sys.version_info >= (3, 13):
        interpreters = importlib.import_module("_interpreters")
        second = interpreters.create(kind)
        error = interpreters.exec(second, code)
        assert error is None, error
    else:
        interpreters = importlib.import_module("_xxsubinterpreters")
        second = interpreters.create(isolated=kind == "isolated")
        interpreters.run_string(second, code)
    interpreters.destroy(second)
    (x * x).backward()
    assert x.grad == 6.0 and core.nodes_alive() >= 1


@native
def test_nothing_leaks_rss_included():
    watched = [None, (), "", Value, OPERATIONS["add"], OPERATIONS["power"], True, NotImplemented]

    def state() -> tuple[int, int, list[int]]:
        gc.collect()
        return core.nodes_alive(), sys.getallocatedblocks(), [sys.getrefcount(thing) for thing in watched]

    rounds = 500
    for _ in range(150):
        every_call()
    nodes, blocks, counts = state()
    resident = psutil.Process().memory_info().rss
    for _ in range(rounds):
        every_call()
    more_nodes, more_blocks, more_counts = state()
    assert more_nodes == nodes
    assert more_blocks - blocks < rounds
    assert [after - before for before, after in zip(counts, more_counts) if after - before >= rounds] == []
    assert psutil.Process().memory_info().rss - resident < 3_000_000


if __name__ == "__main__":
    print(autograd.backend)
    print(*table(), sep="\n")
