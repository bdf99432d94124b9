"""check_grads: derivatives against differences of the function, in every mode and to every order.

A random unit direction d through the arguments x, and a random unit adjoint w of the results, compare

    forward   jvp(f, x, d)        with   (f(x + e d) - f(x - e d)) / 2e, every element
    reverse   <vjp(f, x)(w), d>   with   <w, (f(x + e d) - f(x - e d)) / 2e>

and then the same is asked of the derivative itself, as a function of x, for each sequence of modes. One direction costs
two calls of f, however many inputs there are; only where it disagrees are the elements looked at one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .api import jvp, vjp
from .core.call import check_callable, name_of
from .core.options import positive, several, whole
from .core.program import Equation, Literal, Program
from .core.record import record
from .core.tree import flatten, unflatten
from .core.types import dtype_of, is_inexact, shape_of
from .derivatives import numeric
from .errors import GradientCheckError, Source, UnsupportedFunctionError, WengertError, user_source

__all__ = ["check_grads"]

Flat = Callable[..., tuple[Any, ...]]  # from the floating-point leaves of the arguments to those of the result
Arrays = Sequence[Any]

_MODES = {"forward": "forward", "fwd": "forward", "reverse": "reverse", "rev": "reverse"}
_ONE_TRIANGLE = {"cholesky", "eigh", "eigvalsh"}  # primitives that read one triangle of a Hermitian matrix
_ONE_BY_ONE = 64  # elements that are looked at one by one, after halving


def check_grads(
    fun: Callable[..., Any],
    args: Any = None,
    order: int = 2,
    modes: Sequence[str] | str = ("forward", "reverse"),
    atol: float | None = None,
    rtol: float | None = None,
    eps: float | None = None,
    *,
    rng: np.random.Generator | int | None = None,
) -> Any:
    """Raise GradientCheckError unless the derivatives of `fun` at `args` agree with differences of `fun`.

    Law: `|found - expected| <= atol + rtol |expected|` in each mode ("forward", "reverse"; also "fwd", "rev") and, for
    order n, in all 2^n sequences of modes. args: the tuple of arguments, structures of real or complex arrays and
    numbers; integers and booleans among them are held fixed. Without args a checker is returned: `check_grads(f)(x)`.

    rtol: eps^0.4, atol: eps^0.6 max(1, abs(f)), for the spacing eps of the coarsest dtype in arguments or results (5e-7
    and 4e-10 in float64, 2e-3 and 7e-5 in float32). eps: the step along the unit direction; by default eps^(1/3) times
    the size of the arguments, and what disagrees there is judged again by extrapolated differences before it is
    reported. rng: a generator or seed of the directions (0 by default, so that a check is repeatable).

    The error names mode, order, argument and index, both numbers, and the primitive with the user's line whose rule is
    wrong, where one is found. fun must be smooth at args: differences see both sides of a kink. cholesky, eigh and
    their kin read one triangle of a matrix, and have their derivatives in the space of Hermitian matrices: where fun
    applies one of them, an argument that is exactly Hermitian is moved within that space.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.check_grads(lambda p: np.exp(p["a"]) * p["b"], ({"a": np.ones(3), "b": 2.0},), order=2)
    """
    if args is None:
        return lambda *xs: check_grads(fun, xs, order, modes, atol, rtol, eps, rng=rng)
    check_callable(fun, "check_grads")
    arguments = tuple(args) if isinstance(args, tuple | list) else (args,)
    names = several(modes, str, "modes")
    for mode in names:
        if mode not in _MODES:
            raise UnsupportedFunctionError(
                f"check_grads has no mode {mode!r}",
                why="derivatives are checked in forward and in reverse mode",
                write=f"one of {', '.join(_MODES)}",
            )
    f, xs, paths = _flat(fun, arguments)
    dtypes = {dtype_of(v) for v in (*xs, *f(*xs))}
    spacing = max((float(np.finfo(t).eps) for t in dtypes), default=1.0)
    checker = _Checker(
        name_of(fun),
        [_MODES[mode] for mode in names],
        spacing**0.6 if atol is None else positive(atol, "atol", zero=True),
        spacing**0.4 if rtol is None else positive(rtol, "rtol", zero=True),
        atol is None,
        eps,
        np.random.default_rng(0 if rng is None else rng),
        paths,
        user_source(),
    )
    checker.check(f, xs, whole(order, "order", 1), ())
    return None


def _flat(fun: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Flat, list[Any], list[str]]:
    """The function of its floating-point leaves, these leaves, and where in the arguments each stands."""
    leaves, tree = flatten(args)
    active = [k for k, x in enumerate(leaves) if is_inexact(dtype_of(x))]
    accessors = tree.accessors()
    paths = [accessors[k][1:].codify(f"argument {accessors[k][0].entry}") for k in active]

    def flat(*xs: Any) -> tuple[Any, ...]:
        full = list(leaves)
        for k, x in zip(active, xs, strict=True):
            full[k] = x
        return tuple(y for y in flatten(fun(*unflatten(tree, full)))[0] if is_inexact(dtype_of(y)))

    flat.__name__ = name_of(fun)
    return flat, [leaves[k] for k in active], paths


@dataclass
class _Checker:
    """The settings of one check, and the recursion over modes and orders."""

    name: str
    modes: list[str]
    atol: float
    rtol: float
    scaled: bool  # is atol multiplied by max(1, |f|)?
    step: float | None
    rng: np.random.Generator
    paths: list[str]
    where: Source | None
    hermitian: tuple[bool, ...] = ()  # the arguments that are moved within Hermitian matrices

    def check(self, f: Flat, xs: Arrays, order: int, history: tuple[str, ...]) -> None:
        """Every mode at this order, and each derivative to the orders above."""
        if not xs or order < 1:
            return
        for mode in self.modes:
            d, w = self.direction(xs), self.unit(f(*xs))
            if not self.agrees(f, xs, mode, d, w):
                if self.hermitian or not self.reads_one_triangle(f, xs):
                    raise self.report(f, xs, (*history, mode), w)
                return self.check(f, xs, order, history)
            if order > 1:
                self.check(_derivative(f, mode, d, w), xs, order - 1, (*history, mode))

    def unit(self, xs: Arrays) -> list[Any]:
        """A random direction in the space of these arrays, of length one, larger for large arrays."""
        ds = []
        for x in xs:
            d = self.rng.normal(size=shape_of(x))
            if dtype_of(x).kind == "c":
                d = d + 1j * self.rng.normal(size=shape_of(x))
            ds.append(d * max(1.0, float(np.max(np.abs(x), initial=0.0))))
        length = np.sqrt(sum(float(np.sum(np.abs(d) ** 2)) for d in ds)) or 1.0
        return [np.asarray(d / length).astype(dtype_of(x))[()] for d, x in zip(ds, xs, strict=True)]

    def direction(self, xs: Arrays) -> list[Any]:
        """A random direction in which the arguments move: Hermitian matrices within their space."""
        ds = self.unit(xs)
        for k, hermitian in enumerate(self.hermitian):
            if hermitian:
                ds[k] = _hermitian_part(ds[k])
        return ds

    def reads_one_triangle(self, f: Flat, xs: Arrays) -> bool:
        """Does f read one triangle of a matrix, and is an argument Hermitian? Then it is moved as such from now on."""
        hermitian = tuple(map(_is_hermitian, xs))
        if any(hermitian) and any(eq.primitive.name in _ONE_TRIANGLE for eq in record(f, list(xs)).equations):
            self.hermitian = hermitian
        return bool(self.hermitian)

    def agrees(self, f: Flat, xs: Arrays, mode: str, d: Arrays, w: Arrays) -> bool:
        """Does the derivative along d agree with differences? The second opinion is extrapolated."""
        found = _found(f, xs, mode, d, w)
        methods = ("central", "ridders") if self.step is None else ("central",)
        for method in methods:
            expected = numeric.directional(f, tuple(xs), tuple(d), method, self.step)
            if all(self.excess(f, xs, found, expected, mode, w) <= 1):
                return True
        return False

    def excess(self, f: Flat, xs: Arrays, found: Arrays, expected: Arrays, mode: str, w: Arrays) -> np.ndarray:
        """The errors in units of what is allowed: of each element (forward), or of the inner product (reverse)."""
        y = _vector(f(*xs))
        atol = self.atol * (max(1.0, float(np.max(abs(y), initial=0.0))) if self.scaled else 1.0)
        e = _vector(expected)
        if mode == "forward":
            error, allowed = abs(_vector(found) - e), atol + self.rtol * abs(e)
        else:
            error = abs(np.asarray([found[0] - _pair(w, expected)]))
            allowed = np.asarray([np.linalg.norm(_vector(w) * (atol + self.rtol * abs(e)))])
        with np.errstate(all="ignore"):
            excess = np.where(error == 0, 0, error / allowed)
        return np.where(np.isfinite(excess), excess, np.inf)

    # the report ----------------------------------------------------------------------------------------------------
    def report(self, f: Flat, xs: Arrays, history: tuple[str, ...], w: Arrays) -> GradientCheckError:
        """The error, naming the element that is most wrong and the primitive that made it so."""
        mode = history[-1]
        leaf, index, output, expected, found = self.worst(f, xs, mode, w)
        path = self.paths[leaf] + (f", index {index}" if index else "")
        if output is not None:
            path += f" (its effect on {output})"
        relative = abs(found - expected) / abs(expected) if expected else np.inf
        suspect, source = self.suspect(f, xs, mode)
        lines = "".join(
            f"\n  {name + ':':<10} {text}"
            for name, text in (
                ("mode", " over ".join(reversed(history)) + f", order {len(history)}"),
                ("in", path),
                ("found", f"{found:.12g}   (the derivative rule)"),
                ("expected", f"{expected:.12g}   (differences of the function)"),
                ("error", f"{relative:.2g} relative, {abs(found - expected):.2g} absolute"),
                ("primitive", f"{suspect}, applied at {source}" if suspect else ""),
            )
            if text
        )
        error = GradientCheckError(
            f"the derivative of {self.name} is wrong: {mode} mode, order {len(history)}{lines}",
            why="the derivative rule and the function disagree, or the function is not smooth here",
            write="correct the rule that is named; at a kink check another point, and for functions that vary over "
            "lengths far from their argument's give eps, the step of the differences",
            where=self.where,
        )
        error.mode, error.order, error.argument, error.index = mode, len(history), self.paths[leaf], index  # type: ignore[attr-defined]
        error.expected, error.found, error.primitive = expected, found, suspect  # type: ignore[attr-defined]
        return error

    def worst(self, f: Flat, xs: Arrays, mode: str, w: Arrays) -> tuple[int, tuple[int, ...], str | None, Any, Any]:
        """The input element (and in forward mode the output) whose derivative is most wrong, with both numbers."""
        places = [(j, k) for j, x in enumerate(xs) for k in range(int(np.prod(shape_of(x), dtype=int)))]
        while len(places) > _ONE_BY_ONE:
            halves = places[: len(places) // 2], places[len(places) // 2 :]
            places = max(halves, key=lambda half: self.error_along(f, xs, mode, self.part(xs, half), w)[0])
        tried = [(self.error_along(f, xs, mode, e, w), j, k) for j, k in places for e in _unit_vectors(xs, j, k)]
        (_, i, expected, found), j, k = max(tried, key=lambda t: t[0][0])
        index = tuple(int(n) for n in np.unravel_index(k, shape_of(xs[j])))
        output = _output_name(f(*xs), i) if mode == "forward" else None
        return j, index, output, expected, found

    def error_along(self, f: Flat, xs: Arrays, mode: str, d: Arrays, w: Arrays) -> tuple[float, int, Any, Any]:
        """The largest excess along a direction: its size, which result, and both numbers."""
        found = _found(f, xs, mode, d, w)
        expected = numeric.directional(f, tuple(xs), tuple(d), "central" if self.step else "ridders", self.step)
        excess = self.excess(f, xs, found, expected, mode, w)
        i = int(np.argmax(excess))
        if mode == "reverse":
            return float(excess[0]), 0, _pair(w, expected), found[0]
        return float(excess[i]), i, _vector(expected)[i], _vector(found)[i]

    def part(self, xs: Arrays, places: list[tuple[int, int]]) -> list[Any]:
        """A random direction in which only these elements move."""
        d = self.unit(xs)
        kept = [np.zeros(shape_of(x), dtype_of(x)) for x in xs]
        for j, k in places:
            kept[j].flat[k] = np.asarray(d[j]).flat[k]
        return [v[()] for v in kept]

    def suspect(self, f: Flat, xs: Arrays, mode: str) -> tuple[str, str]:
        """The first primitive that f applies whose own derivative is wrong, and the user's line that applied it."""
        try:
            found = self.first_wrong(record(f, list(xs)), xs, mode)
        except (WengertError, ArithmeticError, IndexError, ValueError, TypeError):
            return "", ""  # a hint only: what cannot be recorded has none
        if found is None:
            return "", ""
        rule, source = found.params.get("rule"), found.source
        name = found.primitive.name + (f"[{rule.__name__}]" if rule is not None else "")
        return name, f"{source}    {source.text}".rstrip() if source else "an unknown line"

    def first_wrong(self, program: Program, xs: Arrays, mode: str) -> Equation | None:
        """The first equation whose derivative is wrong; within a loop or a branch the one that makes it so."""
        for eq, args, active in _applications(program, xs):
            g, values = _applied(eq, args, active), [args[k] for k in active]
            d, w = self.unit(values), self.unit(g(*values))
            if eq.primitive.name in _ONE_TRIANGLE:
                d = [_hermitian_part(t) if _is_hermitian(x) else t for t, x in zip(d, values, strict=True)]
            if not self.agrees(g, values, mode, d, w):
                inner = (self.first_wrong(body, rows, mode) for body, rows in _bodies(eq, args))
                return next((e for e in inner if e is not None), eq)
        return None


def _is_hermitian(x: Any) -> bool:
    shape = shape_of(x)
    square = len(shape) >= 2 and shape[-1] == shape[-2]
    return square and bool(np.array_equal(x, np.conj(np.swapaxes(x, -1, -2))))


def _hermitian_part(x: Any) -> Any:
    return (x + np.conj(np.swapaxes(x, -1, -2))) / 2


def _derivative(f: Flat, mode: str, d: Arrays, w: Arrays) -> Flat:
    """The derivative in one mode, in a fixed direction, as a function of the arguments."""
    if mode == "forward":
        return lambda *xs: jvp(f, xs, tuple(d))[1]
    return lambda *xs: vjp(f, *xs)[1](tuple(w))


def _found(f: Flat, xs: Arrays, mode: str, d: Arrays, w: Arrays) -> Any:
    """By the rules: the tangents of the results (forward), or <A^T w, d> (reverse)."""
    if mode == "forward":
        return jvp(f, tuple(xs), tuple(d))[1]
    return [_pair(vjp(f, *xs)[1](tuple(w)), d)]


def _pair(adjoints: Arrays, tangents: Arrays) -> Any:
    """Re sum x_bar x_dot: adjoints pair with tangents without conjugation."""
    return np.sum((_vector(adjoints) * _vector(tangents)).real)


def _vector(arrays: Arrays) -> np.ndarray:
    """All elements one after the other."""
    return np.concatenate([np.ravel(a) for a in arrays]) if len(arrays) else np.zeros(0)


def _unit_vectors(xs: Arrays, j: int, k: int) -> Iterator[list[Any]]:
    """The direction in which only element k of array j moves; also along i where it is complex."""
    for unit in (1, 1j) if dtype_of(xs[j]).kind == "c" else (1,):
        e = [np.zeros(shape_of(x), dtype_of(x)) for x in xs]
        e[j].flat[k] = unit
        yield [v[()] for v in e]


def _output_name(ys: Arrays, i: int) -> str:
    """Which element of the results is the i-th of all."""
    for n, y in enumerate(ys):
        size = int(np.prod(shape_of(y), dtype=int))
        if i < size:
            index = tuple(int(m) for m in np.unravel_index(i, shape_of(y)))
            name = f"result {n}" if len(ys) > 1 else "the result"
            return name + (f", index {index}" if index else "")
        i -= size
    return "the result"


def _applications(program: Program, xs: Arrays) -> Iterator[tuple[Equation, list[Any], list[int]]]:
    """Each equation with its arguments at this point, and which of them depend on the inputs."""
    env: dict[Any, Any] = dict(program.constants)
    env.update(zip(program.inputs, xs, strict=True))
    reached = set(program.inputs)
    for eq in program.equations:
        args = [a.value if isinstance(a, Literal) else env[a] for a in eq.inputs]
        active = [k for k, a in enumerate(eq.inputs) if a in reached and is_inexact(dtype_of(args[k]))]
        y = eq.primitive(*args, **eq.params)
        env.update(zip(eq.outputs, y if eq.primitive.multiple else [y], strict=True))
        if active:
            reached.update(eq.outputs)
            yield eq, args, active


def _applied(eq: Equation, args: Arrays, active: Sequence[int]) -> Flat:
    """The primitive as a function of some of its arguments: its floating-point results."""

    def apply(*xs: Any) -> tuple[Any, ...]:
        full = list(args)
        for k, x in zip(active, xs, strict=True):
            full[k] = x
        y = eq.primitive(*full, **eq.params)
        return tuple(v for v in (y if eq.primitive.multiple else [y]) if is_inexact(dtype_of(v)))

    return apply


def _bodies(eq: Equation, args: Arrays) -> Iterator[tuple[Program, list[Any]]]:
    """The programs within an equation, each with arguments: the last ones of the equation, of rows the first."""
    for param in eq.params.values():
        for body in param if isinstance(param, tuple) else (param,):
            if isinstance(body, Program):
                last = args[len(args) - len(body.inputs) :]
                rows = [x if shape_of(x) == v.type.shape else x[0] for x, v in zip(last, body.inputs, strict=True)]
                yield body, rows
