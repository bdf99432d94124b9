"""checkpoint, custom_jvp, custom_vjp, stop_gradient: against plain functions, closed forms and JAX; memory; errors."""

import functools
import tracemalloc

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert import errors
from wengert.core.check import check
from wengert.core.tree import flatten

X = np.array([1.3, 0.4, -0.8])


def close(found, expected, rtol=1e-10):
    ours, theirs = flatten(found)[0], flatten(expected)[0]
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-12)


def total(f):
    return lambda *args: wnp.sum(f(*args))


DERIVATIVES = {
    "grad": lambda f: wg.grad(total(f)),
    "jvp": lambda f: lambda x: wg.jvp(f, (x,), (np.cos(x),)),
    "linearize": lambda f: lambda x: wg.linearize(f, x)[1](np.cos(x)),
    "forward over reverse": lambda f: wg.hessian(total(f)),
    "reverse over reverse": lambda f: wg.jacrev(wg.jacrev(total(f))),
    "forward over forward": lambda f: wg.jacfwd(wg.jacfwd(total(f))),
    "reverse over forward": lambda f: wg.jacrev(wg.jacfwd(total(f))),
    "grad of vmap": lambda f: lambda x: wg.grad(total(wg.vmap(f)))(np.stack([x, 2 * x])),
    "vmap of grad": lambda f: lambda x: wg.vmap(wg.grad(total(f)))(np.stack([x, 2 * x])),
    "vmap of hessian": lambda f: lambda x: wg.vmap(wg.hessian(total(f)))(np.stack([x, 2 * x])),
    "in a loop": lambda f: wg.grad(total(lambda x: wg.fori_loop(0, 2, lambda i, c: f(c) * x, x))),
    "in a branch": lambda f: wg.grad(total(lambda x: wg.cond(x[0] > 0, f, lambda x: x, x))),
    "recorded": lambda f: lambda x: check(wg.trace(wg.grad(total(f)), abstract=True)(x))(x),
}


@pytest.fixture(scope="module")
def jax():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    return jax


# checkpoint --------------------------------------------------------------------------------------------------------
def waves(x):
    return np.sin(x) * x + np.exp(-x * x)


def nested(f):
    """Checkpoints in checkpoints, with structures, keywords, and values from outside."""

    def outer(x):
        scale = x[0] * 2

        @wg.checkpoint
        def part(p, power=1, name="part"):
            return {"out": f(p["u"]) * scale**power}

        return wg.checkpoint(lambda x: part({"u": x, "unused": None}, power=2)["out"] + x)(x) * x

    return outer


def nested_plain(f):
    return lambda x: (f(x) * (x[0] * 2) ** 2 + x) * x


@pytest.mark.parametrize("name", DERIVATIVES)
def test_checkpoint_changes_no_derivative(name):
    derivative = DERIVATIVES[name]
    close(derivative(wg.checkpoint(waves))(X), derivative(waves)(X))
    close(derivative(nested(wg.checkpoint(waves)))(X), derivative(nested_plain(waves))(X))


def test_checkpoint_with_python_decisions():
    """Where types are not enough it is recorded beside the values, and takes the same way when it runs again."""

    def f(x):
        while wnp.sum(x * x) > 0.5:
            x = x * 0.7 if x[0] > 0 else np.sin(x)
        return x

    for name in ("grad", "jvp", "forward over reverse", "reverse over reverse"):
        derivative = DERIVATIVES[name]
        close(derivative(wg.checkpoint(f))(X), derivative(f)(X))
        close(derivative(lambda x: wg.checkpoint(lambda y: f(y) * x)(x))(X), derivative(lambda x: f(x) * x)(X))
    with pytest.raises(errors.AbstractValueError):
        wg.vmap(wg.checkpoint(f))(np.stack([X, -X]))


def test_checkpoint_saves_memory():
    """100 operations: of ten blocks of ten, the ten inputs are kept, and ten values of one block at a time."""
    x = np.linspace(0.0, 1.0, 10**5)

    def block(x):
        for _ in range(10):
            x = np.sin(x)
        return x

    def peak(block):
        def chain(x):
            for _ in range(10):
                x = block(x)
            return wnp.sum(x)

        tracemalloc.start()
        gradient = wg.grad(chain)(x)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used / x.nbytes, gradient

    plain, expected = peak(block)
    saved, found = peak(wg.checkpoint(block))
    close(found, expected)
    assert plain > 95
    assert saved < 26


def test_checkpoint_of_checkpoints_saves_more():
    x = np.linspace(0.0, 1.0, 10**5)

    def chain(depth):
        if depth == 0:
            return np.sin
        inner = wg.checkpoint(chain(depth - 1))

        def run(x):
            for _ in range(4):
                x = inner(x)
            return x

        return run

    tracemalloc.start()
    wg.grad(total(chain(3)))(x)  # 64 operations
    used = tracemalloc.get_traced_memory()[1] / x.nbytes
    tracemalloc.stop()
    assert used < 22


def test_checkpoint_passes_other_arguments_on():
    seen = []

    def f(x, n, name, flag):
        seen.append((n, name, flag))
        return x**n

    assert wg.grad(lambda x: wg.checkpoint(f)(x, 3, "cube", True))(2.0) == 12.0
    assert wg.remat(f)(2.0, 3, name="cube", flag=False) == 8.0
    assert seen == [(3, "cube", True), (3, "cube", False)]
    with pytest.raises(errors.UnsupportedFunctionError, match="policy"):
        wg.checkpoint(f, policy="dots")


# stop_gradient -----------------------------------------------------------------------------------------------------
def test_stop_gradient():
    close(wg.grad(lambda x: x**2 * wg.stop_gradient(x))(3.0), 18.0)
    close(wg.jvp(wg.stop_gradient, (3.0,), (1.0,)), (3.0, 0.0))
    close(wg.grad(wg.grad(lambda x: x**2 * wg.stop_gradient(x)))(3.0), 6.0)  # grad of 2 x stop_gradient(x)
    tree = {"a": X, "b": (1.0, None)}
    close(wg.grad(lambda t: total(lambda t: t["a"] * wg.stop_gradient(t)["a"])(t))(tree)["a"], X)
    close(wg.stop_gradient(tree), tree)
    close(wg.vmap(wg.grad(lambda x: x * wg.stop_gradient(x)))(X), X)
    assert float(wg.vjp(lambda x: (x, float(wg.stop_gradient(x))), 2.0)[0][1]) == 2.0


# custom_jvp --------------------------------------------------------------------------------------------------------
def half_slope(np=wnp, custom_jvp=wg.custom_jvp):
    """sin(x) p["w"], with half of its derivative in x."""

    @custom_jvp
    def f(x, p):
        return np.sin(x) * p["w"]

    @f.defjvp
    def rule(primals, tangents):
        (x, p), (x_dot, p_dot) = primals, tangents
        return f(x, p), 0.5 * np.cos(x) * p["w"] * x_dot + np.sin(x) * p_dot["w"]

    return f


def half_slope_composed(x, p):
    """The same derivatives of first and second order (in x and of all orders in p) with stop_gradient."""
    y, half = wnp.sin(x) * p["w"], 0.5 * x + 0.5 * wg.stop_gradient(x)
    return wnp.sin(half) * p["w"] + wg.stop_gradient(y - wnp.sin(half) * p["w"])


P = {"w": np.array(1.7)}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_custom_jvp_in_every_transformation(name):
    """A rule that is right changes nothing."""

    @wg.custom_jvp
    def f(x):
        return waves(x)

    f.defjvps(lambda x_dot, y, x: (np.sin(x) + np.cos(x) * x - 2 * x * np.exp(-x * x)) * x_dot)
    derivative = DERIVATIVES[name]
    close(derivative(f)(X), derivative(waves)(X))
    close(derivative(lambda x: f(f(x)) * x)(X), derivative(lambda x: waves(waves(x)) * x)(X))


def test_custom_jvp_is_what_the_rule_says():
    f = half_slope()
    slope = 0.5 * np.cos(X) * 1.7
    close(wg.jvp(f, (X, P), (np.ones(3), {"w": np.array(0.0)}))[1], slope)
    close(wg.grad(total(f))(X, P), slope)
    close(wg.grad(total(f), 1)(X, P)["w"], np.sum(np.sin(X)))
    close(wg.vmap(wg.grad(f), (0, None))(X, P), slope)
    close(wg.grad(total(wg.vmap(f, (0, None))))(X, P), slope)
    close(wg.grad(total(wg.vmap(f, (0, None))), 1)(X, P)["w"], np.sum(np.sin(X)))
    close(
        wg.grad(lambda x: wg.scan(lambda c, t: (c + f(x * t, P), None), 0.0, X)[0])(0.3),
        np.sum(0.5 * np.cos(0.3 * X) * 1.7 * X),
    )


def test_custom_jvp_against_jax(jax):
    ours, theirs = half_slope(), half_slope(jax.numpy, jax.custom_jvp)
    g = lambda f, sum: lambda x: sum(f(x, {"w": x[0] * x}) ** 2)
    for d, e in [
        (lambda f: wg.hessian(f)(X), lambda f: jax.hessian(f)(X)),
        (lambda f: wg.vmap(wg.grad(f))(np.eye(3) + 1), lambda f: jax.vmap(jax.grad(f))(np.eye(3) + 1)),
    ]:
        close(d(g(ours, wnp.sum)), np.asarray(e(g(theirs, jax.numpy.sum))))


def test_rules_by_argument():
    @functools.partial(wg.custom_jvp, nondiff_argnums=(1,))
    def power(x, n, scale):
        return scale * x**n

    power.defjvps(lambda t, y, x, scale: scale * 3 * x**2 * t, None)
    assert wg.grad(power)(2.0, 3, 5.0) == 60.0
    assert wg.grad(power, 2)(2.0, 3, 5.0) == 0.0
    assert wg.grad(lambda x: power(x, n=3, scale=5.0))(2.0) == 60.0


def test_arguments_without_derivative_come_first():
    @functools.partial(wg.custom_jvp, nondiff_argnums=(0,))
    def apply(f, x):
        return f(x)

    @apply.defjvp
    def rule(f, primals, tangents):
        return apply(f, *primals), tangents[0] * 7

    assert wg.grad(lambda x: apply(np.sin, x))(0.3) == 7.0

    class Model:
        @functools.partial(wg.custom_jvp, nondiff_argnums=(0,))
        def predict(self, x):
            return 2 * x

    Model.predict.defjvp(lambda self, xs, dots: (self.predict(*xs), 3 * dots[0]))
    assert wg.grad(Model().predict)(1.0) == 3.0


def test_symbolic_zeros_reach_rules_as_zeros():
    seen = set()

    @wg.custom_jvp
    def f(x, y, k):
        return x * y * k, k

    @f.defjvp
    def rule(primals, tangents):
        (x, y, k), (x_dot, y_dot, k_dot) = primals, tangents
        seen.add((np.shape(x_dot), np.shape(y_dot), np.shape(k_dot)))
        return f(x, y, k), (x_dot * y * k + x * y_dot * k, k_dot)

    (y, k), (y_dot, k_dot) = wg.jvp(lambda x: f(x, X, 2), (3.0 * X,), (X,))
    close((y, k, y_dot), (6 * X * X, 2, 2 * X * X))
    assert k_dot.dtype.names == ("float0",)
    close(wg.grad(lambda x: wnp.sum(f(x, X, 2)[0]))(X), 2 * X)
    assert seen == {((3,), (3,), ())}


@pytest.mark.parametrize("wrong", [lambda t: t**2, lambda t: t + 1, lambda t: abs(t), lambda t: np.maximum(t, 0)])
def test_rules_that_are_not_linear_are_caught_in_forward_mode_too(wrong):
    @wg.custom_jvp
    def f(x):
        return np.sin(x)

    f.defjvp(lambda xs, dots: (f(xs[0]), wrong(dots[0])))
    for x in (1.0, X, X, X.astype(np.float16)):
        with pytest.raises(errors.NonLinearError, match="not linear in the tangents"):
            wg.jvp(lambda t: 2 * f(t), (x,), (x,))


def test_rules_are_looked_at_once():
    calls = []

    @wg.custom_jvp
    def f(x):
        return x * x

    @f.defjvp
    def rule(xs, dots):
        calls.append(xs)
        return f(xs[0]), np.where(dots[0] == 0, 0.0, 2 * xs[0] * dots[0])  # linear, in its own way

    for _ in range(3):
        close(wg.jvp(f, (X,), (X,))[1], 2 * X * X)
    assert len(calls) == 4


# custom_vjp --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", DERIVATIVES)
def test_custom_vjp_in_every_transformation(name):
    @wg.custom_vjp
    def f(x):
        return waves(x)

    slope = lambda x: np.sin(x) + np.cos(x) * x - 2 * x * np.exp(-x * x)
    f.defvjp(lambda x: (f(x), {"x": x, "tag": "saved"}), lambda r, y_bar: (slope(r["x"]) * y_bar,))
    derivative = DERIVATIVES[name]
    close(derivative(f)(X), derivative(waves)(X))
    close(derivative(lambda x: f(f(x)) * x)(X), derivative(lambda x: waves(waves(x)) * x)(X))


def matrix_rule(np=wnp, custom_vjp=wg.custom_vjp):
    """w x with twice its adjoint in x: linear in y_bar by products, sums and matrices."""

    @custom_vjp
    def f(w, x):
        return {"y": w @ x, "k": 3}

    f.defvjp(lambda w, x: (f(w, x), (w, x)), lambda r, out: (np.outer(out["y"], r[1]), 2 * (r[0].T @ out["y"])))
    return f


WEIGHTS = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, 0.7]])


def test_custom_vjp_is_what_the_rule_says_in_both_modes():
    f = matrix_rule()
    y = lambda w, x: f(w, x)["y"]
    close(wg.jacrev(y, 1)(WEIGHTS, X), 2 * WEIGHTS)
    close(wg.jacfwd(y, 1)(WEIGHTS, X), 2 * WEIGHTS)
    close(wg.jacrev(y)(WEIGHTS, X), wg.jacfwd(y)(WEIGHTS, X))
    close(wg.jvp(y, (WEIGHTS, X), (WEIGHTS, X))[1], 3 * WEIGHTS @ X)
    xs = np.stack([X, -2 * X])
    close(wg.vmap(wg.jacrev(y, 1), (None, 0))(WEIGHTS, xs), np.stack([2 * WEIGHTS] * 2))
    close(wg.vmap(wg.jacfwd(y, 1), (None, 0))(WEIGHTS, xs), np.stack([2 * WEIGHTS] * 2))
    close(wg.grad(lambda w: wnp.sum(wg.vmap(y, (None, 0))(w, xs)))(WEIGHTS), np.stack([xs.sum(0)] * 2))


def test_custom_vjp_against_jax(jax):
    ours, theirs = matrix_rule(), matrix_rule(jax.numpy, jax.custom_vjp)
    g = lambda f, sum: lambda x: sum(f(WEIGHTS * x[0], x)["y"] ** 2)
    for d, e in [
        (lambda f: wg.grad(f)(X), lambda f: jax.grad(f)(X)),
        (lambda f: wg.vmap(wg.grad(f))(np.eye(3) + 1), lambda f: jax.vmap(jax.grad(f))(np.eye(3) + 1)),
    ]:
        close(d(g(ours, wnp.sum)), np.asarray(e(g(theirs, jax.numpy.sum))))


def test_derivatives_of_rules():
    """The second derivative differentiates fwd and bwd: y = x^2 with bwd 3 x y_bar; JAX gives the same."""

    @wg.custom_vjp
    def f(x):
        return x * x

    f.defvjp(lambda x: (x * x, x), lambda x, y_bar: (3 * x * y_bar,))
    assert wg.grad(f)(2.0) == 6.0
    assert wg.grad(wg.grad(f))(2.0) == 3.0
    assert wg.jacfwd(wg.grad(f))(2.0) == 3.0
    close(wg.grad(lambda x: f(x) ** 2)(2.0), 2 * 4 * 6.0)
    close(wg.grad(wg.grad(lambda x: f(x) ** 2))(2.0), 2 * (4 * 6 + 4 * 3))  # d(2 fwd(x) 3x)/dx


def test_none_is_zero():
    @functools.partial(wg.custom_vjp, nondiff_argnums=(1,))
    def f(p, name, k):
        return p["a"] * p["b"][0], k

    f.defvjp(
        lambda p, name, k: (f(p, name, k), (p, name)), lambda name, r, bars: ({"a": bars[0], "b": (r[0]["a"],)}, None)
    )
    p = {"a": 2.0, "b": (5.0,)}
    close(wg.grad(lambda p: f(p, "name", 4)[0])(p), {"a": 1.0, "b": (2.0,)})
    nothing = wg.custom_vjp(lambda x: x * 2)
    nothing.defvjp(lambda x: (x * 2, None), lambda _, y_bar: (None,))
    assert wg.grad(nothing)(1.0) == 0.0


def test_a_right_rule_passes_the_gradient_check():
    f = wg.custom_vjp(lambda x: np.sin(x))
    f.defvjp(lambda x: (np.sin(x), np.cos(x)), lambda c, y_bar: (c * y_bar,))
    wg.check_grads(f, (X,), order=2)
    g = wg.custom_jvp(lambda x: np.sin(x))
    g.defjvps(lambda t, y, x: np.cos(x) * t * 1.0005)
    with pytest.raises(errors.GradientCheckError):
        wg.check_grads(g, (X,), order=1)


# loops and branches in rules: linear in tangents and adjoints, though their counters are not -----------------------
def rule_of_loops():
    """cos(x) x_dot by a loop with a counter, a while loop, a branch, a scan and a checkpoint."""
    f = wg.custom_jvp(np.sin)

    @f.defjvp
    def rule(primals, tangents):
        (x,), (t,) = primals, tangents
        t = wg.fori_loop(0, 4, lambda i, s: s + t * (i * 0 + 0.25), 0 * t)
        _, t = wg.while_loop(lambda c: c[0] < 4, lambda c: (c[0] + 1, c[1] * 0.5), (0, t))
        t = wg.cond(x[0] > 0, lambda t: t * np.cos(x), lambda t: np.cos(x) * t, t)
        return f(x), wg.checkpoint(lambda t: wg.scan(lambda c, r: (c, r * 16), 0.0, t)[1])(t)

    return f


def adjoint_of_loops():
    f = wg.custom_vjp(np.sin)

    def bwd(x, y_bar):
        _, b = wg.while_loop(lambda c: c[0] < 4, lambda c: (c[0] + 1, c[1] * 0.5), (0, y_bar))
        b = wg.cond(x[0] > 0, lambda b: b * np.cos(x), lambda b: np.cos(x) * b, b)
        return (wg.checkpoint(lambda b: b * 16)(b),)

    f.defvjp(lambda x: (np.sin(x), x), bwd)
    return f


@pytest.mark.parametrize("name", DERIVATIVES)
@pytest.mark.parametrize("make", [rule_of_loops, adjoint_of_loops])
def test_loops_in_rules(make, name):
    derivative = DERIVATIVES[name]
    close(derivative(make())(X), derivative(np.sin)(X))


@pytest.mark.parametrize("make", [rule_of_loops, adjoint_of_loops])
def test_loops_with_rules_are_recognised(make):
    f = make()

    def body():
        program = wg.trace(lambda x: wg.fori_loop(0, 3, lambda i, c: f(c) * x, x), abstract=True)(X)
        return next(eq for eq in program.equations if eq.primitive.name == "scan").params["body"]

    assert body() is body()


def test_arrays_made_under_a_transformation_are_arguments_like_others():
    f = rule_of_loops()
    close(wg.grad(lambda x: x * wnp.sum(f(wnp.zeros(3))) + x)(2.0), 1.0)
    close(wg.grad(lambda x: wnp.sum(f(wnp.zeros(3) + x)))(2.0), 3 * np.cos(2.0))


# errors ------------------------------------------------------------------------------------------------------------
def with_jvp(rule):
    f = wg.custom_jvp(lambda x: np.sin(x))
    f.defjvp(rule)
    return f


def with_vjp(fwd, bwd):
    f = wg.custom_vjp(lambda x: np.sin(x))
    f.defvjp(fwd, bwd)
    return f


def closing_jvp(x):
    f = wg.custom_jvp(lambda y: y * x)
    f.defjvps(lambda t, ans, y: t * x)
    return f(x)


def closing_vjp(x):
    f = wg.custom_vjp(lambda y: y * x)
    f.defvjp(lambda y: (y * x, None), lambda _, b: (b,))
    return f(x)


def closing_on_plain_arguments(x):
    f = wg.custom_jvp(lambda y: y * x)
    f.defjvps(lambda t, ans, y: t)
    return f(2.0)


GOOD = lambda x: (np.sin(x), None)
ERRORS = {
    "no jvp rule": (wg.custom_jvp(np.sin), errors.UnsupportedFunctionError, "has no rule"),
    "no vjp rule": (wg.custom_vjp(np.sin), errors.UnsupportedFunctionError, "has no rule"),
    "jvp not a pair": (with_jvp(lambda xs, dots: xs[0]), errors.StructureError, "not a pair"),
    "jvp structure": (with_jvp(lambda xs, d: (xs[0], (d[0],))), errors.StructureError, "tangent of structure"),
    "jvp shape": (
        with_jvp(lambda xs, d: (xs[0], d[0][:2])),
        errors.TangentMismatchError,
        "f64[2], its value is f64[3]",
    ),
    "jvp of text": (with_jvp(lambda xs, d: (xs[0], "a")), errors.TangentMismatchError, "'a'"),
    "jvp not linear": (with_jvp(lambda xs, d: (xs[0], d[0] ** 2)), errors.NonLinearError, "not linear"),
    "jvp a constant": (with_jvp(lambda xs, d: (xs[0], xs[0])), errors.NonLinearError, "does not depend"),
    "jvp decides": (
        with_jvp(lambda xs, d: (xs[0], d[0] if d[0][0] > 0 else 2 * d[0])),
        errors.NonLinearError,
        "not linear",
    ),
    "fwd not a pair": (with_vjp(lambda x: np.sin(x), lambda r, b: (b,)), errors.StructureError, "not a pair"),
    "bwd no tuple": (with_vjp(GOOD, lambda r, b: b), errors.StructureError, "for 1 arguments"),
    "bwd too many": (with_vjp(GOOD, lambda r, b: (b, b)), errors.StructureError, "2 adjoints for 1 arguments"),
    "bwd structure": (with_vjp(GOOD, lambda r, b: ({"x": b},)), errors.StructureError, "adjoint of structure"),
    "bwd shape": (with_vjp(GOOD, lambda r, b: (wnp.sum(b),)), errors.TangentMismatchError, "its value is f64[3]"),
    "bwd complex": (with_vjp(GOOD, lambda r, b: (b * 1j,)), errors.TangentMismatchError, "c128[3]"),
    "closes over (jvp)": (closing_jvp, errors.ClosureError, "closes over a traced value"),
    "closes over (vjp)": (closing_vjp, errors.ClosureError, "closes over a traced value"),
    "closes over (plain)": (closing_on_plain_arguments, errors.ClosureError, "closes over a traced value"),
    "no array": (
        lambda x: half_slope()(x, {"w": "text"}),
        errors.NonDifferentiableInputError,
        "a str as argument 1['w']",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_say_what_and_where(name):
    f, kind, text = ERRORS[name]
    with pytest.raises(kind) as caught:
        wg.grad(total(f))(X)
    message = str(caught.value)
    assert text in message
    assert "where:" in message
    assert __file__ in message


def test_bwd_must_be_linear_for_forward_mode():
    f = with_vjp(GOOD, lambda r, b: (b * b,))
    close(wg.grad(total(f))(X), np.ones(3))
    with pytest.raises(errors.NonLinearError):
        wg.jvp(f, (X,), (X,))


def test_no_transformation_may_reach_a_rule_but_through_arguments():
    def g(w):
        f = wg.custom_jvp(lambda x: x * w)
        f.defjvps(lambda t, y, x: t * 2)
        return wg.grad(f)(3.0)

    assert g(5.0) == 2.0
    for outer in (wg.grad, wg.jacfwd, wg.trace):
        with pytest.raises(errors.ClosureError):
            outer(g)(5.0)
    with pytest.raises(errors.ClosureError):
        wg.vmap(g)(X)
