"""The processes of the engines: makes their virtual environments, starts their workers, talks to them."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from benchmarks.engines import ENGINES

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE.parent / "build" / "peers"


# Where our packages are, which engine of ours, and what NumPy's BLAS is told of the machine, which it knows itself.
UNSEEN = ("PYTHONPATH", "AUTOGRAD_PURE_PYTHON", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


class Needs(Protocol):
    """What a process is made for: an engine, or a compiler of compilers.py."""

    @property
    def requirement(self) -> str: ...

    @property
    def pure(self) -> bool: ...


class Missing(Exception):
    """An engine that cannot take part; the message says why."""


def reason(text: str) -> str:
    """What pip says is the error: hints may follow it."""
    lines = text.strip().splitlines() or ["no message"]
    return next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1])


def python_of(name: str, requirement: str) -> str:
    """Python of the environment `build/peers/NAME`, which is made if it is not there for this version of Python."""
    folder, wanted = ENVIRONMENTS / name, f"{requirement} on {platform.python_version()}\n"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    made = folder / "made-for.txt"
    if not made.exists() or made.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        print(f"Installing {requirement} in build/peers/{name} ...", file=sys.stderr, flush=True)
        for command in (
            [sys.executable, "-m", "venv", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirement.split()],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise Missing(f"{requirement} could not be installed: {reason(done.stderr)}")
        made.write_text(wanted)
    return str(python)


def surroundings(engine: Needs) -> dict[str, str]:
    """Our own packages are on the path of the engines of this environment, and out of sight of all others."""
    variables = {key: value for key, value in os.environ.items() if key not in UNSEEN}
    if not engine.requirement:
        variables["PYTHONPATH"] = str(HERE.parent)
    if engine.pure:
        variables["AUTOGRAD_PURE_PYTHON"] = "1"
    return variables


class Worker:
    """The process of an engine, or of another `needs`: `script` in an environment of that `room`, or of the name."""

    def __init__(
        self,
        name: str,
        needs: Needs | None = None,
        script: str = "worker.py",
        arguments: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
        room: str = "",
    ) -> None:
        self.name, needs = name, needs or ENGINES[name]
        python = python_of(room or name, needs.requirement) if needs.requirement else sys.executable
        self.process = subprocess.Popen(
            [python, str(HERE / script), name, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**surroundings(needs), **(variables or {})},
        )
        try:
            hello = self._read()
            if "error" in hello:
                raise Missing(hello["error"])
        except BaseException:
            self.close()
            raise
        self.version: str = hello["version"]

    def _read(self) -> dict[str, Any]:
        line = self.process.stdout.readline()  # type: ignore[union-attr]
        if not line:
            raise Missing(f"the process of {self.name!r} ended with code {self.process.wait()}, see above")
        return json.loads(line)  # type: ignore[no-any-return]

    def ask(self, **request: Any) -> dict[str, Any]:
        self.process.stdin.write(json.dumps(request) + "\n")  # type: ignore[union-attr]
        self.process.stdin.flush()  # type: ignore[union-attr]
        return self._read()

    def close(self) -> None:
        """End the process; a worker that is in the middle of a request is not waited for."""
        self.process.terminate()
        self.process.communicate()
