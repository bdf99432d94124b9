"""check_grads: right derivatives pass in every mode and to every order, wrong ones are named."""

from dataclasses import dataclass

import numpy as np
import pytest

import wengert as wg
from wengert.core.primitive import Custom, Elementwise, Multilinear
from wengert.errors import GradientCheckError, UnsupportedFunctionError
from wengert.primitives import elementwise as ew

check = wg.check_grads


@dataclass
class Layer:
    w: np.ndarray
    b: np.ndarray


# what is right passes ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("f", "args"),
    [
        (lambda x: np.exp(x) * np.sin(x), (0.3,)),
        (lambda x, y: x * x * y + y + 2, (3.0, 4.0)),
        (lambda p: np.tanh(p["w"] * p["x"][0]) / p["x"][1], ({"w": np.ones(3), "x": (np.arange(3.0), 2.0)},)),
        (lambda layer, x: np.tanh(layer.w * x + layer.b), (Layer(np.ones(3), np.zeros(3)), np.arange(3.0))),
        (lambda z: np.exp(z) * z, (np.array([1 + 2j, 0.5j]),)),
        (lambda z: (abs(z), z.real * z.imag), (np.array([1 + 2j, 0.5 - 1j]),)),
        (lambda x, k: x**k, (np.array([1.5, 2.0]), 3)),
        (lambda x: 1e8 * np.sin(x), (np.linspace(0, 1, 4),)),
        (lambda x: np.sin(30 * x), (np.linspace(0, 1, 4),)),
        (lambda x: x * x, (np.array([1e6, 1e-6]),)),
        (lambda x: np.sum(x), (np.zeros((0, 3)),)),
        (lambda x: {"a": x, "n": 3, "k": np.arange(3)}, (np.ones(2),)),
        (lambda x: (x - 1.0) ** 2, (1.0,)),
    ],
)
@pytest.mark.parametrize("order", [1, 2, 3])
def test_right_derivatives_pass(f, args, order):
    check(f, args, order)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble, np.complex64])
def test_tolerances_follow_the_dtype(dtype):
    x = np.array([0.5, 1.5, 2.0], dtype)
    check(lambda x: np.sin(x) * x, (x,), order=1)
    if dtype is not np.float16:
        check(lambda x: np.sin(x) * x, (x,), order=2)


def test_signatures_of_jax_and_autograd():
    check(np.sin, (1.0,), 2, ["fwd", "rev"], None, 1e-6, 1e-4)
    check(np.sin, (1.0,), modes="rev", order=1)
    check(np.sin, modes=["fwd"], order=2)(1.0)
    check(np.sin, 1.0)
    with pytest.raises(UnsupportedFunctionError, match="'sideways'"):
        check(np.sin, (1.0,), modes=["sideways"])


def test_the_check_is_repeatable_and_the_generator_can_be_given():
    calls = []
    for rng in (None, None, 5, np.random.default_rng(5)):
        seen = []

        def f(x, seen=seen):
            if isinstance(x, np.ndarray):
                seen.append(x.copy())
            return x * x

        check(f, (np.ones(3),), order=1, rng=rng)
        calls.append(np.concatenate(seen))
    np.testing.assert_array_equal(calls[0], calls[1])
    np.testing.assert_array_equal(calls[2], calls[3])
    assert not np.array_equal(calls[0], calls[2])


# what is wrong is named ----------------------------------------------------------------------------------------------
@pytest.fixture
def wrong_tanh(monkeypatch):
    monkeypatch.setattr(ew.tanh, "kind", Elementwise(lambda y: 1.0005 * (1 - y * y)))


@pytest.mark.parametrize(("given", "mode"), [("fwd", "forward"), ("rev", "reverse")])
def test_the_report_names_argument_index_mode_numbers_primitive_and_line(wrong_tanh, given, mode):
    def model(p, x):
        a = np.exp(p["w"]) * x
        return np.tanh(a) + p["b"]

    p = {"w": np.array([[-5.0, -5.0], [-5.0, 0.1]]), "b": np.zeros((2, 2))}
    with pytest.raises(GradientCheckError) as caught:
        check(model, (p, np.full((2, 2), 0.3)), modes=given)
    e = caught.value
    assert (e.mode, e.order, e.primitive) == (mode, 1, "tanh")
    assert (e.argument, e.index) in [("argument 0['w']", (1, 1)), ("argument 1", (1, 1))]
    a = np.exp(0.1) * 0.3
    want = (1 - np.tanh(a) ** 2) * (a if "w" in e.argument else np.exp(0.1))
    if mode == "forward":
        assert e.expected == pytest.approx(want, rel=1e-9)
    assert e.found == pytest.approx(1.0005 * e.expected, rel=1e-6)
    text = str(e)
    for part in ("model", mode, "order 1", e.argument, "index (1, 1)", "0.0005 relative", "return np.tanh(a) + p",
                 "check(model", "test_check_grads.py"):  # fmt: skip
        assert part in text, f"{part!r} is not in\n{text}"


def test_attributes_of_dataclasses_are_named(wrong_tanh):
    layer = Layer(np.full(3, 0.5), np.zeros(3))
    with pytest.raises(GradientCheckError, match=r"argument 0\.[wb], index \(\d,\)"):
        check(lambda layer: np.tanh(layer.w + layer.b), (layer,))


def test_one_wrong_element_of_many_is_found(monkeypatch):
    slope = np.ones(1000)
    slope[137] = 1.0005
    monkeypatch.setattr(ew.sin, "kind", Elementwise(lambda x: slope * ew.cos(x)))
    for mode in ("forward", "reverse"):
        with pytest.raises(GradientCheckError) as caught:
            check(np.sin, (np.linspace(0.1, 1, 1000),), modes=mode, order=1)
        assert caught.value.index == (137,)


def test_an_error_in_one_mode_alone_is_found_in_that_mode(monkeypatch):
    kind = ew.where.kind
    wrong = Multilinear(None, *(lambda *a, T=T: 1.0005 * T(*a) for T in kind.transposes[1:]))
    wrong = type(kind)(*wrong.transposes)
    monkeypatch.setattr(ew.where, "kind", wrong)
    mask = np.array([True, False])

    def f(x):
        return np.where(mask, x, 0.0)

    check(f, (np.ones(2),), order=2, modes="forward")
    with pytest.raises(GradientCheckError) as caught:
        check(f, (np.ones(2),), order=1)
    assert caught.value.mode == "reverse"
    assert caught.value.primitive == "where"


def concrete(x):
    """The value without its derivative."""
    return wg.core.trace.concrete(x)


def test_second_order(monkeypatch):
    """A slope of the right value that has no derivative of its own."""
    monkeypatch.setattr(ew.square, "kind", Elementwise(lambda x: 2 * concrete(x)))
    check(np.square, (0.7,), order=1)
    with pytest.raises(GradientCheckError) as caught:
        check(np.square, (0.7,), order=2)
    assert caught.value.order == 2


def test_third_order(monkeypatch):
    """d(x^3) = 3 x^2 and d(3 x^2) = 6 x, where this x is taken for a constant."""
    monkeypatch.setattr(ew.square, "kind", Elementwise(lambda x: 2 * concrete(x)))
    monkeypatch.setattr(ew.sin, "impl", lambda x: x**3)
    monkeypatch.setattr(ew.sin, "kind", Elementwise(lambda x: 3 * ew.square(x)))
    check(lambda x: ew.sin(x), (0.7,), order=2)
    with pytest.raises(GradientCheckError) as caught:
        check(lambda x: ew.sin(x), (0.7,), order=3)
    assert caught.value.order == 3


def test_complex_derivatives(monkeypatch):
    monkeypatch.setattr(ew.complex_abs, "kind", Custom(lambda p, t: (ew.complex_abs(*p), ew.real(t[0]))))
    with pytest.raises(GradientCheckError) as caught:
        check(abs, (np.array([1 + 2j, 0.5 - 1j]),))
    assert caught.value.primitive == "complex_abs"


def test_a_kink_is_reported():
    with pytest.raises(GradientCheckError, match="not smooth"):
        check(lambda x: np.maximum(x, 0.0), (np.array([1e-6, 1.0]),), order=1)


def test_nan_is_a_failure(monkeypatch):
    monkeypatch.setattr(ew.sin, "kind", Elementwise(lambda x: np.nan))
    with pytest.raises(GradientCheckError):
        check(np.sin, (1.0,))


def test_eps_is_the_step_of_the_differences():
    steps = []

    def f(x):
        if not isinstance(x, wg.core.trace.Tracer):
            steps.append(float(x) - 1.0)
        return x * x

    check(f, (1.0,), order=1, eps=1e-3, modes="fwd")
    assert {round(abs(s), 9) for s in steps} == {0.0, 1e-3}


def test_tolerances_can_be_chosen(wrong_tanh):
    check(np.tanh, (0.5,), order=1, rtol=1e-3)
    with pytest.raises(GradientCheckError):
        check(np.tanh, (0.5,), order=1, rtol=1e-4)
    check(np.tanh, (0.5,), order=1, rtol=0, atol=1e-3)


def test_a_hermitian_argument_is_moved_within_hermitian_matrices_where_one_triangle_is_read():
    r = np.random.default_rng(0)
    a = r.normal(size=(4, 4))
    s = a @ a.T + np.eye(4)
    for m in (s, s + 1j * (a - a.T), np.stack([s, 2 * s])):
        wg.check_grads(np.linalg.eigvalsh, (m,))
        wg.check_grads(np.linalg.cholesky, (m,))

    @wg.custom_jvp
    def slightly_wrong(m):
        return np.linalg.eigvalsh(m)

    slightly_wrong.defjvp(lambda p, t: (np.linalg.eigvalsh(*p), 1.0005 * wg.jvp(np.linalg.eigvalsh, p, t)[1]))
    with pytest.raises(wg.errors.GradientCheckError):
        wg.check_grads(lambda m: slightly_wrong(m) + np.linalg.eigvalsh(m), (s,))
    wg.check_grads(np.linalg.eigvalsh, (a,))  # not Hermitian: the other triangle does not count
    wg.check_grads(lambda m: np.linalg.eigvalsh(m, "U"), (a,))
    wg.check_grads(np.linalg.cholesky, (a + 4 * np.eye(4),))


# rules of the user ---------------------------------------------------------------------------------------------------
@wg.custom_jvp
def softplus(x):
    return np.log1p(np.exp(x))


@softplus.defjvp
def softplus_jvp(primals, tangents):
    (x,), (x_dot,) = primals, tangents
    return softplus(x), x_dot * 1.0005 / (1 + np.exp(-x))


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(softplus(x) * x),
        lambda x: wg.scan(lambda c, r: (softplus(c + r), c), 0.5, x)[0],
        lambda x: wg.fori_loop(0, 3, lambda i, c: softplus(c), x),
        lambda x: wg.while_loop(lambda s: s[1] < 3, lambda s: (softplus(s[0]), s[1] + 1), (x, 0))[0],
        lambda x: wg.cond(x[0] > 0, softplus, np.sin, x),
        lambda x: wg.checkpoint(lambda x: softplus(x) * x)(x),
        lambda x: wg.vmap(softplus)(x),
        lambda x: wg.trace(softplus)(x)(x),
    ],
)
def test_a_wrong_rule_of_the_user_is_named_also_within_loops(f, mode):
    with pytest.raises(GradientCheckError) as caught:
        check(f, (np.array([0.5, 1.0, 1.5]),), modes=mode, order=1)
    assert caught.value.primitive == "custom_jvp[softplus]"
    assert "softplus" in str(caught.value).split("primitive:")[1].splitlines()[0]


def test_a_right_rule_of_the_user_passes():
    @wg.custom_vjp
    def f(x):
        return np.log1p(np.exp(x))

    f.defvjp(lambda x: (f(x), x), lambda x, y_bar: (y_bar / (1 + np.exp(-x)),))
    check(lambda x: np.sum(f(x) ** 2), (np.array([0.5, -1.0]),), order=2, modes="reverse")
