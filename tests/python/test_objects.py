"""Operators, properties and dataclasses of the user's, whose methods decide on traced values."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest

import wengert as wg


@dataclass(eq=False)
class Interval:
    """From lo to hi."""

    lo: float
    hi: float

    def __add__(self, other):
        if isinstance(other, Interval):
            return Interval(self.lo + other.lo, self.hi + other.hi)
        return Interval(self.lo + other, self.hi + other)

    def __mul__(self, k):
        if k >= 0:
            return Interval(self.lo * k, self.hi * k)
        return Interval(self.hi * k, self.lo * k)

    def __rmul__(self, k):
        return self * k

    def __neg__(self):
        return -1 * self

    def __sub__(self, other):
        return self + (-other)

    @property
    def width(self):
        w = self.hi - self.lo
        if w < 0:
            w = -w
        return w

    @property
    def middle(self):
        return (self.lo + self.hi) / 2

    @middle.setter
    def middle(self, value):
        if value > 100:
            value = 100.0
        move = value - self.middle
        self.lo = self.lo + move
        self.hi = self.hi + move

    def __getitem__(self, i):
        if i > 0:
            return self.hi
        return self.lo

    def __contains__(self, x):
        return self.lo <= x and x <= self.hi

    def __lt__(self, other):
        if self.lo > 0:
            return self.hi < other.lo
        return self.hi * 2 < other.lo

    def __eq__(self, other):
        if self.lo > 0:
            return self.hi == other
        return self.lo == other

    def __iadd__(self, other):
        if other > 0:
            self.hi = self.hi + other
        else:
            self.lo = self.lo + other
        return self


def intervals(x, k):
    """All of its operators."""
    a = Interval(x, x + 1)
    b = k * a + 3 - a
    c = -b
    y = b.width + c.width * c.middle + b[1] * 2 + c[k]
    if 2.0 in b:
        y = y + 1
    if a < b:
        y = y * 2
    if a != 2.0 and a == x:
        y = y - 5
    b += k
    b.middle = y
    return y + b.lo * b.hi


@pytest.mark.parametrize("args", [(1.0, 2.0), (1.0, -2.0), (-3.0, 0.5), (200.0, 1.0)])
def test_operators_and_properties(args):
    assert wg.jit(intervals)(*args) == pytest.approx(intervals(*args), rel=1e-14)
    assert wg.jit(wg.grad(intervals))(*args) == pytest.approx(wg.grad(intervals)(*args), rel=1e-14)
    h = 1e-6
    x, k = args
    assert wg.grad(intervals)(*args) == pytest.approx((intervals(x + h, k) - intervals(x - h, k)) / (2 * h), rel=1e-5)


@dataclass
class Material:
    """With what follows from its moduli."""

    e: float
    nu: float
    first: float = 0.0

    def __post_init__(self):
        if self.nu > 0.4:
            self.first = self.e * 2
        else:
            self.first = self.e * self.nu

    @cached_property
    def second(self):
        return self.e / 2 if self.nu > 0 else self.e

    def stress(self, strain):
        if strain > 0:
            return self.first * strain
        return self.second * strain


@pytest.mark.parametrize("args", [(1.0, 0.45, 1.0), (1.0, 0.3, -1.0), (2.0, -0.1, -2.0)])
def test_dataclasses(args):
    def f(e, nu, strain):
        m = Material(e, nu)
        return m.stress(strain) + m.second

    assert wg.jit(f)(*args) == f(*args)
    assert wg.jit(wg.grad(f))(*args) == wg.grad(f)(*args)


class Left:
    """Adds to itself alone."""

    def __init__(self, x):
        self.x = x

    def __add__(self, other):
        return NotImplemented


class Right(Left):
    """Of a derived class, whose reflected method comes first."""

    __array_ufunc__ = None

    def __radd__(self, other):
        return self.x * 2 if self.x > 0 else self.x

    def __rmatmul__(self, other):
        return self.x * len(other)


def test_the_order_of_operands():
    def f(x):
        return (Left(x) + Right(x)) + (3 + Right(x)) + np.ones(2) @ Right(x)

    for x in (1.0, -1.0):
        assert wg.jit(f)(x) == f(x)
    with pytest.raises(TypeError, match="unsupported operand"):
        wg.jit(lambda x: Left(x) + 1)(1.0)
    with pytest.raises(AttributeError, match="nothing"):
        wg.jit(lambda x: Left(x).nothing)(1.0)
