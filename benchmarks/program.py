"""`microgpt.py` with another Value: unchanged but for its import, or its forward pass alone on plain floats."""

from __future__ import annotations

import ast
import io
import math
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from types import CodeType
from typing import Any

import clock

SOURCE = Path(__file__).with_name("microgpt.py")
IMPORT = "from autograd import Value"
FUNCTIONS: dict[str, Callable[[float], float]] = {
    "exp": math.exp,
    "log": math.log,
    "relu": lambda x: x if x > 0 else 0.0,
}


class ForwardOnFloats(ast.NodeTransformer):
    """x.exp() becomes exp(x) and x.data becomes x; the calls `loss.backward()` and `adam(...)` are left out.

    So the numbers are Python's floats themselves and every call is as cheap as Python has it: no class of numbers is.
    """

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr in FUNCTIONS:
            return ast.Call(ast.Name(node.func.attr, ast.Load()), [node.func.value], [])
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        return node.value if node.attr == "data" else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        return node if node.name == "adam" else self.generic_visit(node)  # type: ignore[return-value]

    def visit_Expr(self, node: ast.Expr) -> ast.stmt | None:
        learning = ast.unparse(node).startswith(("loss.backward(", "adam("))
        return None if learning else self.generic_visit(node)  # type: ignore[return-value]


def with_value(line: str) -> CodeType:
    """The program, compiled, with `line` in place of its import of Value."""
    source = SOURCE.read_text(encoding="utf-8")
    if source.count(f"\n{IMPORT}\n") != 1:
        raise ValueError(f"{SOURCE.name} must hold the line {IMPORT!r} once")
    tree: ast.AST = ast.parse(source.replace(IMPORT, line))
    if line == "Value = float":
        tree = ast.fix_missing_locations(ForwardOnFloats().visit(tree))
    return compile(tree, SOURCE.name, "exec")  # type: ignore[call-overload,no-any-return]


def run(line: str, steps: int) -> dict[str, Any]:
    """Seconds of [all but Adam, Adam], which is arithmetic on plain floats; the first loss; and what was printed."""
    code, printed, in_adam = with_value(line), io.StringIO(), 0.0

    def timed(*arguments: Any) -> None:
        nonlocal in_adam
        began = clock.now()
        adam(*arguments)
        in_adam += clock.now() - began

    namespace: dict[str, Any] = {"__name__": "microgpt", **FUNCTIONS}
    with redirect_stdout(printed):
        start = clock.now()
        exec(code, namespace)
        adam, namespace["adam"] = namespace["adam"], timed
        losses = namespace["main"](steps)
        seconds = clock.now() - start
    return {"seconds": [seconds - in_adam, in_adam], "numbers": losses[:1], "printed": printed.getvalue()}
