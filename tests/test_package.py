"""The package as a whole: what it exports, what importing costs, what the README promises."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

import autograd
import nn

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_operation_is_a_public_function_and_a_method():
    for name, op in autograd.OPERATIONS.items():
        assert name in autograd.__all__
        if len(op.example) == 2:  # one operand and the result
            x, result = op.example
            assert getattr(autograd, name)(x) == result
            assert getattr(autograd.Value(x), name)().data == result


@pytest.mark.parametrize("package", [autograd, nn])
def test_all_names_exist_and_public_functions_are_documented(package):
    for name in package.__all__:
        assert getattr(getattr(package, name), "__doc__", None) or isinstance(getattr(package, name), dict)


def test_importing_loads_nothing_heavy():
    heavy = "{'numpy', 'tqdm', 'graphviz', 'matplotlib', 'sklearn', 'scipy', 'importlib.metadata', 'inspect'}"
    code = f"import sys; import autograd, nn; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"


def test_a_program_written_for_micrograd_runs_unchanged():
    # micrograd's own README expression, with the numbers that it prints there.
    Value = autograd.Value
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    assert f"{g.data:.4f}" == "24.7041"
    g.backward()
    assert (f"{a.grad:.4f}", f"{b.grad:.4f}") == ("138.8338", "645.5773")
    assert (f._op, [parent is e for parent in f._prev], a._op, a.relu()._op) == ("**2", [True], "", "ReLU")


# ------------------------------------------------------------------------------------------------------- README


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


def test_the_readme_has_code_to_run():
    assert len(code_blocks("python")) >= 3


@pytest.mark.parametrize("block", code_blocks("python"), ids=lambda block: block.splitlines()[0])
def test_python_in_the_readme_runs_and_prints_what_it_says(block, tmp_path):
    if ">>>" in block:
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        failed, attempted = runner.run(doctest.DocTestParser().get_doctest(block, {}, "README.md", "README.md", 0))
        assert attempted and not failed
    else:
        printed = subprocess.run(
            [sys.executable, "-c", block], capture_output=True, text=True, check=True, cwd=tmp_path
        )
        expected = re.findall(r"# prints (.*)", block)
        assert expected
        assert printed.stdout.split() == " ".join(expected).split()


def test_the_table_of_operations_is_that_of_the_engine():
    row = r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \| ([\d.]+) \| ([\d.]+) \|$"
    found = re.findall(row, README, flags=re.MULTILINE)
    rows = [cells[:4] for cells in found]
    cells = [(name, op.formula, op.slope, op.domain) for name, op in autograd.OPERATIONS.items()]
    assert rows == [tuple(cell.replace("|", r"\|") for cell in row) for row in cells]
    assert all(float(value) <= 3 and float(derivative) <= 4 for *_, value, derivative in found)


def test_the_commands_and_rooms_in_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", "\n".join(code_blocks("sh")), flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    for path in re.findall(r"^\| `([\w/]+(?:\.py|/))` \|", README, flags=re.MULTILINE):
        assert (ROOT / path).exists(), path


def test_the_readme_lists_every_demo_and_its_pictures_exist():
    demos = {path.stem for path in (ROOT / "demos").glob("[a-z]*.py")}
    listed = set(re.findall(r"^\| `(\w+)` \| [^|]* \|$", README, flags=re.MULTILINE))
    assert demos == listed
    for picture in re.findall(r"!\[[^]]+\]\(([^)]+)\)", README):
        assert (ROOT / picture).exists(), picture


def test_the_readme_names_everything_that_nn_exports():
    assert [name for name in nn.__all__ if not re.search(rf"\b{name}\b", README)] == []
