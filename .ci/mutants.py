"""Runs the mutation test of mutants.toml and compares the mutants that survive with those known to be equivalent.

`make mutants [ARGUMENTS=--again]`; --again runs only the survivors of the last run. The mutants live in copies below
build/mutants, one for each core, so that the working tree stays as it is. Exit status 1 where a survivor is not
listed in mutants_equivalent.txt.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "mutants"
CONFIGURATION = ROOT / ".ci" / "mutants.toml"
COMMANDS = Path(sys.executable).parent
EQUIVALENT = ROOT / ".ci" / "mutants_equivalent.txt"


def main(argv: list[str]) -> int:
    again = argv == ["--again"] and BUILD.exists()
    cores = os.cpu_count() or 1
    copies = [BUILD / f"copy{i}" for i in range(cores)]
    for copy in copies:
        shutil.rmtree(copy, ignore_errors=True)
        for folder in ("autograd", "nn", "demos", "tests", "benchmarks"):
            shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
        for file in [*filter(Path.is_file, ROOT.iterdir()), ROOT / ".ci" / "mutant.sh"]:
            shutil.copy(file, copy)
        # Bytecode of all that no mutant touches; the tests run without writing any, which might outlive its mutant.
        subprocess.run([sys.executable, "-m", "pytest", "-q", "--collect-only"], cwd=copy, stdout=subprocess.DEVNULL)
    run("cosmic-ray", "baseline", CONFIGURATION, cwd=copies[0])  # the tests pass without a fault, or all is in vain
    if not again:
        for old in BUILD.glob("*.sqlite"):
            old.unlink()
        everything = BUILD / "everything.sqlite"
        run("cosmic-ray", "init", CONFIGURATION, everything, cwd=copies[0])
        run("cr-filter-operators", everything, CONFIGURATION, cwd=copies[0])
        for i in range(cores):
            take_share(everything, BUILD / f"results{i}.sqlite", i, cores)
        everything.unlink()
    workers = []
    for copy, results in zip(copies, sorted(BUILD.glob("results*.sqlite"))):
        if again:
            with sqlite3.connect(results) as database:
                database.execute("DELETE FROM work_results WHERE test_outcome = 'SURVIVED'")
        command = [COMMANDS / "cosmic-ray", "exec", CONFIGURATION, results]
        workers.append(subprocess.Popen(command, cwd=copy, env=environment(copy)))
    for worker in workers:
        worker.wait()
    return report()


def run(command: str, *arguments: Path | str, cwd: Path) -> None:
    subprocess.run([COMMANDS / command, *arguments], cwd=cwd, env=environment(cwd), check=True)


def environment(copy: Path) -> dict[str, str]:
    path = os.pathsep.join([str(COMMANDS), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}


def take_share(everything: Path, share: Path, i: int, cores: int) -> None:
    """Every so-many-th mutant: each core has a list of its own."""
    shutil.copy(everything, share)
    with sqlite3.connect(share) as database:
        jobs = [job for (job,) in database.execute("SELECT job_id FROM work_items ORDER BY rowid")]
        for table in ("work_results", "mutation_specs", "work_items"):
            others = [(job,) for place, job in enumerate(jobs) if place % cores != i]
            database.executemany(f"DELETE FROM {table} WHERE job_id = ?", others)


def report() -> int:
    """Prints the counts, the survivors that nobody has explained, and the explanations that no survivor needs."""
    query = """SELECT module_path, operator_name, diff, test_outcome, worker_outcome
               FROM mutation_specs JOIN work_results USING (job_id)"""
    rows = []
    for results in BUILD.glob("results*.sqlite"):
        with sqlite3.connect(results) as database:
            rows += database.execute(query).fetchall()
    counts: dict[str, int] = {}
    survivors = []
    for module, operator, diff, outcome, worker in rows:
        state = outcome or worker  # a mutant that the configuration leaves out has no outcome
        counts[state] = counts.get(state, 0) + 1
        if state not in ("KILLED", "SKIPPED"):
            survivors.append(f"{module} | {operator.removeprefix('core/')} | {changed_line(diff)}")
    listed = re.findall(r"^(\S.*?)\n +#", EQUIVALENT.read_text(), re.MULTILINE)
    unknown = [survivor for survivor in survivors if survivor not in listed]
    print(", ".join(f"{count} {state.lower()}" for state, count in sorted(counts.items())))
    print(f"{len(survivors) - len(unknown)} survivors are listed as equivalent.")
    for survivor in unknown:
        print(f"survived: {survivor}")
    for line in listed:
        if line not in survivors:
            print(f"listed, but killed or gone: {line}")
    return bool(unknown)


def changed_line(diff: str) -> str:
    """The mutated line as a whole, without its indentation."""
    return next(line[1:].strip() for line in diff.splitlines() if line[:1] == "+" and line[:3] != "+++")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
