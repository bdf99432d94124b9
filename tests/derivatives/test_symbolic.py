"""Symbolic differentiation: each entry of the table, structures, derivatives by SymPy, round trips, swell, refusals."""

import sys

import mpmath
import numpy as np
import pytest
import sympy as sp

import wengert as wg
from random_functions import random_function
from wengert import errors, symbolic
from wengert.core.primitive import REGISTRY
from wengert.core.program import Equation, Var
from wengert.core.types import type_of
from wengert.derivatives.symbolic.package import number, objects
from wengert.derivatives.symbolic.structure import HANDLERS, STRUCTURAL
from wengert.derivatives.symbolic.table import SEVERAL, TABLE, apply
from wengert.derivatives.symbolic.translate import PROGRAMS, Translation
from wengert.primitives import special

special.every()  # declares the special functions

x, y = sp.symbols("x y", real=True)


def numerical(e):
    """The value of a SymPy expression without symbols."""
    if e in (sp.true, sp.false):
        return bool(e)
    if not isinstance(e, sp.Expr):
        return bool(sp.simplify(e))
    value = complex(e.evalf(20))
    return value if value.imag else value.real


# the table -------------------------------------------------------------------------------------------------------
BITS = {"bitwise_and", "bitwise_or", "bitwise_xor", "invert"}  # of conditions only, which they have no samples of


@pytest.mark.parametrize("name", sorted((set(TABLE) | set(SEVERAL)) - BITS))
def test_table_agrees_with_numpy_and_scipy(name):
    """Each primitive's own samples, evaluated by NumPy (SciPy) and by SymPy with 20 digits."""
    primitive = REGISTRY[name]
    entries = SEVERAL.get(name) or [TABLE[name]]
    checked = 0
    for sample in primitive.samples(np.random.default_rng(5)):
        args = [np.asarray(a) for a in sample.args]
        if name.startswith("eval_"):  # SymPy's polynomials have whole degrees
            args[0] = np.rint(args[0])
        outs = primitive.impl(*args, **sample.params)
        for entry, out in zip(entries, outs if primitive.multiple else [outs], strict=True):
            for index in list(np.ndindex(np.shape(out)))[:2]:
                each = [number(a[index] if a.shape else a[()]) for a in args]
                found, want = numerical(apply(sp, entry, *each)), np.asarray(out)[index]
                assert np.isclose(found, want, rtol=1e-9, atol=1e-12), (each, found, want)
                checked += 1
        if checked > 5:
            break
    assert checked


LINEAR = {"fft", "ifft", "rfft", "irfft"}  # by their matrices


@pytest.mark.parametrize("name", sorted((STRUCTURAL | set(HANDLERS) | LINEAR) - {"shift"}))
def test_structure_agrees_with_numpy(name):
    """Each primitive's own samples, with a symbol for each element, and numbers put in afterwards.

    (`shift` is subtracted before exp and added after log: expressions, which do not overflow, have 0 for it.)
    """
    primitive = REGISTRY[name]
    for count, sample in enumerate(primitive.samples(np.random.default_rng(5))):
        if count == (3 if name in LINEAR else 6):
            break
        values, numbers, atoms = [], {}, []
        for k, a in enumerate(sample.args):
            a = np.asarray(a)
            atoms.append(Var(type_of(a)))
            if a.dtype.kind not in "fc":
                values.append(a)
                continue
            kind = {"real": True} if a.dtype.kind == "f" else {"complex": True}
            symbols = np.array([sp.Symbol(f"a{k}_{i}", **kind) for i in range(a.size)], object).reshape(a.shape)
            numbers.update(zip(symbols.reshape(-1), map(number, a.reshape(-1)), strict=True))
            values.append(symbols)
        want = primitive.impl(*sample.args, **sample.params)
        eq = Equation(primitive, atoms, sample.params, [Var(type_of(want))])
        (found,) = Translation().equation(eq, values)
        assert found.shape == np.shape(want)
        got = [numerical(e.xreplace(numbers)) for e in objects(found).reshape(-1)]
        np.testing.assert_allclose(got, np.ravel(want), rtol=1e-9, atol=1e-9)


def test_every_primitive_is_translated_or_refused():
    """Nothing is translated by chance: what stands in no table has no expression."""
    known = {*TABLE, *SEVERAL, *STRUCTURAL, *HANDLERS, *PROGRAMS}
    assert known <= set(REGISTRY)
    v = Var(type_of(1.0))
    for name in ("argsort", "eigh", "svd", "round", "nextafter", "mathieu_a", "lstsq"):
        assert name not in known
        with pytest.raises(errors.NoExpressionError, match=name):
            Translation().equation(Equation(REGISTRY[name], [v], {}, [v]), [objects(x)])


# expressions -----------------------------------------------------------------------------------------------------
def test_the_functions_of_the_seeds():
    g = symbolic.expression(lambda x, y: 5 + x * y, 2.0, 3.0)
    f = symbolic.expression(lambda x, y: x**2 * y + y + 2, 3.0, 4.0)
    assert g.value == 5 + x * y and f.value == x**2 * y + y + 2
    assert g.gradient((0, 1)).value == (y, x)
    assert f.gradient((0, 1)).value == (2 * x * y, x**2 + 1)
    assert f.gradient((0, 1))(3.0, 4.0) == (24.0, 10.0)
    assert f.symbols == (x, y)
    assert str(f) == "x**2*y + y + 2" and f.latex() == "x^{2} y + y + 2" and f._repr_latex_().startswith("$")


def test_derivatives_are_sympys(rng):
    def f(x, y):
        return x * np.exp(-(x**2 + y**2) / 2) + np.arctan2(y, x) * np.log1p(y * y)

    e = symbolic.expression(f, 2.0, 0.5)
    want = x * sp.exp(-(x**2 + y**2) / 2) + sp.atan2(y, x) * sp.log(1 + y**2)
    assert sp.simplify(e.value - want) == 0
    for k, s in enumerate((x, y)):
        assert sp.simplify(e.gradient(k).value - want.diff(s)) == 0
    assert sp.simplify(e.hessian(0).value - want.diff(x, 2)) == 0
    np.testing.assert_allclose(e.gradient((0, 1))(2.0, 0.5), wg.grad(f, (0, 1))(2.0, 0.5), rtol=1e-13)
    assert symbolic.grad(f, (0, 1))(2.0, 0.5) == pytest.approx(wg.grad(f, (0, 1))(2.0, 0.5), rel=1e-13)


def test_derivatives_by_symbol():
    e = symbolic.expression(lambda x, p: {"y": np.sin(x) * p, "n": x**2}, 1.0, np.ones(2))
    d = e.derivative("x")
    assert d.value == {"y": sp.Array([sp.cos(x) * s for s in e.symbols[1]]), "n": 2 * x}
    assert e.derivative("x", "p_0").value["y"][0] == sp.cos(x)
    assert e.derivative(e.symbols[0], "x", "x").value["n"] == 0
    kept = symbolic.expression(logistic(3), 0.3, cse=True).derivative("x", "x")
    assert kept(0.3) == pytest.approx(wg.grad(wg.grad(logistic(3)))(0.3), rel=1e-12)
    with pytest.raises(errors.ArgumentError, match="p_0, p_1"):
        e.derivative("z")


def test_numbers_are_written_as_they_were_meant():
    e = symbolic.expression(lambda x: 0.5 * x + 2.0 * x**3.0 + np.pi + 0.1 * x**-1, 1.0)
    assert e.value == x / 2 + 2 * x**3 + sp.pi + sp.Float(0.1) / x
    assert e(0.7) == 0.5 * 0.7 + 2 * 0.7**3 + np.pi + 0.1 / 0.7
    assert number(np.longdouble("0.1")).evalf(18) == sp.Float("0.100000000000000000", 18)
    assert number(np.inf) == sp.oo and number(-np.inf) == -sp.oo and number(np.nan) is sp.nan
    assert number(1.5 - 2j) == sp.Rational(3, 2) - 2 * sp.I


def test_arrays_and_structures_have_the_users_names(rng):
    def layer(params, v):
        return {"out": np.tanh(params["w"] @ v + params["b"]), "norm": np.sum(v**2)}

    args = {"w": rng.normal(size=(2, 3)), "b": rng.normal(size=2)}, rng.normal(size=3)
    e = symbolic.expression(layer, *args)
    assert str(e.value["norm"]) == "v_0**2 + v_1**2 + v_2**2"
    assert str(e.value["out"][0]) == "tanh(params_b_0 + params_w_0_0*v_0 + params_w_0_1*v_1 + params_w_0_2*v_2)"
    J, exact = e.jacobian(), wg.jacobian(layer)(*args)
    assert J.value["out"]["w"].shape == (2, 2, 3)
    wg.tree_map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), J(*args), exact)
    both = e.jacobian((0, 1))(*args)
    wg.tree_map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), both, wg.jacobian(layer, (0, 1))(*args))


def test_symbols_are_taken_as_they_are():
    a, b = sp.symbols("a b", positive=True)
    assert symbolic.expression(lambda s, t: np.sqrt(s**2) * t, a, b).value == a * b
    M = sp.Matrix([[a, b], [b, a]])
    assert sp.expand(symbolic.expression(np.linalg.det, M).value) == a**2 - b**2
    assert sp.simplify(symbolic.expression(np.linalg.inv, M).value[0, 1] + b / (a**2 - b**2)) == 0
    assert symbolic.expression(lambda v: v.sum(), np.array([a, b])).value == a + b


def test_integers_stay_numbers():
    e = symbolic.expression(lambda x, n: sum(x**k for k in range(n)), 0.5, 4)
    assert e.value == 1 + x + x**2 + x**3
    assert e(2.0, 4) == 15
    with pytest.raises(errors.ArgumentError, match="made for the number 4"):
        e(2.0, 5)
    with pytest.raises(errors.NonDifferentiableInputError, match="argument 1"):
        e.gradient(1)


def test_empty_arrays_and_no_axes():
    assert symbolic.expression(lambda x: np.sum(x) + 1.0, np.zeros(0)).value == 1
    assert symbolic.expression(lambda x: 2 * x, np.zeros((0, 2))).value.shape == (0, 2)
    assert symbolic.expression(lambda x: 2 * x, np.array(3.0)).value == 2 * x
    assert symbolic.expression(lambda x: 2 * x, np.zeros((0, 2)))(np.zeros((0, 2))).shape == (0, 2)


def test_choices_are_piecewise():
    def f(x):
        return wg.numpy.where(x > 1, x**2, 2 * x - 1)

    assert symbolic.expression(f, 0.5).value == sp.Piecewise((x**2, x > 1), (2 * x - 1, True))

    def branch(x):
        if x > 1:
            return x**2
        return 2 * x - 1

    for g in (branch, lambda x: wg.cond(x > 1, lambda x: x**2, lambda x: 2 * x - 1, x)):
        e = symbolic.expression(g, 0.5)
        assert e.value == sp.Piecewise((x**2, x > 1), (2 * x - 1, True))
        assert [e.gradient()(v) for v in (0.5, 3.0)] == [2, 6]
    three = symbolic.expression(lambda i, x: wg.switch(i, [np.sin, np.cos, np.exp], x), 1, 0.5)
    assert three.value == sp.cos(x)


def test_logic():
    def f(x):
        inside = ((x > 0) & (x < 1)) | ((x > 2) ^ (x > 3))
        return wg.numpy.where(~inside, x, 2 * x)

    e = symbolic.expression(f, 0.5)
    for v in (-1.0, 0.5, 1.5, 2.5, 3.5):
        assert e(v) == e.value.subs(x, v) == f(np.float64(v))


def test_conditions_are_numbers_too():
    e = symbolic.expression(lambda x: np.sum(x > 0) * x[0] + (x[0] > x[1]) * 3.0, np.ones(2))
    for v in ([1.0, 2.0], [-1.0, 2.0], [3.0, -2.0]):
        assert e(np.array(v)) == (np.array(v) > 0).sum() * v[0] + (v[0] > v[1]) * 3.0
    with pytest.raises(errors.NoExpressionError, match="index of gather"):
        symbolic.expression(lambda x: x[np.int64(1) * (x[0] > 0)], np.ones(2))


@pytest.mark.parametrize("seed", [1, 15, 19, 21, 22, 28, 38, 52, 103])
def test_random_control_flow(seed, rng):
    """Branches, loops of known length, early returns, assignments: as expressions they compute what Python does."""
    f, _ = random_function(seed)
    e = symbolic.expression(f, 0.3, 0.7, np.ones(4), cse=bool(seed % 2))
    for _ in range(4):
        args = float(rng.normal()), float(rng.normal()), rng.normal(size=4)
        assert e(*args) == pytest.approx(f(*args), rel=1e-12)
        assert e.derivative("x")(*args) == pytest.approx(wg.grad(wg.jit(f))(*args), rel=1e-10)


def test_kinks_have_our_conventions():
    assert symbolic.grad(abs)(0.0) == wg.grad(abs)(0.0) == 0
    tie = symbolic.expression(np.maximum, 1.0, 1.0).gradient((0, 1))
    assert tie(2.0, 2.0) == (0.5, 0.5) and tie(1.0, 2.0) == (0, 1)
    assert symbolic.expression(np.floor, 0.5).gradient().value == 0
    assert symbolic.expression(abs, 0.5).hessian().value == 0  # no delta function at the kink


def test_complex_numbers():
    def wave(z):
        return np.exp(1j * z) * z

    at = 0.3 + 0.1j
    assert symbolic.grad(wave)(at) == pytest.approx(wg.grad(wave, holomorphic=True)(at))
    with pytest.raises(errors.NoExpressionError, match="derivative"):
        symbolic.expression(lambda z: np.conj(z) * z, 1 + 2j).gradient()


def test_custom_rules_and_compiled_functions_are_looked_into():
    @wg.custom_jvp
    def f(x):
        return np.sin(x) * x

    f.defjvp(lambda primals, tangents: (f(*primals), 0.0 * tangents[0]))
    assert symbolic.expression(f, 1.0).value == x * sp.sin(x)
    assert symbolic.expression(wg.jit(lambda x: np.exp(x) * 2), 1.0).value == 2 * sp.exp(x)
    assert symbolic.expression(wg.checkpoint(np.cos), 1.0).value == sp.cos(x)


# derivatives by us, written as expressions -------------------------------------------------------------------------
@pytest.mark.parametrize("f", [np.tanh, lambda x: x**3 * np.log(x), lambda x: np.logaddexp(x, 1.0), np.arctan,
                               lambda x: np.sqrt(1 + x * x), lambda x: wg.scipy.special.erf(x) / x])  # fmt: skip
def test_our_derivative_is_sympys(f):
    """The program of wg.grad as an expression, against SymPy's derivative of the program of f."""
    ours, sympys = symbolic.expression(wg.grad(f), 0.5).value, symbolic.expression(f, 0.5).gradient().value
    for v in (0.3, 1.7):
        assert ours.subs(x, v).evalf(30) == pytest.approx(sympys.subs(x, v).evalf(30), abs=1e-13)


def test_against_fifty_digits():
    e = symbolic.expression(lambda x: np.exp(np.sin(x)) / (1 + x**2), 1.0).gradient()
    with mpmath.workdps(50):
        want = mpmath.diff(lambda t: mpmath.exp(mpmath.sin(t)) / (1 + t**2), mpmath.mpf("0.7"))
        assert abs(e.value.subs(x, sp.Rational(7, 10)).evalf(50) - want) < mpmath.mpf(10) ** -40


# common subexpressions -------------------------------------------------------------------------------------------
def logistic(n):
    def f(x):
        for _ in range(n):
            x = 4 * x * (1 - x)
        return x

    return f


def test_intermediate_values_are_kept_apart():
    e = symbolic.expression(logistic(3), 0.3, cse=True)
    v1, v2 = sp.symbols("v1 v2", real=True)
    assert e.assignments == [(v1, 4 * x * (1 - x)), (v2, 4 * v1 * (1 - v1))]
    assert e.value == 4 * v2 * (1 - v2)
    assert str(e).splitlines()[0] == "v1 = 4*x*(1 - x)"
    assert "aligned" in e.latex()
    d = e.gradient()
    assert d(0.3) == pytest.approx(wg.grad(logistic(3))(0.3), rel=1e-14)
    plain = d.value.subs(list(reversed(d.assignments)))
    assert sp.expand(plain - symbolic.expression(logistic(3), 0.3).gradient().value) == 0
    assert e.hessian()(0.3) == pytest.approx(wg.hessian(logistic(3))(0.3), rel=1e-12)


def test_names_do_not_collide():
    e = symbolic.expression(lambda v1, x, x_0: np.sum(np.sin(v1 * x)) + x_0 + np.sin(v1 * x[0]), 1.0, np.ones(2), 2.0,
                            cse=True)  # fmt: skip
    assert len({str(s) for s in e.variables} | {str(s) for s, _ in e.assignments}) == 4 + len(e.assignments)
    assert e(1.0, np.array([0.1, 0.2]), 2.0) == pytest.approx(2 * np.sin(0.1) + np.sin(0.2) + 2)


# swell -----------------------------------------------------------------------------------------------------------
def test_swell_is_exponential_and_the_program_linear():
    sizes = [symbolic.swell(logistic(n), 0.3) for n in range(2, 26)]
    gradients = np.array([s.gradient for s in sizes], float)
    assert np.all(gradients[1:] > 2 * gradients[:-1])  # n 2^n
    for k in ("shared", "program_equations", "adjoint_equations"):
        steps = np.diff([getattr(s, k) for s in sizes])
        assert steps.min() == steps.max() > 0
    assert sizes[18].gradient > 10**7 > 10**4 > sizes[18].adjoint
    assert "written out" in str(sizes[0])


def test_swell_is_that_of_a_plain_differentiator():
    """Against textbook rules on tuples: size of the derivative of 4 x (1 - x), composed with itself."""

    def size(e):
        return 0 if isinstance(e, str | int) else len(e) - 2 + sum(map(size, e[1:]))

    def diff(e):
        if isinstance(e, str | int):
            return int(e == "x")
        if e[0] == "+":
            terms = [d for d in map(diff, e[1:]) if d != 0]
            return terms[0] if len(terms) == 1 else ("+", *terms)
        terms = []
        for k in range(1, len(e)):
            d = diff(e[k])
            if d != 0:
                factors = [*(f for j, f in enumerate(e) if j not in (0, k)), *([] if d == 1 else [d])]
                terms.append(("*", *factors) if len(factors) > 1 else factors[0])
        return terms[0] if len(terms) == 1 else ("+", *terms)

    e = "x"
    for n in range(1, 7):
        e = ("*", 4, e, ("+", 1, ("*", -1, e)))
        s = symbolic.swell(logistic(n), 0.3)
        assert (s.function, s.gradient) == (size(e), size(diff(e)))


def test_swell_of_sympys_own_derivative():
    """What SymPy forms, and simplifies as it goes, is as large within a factor of two."""
    for n in (3, 5, 7):
        formed = symbolic.expression(logistic(n), 0.3).gradient().operations
        assert 0.5 < formed / symbolic.swell(logistic(n), 0.3).gradient < 2


def test_swell_of_the_example_is_none():
    s = symbolic.swell(lambda x, y: x**2 * y + y + 2, 3.0, 4.0)
    assert s.function == 4 and s.gradient <= 8


# round trips -----------------------------------------------------------------------------------------------------
ROUND = {
    "elementary": (lambda x: np.exp(-x) * np.sin(x) + np.log(x) ** 2 / np.cosh(x) - np.cbrt(x), 0.7),
    "powers": (lambda x: x**0.5 + x**3 + x**-2.5 + 2.0**x, 0.7),
    "special": (lambda x: wg.scipy.special.gammaln(x) + wg.scipy.special.erf(x) * wg.scipy.special.jv(1, x), 0.7),
    "integrals": (lambda x: wg.scipy.special.expi(x) + wg.scipy.special.exp1(x), 0.7),
    "inverse": (lambda x: np.arcsin(x) + np.arctanh(x) - np.arccos(x) * np.arcsinh(x), 0.7),
    "steps": (lambda x: np.floor(3 * x) + np.sign(x) * np.abs(x) + np.minimum(x, 0.5) + np.mod(x, 0.3), 0.7),
    "choice": (lambda x: wg.numpy.where((x > 0.5) & (x < 2), x**2, 0.0), 0.7),
    "array": (lambda x: np.cumsum(np.sin(x)) * x[::-1] + np.linalg.norm(x), np.array([0.3, 0.5, 0.9])),
    "matrix": (lambda A: np.linalg.solve(A + 3 * np.eye(2), A[0]), np.array([[0.3, 0.5], [0.9, 0.1]])),
    "determinant": (lambda A: np.linalg.slogdet(A @ A.T - np.eye(2)), np.array([[0.3, 0.5], [0.9, 0.1]])),
    "mean and variance": (lambda x: (np.mean(x), {"var": np.var(x)}), np.array([0.3, 0.5, 0.9])),
    "softmax": (lambda x: wg.scipy.special.softmax(x)[0], np.array([0.3, 0.5, 0.9])),
    "fft": (lambda x: np.fft.rfft(x).real, np.array([0.3, 0.5, 0.9, 0.2])),
    "maximum": (lambda x: np.max(x) * np.prod(x), np.array([0.3, 0.5, 0.9])),
    "indexing": (lambda x: x[np.array([2, 0, 0])] * x[1:2], np.array([0.3, 0.5, 0.9])),
}


@pytest.mark.parametrize("cse", [False, True])
@pytest.mark.parametrize("name", ROUND)
def test_round_trip(name, cse):
    f, at = ROUND[name]
    e = symbolic.expression(f, at, cse=cse)
    g = e.function()

    def close(a, b):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)

    wg.tree_map(close, g(at), f(at))
    wg.tree_map(close, wg.jacobian(g)(at), wg.jacobian(f)(at))  # ours, through the function that came back
    wg.tree_map(close, e.jacobian()(at), wg.jacobian(f)(at))  # SymPy's


def test_from_sympy():
    f = symbolic.from_sympy(x**2 * y + y + 2, (x, y))
    assert f(3.0, 4.0) == 42 and wg.grad(f, (0, 1))(3.0, 4.0) == (24, 10)
    assert "return" in f.source
    np.testing.assert_allclose(symbolic.from_sympy(sp.sin(x), x)(np.array([0.1, 0.2])), np.sin([0.1, 0.2]))
    np.testing.assert_allclose(wg.jit(f)(3.0, np.array(4.0)), 42)
    np.testing.assert_allclose(wg.vmap(f)(np.arange(3.0), np.ones(3)), np.arange(3.0) ** 2 + 3)
    assert [eq.primitive.name for eq in wg.trace(f)(3.0, 4.0).equations][-1] == "add"


def test_from_sympy_takes_structures_and_matrices():
    M = sp.Matrix([[x, y], [y, x]])
    f = symbolic.from_sympy({"det": M.det(), "inverse": M.inv()}, [{"a": x, "b": y}])
    got = f({"a": 3.0, "b": 1.0})
    assert got["det"] == 8
    np.testing.assert_allclose(got["inverse"], np.linalg.inv([[3, 1], [1, 3]]))
    v = sp.Array(sp.symbols("v:3", real=True))
    g = symbolic.from_sympy([v[0] * v[1], v[2]], [v])
    np.testing.assert_allclose(g(np.array([2.0, 3.0, 5.0])), [6, 5])


@pytest.mark.parametrize("e", [
    sp.expint(1, x), sp.zeta(x + 2), sp.elliptic_k(x / 2), sp.elliptic_e(x / 2), sp.hyper([1], [2], x), sp.LambertW(x),
    sp.erfinv(x / 2), sp.uppergamma(2, x), sp.lowergamma(2, x), sp.polygamma(2, x), sp.digamma(x), sp.loggamma(x),
    sp.besselj(1, x), sp.besselk(0, x), sp.Max(x, y, 0), sp.Min(x, 1 - x), sp.Heaviside(x), sp.Mod(x, y),
    sp.atan2(y, x), sp.sinc(x), sp.acoth(1 / x), sp.sec(x), sp.factorial(x), sp.Ei(x), sp.chebyshevt(5, x),
    sp.Piecewise((x, sp.And(x > 0, y > 0)), (y, sp.Or(x < -1, sp.Not(y > 3))), (0, True)), sp.cot(x), sp.Abs(x - y),
])  # fmt: skip
def test_functions_of_sympy_come_back(e):
    f = symbolic.from_sympy(e, (x, y))
    at = {x: sp.Rational(7, 10), y: sp.Rational(3, 10)}
    assert f(0.7, 0.3) == pytest.approx(float(e.subs(at).evalf()), rel=1e-11)


def test_from_sympy_refuses():
    with pytest.raises(errors.UnsupportedFunctionError, match="counterpart"):
        symbolic.from_sympy(sp.meijerg([[1], [2]], [[3], [4]], x), x)
    with pytest.raises(errors.ArgumentError, match="no arguments: y"):
        symbolic.from_sympy(x + y, x)
    f = symbolic.from_sympy(x + y, (x, y))
    with pytest.raises(errors.ArgumentError, match="2 arguments"):
        f(1.0)


# refusals --------------------------------------------------------------------------------------------------------
def test_the_loop_of_the_seeds_has_no_expression_but_a_program():
    def z(a, b):
        z = 0.5
        for i in range(100):
            z = a * np.cos(z + i) + z * np.sin(b - i)
        return z

    with pytest.raises(errors.NoExpressionError, match=r"\de30 operations") as caught:
        symbolic.expression(z, 1.0, 2.0)
    assert "z = a * np.cos(z + i)" in str(caught.value)
    kept = symbolic.expression(z, 1.0, 2.0, cse=True)
    assert kept.gradient((0, 1))(1.0, 2.0) == pytest.approx(wg.grad(z, (0, 1))(1.0, 2.0), rel=1e-10)


def test_loops_of_known_length_are_written_out():
    e = symbolic.expression(lambda x: wg.scan(lambda c, a: (c * a, c), x, np.array([1.0, 2.0, 3.0])), 2.0)
    assert e.value == (6 * x, sp.Array([x, x, 2 * x]))
    assert symbolic.expression(lambda x: wg.fori_loop(0, 3, lambda i, v: v * x + i, 1.0), 2.0)(2.0) == 8 + 0 + 2 + 2


def test_refusals_name_the_line_and_the_way_out():
    def newton(x):
        while abs(x * x - 2) > 1e-9:
            x = (x + 2 / x) / 2
        return x

    with pytest.raises(errors.NoExpressionError, match="until a condition") as caught:
        symbolic.expression(newton, 1.0)
    assert "while abs(x * x - 2) > 1e-9" in str(caught.value) and "wg.grad" in str(caught.value)
    for f in (lambda x: wg.while_loop(lambda v: v < 9, lambda v: v * v, x), lambda x: np.sort(x * np.ones(2)),
              lambda x: wg.stop_gradient(x) * x, lambda x: np.linalg.eigvalsh(x * np.eye(2))):  # fmt: skip
        with pytest.raises(errors.NoExpressionError):
            symbolic.expression(f, 2.0)

    def nested(x):
        for _ in range(400):
            x = np.sin(x)
        return x

    with pytest.raises(errors.NoExpressionError, match="400 deep"):
        symbolic.expression(nested, 2.0)
    assert symbolic.expression(nested, 2.0, cse=True).gradient()(0.3) == pytest.approx(wg.grad(nested)(0.3), rel=1e-12)
    for long in (lambda x: wg.fori_loop(0, 10**6, lambda i, v: v + x, x), lambda x: np.sum(x * np.ones(10**6))):
        with pytest.raises(errors.NoExpressionError, match="single numbers"):
            symbolic.expression(long, 2.0, cse=True)
    with pytest.raises(errors.NoExpressionError, match="9 unknowns"):
        symbolic.expression(np.linalg.inv, np.eye(9))
    with pytest.raises(errors.NonScalarOutputError, match="jacobian"):
        symbolic.expression(np.sin, np.ones(2)).gradient()
    with pytest.raises(errors.NonDifferentiableInputError):
        symbolic.expression(np.sin, "x")


def test_without_sympy_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(errors.MissingPackageError, match=r"pip install wengert\[symbolic\]"):
        symbolic.expression(np.sin, 1.0)
    assert issubclass(errors.MissingPackageError, ImportError)


def test_simplified():
    e = symbolic.expression(lambda x: np.sin(x) ** 2 + np.cos(x) ** 2, 1.0)
    assert e.simplified().value == 1
