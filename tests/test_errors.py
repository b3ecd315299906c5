"""Every error of `autograd` and `nn`: what happened, why, the corrected code.

The table is in the two errors.txt beside the tests of the packages: code, and below it the error that it raises, word
for word. A `raise` that no case reaches fails here, unless it is in one of the short lists below, with the reason.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import math
import os
import re
import sys
import textwrap
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import autograd
import nn
from autograd import Value
from autograd.drawing import render

ROOT = Path(__file__).parents[1]
TABLES = [ROOT / "tests" / package / "errors.txt" for package in ("autograd", "nn")]

# The third part starts with what to do, "Write ..." wherever it is code.
IMPERATIVES = ("Write ", "Run: ", "Compute ", "Save ", "Set ", "Keep ", "Look ", "Scale ")

INTERNAL = {  # caught inside of the package, or a text that is Python's
    "autograd/__init__.py: raise AttributeError(f\"module 'autograd' has no attribute {name!r}\")": "Python's own form",
    "autograd/operations.py: raise ValueError('the result would be complex')": "Operation.explain says it",
    "nn/estimators.py: raise StopIteration": "SciPy's word for the end",
    "nn/losses.py: raise ValueError": "becomes the message two lines below",
    "nn/serialization.py: raise ValueError('a name occurs twice')": "becomes a part of what _fail says",
    "nn/epochs.py: raise OverflowError(f'the loss is {loss + penalty}')": "fit ends, and warns",
    "nn/compiled_epochs.py: raise OverflowError(f'the loss is {(loss if math.isfinite(found + penalty) else found "
    "+ penalty)}')": "so here",
    "nn/training.py: raise OverflowError(f'the validation loss is {risk}')": "so here",
    "autograd/compiler/source.py: raise NotImplementedError": "each language has its own",
    "autograd/compiler/training.py: raise RowsRaise": "fit then raises what the eager engine raises",
    "autograd/compiler/compiled.py: raise error.__cause__ from None": "raised by the placeholder",
    "autograd/compiler/tables.py: raise TypeError(f'column {name!r}: {error}') from None": "becomes a part of no_table",
    "autograd/compiler/tables.py: raise TypeError(f'{values.dtype} is no type of real numbers')": "so here",
    "autograd/compiler/tables.py: raise TypeError(f'row {place[0]} holds None{where}')": "so here",
}
ELSEWHERE = {  # rooms whose own tests ask for their texts
    "autograd/checking.py": "tests/autograd/test_checking.py",
    "autograd/exact.py": "tests/autograd/test_checking.py",
    "autograd/check_engine/": "tests/autograd/check_engine",
    "autograd/compiler/storage.py": "tests/autograd/compiler/test_storage.py",
}


class Case(NamedTuple):
    code: str
    expected: str


class Outcome(NamedTuple):
    text: str  # the name of the class and the message; "" where nothing was raised
    line: tuple[str, int]  # where the raise stands


def read(table: Path) -> list[Case]:
    """Blocks with an empty line between them: code behind >>> and ..., then the error."""
    cases = []
    for block in re.split(r"\n{2,}", table.read_text(encoding="utf-8").strip()):
        lines = [line for line in block.split("\n") if not line.startswith("#")]
        code = [line[4:] for line in lines if line[:4] in (">>> ", "... ")]
        if code:
            cases.append(Case("\n".join(code), "\n".join(lines[len(code) :])))
    return cases


CASES = [case for table in TABLES for case in read(table)]


# ------------------------------------------------------------------------------------------- what the cases start from


@contextlib.contextmanager
def hidden(*modules: str) -> Iterator[None]:
    """As if these were not installed."""
    with pytest.MonkeyPatch.context() as patch:
        for module in modules:
            patch.setitem(sys.modules, module, None)
        patch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
        yield


@contextlib.contextmanager
def graphviz(dot: str | None) -> Iterator[None]:
    """`dot` as the only executable: a path, the text of a shell script, or None."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render, "packaged", lambda: None)
        if dot is None:
            patch.setenv("PATH", "")
            patch.delenv("GRAPHVIZ_DOT", raising=False)
        else:
            if "\n" in dot:
                Path("script").write_text(dot, encoding="utf-8")
                Path("script").chmod(0o755)
                dot = "./script"
            patch.setenv("GRAPHVIZ_DOT", dot)
        yield


@autograd.operation(lambda out, x: (3 * x * x,))
def cube(x: Any) -> Any:
    return x**3


class Line(nn.Module):
    def __init__(self) -> None:
        self.slope = Value(1.0)


def names() -> dict[str, Any]:
    """Fresh for each case."""
    v, w = Value(2.0, "v"), Value(3.0, "w")
    with autograd.no_grad():
        unrecorded = v * w
    model = nn.MLP(2, [3, 1], seed=0)
    return {
        "autograd": autograd, "nn": nn, "Value": Value, "math": math, "importlib": importlib, "hidden": hidden,
        "graphviz": graphviz, "cube": cube, "Line": Line, "v": v, "w": w, "unrecorded": unrecorded,
        "model": model, "sgd": nn.SGD(model.parameters(), lr=0.1),
        "X": [[0.0, 1.0], [1.0, 1.0]], "y": [0, 1],
    }  # fmt: skip


def run(case: Case) -> Outcome:
    try:
        exec(compile(case.code, "model.py", "exec"), names())
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {error}".replace(os.getcwd(), "FOLDER")
        return Outcome(text, (os.path.realpath(last.filename), last.lineno or 0))
    return Outcome("", ("", 0))


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[Case, Outcome]:
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("errors").resolve())
    try:
        return {case: run(case) for case in CASES}
    finally:
        os.chdir(before)


# --------------------------------------------------------------------------------------------------------- the tests


@pytest.mark.parametrize("case", CASES, ids=[case.code.split("\n")[-1] for case in CASES])
def test_the_error_says_what_happened_and_why_and_what_to_write(case: Case, outcomes: dict[Case, Outcome]):
    found = outcomes[case].text
    assert found == case.expected
    what, *others = found.split("\n")
    assert len(others) >= 2
    assert what.endswith((".", ":")) or others[0].startswith("  "), "what happened is a sentence"
    assert all(line.startswith("  ") for line in others)
    assert any(line.strip().startswith(IMPERATIVES) for line in others[1:])
    assert max(map(len, found.split("\n"))) < 250, "what the user passed is cut"


def raises() -> Iterator[tuple[str, str, range]]:
    """The file, the statement and the lines of each `raise` that makes an error; a bare one passes on another."""
    for path in sorted([*(ROOT / "autograd").rglob("*.py"), *(ROOT / "nn").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and node.exc is not None:
                name = path.relative_to(ROOT).as_posix()
                yield name, ast.unparse(node), range(node.lineno, (node.end_lineno or node.lineno) + 1)


def test_every_raise_is_reached(outcomes: dict[Case, Outcome]):
    reached = {outcome.line for outcome in outcomes.values()}
    unreached = [
        f"{file}: {statement}"
        for file, statement, lines in raises()
        if not file.startswith(tuple(ELSEWHERE)) and not any((str(ROOT / file), n) in reached for n in lines)
    ]
    new = [statement for statement in unreached if statement not in INTERNAL]
    assert not new, textwrap.indent("\n".join(["without a case in errors.txt:", *new]), "  ")
    assert sorted(unreached) == sorted(INTERNAL), "the list has a statement that is gone"
    assert all((ROOT / tests).exists() for tests in ELSEWHERE.values())


def test_whatever_is_passed_an_error_stays_short():
    class Rude:
        def __repr__(self) -> str:
            return "\x1b[31m two\nlines " * 100_000

    huge = ["x" * 10_000, [0.0] * 10**6, {i: i for i in range(10**5)}, Rude(), 10**5000, "a\nb\x1b[2J"]
    model = nn.MLP(2, [3, 1], seed=0)
    calls = [
        Value, autograd.exp, autograd.grad, autograd.operation((1.0,)), autograd.trace, autograd.sum, autograd.draw,
        model, model.load_state_dict, nn.SGD, nn.plot_history, nn.plot_network, nn.plot_gradient_norms,
        lambda x: Value(1.0) == x, lambda x: nn.MLP(2, x), lambda x: nn.MLP(2, [1], activation=x),
        lambda x: nn.SGD(model.parameters(), lr=x), lambda x: nn.StepLR(nn.SGD(model.parameters()), x),
        lambda x: nn.cross_entropy([0.0, 1.0], x), lambda x: nn.squared_error(0.0, x), lambda x: model([x, x]),
        lambda x: nn.fit(model, [[0, 1]], [1], nn.squared_error, x, 1, progress=False),
        lambda x: nn.fit(model, [x], [1], nn.squared_error, nn.SGD(model.parameters()), 0, progress=False),
        lambda x: nn.empirical_risk(model, [[0, 1]], [1], nn.squared_error, reduction=x),
    ]  # fmt: skip
    for call in calls:
        for x in huge:
            try:
                call(x)
            except Exception as error:
                message = str(error)
                assert len(message) < 800, (call, message[:1000])
                assert message.replace("\n", "").isprintable(), message
