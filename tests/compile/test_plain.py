"""wengert/compile/plain.py: plain products first, and again with those that keep zeros; the truth is a closed form."""

import numpy
import pytest

import wengert as wg
from wengert.compile.native import Native
from wengert.compile.plain import with_plain_products
from wengert.compile.stages import Stages
from wengert.transforms.simplify import simplify

np = wg.numpy


def program_of(f, *args):
    return wg.trace(f)(*(wg.ArrayType(numpy.shape(a), numpy.float64) for a in args))


def products(program):
    """The names of the products in the program's last loop."""
    body = program.equations and [eq for eq in program.equations if eq.programs][-1].params["body"]
    return {str(eq.primitive) for eq in body.equations} & {"mul", "zero_safe_mul"}


def safe_root(c, x):
    """A root that the branch not taken does not see: at x = 0 its slope is infinite, its adjoint 0."""
    return np.where(x > 0, c * np.sqrt(x), c + 1.0)


def chain(c, xs):
    return wg.scan(lambda c, x: (safe_root(c, x), None), c, xs)[0]


def native_of(f, *args):
    return f.look(args, {}).native


def test_zeros_stay_zeros():
    """d/dxs and d/dc of a chain of roots, with zeros among them: those have no influence."""
    g = wg.jit(wg.grad(chain, argnums=(0, 1)))
    ones, zeros = numpy.array([1.0, 4.0, 9.0]), numpy.array([4.0, 0.0, 9.0])
    c, x = g(2.0, ones)
    assert native_of(g, 2.0, ones).careful is None
    assert c == 6.0
    numpy.testing.assert_allclose(x, 12.0 / (2.0 * ones), rtol=1e-14)  # c prod sqrt(x) = 12
    for _ in range(3):
        c, x = g(2.0, zeros)
        assert c == 6.0  # (2 sqrt(4) + 1) sqrt(9)
        numpy.testing.assert_allclose(x, [1.5, 0.0, 5.0 / 6.0], rtol=1e-14)
    assert native_of(g, 2.0, zeros).careful is not None
    numpy.testing.assert_allclose(g(2.0, ones)[1], 12.0 / (2.0 * ones), rtol=1e-14)


def test_entries_run_the_careful_program_once_it_was_needed():
    g = wg.jit(wg.grad(chain, argnums=1))
    zeros = numpy.array([4.0, 0.0, 9.0])
    g(2.0, zeros)
    g(2.0, zeros)
    native = native_of(g, 2.0, zeros)
    assert native.tables and all(table[1] == native.careful.address for table in native.tables)


def test_nan_that_is_one():
    g = wg.jit(wg.grad(chain, argnums=1))
    found = g(2.0, numpy.array([4.0, numpy.inf, 9.0]))
    wanted = wg.grad(chain, argnums=1)(2.0, numpy.array([4.0, numpy.inf, 9.0]))
    numpy.testing.assert_array_equal(found, wanted)
    assert numpy.isnan(g(numpy.nan, numpy.ones(3))).all()


def test_failures_keep_their_names():
    """After the change of programs, and before it, an error is the one that it was."""

    def f(c, xs, k):
        return chain(c, xs) * xs[k]

    g = wg.jit(wg.grad(f, argnums=1))
    zeros = numpy.array([4.0, 0.0, 9.0])
    for _ in range(2):
        with pytest.raises(IndexError, match="index 7 is out of bounds for axis 0 with size 3"):
            g(2.0, zeros, 7)
        numpy.testing.assert_allclose(g(2.0, zeros, 1), [0.0, 15.0, 0.0], atol=0)
        numpy.testing.assert_allclose(g(2.0, zeros, 0), [6.0 + 15.0, 0.0, 10.0 / 3.0], rtol=1e-14)


def test_products_are_plain_where_a_nan_is_seen():
    p = simplify(program_of(wg.grad(chain, argnums=(0, 1)), 1.0, numpy.ones(3)))
    assert "zero_safe_mul" in products(p)
    assert products(with_plain_products(p)) == {"mul"}


# what hides a NaN: the gradient of such a carry goes on from a decision on the adjoint
@wg.custom_vjp
def signed(x):
    return 1.0 * x


signed.defvjp(lambda x: (signed(x), None), lambda _, y_bar: (np.where(y_bar > 0.0, 1.0, -1.0),))


def test_products_stay_where_a_nan_is_hidden():
    def f(c, xs):
        return wg.scan(lambda c, x: (signed(c) * np.sqrt(x) + c, None), c, xs)[0]

    p = simplify(program_of(wg.grad(f), 1.0, numpy.ones(3)))
    assert "zero_safe_mul" in products(with_plain_products(p))


def test_programs_with_effects_stay():
    def f(c, xs):
        wg.print("c = {}", c)
        return chain(c, xs)

    p = simplify(program_of(wg.grad(f), 1.0, numpy.ones(3)))
    assert with_plain_products(p) is p


def test_large_products_stay():
    f = lambda c, xs: np.sum(wg.scan(lambda c, x: (safe_root(c, x), None), c, xs)[0])
    p = simplify(program_of(wg.grad(f), numpy.ones(1000), numpy.ones((3, 1000))))
    assert with_plain_products(p) is p


def test_careful_from_the_beginning():
    p = program_of(wg.grad(chain, argnums=1), 1.0, numpy.ones(3))
    native = Native(Stages(p, plain=False))
    numpy.testing.assert_allclose(
        native.run(numpy.asarray(2.0), numpy.array([4.0, 0.0, 9.0]))[0], [1.5, 0.0, 5.0 / 6.0], rtol=1e-14
    )
