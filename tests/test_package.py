"""The package as a whole: what it exports, what importing costs, what the README promises."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
import zipfile
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


EVERYTHING = """
import sys
if "no stderr" in sys.argv[1]:
    sys.stderr = None
if "closed" in sys.argv[1]:
    sys.stderr.close()
import autograd, nn
from autograd import Value
from autograd.__main__ import main

print("zip" if ".zip" in autograd.__file__ and ".zip" in nn.__file__ else "folder")
x, y = Value(2.0, "x"), Value(3.0, "y")
z = x * y + x.tanh()
z.backward()
autograd.draw(z).save("graph.dot")
autograd.explore(z, "graph.html")
str(autograd.explain(z, x)), str(autograd.trace(z)), str(autograd.lint(z, [x, y]))
f = autograd.compile(lambda a, b: (a * x).tanh() * b)
f.batch([[1.0, 2.0]]), f.backward([[1.0, 2.0]]), f.to_c(), f.to_python(), f.save("tape.json")
autograd.Compiled.load("tape.json")(1.0, 2.0)
autograd.gradcheck(lambda a: a * a, (2.0,))
assert [finding.name for finding in autograd.check_engine("student.py").findings] == ["constructor"]
model = nn.MLP(2, [3, 1], seed=0)
rows = [[0.0, 1.0], [1.0, 1.0]], [0, 1]
for lr in (0.1, 1e300):  # the second one diverges, and warns
    for engine in ("auto", "eager"):
        nn.fit(model, *rows, nn.squared_error, nn.SGD(model.parameters(), lr=lr), 3, engine=engine)
        model.load_state_dict(nn.MLP(2, [3, 1], seed=0).state_dict())
nn.save(model, "model.json")
nn.load("model.json")
assert main(["x*y", "x=1", "y=2", "--check", "--second", "--explore", "page.html"]) == 0
assert "closed" in sys.argv[1] or main(["x*", "x=1"]) == 2
print("done")
"""


@pytest.mark.parametrize("host", ["zip", "no stderr", "closed stderr", "zip, no stderr"])
def test_everything_works_from_a_zip_file_and_without_a_stderr(host, tmp_path):
    (tmp_path / "student.py").write_text("class Value:\n    def __init__(self, data):\n        pass\n")
    path = ROOT
    if "zip" in host:
        path = tmp_path / "packages.zip"
        with zipfile.ZipFile(path, "w") as packages:
            for file in [*ROOT.glob("autograd/**/*.*"), *ROOT.glob("nn/**/*.py")]:
                if "__pycache__" not in file.parts and file.suffix in (".py", ".js", ".css", ".html"):
                    packages.write(file, file.relative_to(ROOT))
    command = [sys.executable, "-W", "ignore", "-c", EVERYTHING, host]
    environment = {**os.environ, "PYTHONPATH": str(path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()[-1:]) == (0, ["done"]), done.stderr
    assert done.stdout.startswith("zip" if "zip" in host else "folder")


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
