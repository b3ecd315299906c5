"""check_engine and its command: whatever a student's file does is a finding, what is no fault is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import micrograd.engine
import pytest

import autograd
from autograd.check_engine import Report, check_engine
from autograd.check_engine.__main__ import main

RIGHT = (Path(__file__).parent / "right_engine.py").read_text(encoding="utf-8") + "\n\n"


def found(report: Report) -> list[str]:
    return [f"{finding.name} {finding.subject}".strip() for finding in report.findings]


def written(folder: Path, text: str) -> Path:
    (folder / "student.py").write_text(text, encoding="utf-8")
    return folder / "student.py"


FILES = [  # the finding, a text in the report, the file
    ("hang", "1 s", RIGHT + "while True: pass"),
    ("hang", "1 s", RIGHT + "while True: print('flood')"),
    ("hang", "1 s", RIGHT + "import os\nif os.fork(): os.wait()\nwhile True: pass"),
    ("hang", "1 s", "class Value:\n    def __init__(self, data):\n        while True: pass"),
    ("crash", "exit status 7", RIGHT + "import os\nos._exit(7)"),
    ("crash", "SIGSEGV", RIGHT + "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"),
    ("load-error", "SystemExit", RIGHT + "import sys\nsys.exit()"),
    ("load-error", "EOFError", RIGHT + "input()"),
    ("load-error", "KeyboardInterrupt", RIGHT + "raise KeyboardInterrupt"),
    ("load-error", "ModuleNotFoundError", "import numpyy\n" + RIGHT),
    ("load-error", "RecursionError", RIGHT + "def f(): f()\nf()"),
    ("load-error", "BadText", RIGHT + "class BadText(Exception):\n    def __str__(self): return 1 / 0\nraise BadText"),
    ("syntax-error", "student.py, line 1", "class Value\n"),
    ("syntax-error", "indent", "class Value:\npass"),
    ("missing-class", "it defines Number", "class Number: pass"),
    ("missing-class", "it defines no class", ""),
    ("constructor", "RecursionError", "class Value:\n    def __init__(self, data): self.__init__(data)"),
    ("constructor", "TypeError", "class Value: pass"),
    ("constructor", "found a list", "class Value:\n    def __init__(self, data): self.data, self.grad = [data], 0"),
]


@pytest.mark.parametrize(("name", "message", "text"), FILES, ids=[f"{row[0]}: {row[1]}" for row in FILES])
def test_whatever_a_file_does_is_a_finding(tmp_path, name, message, text):
    report = check_engine(written(tmp_path, text), time_limit=1.0)
    assert [finding.name for finding in report.findings] == [name]
    assert message in repr(report)


@pytest.mark.skipif(sys.platform != "linux", reason="memory has a limit on Linux only")
def test_memory_is_limited(tmp_path):
    path = written(tmp_path, RIGHT + "x = bytes(2**30)")
    assert found(check_engine(path, memory_limit=2**29)) == ["load-error"]
    assert check_engine(path, programs=3).passed


STATEMENTS = [  # the finding, and what tanh does
    ("hang a.tanh()", "while True: pass"),
    ("crash a.tanh()", "import os; os._exit(0)"),
    ("operation-raises a.tanh()", "raise SystemExit"),
    ("operation-raises a.tanh()", "raise ValueError('long words \\x1b[2J ' * 40)"),
    ("operation-raises a.tanh()", "return self.tanh()"),
    ("not-a-number a.tanh()", "return Value(1j)"),
    ("not-a-number a.tanh()", "return Value([1.0])"),
    ("wrong-value a.tanh()", "return Value(float('nan'))"),
    ("wrong-value a.tanh()", "return Value(10**400)"),
    ("prints-while-computing", "print('flood' * 10**6)"),
]


@pytest.mark.parametrize(("finding", "statement"), STATEMENTS, ids=[row[1] for row in STATEMENTS])
def test_whatever_an_operation_does_is_a_finding_and_the_others_are_checked(tmp_path, finding, statement):
    text = RIGHT.replace("def tanh(self):", f"def tanh(self):\n        {statement}")
    report = check_engine(written(tmp_path, text), time_limit=1.0, programs=30)
    assert found(report) == [finding], report
    assert "a.exp()" in report.checked[1]
    assert all(len(line) <= 100 and line.isprintable() for line in repr(report).splitlines())


HARMLESS = {
    "prints when imported": "print('hello')",
    "takes the standard streams away": "import sys\nsys.stdout = sys.stderr = sys.stdin = None",
    "closes the standard streams": "import os\nfor fd in (0, 1, 2): os.close(fd)",
    "closes sys.stdout": "import sys\nsys.stdout.close()",
    "reconfigures sys.stdout": "import sys\nsys.stdout.reconfigure(encoding='latin-1')\nsys.stdout.isatty()",
    "replaces builtins": "import builtins\nfor n in ('print', 'len', 'isinstance', 'dict'): setattr(builtins, n, None)",
    "changes modules": "import json, os\njson.dumps = json.loads = os.write = None",
    "imports a neighbour": "from neighbour import x",
    "defines a dataclass": "import dataclasses\n@dataclasses.dataclass\nclass Point:\n    x: 'int'",
    "makes warnings errors": "import warnings\nwarnings.simplefilter('error')",
    "checks itself": "import autograd.check_engine\nautograd.check_engine(Value)",
    "has a demonstration": "if __name__ == '__main__': raise SystemExit(3)",
}


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_what_is_no_fault_of_an_engine(tmp_path, text):
    (tmp_path / "neighbour.py").write_text("x = 1", encoding="utf-8")
    report = check_engine(written(tmp_path, RIGHT + text), programs=30)
    assert report.passed, report
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["neighbour.py", "student.py"], "no bytecode is left"


def test_micrograd():
    report = check_engine(micrograd.engine.Value)
    assert found(report) == ["stale-interior-adjoints", "recursion-depth", "parents-in-a-set"]
    assert report.findings == check_engine(micrograd.engine.__file__).findings
    assert check_engine(micrograd.engine.Value, ignore=found(report)).passed


def test_this_engine_and_a_right_one(tmp_path):
    assert found(check_engine(autograd.Value)) == []
    report = check_engine(written(tmp_path, RIGHT))
    assert found(report) == [] and repr(report).startswith("student.py: no faults found\n")
    assert "300 random expressions" in report.checked


def test_after_three_hangs_it_stops(tmp_path):
    text = RIGHT
    for name in ("tanh", "exp", "relu"):
        text = text.replace(f"def {name}(self):", f"def {name}(self):\n        while True: pass")
    text = text.replace("    def zero_grad", "    sin = cos = sqrt = softplus = exp\n\n    def zero_grad")
    text = text.replace("self.data - other.data", "self.data + other.data")
    report = check_engine(written(tmp_path, text), time_limit=0.5)
    assert found(report) == ["wrong-value a - b", "hang a.exp()"], "what was found before stays"
    assert len(report.findings[1].also) == 2, "of six more that hang"
    assert report.notes == ("Stopped after 3 hangs: not everything was tried.",) and report.checked == ()


# A class without a file


def typed_in(text: str) -> type:
    names: dict[str, Any] = {"__name__": "typed_in"}
    exec(text, names)
    return names["Value"]


IN_THIS_PROCESS = [
    ([], "", ""),
    (["stale-interior-adjoints"], "node.grad = 0.0", "pass"),
    (["hang a.tanh()"], "def tanh(self):", "def tanh(self):\n        while True: pass"),
    (["operation-raises a.tanh()"], "def tanh(self):", "def tanh(self):\n        raise SystemExit"),
    (["prints-while-computing"], "return out", "print('debug')\n        return out"),
]


@pytest.mark.parametrize(("expected", "old", "new"), IN_THIS_PROCESS, ids=lambda cell: str(cell)[:30])
def test_a_class_without_a_file_is_checked_in_this_process(capsys, expected, old, new):
    before = sys.gettrace(), sys.stdout
    limit = 2.0 if "hang" in str(expected) else 30.0  # what only prints is no hang on a busy machine either
    report = check_engine(typed_in(RIGHT.replace(old, new, 1)), programs=30, time_limit=limit)
    assert found(report) == expected
    assert (sys.gettrace(), sys.stdout) == before and capsys.readouterr() == ("", "")


def test_ctrl_c_stops_a_check_in_this_process():
    with pytest.raises(KeyboardInterrupt):
        check_engine(typed_in(RIGHT.replace("def tanh(self):", "def tanh(self):\n        raise KeyboardInterrupt")))


# How it is called


@pytest.mark.parametrize(
    ("engine", "error", "message"),
    [
        (3, TypeError, r"Write check_engine\(Value\)"),
        (autograd.Value(2.0), TypeError, "it needs the class"),
        ("nowhere.py", FileNotFoundError, "There is no file 'nowhere.py'"),
    ],
)
def test_what_cannot_be_checked(engine, error, message):
    with pytest.raises(error, match=message):
        check_engine(engine)


def test_names_of_findings_are_checked():
    with pytest.raises(ValueError, match=r"(?s)no finding 'recursion' to ignore.*recursion-depth"):
        check_engine(autograd.Value, ignore=["recursion"])


def test_the_command_line(capsys, tmp_path):
    path = str(written(tmp_path, RIGHT))
    (tmp_path / "a.ipynb").write_text("{}", encoding="utf-8")
    assert main([path]) == 0 and capsys.readouterr().out.startswith("student.py: no faults found")
    assert main([path, "--name", "Scalar"]) == 1 and "missing-class" in capsys.readouterr().out
    assert main([micrograd.engine.__file__]) == 1 and "stale-interior-adjoints" in capsys.readouterr().out
    known = ["--ignore=stale-interior-adjoints", "--ignore=recursion-depth", "--ignore=parents-in-a-set"]
    assert main([micrograd.engine.__file__, *known]) == 0 and "Ignored: stale" in capsys.readouterr().out
    for arguments in (
        [str(tmp_path / "none.py")],
        [path, "--ignore=x"],
        [path, "--time-limit=0"],
        [str(tmp_path)],
        [str(tmp_path / "a.ipynb")],
    ):
        assert main(arguments) == 2 and capsys.readouterr().err.startswith("error: ")
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2


@pytest.mark.parametrize(
    "code",
    [
        "import autograd; print(autograd.check_engine(autograd.Value, programs=3).passed)",
        "import autograd.check_engine; print(autograd.check_engine(autograd.Value, programs=3).passed)",
        "from autograd import Value, check_engine; print(check_engine(Value, programs=3).passed)",
        "from autograd.check_engine import check_engine; import autograd; print(check_engine(autograd.Value).passed)",
        "import autograd.check_engine.forms, autograd; print(autograd.check_engine(autograd.Value, programs=3).passed)",
    ],
)
def test_the_name_is_a_function_whatever_was_imported_before(code):
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (process.stdout, process.stderr) == ("True\n", "")


def test_it_runs_as_a_module(tmp_path):
    command = [sys.executable, "-m", "autograd.check_engine", str(written(tmp_path, RIGHT))]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stderr) == (0, "") and "no faults found" in process.stdout
