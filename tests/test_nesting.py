"""Derivatives of derivatives: every order of the transformations, and nothing confused."""

import functools
import itertools
import math

import mpmath
import numpy as np
import pytest

import wengert as wg


# transformations as functions R -> R -> (R -> R), each the derivative ---------------------
def by_jvp(f):
    return lambda x: wg.jvp(f, (x,), (1.0,))[1]


def by_vjp(f):
    return lambda x: wg.vjp(f, x)[1](1.0)[0]


def by_linearize(f):
    return lambda x: wg.linearize(f, x)[1](1.0)


def by_jvp_of_product(f):
    """(x f)' - f, so that the argument is also used outside the inner function."""
    return lambda x: (wg.jvp(lambda y: y * f(y), (x,), (1.0,))[1] - f(x)) / x


def by_closure(f):
    """d/dy f(x + y) at y = 0: the outer variable is closed over."""
    return lambda x: wg.grad(lambda y: f(x + y))(0.0 * x)


def by_vmap_of_grad(f):
    return lambda x: np.sum(wg.vmap(wg.grad(f))(x * np.ones(2))) / 2


def by_grad_of_vmap(f):
    return lambda x: wg.grad(lambda y: np.sum(wg.vmap(f)(y * np.ones(3))) / 3)(x)


def by_trace(f):
    """The derivative recorded as a program, then evaluated."""
    return lambda x: wg.trace(wg.grad(f))(x)(x)


def of_trace(f):
    """The derivative of the recorded program."""
    return lambda x: wg.grad(wg.trace(f)(x))(x)


def of_checkpoint(f):
    return wg.grad(wg.checkpoint(f))


def by_checkpoint(f):
    return wg.checkpoint(wg.grad(f))


def through_branch(f):
    """The branch that is taken, beside one that is not."""
    return wg.grad(lambda x: wg.cond(x > -100.0, f, lambda x: x / 0.0 * x, x))


def through_scan(f):
    """One round of a loop, with the outer variable carried and closed over."""
    return lambda x: wg.grad(lambda y: wg.scan(lambda c, k: (f(c + 0 * x) + 0 * k, None), y, np.zeros(1))[0])(x)


def through_while(f):
    return wg.grad(lambda x: wg.while_loop(lambda s: s[1] < 1, lambda s: (f(s[0]), s[1] + 1), (x, 0))[0])


def by_custom_jvp(f):
    """A rule of its own for f, written with the derivative of f."""
    g = wg.custom_jvp(f)
    g.defjvp(lambda primals, tangents: wg.jvp(f, primals, tangents))
    return wg.grad(g)


def by_custom_vjp(f):
    g = wg.custom_vjp(f)
    g.defvjp(lambda x: (f(x), x), lambda x, y_bar: (wg.grad(f)(x) * y_bar,))
    return wg.grad(g)


DERIVATIVES = {
    "grad": wg.grad,
    "jvp": by_jvp,
    "vjp": by_vjp,
    "linearize": by_linearize,
    "jacfwd": wg.jacfwd,
    "jacrev": wg.jacrev,
    "jacobian": wg.jacobian,
    "product": by_jvp_of_product,
    "closure": by_closure,
    "vmap of grad": by_vmap_of_grad,
    "grad of vmap": by_grad_of_vmap,
    "program of grad": by_trace,
    "grad of program": of_trace,
    "grad of checkpoint": of_checkpoint,
    "checkpoint of grad": by_checkpoint,
    "branch": through_branch,
    "scan": through_scan,
    "while": through_while,
    "custom jvp": by_custom_jvp,
    "custom vjp": by_custom_vjp,
}

FUNCTIONS = {
    "sin": (np.sin, mpmath.sin),
    "exp(x) sin(x)": (lambda x: np.exp(x) * np.sin(x), lambda x: mpmath.exp(x) * mpmath.sin(x)),
    "x^7": (lambda x: x**7, lambda x: x**7),
    "1/(1+x)": (lambda x: 1 / (1 + x), lambda x: 1 / (1 + x)),
    "tanh": (np.tanh, mpmath.tanh),
    "log(1+x^2)": (lambda x: np.log(1 + x * x), lambda x: mpmath.log(1 + x * x)),
    "sqrt(x) cos(x^2)": (lambda x: np.sqrt(x) * np.cos(x * x), lambda x: mpmath.sqrt(x) * mpmath.cos(x * x)),
    "x^x": (lambda x: x**x, lambda x: x**x),
}


@functools.cache
def exact(f, n, x):
    """The n-th derivative at 40 digits."""
    with mpmath.workdps(40):
        return float(mpmath.diff(f, mpmath.mpf(x), n))


def nests(names, depth):
    """Every sequence of so many names, outermost first."""
    return pytest.mark.parametrize(
        "modes", list(itertools.product(names, repeat=depth)), ids=lambda m: " of ".join(f"({k})" for k in m)
    )


def nest(modes, f):
    """The derivative of the derivative of ... f."""
    for mode in reversed(modes):
        f = DERIVATIVES[mode](f)
    return f


@nests(DERIVATIVES, 2)
def test_second_derivatives_in_every_pair_of_ways(modes):
    for name, (f, truth) in FUNCTIONS.items():
        np.testing.assert_allclose(nest(modes, f)(0.7), exact(truth, 2, 0.7), rtol=1e-11, err_msg=name)


CORE = ("grad", "jvp", "linearize", "grad of vmap", "closure")


@nests(CORE, 3)
def test_third_derivatives_in_every_triple_of_ways(modes):
    f, truth = FUNCTIONS["exp(x) sin(x)"]
    np.testing.assert_allclose(nest(modes, f)(0.7), exact(truth, 3, 0.7), rtol=1e-11)


@nests(("grad", "jvp"), 4)
def test_fourth_derivatives(modes):
    for name in ("tanh", "x^x"):
        f, truth = FUNCTIONS[name]
        np.testing.assert_allclose(nest(modes, f)(0.7), exact(truth, 4, 0.7), rtol=1e-10)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("mode", ["grad", "jvp", "jacfwd", "jacrev", "linearize", "mixed"])
def test_derivatives_to_order_six(name, mode):
    f, truth = FUNCTIONS[name]
    g = f
    for n in range(1, 7):
        g = DERIVATIVES[("grad", "jvp")[n % 2] if mode == "mixed" else mode](g)
        np.testing.assert_allclose(g(0.7), exact(truth, n, 0.7), rtol=1e-9, err_msg=f"order {n}")


# perturbation confusion ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("outer", ["grad", "jvp", "linearize"])
@pytest.mark.parametrize("inner", ["grad", "jvp", "linearize"])
class TestPerturbationConfusion:
    """J. M. Siskind and B. A. Pearlmutter, Perturbation confusion and referential transparency (2005)."""

    def test_x_times_derivative_of_a_sum(self, outer, inner):
        """d/dx [x d/dy (x + y)] = 1, where a system that confuses the two says 2."""
        D, d = DERIVATIVES[outer], DERIVATIVES[inner]
        assert D(lambda x: x * d(lambda y: x + y)(1.0))(1.0) == 1.0

    def test_x_times_derivative_of_a_product(self, outer, inner):
        """d/dx [x d/dy (x y)] = d/dx x^2 = 2 x."""
        D, d = DERIVATIVES[outer], DERIVATIVES[inner]
        assert D(lambda x: x * d(lambda y: x * y)(2.0))(3.0) == 6.0

    def test_inner_derivative_at_the_outer_variable(self, outer, inner):
        """d/dx [d/dy (x y^2) at y = x] = d/dx 2 x^2 = 4 x."""
        D, d = DERIVATIVES[outer], DERIVATIVES[inner]
        assert D(lambda x: d(lambda y: x * y * y)(x))(3.0) == 12.0

    def test_inner_constant(self, outer, inner):
        """d/dx [d/dy x] = 0: the inner function does not use its variable."""
        D, d = DERIVATIVES[outer], DERIVATIVES[inner]
        assert D(lambda x: d(lambda y: x * x)(1.0) + x)(3.0) == 1.0

    def test_curried_function(self, outer, inner):
        """The derivative of a function that returns a function; each must keep its own perturbation."""
        D, d = DERIVATIVES[outer], DERIVATIVES[inner]

        def shift(u):
            return lambda f: lambda x: f(x + u)

        h = D(lambda u: d(shift(u)(np.exp))(0.5))(0.25)
        np.testing.assert_allclose(h, math.exp(0.75), rtol=1e-15)

    def test_three_levels(self, outer, inner):
        """d/dx x^2 d/dy [y x d/dz (x y z)] at y = x is d/dx x^2 (2 x^3) = 10 x^4, as d/dy x^2 y^2 = 2 x^2 y."""
        D, d = DERIVATIVES[outer], DERIVATIVES[inner]
        got = D(lambda x: x * x * d(lambda y: y * x * D(lambda z: x * y * z)(2.0))(x))(1.5)
        np.testing.assert_allclose(got, 10 * 1.5**4, rtol=1e-14)


def test_order_of_arguments_and_levels_does_not_matter():
    """x (outer) on the left, on the right, and both: operators go to the highest trace."""
    for f, want in [
        (lambda x, y: x - y, -1.0),
        (lambda x, y: y - x, 1.0),
        (lambda x, y: x / y, -3.0 / 4),
        (lambda x, y: y / x, 1 / 3),
        (lambda x, y: np.power(x, y), 9 * math.log(3)),
        (lambda x, y: np.arctan2(x, y), -3 / 13),
    ]:
        value, slope = wg.value_and_grad(lambda x, f=f: wg.grad(lambda y: f(x, y))(2.0))(3.0)
        np.testing.assert_allclose(value, want, rtol=1e-14)
        mixed = wg.numeric.grad(lambda x, f=f: wg.grad(lambda y: f(x, y))(2.0), method="ridders")(3.0)
        np.testing.assert_allclose(slope, mixed, rtol=1e-10)


# arrays --------------------------------------------------------------------------------------------------------------
def quartic(x):
    """sum_i x_i^2 x_{i+1} + sin(x_0) prod of the ends; smooth, not symmetric, its tensors dense enough."""
    return (x * x * np.exp(0.3 * x)).sum() + np.sin(x.sum()) * np.tanh((x * x).sum())


def truth_tensors(x):
    """Value, gradient, Hessian and third derivatives of quartic, by hand."""
    n = len(x)
    eye = np.eye(n)
    s, q = x.sum(), (x * x).sum()
    e = np.exp(0.3 * x)
    d1 = (2 * x + 0.3 * x**2) * e
    d2 = (2 + 1.2 * x + 0.09 * x**2) * e
    d3 = (1.8 + 0.54 * x + 0.027 * x**2) * e
    S = [math.sin(s), math.cos(s), -math.sin(s), -math.cos(s)]
    t = math.tanh(q)
    T = [t, 1 - t * t, -2 * t * (1 - t * t), (6 * t * t - 2) * (1 - t * t)]
    one = np.ones(n)
    u = 2 * x
    T1 = T[1] * u
    T2 = T[2] * np.multiply.outer(u, u) + 2 * T[1] * eye
    sym = sum(np.transpose(np.multiply.outer(2 * eye, u), p) for p in ((0, 1, 2), (0, 2, 1), (2, 0, 1)))
    T3 = T[3] * np.multiply.outer(np.multiply.outer(u, u), u) + T[2] * sym
    grad = d1 + S[1] * T[0] * one + S[0] * T1
    hess = np.diag(d2) + S[2] * T[0] * np.ones((n, n)) + S[0] * T2
    hess += S[1] * (np.multiply.outer(one, T1) + np.multiply.outer(T1, one))
    third = np.zeros((n, n, n))
    third[range(n), range(n), range(n)] = d3
    third += S[3] * T[0] + S[0] * T3
    for p in ((0, 1, 2), (1, 0, 2), (1, 2, 0)):
        third += S[2] * np.transpose(np.multiply.outer(np.multiply.outer(T1, one), one), p)
        third += S[1] * np.transpose(np.multiply.outer(T2, one), ((0, 1, 2), (0, 2, 1), (2, 1, 0))[p.index(0)])
    return grad, hess, third


X = np.array([0.3, -0.5, 0.8])
JACOBIANS = {"jacfwd": wg.jacfwd, "jacrev": wg.jacrev, "jacobian": wg.jacobian}


@pytest.mark.parametrize("outer", JACOBIANS)
@pytest.mark.parametrize("inner", [*JACOBIANS, "grad"])
def test_hessians_in_every_pair_of_modes(outer, inner):
    _, hess, _ = truth_tensors(X)
    got = JACOBIANS[outer]((JACOBIANS | {"grad": wg.grad})[inner](quartic))(X)
    np.testing.assert_allclose(got, hess, rtol=1e-12, atol=1e-13)


@nests(JACOBIANS, 3)
def test_third_derivative_tensors(modes):
    np.testing.assert_allclose(nest(modes, quartic)(X), truth_tensors(X)[2], rtol=1e-11, atol=1e-12)


def test_gradient_and_hessian_of_a_batch():
    xs = np.stack([X, -X, 2 * X])
    for f, k in ((wg.grad, 0), (wg.hessian, 1)):
        want = np.stack([truth_tensors(x)[k] for x in xs])
        np.testing.assert_allclose(wg.vmap(f(quartic))(xs), want, rtol=1e-12, atol=1e-13)


V, W = np.array([1.0, 0.2, -0.7]), np.array([0.4, -1.0, 0.9])

HVPS = {
    "forward over reverse": lambda f, x, v: wg.jvp(wg.grad(f), (x,), (v,))[1],
    "reverse over reverse": lambda f, x, v: wg.vjp(wg.grad(f), x)[1](v)[0],
    "reverse over forward": lambda f, x, v: wg.grad(lambda x: wg.jvp(f, (x,), (v,))[1])(x),
    "linearized gradient": lambda f, x, v: wg.linearize(wg.grad(f), x)[1](v),
    "gradient of a product": lambda f, x, v: wg.grad(lambda x: (wg.grad(f)(x) * v).sum())(x),
    "hvp": lambda f, x, v: wg.hvp(f, (x,), (v,)),
    "program": lambda f, x, v: wg.trace(lambda x, v: wg.hvp(f, (x,), (v,)))(x, v)(x, v),
    "hvp of a program": lambda f, x, v: wg.hvp(wg.trace(f)(x), (x,), (v,)),
    "of one lane": lambda f, x, v: wg.vmap(lambda v: wg.hvp(f, (x,), (v,)))(np.stack([v, 2 * v]))[1] / 2,
    "of lanes": lambda f, x, v: wg.vmap(lambda x, v: wg.hvp(f, (x,), (v,)))(np.stack([x, 0 * x]), np.stack([v, v]))[0],
}


@pytest.mark.parametrize("way", HVPS)
def test_hessian_times_vector_in_every_way(way):
    np.testing.assert_allclose(HVPS[way](quartic, X, V), truth_tensors(X)[1] @ V, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("inner", HVPS)
@pytest.mark.parametrize("outer", ["jvp", "vjp", "grad of product"])
def test_derivative_of_hessian_times_vector_in_every_way(inner, outer):
    """The third derivative tensor applied to two vectors."""
    want = np.einsum("ijk,j,k->i", truth_tensors(X)[2], V, W)

    def hv(x):
        return HVPS[inner](quartic, x, V)

    got = {
        "jvp": lambda: wg.jvp(hv, (X,), (W,))[1],
        "vjp": lambda: wg.vjp(hv, X)[1](W)[0],
        "grad of product": lambda: wg.grad(lambda x: (hv(x) * W).sum())(X),
    }[outer]()
    np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-12)


def test_vmap_of_vmap_of_mixed_derivatives():
    """d^2/dx dy of a function of two variables on a grid."""

    def f(x, y):
        return np.exp(x * y) * np.sin(x + 2 * y)

    xs, ys = np.linspace(0.1, 0.9, 3), np.linspace(-0.5, 0.5, 4)
    for outer, inner in itertools.product(("grad", "jvp", "linearize"), repeat=2):

        def mixed(x, y, outer=outer, inner=inner):
            return DERIVATIVES[outer](lambda x: DERIVATIVES[inner](lambda y: f(x, y))(y))(x)

        got = wg.vmap(wg.vmap(mixed, in_axes=(None, 0)), in_axes=(0, None))(xs, ys)
        x, y = xs[:, None], ys[None, :]
        s, c, e = np.sin(x + 2 * y), np.cos(x + 2 * y), np.exp(x * y)
        want = e * ((1 + x * y) * s + (2 * y + x) * c - 2 * s)
        np.testing.assert_allclose(got, want, rtol=1e-12)


def test_gradients_of_pullbacks_with_respect_to_the_adjoint():
    """A pullback is linear: its derivative in the adjoint is the pushforward."""

    def f(x):
        return np.sin(x) * x[::-1]

    _, pull = wg.vjp(f, X)
    got = wg.jacobian(lambda w: pull(w)[0])(np.ones(3))
    np.testing.assert_allclose(got, wg.jacfwd(f)(X).T, rtol=1e-14)
    _, push = wg.linearize(f, X)
    np.testing.assert_allclose(wg.jacrev(push)(np.ones(3)), wg.jacfwd(f)(X), rtol=1e-14)
    np.testing.assert_allclose(wg.vmap(push)(np.eye(3)), wg.jacfwd(f)(X).T, rtol=1e-14)


def test_a_pullback_made_inside_an_outer_derivative_is_differentiated():
    def outer(x):
        y, pull = wg.vjp(np.sin, x)
        return pull(y)[0]  # sin(x) cos(x)

    np.testing.assert_allclose(wg.grad(outer)(0.7), math.cos(1.4), rtol=1e-14)
    np.testing.assert_allclose(by_jvp(outer)(0.7), math.cos(1.4), rtol=1e-14)


# against JAX ---------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def jax():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    return jax


def test_towers_against_jax(jax):
    """The same nest of transformations, the same functions, in both libraries."""
    jnp = jax.numpy

    def model(np):
        return lambda x: np.tanh(x * np.sin(x)) + np.exp(-x * x) * np.sqrt(1 + x * x)

    def towers(lib, np, f):
        g = lib.grad(f)
        g = lambda x, g=g: lib.jvp(g, (x,), (1.0,))[1]
        h = lambda x: np.sum(lib.vmap(g)(x * np.ones(3)))
        k = lambda x: lib.vjp(h, x)[1](np.ones(()))[0]
        return [g, h, k, lib.jacfwd(lib.jacrev(lambda x: k(x) * x)), lib.hessian(lambda x: lib.grad(f)(x) * x)]

    for ours, theirs in zip(towers(wg, np, model(np)), towers(jax, jnp, model(jnp)), strict=True):
        np.testing.assert_allclose(ours(0.7), theirs(0.7), rtol=1e-11)
