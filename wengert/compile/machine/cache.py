"""Object code on disk: what was compiled for a text, by this compiler, for this CPU, in a folder of the user's own.

WENGERT_CACHE_DIR names the folder; empty, it switches the cache off. A file is checked before it is used, and damage is
as good as absence. Nothing here ever raises: where the folder cannot be had, everything is compiled.

hashlib, tempfile and importlib.resources are imported where they are needed: together they take as long to load as all
that `import wengert` needs of the compiler.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import llvm

LIMIT = 2**28  # bytes of all files together; the ones that were not used for longest go first
TRIM_EVERY = 32  # files written by this process between two looks at the folder's size
MAGIC = b"wengert object code 1\n"
SUFFIX = ".o"

_written = itertools.count()


def found_or_made(text: str, make: Callable[[], bytes]) -> tuple[bytes, bool]:
    """The object code of a text, and whether it was found on disk."""
    folder = directory()
    if folder is None:
        return make(), False
    path = folder / (key(text) + SUFFIX)
    code = read(path)
    if code is not None:
        return code, True
    code = make()
    write(path, code)
    return code, False


def sha256(data: bytes) -> Any:
    """A hash that can be updated."""
    import hashlib

    return hashlib.sha256(data)


def key(text: str) -> str:
    """What a text's code is found by: the text, what compiles it, and the machine that it is for."""
    h = sha256(compiler())
    h.update(text.encode())
    return str(h.hexdigest())


@functools.cache
def compiler() -> bytes:
    """What the code of one text may depend on: LLVM, the CPU, and the files that make code of texts."""
    from importlib import resources

    h = sha256(repr((MAGIC, llvm.description())).encode())
    mathlib = resources.files(f"{__package__.rpartition('.')[0]}.mathlib")
    for file in [resources.files(__package__) / "llvm.py", *sorted(mathlib.iterdir(), key=lambda f: f.name)]:
        if file.name.endswith(".py"):
            h.update(file.read_bytes())
    return bytes(h.digest())


# the folder ----------------------------------------------------------------------------------------------------------
def directory() -> Path | None:
    """The folder, made if need be; None where there is none that is the user's alone."""
    named = os.environ.get("WENGERT_CACHE_DIR")
    if named == "":
        return None
    try:
        return _private(Path(named) if named else default())
    except (OSError, RuntimeError):  # RuntimeError: there is no home directory
        return None


def default() -> Path:
    """Where this platform keeps such files."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "wengert"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "wengert" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wengert"


def _private(folder: Path) -> Path | None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid"):
        found = folder.stat()
        if found.st_uid != os.getuid() or found.st_mode & 0o022:
            return None  # others could put code there
    return folder


# files ---------------------------------------------------------------------------------------------------------------
def read(path: Path) -> bytes | None:
    """The code in a file; None, and no file, where it is not what was written."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    n = len(MAGIC) + sha256(b"").digest_size
    code = content[n:]
    if content[:n] != MAGIC + sha256(code).digest():
        with contextlib.suppress(OSError):
            path.unlink()
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # it was used: it is not the next to go
    return code


def write(path: Path, code: bytes) -> None:
    """Make a file, at once for all who read it."""
    import tempfile

    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        with os.fdopen(handle, "wb") as f:
            f.write(MAGIC + sha256(code).digest() + code)
        os.replace(temporary, path)
        if next(_written) % TRIM_EVERY == 0:
            trim(path.parent, keep=path)
    except OSError:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def trim(folder: Path, keep: Path) -> None:
    """Remove what was not used for longest, until the rest is within the limit."""
    files = []
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            if path != keep and path.suffix in (SUFFIX, ".part"):
                found = path.stat()
                files.append((found.st_mtime, found.st_size, path))
    size = sum(n for _, n, _ in files)
    for _, n, path in sorted(files, key=lambda f: f[0]):
        if size <= LIMIT:
            break
        with contextlib.suppress(OSError):
            path.unlink()
        size -= n
