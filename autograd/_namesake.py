"""The package `autograd` of HIPS has the same import name; pip overwrites one with the other without a word."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Iterable


def warn(folders: Iterable[str] = sys.path) -> None:
    """Warn when the distribution `autograd` (HIPS) stands in one of the import folders."""
    for folder in folders:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if re.fullmatch(r"autograd-[^-]+\.(dist-info|egg-info)", name):
                warnings.warn(
                    f"The package 'autograd' by HIPS is installed too ({os.path.join(folder, name)}), under the same"
                    " import name: pip overwrites one with the other.\n"
                    "  Give each its own environment: pip uninstall autograd, then install this one again, with"
                    " pip install --force-reinstall.",
                    stacklevel=3,
                )
                return
