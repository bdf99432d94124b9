"""BLAS and LAPACK as SciPy brings them: the addresses of their functions, the number of their threads.

SciPy's wheels bring OpenBLAS along, which is opened as it is: to import `scipy.linalg` takes far longer. Other SciPys
are asked for the functions that they export to Cython modules. So compiled programs call them without Python between.
What a program calls is named `blas.dgemm` or `lapack.dgesv` in its text; only that is looked up.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...core.program import Equation
from ...errors import UnsupportedFunctionError
from .failures import fails
from .symbols import pointer, provides, signature


@provides("blas")
def _blas(name: str) -> int:
    return _in_wheel(name) or _exported("cython_blas", name)


@provides("lapack")
def _lapack(name: str) -> int:
    return _in_wheel(name) or _exported("cython_lapack", name)


def _in_wheel(name: str) -> int:
    """The address of a subroutine of the library in SciPy's wheel; 0 where there is none."""
    function = getattr(wheel(), f"scipy_{name}_", None)
    return ctypes.cast(function, ctypes.c_void_p).value or 0 if function else 0


@functools.cache
def wheel() -> Any:
    """The library of SciPy's wheel, which takes 32-bit integers; None where it cannot be had, or takes others."""
    for path in bundled("scipy"):
        try:
            library = ctypes.CDLL(path)
            config = library.scipy_openblas_get_config
        except (OSError, AttributeError):
            continue
        config.restype = ctypes.c_char_p
        if b"USE64BITINT" not in config():
            return library
    return None


def _exported(module: str, name: str) -> int:
    """The address of a subroutine that SciPy exports."""
    return checked(importlib.import_module(f"scipy.linalg.{module}").__pyx_capi__[name])


def checked(capsule: Any) -> int:
    """The address of a function that takes 32-bit integers."""
    text = signature(capsule)
    if "int *" not in text or "int64" in text:
        raise UnsupportedFunctionError(
            "this SciPy's BLAS and LAPACK do not take 32-bit integers",
            why=f"the signature of one of their functions is {text}",
            write="a SciPy from PyPI or conda-forge",
        )
    return pointer(capsule)


# working memory ------------------------------------------------------------------------------------------------------
def workspace(name: str, job: str, m: int, n: int) -> int:
    """The working memory that gesdd is fastest with, in elements: LAPACK is asked for it."""
    letter, k = name[0], min(m, n)
    dtype = {"s": np.float32, "d": np.float64, "c": np.complex64, "z": np.complex128}[letter]
    found, info, none = np.zeros(1, dtype), np.zeros(1, np.int32), np.zeros(1, dtype)
    ints = {v: np.array([v], np.int32) for v in {m, n, k, -1, 1}}
    ldvh = n if job == "A" else k
    ints[ldvh] = np.array([ldvh], np.int32)
    here = none.ctypes.data
    at = [ctypes.c_char_p(job.encode()), *(ints[v].ctypes.data for v in (m, n)), here, ints[m].ctypes.data, here, here]
    at += [ints[m].ctypes.data, here, ints[ldvh].ctypes.data, found.ctypes.data, ints[-1].ctypes.data]
    at += [here] * (2 if letter in "cz" else 1) + [info.ctypes.data]
    types = [ctypes.c_char_p, *[ctypes.c_void_p] * (len(at) - 1)]
    ctypes.CFUNCTYPE(None, *types)(_lapack(name))(*at)
    return int(found[0].real)


# what goes wrong -----------------------------------------------------------------------------------------------------
def linalg_error(kind: str, text: str) -> None:
    """A kind of failure that is NumPy's LinAlgError."""
    fails(kind)(lambda eq: np.linalg.LinAlgError(text))


linalg_error("singular", "Singular matrix")
linalg_error("not positive definite", "Matrix is not positive definite")
linalg_error("eigenvalues", "Eigenvalues did not converge")
linalg_error("not finite", "Array must not contain infs or NaNs")
linalg_error("svd", "SVD did not converge")
linalg_error("factorisation", "the factorisation failed")


@fails("singular triangle")
def _singular_triangle(eq: Equation | None, place: str) -> np.linalg.LinAlgError:
    return np.linalg.LinAlgError(f"singular matrix: resolution failed at {place}")


# threads -------------------------------------------------------------------------------------------------------------
def set_threads(n: int) -> bool:
    """Let matrix products use n threads; False where the library behind SciPy is none whose threads can be set."""
    found = openblas("set_num_threads")
    for f in found:
        f(n)
    return bool(found)


def threads() -> int | None:
    """How many threads matrix products use at most; None where that is not known."""
    found = openblas("get_num_threads")
    return int(found[0]()) if found else None


@functools.cache
def openblas(function: str) -> tuple[Any, ...]:
    """A function of each OpenBLAS in this process: SciPy's, then NumPy's."""
    _blas("dgemm")  # so that a library is there

    found = []
    for path in dict.fromkeys(openblas_files()):
        library = ctypes.CDLL(path)
        names = (f"{a}openblas_{function}{b}" for a in ("scipy_", "") for b in ("", "64_"))
        found += [f for f in (getattr(library, name, None) for name in names) if f is not None][:1]
    return tuple(found)


def openblas_files() -> Iterator[str]:
    """Files of OpenBLAS that this process has loaded: those that wheels bring along, and those in its memory map."""
    yield from bundled("scipy")
    yield from bundled("numpy")
    maps = Path("/proc/self/maps")
    if maps.exists():
        for line in maps.read_text().splitlines():
            path = line.partition("/")[1] + line.partition("/")[2]
            if "blas" in path and ".so" in path and "site-packages" not in path:
                yield path


def bundled(package: str) -> Iterator[str]:
    """The files of OpenBLAS in a package's wheel. The package is found, but not loaded."""
    found = importlib.util.find_spec(package)
    if found is not None and found.origin is not None:
        root = Path(found.origin).parent
        for folder in (root.parent / f"{root.name}.libs", root / ".dylibs"):
            yield from map(str, folder.glob("*openblas*"))
