"""Files that are whole or not there, and sums that say whether they were changed."""

from __future__ import annotations

import json
import os
import secrets
import stat
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any


def digest(content: Mapping[str, Any]) -> str:
    """The SHA-256 of what will be JSON, whatever the order of its keys: it finds damage, it is no signature."""
    return sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()


def write_whole(path: str | os.PathLike[str], text: str) -> None:
    """Write an ASCII text in one step: all of it is on the disk before it gets the name; an old file stays till then.

    The new one has its mode: whoever could read it can, and nobody else. Raises FileNotFoundError where there is no
    such folder.
    """
    path = Path(os.path.realpath(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {path.parent} to save {path.name} in.\n  A folder is not made: it may be misspelt.\n"
            f"  Write os.makedirs({str(path.parent)!r}) first."
        )
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(new, "x", encoding="ascii") as file:
            if path.exists():
                os.chmod(new, stat.S_IMODE(path.stat().st_mode))  # before there is anything to read
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
