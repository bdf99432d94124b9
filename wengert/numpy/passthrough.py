"""The rest of NumPy under its own names: what needs no derivative, and what has none (it says so on tracers)."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from .dispatch import refuse

_NAMESPACE = __name__.rpartition(".")[0]


def __getattr__(name: str) -> Any:
    """A name of NumPy's that we have nothing of our own for: constants, dtypes, `errstate`, `random`, `testing`.

    A function that is then called with a tracer asks `dispatch.array_function`, which refuses it with the reason.
    """
    if name in np.__all__ or not name.startswith("_"):
        try:
            return getattr(np, name)
        except AttributeError:
            pass
    raise AttributeError(f"module {_NAMESPACE!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """NumPy's names, and ours."""
    return sorted({*np.__all__, *vars(sys.modules[_NAMESPACE])})


_REASONS: dict[str, tuple[Any, ...]] = {
    "it writes values to a file; return them from the function (has_aux=True) and save them outside": (
        np.save, np.savez, np.savez_compressed, np.savetxt,
    ),
    "it is a function of bits": (np.packbits, np.unpackbits),
    "it is a function of dates": (np.busday_count, np.busday_offset, np.is_busday, np.datetime_as_string),
}  # fmt: skip
for _reason, _functions in _REASONS.items():
    for _f in _functions:
        refuse(_f, _reason)
