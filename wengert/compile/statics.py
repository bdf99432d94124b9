"""Which arguments of a function are static: the numbers and names that its user gave, each completed by the other."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ..core.call import name_of
from ..core.options import several
from ..errors import StructureError

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def static_arguments(
    fun: Callable[..., Any], numbers: int | Sequence[int], names: str | Sequence[str]
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The positions (from the end where the signature is not known) and the keywords of the static arguments."""
    given, keywords = several(numbers, int, "static_argnums"), several(names, str, "static_argnames")
    if not given and not keywords:
        return (), ()
    check_kinds(fun, given, keywords)
    try:
        parameters = list(inspect.signature(fun).parameters.values())
    except (TypeError, ValueError):
        return given, keywords
    kinds = {p.kind for p in parameters}
    ordered = [p.name for p in parameters if p.kind in _POSITIONAL]
    positions = [k + len(ordered) if k < 0 and inspect.Parameter.VAR_POSITIONAL not in kinds else k for k in given]
    if inspect.Parameter.VAR_POSITIONAL not in kinds:
        bad = [k for k, at in zip(given, positions, strict=True) if not 0 <= at < len(ordered)]
        if bad:
            raise out_of_range(fun, f"static_argnums={bad[0]}", ordered)
    unknown = [n for n in keywords if n not in {p.name for p in parameters}]
    if unknown and inspect.Parameter.VAR_KEYWORD not in kinds:
        raise out_of_range(fun, f"static_argnames={unknown[0]!r}", [p.name for p in parameters])
    positions += [ordered.index(n) for n in keywords if n in ordered]
    keywords += tuple(ordered[k] for k in positions if 0 <= k < len(ordered))
    return tuple(dict.fromkeys(positions)), tuple(dict.fromkeys(keywords))


def check_kinds(fun: Callable[..., Any], numbers: Sequence[Any], names: Sequence[Any]) -> None:
    """Positions are integers and names are strings."""
    positions = [(k, int, "static_argnums") for k in numbers]
    for x, kind, option in [*positions, *((n, str, "static_argnames") for n in names)]:
        if not isinstance(x, kind) or isinstance(x, bool):
            raise StructureError(
                f"{option} of jit({name_of(fun)}) holds {x!r}",
                why=f"it names arguments by {'position' if kind is int else 'name'}",
                write=f"{option}={'1' if kind is int else repr('n')}, or a tuple of such",
            )


def out_of_range(fun: Callable[..., Any], option: str, names: Sequence[str]) -> StructureError:
    """The error for an argument that the function does not have."""
    return StructureError(
        f"jit got {option}, and {name_of(fun)} has no such argument",
        why=f"its arguments are {', '.join(names) or 'none'}",
        write="the position or the name of one of them",
    )
