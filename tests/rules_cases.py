"""A primitive at one of its samples, and what the checks of rules have in common: transformations, comparisons."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wengert.core.primitive import Constant, Elementwise, Linear, Multilinear, Primitive, Sample
from wengert.core.types import ArrayType, dtype_of, shape_of, type_of
from wengert.derivatives import numeric
from wengert.transforms.jvp import jvp_flat
from wengert.transforms.linearize import linearize_flat
from wengert.transforms.tape import run_tape
from wengert.transforms.transpose import transpose_tape

Arrays = Sequence[Any]
Flat = Callable[..., list[Any]]


# a primitive at a sample ---------------------------------------------------------------------------------------------
@dataclass
class Case:
    """A primitive at one sample, as a flat function `f(*xs)` of its differentiable arguments."""

    primitive: Primitive
    sample: Sample
    active: tuple[int, ...]

    @property
    def xs(self) -> list[Any]:
        """The differentiable arguments."""
        return [self.sample.args[i] for i in self.active]

    @property
    def tolerance(self) -> float:
        """Relative error allowed against differences."""
        return self.sample.tolerance

    def arguments(self, xs: Arrays) -> list[Any]:
        """All arguments, with these in the places of the differentiable ones."""
        args = list(self.sample.args)
        for i, x in zip(self.active, xs, strict=True):
            args[i] = x
        return args

    def outputs(self, *args: Any) -> list[Any]:
        """All results as a list."""
        y = self.primitive(*args, **self.sample.params)
        return list(y) if self.primitive.multiple else [y]

    def f(self, *xs: Any) -> list[Any]:
        """The floating-point results."""
        return [y for y in self.outputs(*self.arguments(xs)) if dtype_of(y).kind in "fc"]

    def valid(self, *xs: Any) -> tuple[Any, ...]:
        """The arguments made valid again after a perturbation."""
        if self.sample.wrap is None:
            return xs
        args = self.sample.wrap(*self.arguments(xs))
        return tuple(args[i] for i in self.active)

    def rng(self, salt: int = 0) -> np.random.Generator:
        """Random numbers of this primitive, the same in every run."""
        return np.random.default_rng([zlib.crc32(self.primitive.name.encode()), salt])


def differentiates(primitive: Primitive, i: int) -> bool:
    """Does the primitive declare a derivative in its i-th argument?"""
    kind = primitive.kind
    if isinstance(kind, Constant):
        return False
    if isinstance(kind, Elementwise):
        return i < len(kind.partials) and kind.partials[i] is not None
    if (isinstance(kind, Linear) and kind.together is None) or isinstance(kind, Multilinear):
        return kind.transposes[i] is not None
    return True


def is_floating(x: Any) -> bool:
    """An array or NumPy scalar of real or complex numbers: Python numbers are constants written in place."""
    return isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "fc"


def case(primitive: Primitive, sample: Sample) -> Case:
    """The case of a sample as its author wrote it."""
    active = sample.differentiable
    if active is None:
        active = tuple(i for i, x in enumerate(sample.args) if is_floating(x) and differentiates(primitive, i))
    return Case(primitive, sample, tuple(active))


def cases(primitive: Primitive) -> list[Case]:
    """The samples that the primitive declares, and for pointwise ones those that follow by themselves."""
    samples = list(primitive.samples(np.random.default_rng(7)))
    assert samples, f"{primitive} has no samples"
    if primitive.pointwise:
        samples += derived_samples(primitive, samples)
    return [case(primitive, s) for s in samples]


def derived_samples(primitive: Primitive, samples: list[Sample]) -> Iterator[Sample]:
    """Pointwise operands may also be empty, 0-d, and scalar constants beside an array."""
    first = next((s for s in samples if any(np.size(x) > 1 for x in s.args)), None)
    if first is None:
        return
    shapes = {np.shape(x) for s in samples for x in s.args}
    for shape, pick in (((0,), lambda x: x.ravel()[:0]), ((), lambda x: x.ravel()[:1].reshape(()))):
        if shape not in shapes and first.wrap is None:
            yield replace(first, args=tuple(pick(x) if np.ndim(x) else x for x in first.args))
    if len(first.args) > 1:
        for i, x in enumerate(first.args):
            if is_floating(x) and x.ndim and first.differentiable is None:
                for number in (x.flat[0].item(), x.flat[0]):
                    args = (*first.args[:i], number, *first.args[i + 1 :])
                    rest = tuple(
                        k for k, a in enumerate(args) if k != i and is_floating(a) and differentiates(primitive, k)
                    )
                    yield replace(first, args=args, differentiable=rest)


# the transformations on flat functions, zeros materialised -----------------------------------------------------------
def filled(x: Any, like: Any) -> Any:
    """A symbolic zero as zeros."""
    return np.zeros(shape_of(like), dtype_of(like)) if x is None else x


def jvp(f: Flat, xs: Arrays, x_dots: Arrays) -> list[Any]:
    """Forward mode."""
    values, y_dots = jvp_flat(f, xs, x_dots)
    return [filled(d, y) for d, y in zip(y_dots, values, strict=True)]


def pushforward(f: Flat, xs: Arrays, x_dots: Arrays) -> list[Any]:
    """The tape, run forwards."""
    values, tape, ins, outs = linearize_flat(f, xs)
    return [filled(d, y) for d, y in zip(run_tape(tape, ins, outs, x_dots), values, strict=True)]


def vjp(f: Flat, xs: Arrays, y_bars: Arrays) -> list[Any]:
    """Reverse mode."""
    _, tape, ins, outs = linearize_flat(f, xs)
    return [filled(b, x) for b, x in zip(transpose_tape(tape, ins, outs, y_bars), xs, strict=True)]


# comparing -------------------------------------------------------------------------------------------------------
def random_like(rng: np.random.Generator, x: Any) -> Any:
    """A random array of the type of x, elements of size one."""
    shape, dtype = shape_of(x), dtype_of(x)
    d = rng.uniform(0.2, 1.0, shape) * rng.choice([-1, 1], shape)
    if dtype.kind == "c":
        d = d + 1j * rng.uniform(0.2, 1.0, shape) * rng.choice([-1, 1], shape)
    return np.asarray(d).astype(dtype)[()]


def close(found: Any, expected: Any, tolerance: float, what: str) -> None:
    """Equal up to a relative tolerance; shapes must be equal."""
    assert np.shape(found) == np.shape(expected), f"{what}: shape {np.shape(found)}, expected {np.shape(expected)}"
    least = 1e-3 if tolerance <= 1e-6 else 1.0
    size = max(least, float(np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))))
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=0.01 * tolerance * size, err_msg=what)


def all_close(found: Arrays, expected: Arrays, tolerance: float, what: str) -> None:
    """Equal, one by one."""
    assert len(found) == len(expected), f"{what}: {len(found)} results, expected {len(expected)}"
    for k, (a, b) in enumerate(zip(found, expected, strict=True)):
        close(a, b, tolerance, f"{what}, result {k}")


def pair(adjoints: Arrays, tangents: Arrays) -> float:
    """Re sum x_bar x_dot: adjoints pair with tangents without conjugation."""
    return float(sum(np.sum((b * t).real) for b, t in zip(adjoints, tangents, strict=True)))


def same_type(found: Any, expected: ArrayType, what: str) -> None:
    """Shape and dtype."""
    assert type_of(found) == expected, f"{what}: {type_of(found)}, expected {expected}"


def valid_tangents(c: Case, d: Arrays) -> list[Any]:
    """The direction in which the valid arguments move when they are perturbed along d."""
    if c.sample.wrap is None:
        return list(d)
    return list(numeric.directional(c.valid, tuple(c.xs), tuple(d), "ridders"))


def truth(c: Case, g: Flat, d: Arrays) -> list[Any]:
    """The derivative of a flat function of the arguments along d by extrapolated differences."""
    return numeric.directional(lambda *xs: g(*c.valid(*xs)), tuple(c.xs), tuple(d), "ridders")
