"""python -m autograd.check_engine student.py: the report, and as exit status 0 when there are no findings, 1 when
there are, 2 when there is nothing to check."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from autograd.check_engine import check_engine


def main(argv: Sequence[str] | None = None) -> int:
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    parser = argparse.ArgumentParser(
        prog="python -m autograd.check_engine",
        description="Check a micrograd-style engine. The file is run, in a process of its own, which is no sandbox.",
    )
    parser.add_argument("file", help="the Python file that defines the class")
    parser.add_argument("--name", default="Value", help="the name of the class (default: Value)")
    parser.add_argument("--ignore", action="append", default=[], metavar="FINDING", help="does not count; repeatable")
    parser.add_argument("--time-limit", type=float, default=10.0, metavar="SECONDS", help="for each program")
    options = parser.parse_args(argv)
    try:
        report = check_engine(options.file, name=options.name, ignore=options.ignore, time_limit=options.time_limit)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(report)
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
