"""Functions of SciPy that are not differentiated: SciPy's own on plain arrays, errors that say why on traced ones."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ..errors import UnsupportedFunctionError
from ..numpy.dispatch import any_traced

_NO_RULE = "it has no derivative rule here"


def guarded(module: ModuleType, name: str, reasons: Mapping[str, tuple[str, str]]) -> Any:
    """What a module of SciPy has under a name; a function of it refuses traced arguments.

    reasons: by name, why there is no derivative, and what to write instead.
    """
    f = getattr(module, name)
    if not callable(f):
        return f
    path = f"{module.__name__}.{name}"
    ours = (
        f"compose it of functions that wengert.{module.__name__} or wengert.numpy have, or give it a derivative with "
    )
    why, write = reasons.get(name, (_NO_RULE, ours + "wg.custom_jvp or wg.custom_vjp"))

    @functools.wraps(f, updated=())
    def refusing(*args: Any, **kwargs: Any) -> Any:
        if any_traced(args) or any_traced(kwargs.values()):
            raise UnsupportedFunctionError(f"{path} is not differentiated", why=why, write=write)
        return f(*args, **kwargs)

    return f if isinstance(f, type) else refusing
