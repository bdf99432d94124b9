"""Derivatives of solutions of differential equations, against closed forms, SciPy, mpmath and complex steps."""

import numpy as np
import pytest
import scipy.integrate

import wengert as wg
from wengert import implicit
from wengert.derivatives.implicit import steps
from wengert.errors import ArgumentError, NotASolutionError, ShapeError, SingularPointError, UnsupportedFunctionError

METHODS = {
    "DOP853": {},
    "LSODA": {"method": "LSODA", "rtol": 1e-10, "atol": 1e-12},
    "rk4": {"method": "rk4", "steps": 100},
    "dopri5": {"method": "dopri5", "rtol": 1e-8, "atol": 1e-10},
    "rodas4": {"method": "rodas4", "rtol": 1e-8, "atol": 1e-10},
}


@pytest.mark.parametrize("name", METHODS)
def test_exponential(name):
    """y = exp(-k t): each derivative in k multiplies by -t."""
    t = np.array([0.0, 0.5, 1.5])
    f = lambda k: implicit.ode(lambda t, y: -k * y, 1.0, t, **METHODS[name])
    np.testing.assert_allclose(f(2.0), np.exp(-2 * t), rtol=1e-6)
    exact = -t * np.exp(-2 * t)
    for derivative in (wg.jacfwd(f), wg.jacrev(f), wg.jit(wg.jacrev(f))):
        np.testing.assert_allclose(derivative(2.0), exact, rtol=1e-6, atol=1e-9)
    if name == "LSODA":  # slow: its steps are many
        return
    last = lambda k: f(k)[-1]
    for outer in (wg.jacfwd, wg.grad) if name in ("DOP853", "rk4") else (wg.jacfwd,):
        for inner in (wg.jacfwd, wg.grad):
            assert outer(inner(last))(2.0) == pytest.approx(2.25 * np.exp(-3.0), rel=1e-6)
    lanes = wg.vmap(wg.grad(lambda k: f(k)[-1]))(np.array([1.0, 2.0]))
    np.testing.assert_allclose(lanes, -1.5 * np.exp([-1.5, -3.0]), rtol=1e-6)


@pytest.mark.parametrize("name", METHODS)
def test_pendulum(name):
    """theta'' = -g sin(theta), against mpmath's Taylor series and its differences in g and theta(0)."""
    mpmath = pytest.importorskip("mpmath")

    def truth(g, start):
        f = lambda t, y: [y[1], -g * mpmath.sin(y[0])]
        return mpmath.odefun(f, 0, [start, mpmath.mpf(0)])(1)[0]

    def angle(g, start):
        f = lambda t, y: {"angle": y["speed"], "speed": -g * np.sin(y["angle"])}
        return implicit.ode(f, {"angle": start, "speed": 0.0}, np.linspace(0.0, 1.0, 3), **METHODS[name])["angle"][-1]

    g, start, h = mpmath.mpf(2), mpmath.mpf(1), mpmath.mpf("1e-4")
    in_g = (truth(g + h, start) - truth(g - h, start)) / (2 * h)
    in_start = (truth(g, start + h) - truth(g, start - h)) / (2 * h)
    assert angle(2.0, 1.0) == pytest.approx(float(truth(g, start)), rel=1e-8)
    assert wg.grad(angle, (0, 1))(2.0, 1.0) == pytest.approx((float(in_g), float(in_start)), rel=1e-7)


@pytest.mark.parametrize("name", METHODS)
def test_derivatives_in_the_times(name):
    """y' = -2 t y from (a, 1): y(b) = exp(a^2 - b^2)."""
    f = lambda a, b: implicit.ode(lambda t, y: -2 * t * y, 1.0, np.stack([a, b]), **METHODS[name])[-1]
    y = np.exp(0.09 - 1.0)
    for gradient in (wg.grad(f, (0, 1))(0.3, 1.0), wg.jacfwd(f, (0, 1))(0.3, 1.0)):
        assert gradient == pytest.approx((0.6 * y, -2.0 * y), rel=1e-6)


@pytest.mark.parametrize("checkpoint", [False, True, 3])
def test_the_discrete_adjoint_is_that_of_the_steps(checkpoint):
    """Coarse steps of rk4, by complex step through a loop written by hand."""

    def by_hand(k, h=0.25):
        y = 1.0
        for _ in range(8):
            f = lambda y: -k * y * y
            k1 = f(y)
            k2 = f(y + 0.5 * h * k1)
            k3 = f(y + 0.5 * h * k2)
            k4 = f(y + h * k3)
            y = y + h * (k1 + 2 * k2 + 2 * k3 + k4) / 6
        return y

    t = np.linspace(0.0, 2.0, 5)
    f = lambda k: implicit.ode(lambda t, y: -k * y * y, 1.0, t, method="rk4", steps=2, checkpoint=checkpoint)[-1]
    exact = by_hand(1.3 + 1e-30j).imag / 1e-30
    assert wg.grad(f)(1.3) == pytest.approx(exact, rel=1e-14)
    assert wg.jit(wg.grad(f))(1.3) == pytest.approx(exact, rel=1e-14)


def test_orders_of_fixed_steps():
    t = np.array([0.0, 1.0])
    for method, order in (("euler", 1), ("midpoint", 2), ("rk4", 4)):
        error = [abs(implicit.ode(lambda t, y: y, 1.0, t, method=method, steps=n)[-1] - np.e) for n in (20, 40)]
        assert np.log2(error[0] / error[1]) == pytest.approx(order, abs=0.1)


def test_backwards_in_time_one_time_and_float32():
    assert implicit.ode(lambda t, y: y, 1.0, np.array([1.0, 0.0]))[-1] == pytest.approx(np.exp(-1.0))
    f = lambda y0: np.sum(implicit.ode(lambda t, y: y, y0, np.array([2.0])))
    np.testing.assert_allclose(wg.grad(f)(np.ones(3)), np.ones(3))
    y = implicit.ode(lambda t, y: -y, np.float32(1.0), np.array([0.0, 1.0]), rtol=1e-5, atol=1e-6)
    assert y.dtype == np.float32 and y[-1] == pytest.approx(np.exp(-1.0), rel=1e-4)


@pytest.mark.parametrize("name", ["DOP853", "rk4", "dopri5", "rodas4"])
def test_complex_unknowns_and_constants(name):
    """y' = i w y: exp(i w t), for real and for complex w."""
    f = lambda w: implicit.ode(lambda t, y: 1j * w * y, 1.0 + 0.0j, np.array([0.0, 1.0]), **METHODS[name])[-1]
    assert f(2.0) == pytest.approx(np.exp(2j), rel=1e-7)
    assert wg.jvp(f, (2.0,), (1.0,))[1] == pytest.approx(1j * np.exp(2j), rel=1e-7)
    assert wg.grad(lambda w: f(w).real)(2.0) == pytest.approx(-np.sin(2.0), rel=1e-7)
    size = lambda f: lambda w: np.abs(f(w) - 1.0) ** 2
    exact = wg.grad(size(lambda w: np.exp(1j * w)))(1.0 + 0.5j)
    assert wg.grad(size(f))(1.0 + 0.5j) == pytest.approx(exact, rel=1e-6)


def test_ode_refuses():
    with pytest.raises(ArgumentError, match="no method 'RK4'"):
        implicit.ode(lambda t, y: y, 1.0, np.array([0.0, 1.0]), method="RK4")
    with pytest.raises(ArgumentError, match="got checkpoint="):
        implicit.ode(lambda t, y: y, 1.0, np.array([0.0, 1.0]), checkpoint=True)
    with pytest.raises(ArgumentError, match="got steps="):
        implicit.ode(lambda t, y: y, 1.0, np.array([0.0, 1.0]), method="dopri5", steps=10)
    with pytest.raises(ArgumentError, match="neither increasing"):
        implicit.ode(lambda t, y: y, 1.0, np.array([0.0, 1.0, 0.5]))
    with pytest.raises(ShapeError, match="the times"):
        implicit.ode(lambda t, y: y, 1.0, 1.0)
    with pytest.raises(ShapeError, match="2 numbers for 1"):
        implicit.ode(lambda t, y: np.stack([y, y]), 1.0, np.array([0.0, 1.0]))
    with pytest.raises(NotASolutionError, match="stopped at"):
        implicit.ode(lambda t, y: y * y, 1.0, np.array([0.0, 2.0]))


# stiff equations ---------------------------------------------------------------------------------------------------
STIFF = {
    "LSODA": {"method": "LSODA", "rtol": 1e-8, "atol": 1e-10},
    "Radau": {"method": "Radau", "rtol": 1e-7, "atol": 1e-9},
    "BDF": {"method": "BDF", "rtol": 1e-8, "atol": 1e-10},
    "rodas4": {"method": "rodas4", "rtol": 1e-7, "atol": 1e-9},
}


@pytest.mark.parametrize("name", STIFF)
def test_what_decays_fast_has_an_adjoint(name):
    """y' = -k (y - cos t): its past is forgotten by exp(-120), so that it cannot be run backwards."""
    exact = lambda k: (k * (k * np.cos(2.0) + np.sin(2.0)) - k * k * np.exp(-2.0 * k)) / (k * k + 1.0)
    f = lambda k: implicit.ode(lambda t, y: -k * (y - np.cos(t)), 0.0, np.array([0.0, 2.0]), **STIFF[name])[-1]
    assert f(60.0) == pytest.approx(exact(60.0), rel=1e-6)
    slope = exact(60.0 + 1e-20j).imag / 1e-20
    assert wg.grad(f)(60.0) == pytest.approx(slope, rel=1e-4)
    assert wg.jacfwd(f)(60.0) == pytest.approx(slope, rel=1e-4)


def robertson(p, t, **options):
    """Robertson's three reactions, whose rates differ by a factor of 10^9."""

    def f(t, y):
        one, two, three = p[0] * y[0], p[1] * y[1] * y[2], p[2] * y[1] ** 2
        return np.stack([two - one, one - two - three, three])

    return implicit.ode(f, np.array([1.0, 0.0, 0.0]), t, **options)


@pytest.mark.parametrize("name", ["Radau", "rodas4"])
def test_robertson_against_differences(name):
    p, t = np.array([0.04, 1e4, 3e7]), np.array([0.0, 40.0])
    options = {"Radau": {"method": "Radau", "rtol": 1e-6, "atol": 1e-10}, "rodas4": STIFF["rodas4"] | {"atol": 1e-11}}
    loss = lambda p: np.log(robertson(p, t, **options[name])[-1, 1])

    def truth(p):
        f = lambda t, y: robertson_rate(p, y)
        found = scipy.integrate.solve_ivp(f, (0.0, 40.0), [1.0, 0.0, 0.0], "LSODA", rtol=1e-12, atol=1e-16)
        return np.log(found.y[1, -1])

    steps = 1e-4 * p * np.eye(3)
    slope = np.array([(truth(p + h) - truth(p - h)) / (2 * h.sum()) for h in steps])
    np.testing.assert_allclose(wg.grad(loss)(p), slope, rtol=2e-3)
    if name == "rodas4":
        np.testing.assert_allclose(wg.jit(wg.grad(loss))(p), wg.grad(loss)(p), rtol=1e-6)
    else:
        np.testing.assert_allclose(wg.jacfwd(loss)(p), slope, rtol=2e-3)


def robertson_rate(p, y):
    one, two, three = p[0] * y[0], p[1] * y[1] * y[2], p[2] * y[1] ** 2
    return np.array([two - one, one - two - three, three])


# steps of our own --------------------------------------------------------------------------------------------------
def test_the_order_of_rodas():
    """On an equation that depends on time, and one that is not linear; both parts of the table count."""
    pairs = [(lambda t, z: z * np.cos(t), np.exp(np.sin(1.0))), (lambda t, z: -(z**2), 0.5)]
    for f, exact in pairs:
        errors = []
        for n in (16, 32, 64):
            z, h = np.ones(1), np.float64(1.0 / n)
            for i in range(n):
                z, _, _ = steps.rodas4(f, i * h, h, z, None)
            errors.append(abs(z[0] - exact))
        assert np.log2(np.array(errors[:-1]) / errors[1:]) == pytest.approx([4.0, 4.0], abs=0.1)


def test_a_mass_matrix():
    """2 y' = -k y; and Robertson's reaction with the conservation of mass in the place of its third equation."""
    t, options = np.array([0.0, 1.0]), {"method": "rodas4", "rtol": 1e-7, "atol": 1e-10}
    f = lambda k, m: implicit.ode(lambda t, y: -k * y, 1.0, t, mass=np.reshape(m, (1, 1)), **options)[-1]
    assert wg.grad(f, (0, 1))(3.0, 2.0) == pytest.approx((-0.5 * np.exp(-1.5), 0.75 * np.exp(-1.5)), rel=1e-6)
    p, t = np.array([0.04, 1e4, 3e7]), np.array([0.0, 0.4, 4.0])

    def algebraic(p):
        def rate(t, y):
            one, two, three = p[0] * y[0], p[1] * y[1] * y[2], p[2] * y[1] ** 2
            return np.stack([two - one, one - two - three, y[0] + y[1] + y[2] - 1.0])

        return implicit.ode(rate, np.array([1.0, 0.0, 0.0]), t, mass=np.diag([1.0, 1.0, 0.0]), **options)

    slope = wg.jacfwd(lambda p: robertson(p, t, **options))(p) * p
    np.testing.assert_allclose(algebraic(p), robertson(p, t, **options), rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(wg.jacrev(algebraic)(p) * p, slope, rtol=1e-4, atol=1e-8)
    options["jit"] = True
    np.testing.assert_allclose(wg.jacfwd(algebraic)(p) * p, slope, rtol=1e-4, atol=1e-8)
    with pytest.raises(ArgumentError, match="mass="):
        implicit.ode(lambda t, y: y, 1.0, t, mass=np.eye(1))
    with pytest.raises(ShapeError, match="mass has shape"):
        implicit.ode(lambda t, y: y, 1.0, t, mass=np.eye(2), method="rodas4")


def by_hand(k, rtol, atol):
    """y' = -k y^2 sin(t) + 1 by the pair that SciPy calls RK45, whose steps are chosen on real parts."""
    from scipy.integrate import RK45

    f = lambda t, y: -k * y * y * np.sin(t) + 1.0
    t, y, h = 0.0, 1.0 + 0.0 * k, None
    while t < 1.0:
        first = f(t, y)
        if h is None:
            scale = atol + rtol * abs(y.real)
            h = 0.01 * abs(y.real) / scale / (abs(first.real) / scale)
        last = t + h >= 1.0 - 1e-14
        step = 1.0 - t if last else h
        ks = [first]
        for c, row in zip(RK45.C[1:], RK45.A[1:], strict=True):
            ks.append(f(t + c * step, y + step * (row[: len(ks)] @ np.array(ks))))
        new = y + step * (RK45.B @ np.array(ks))
        ks.append(f(t + step, new))
        error = step * (RK45.E @ np.array(ks)).real
        off = abs(error) / (atol + rtol * max(abs(y.real), abs(new.real)))
        h = step * min(max(0.9 * max(off, 1e-10) ** -0.2, 0.2), 5.0)
        if off <= 1.0:
            t, y = (1.0 if last else t + step), new
    return y


@pytest.mark.parametrize("checkpoint", [False, True, "online", 3, "binomial", wg.checkpointing.binomial(snapshots=4)])
def test_the_discrete_adjoint_of_adaptive_steps(checkpoint):
    """Coarse steps, by complex step through a loop written by hand with SciPy's table."""
    options = {"method": "dopri5", "rtol": 1e-3, "atol": 1e-4, "checkpoint": checkpoint, "max_steps": 40}

    def f(k):
        return implicit.ode(lambda t, y: -k * y * y * np.sin(t) + 1.0, 1.0, np.array([0.0, 1.0]), **options)[-1]

    exact = by_hand(1.3 + 1e-30j, 1e-3, 1e-4)
    assert f(1.3) == pytest.approx(exact.real, rel=1e-13)
    assert abs(exact.real - by_hand(1.3 + 0j, 1e-10, 1e-12).real) > 1e-7  # the steps are coarse
    for derivative in (wg.grad(f), wg.jacfwd(f), wg.jit(wg.grad(f))):
        assert derivative(1.3) == pytest.approx(exact.imag / 1e-30, rel=1e-12)


def test_adaptive_steps_in_lanes_loops_and_backwards():
    options = {"method": "dopri5", "rtol": 1e-8, "atol": 1e-10}
    f = lambda k: implicit.ode(lambda t, y: -k * y, 1.0, np.array([0.0, 1.0]), **options)[-1]
    k = np.array([0.5, 6.0])  # of quite different numbers of steps
    np.testing.assert_allclose(wg.vmap(f)(k), np.exp(-k), rtol=1e-6)
    np.testing.assert_allclose(wg.vmap(wg.grad(f))(k), -np.exp(-k), rtol=1e-6)
    np.testing.assert_allclose(wg.jit(wg.vmap(wg.grad(f)))(k), -np.exp(-k), rtol=1e-6)
    total = lambda a: wg.fori_loop(0, 3, lambda i, s: s * f(a), 1.0)
    assert wg.jit(wg.grad(total))(0.5) == pytest.approx(-3 * np.exp(-1.5), rel=1e-6)
    back = lambda y: implicit.ode(lambda t, y: y, y, np.array([1.0, 0.5, 0.0]), **options)[-1]
    assert wg.grad(back)(1.0) == pytest.approx(np.exp(-1.0), rel=1e-7)
    many = implicit.ode(lambda t, y: np.cos(t), 0.0, np.linspace(0.0, 3.0, 40), **options)
    np.testing.assert_allclose(many, np.sin(np.linspace(0.0, 3.0, 40)), atol=1e-7)
    y = implicit.ode(lambda t, y: -y, np.float32(1.0), np.array([0.0, 1.0]), method="rodas4", rtol=1e-4, atol=1e-5)
    assert y.dtype == np.float32 and y[-1] == pytest.approx(np.exp(-1.0), rel=1e-3)
    assert implicit.ode(lambda t, y: y, np.zeros(0), np.array([0.0, 1.0]), method="dopri5").shape == (2, 0)
    assert implicit.ode(lambda t, y: y, 1.0, np.array([0.0]), method="dopri5").shape == (1,)


@pytest.mark.parametrize("method", ["dopri5", "rodas4"])
def test_adaptive_steps_that_do_not_arrive(method):
    options = {"method": method, "rtol": 1e-4, "atol": 1e-4}
    f = lambda k: implicit.ode(lambda t, y: k * y * y, 1.0, np.array([0.0, 2.0]), **options)[-1]
    for call in (f, wg.jit(f), wg.grad(f), wg.jit(wg.grad(f))):
        with pytest.raises(NotASolutionError, match="left after 50"):
            call(1.0)
    with pytest.raises(NotASolutionError, match="left after"):
        implicit.ode(lambda t, y: y, 1.0, np.array([0.0, 1.0]), method=method, max_steps=2)


@pytest.mark.parametrize("method", ["DOP853", "dopri5", "rk4"])
def test_compiled_by_itself(method):
    options = {"method": method, "jit": True} | ({"steps": 50} if method == "rk4" else {})
    f = lambda k: implicit.ode(lambda t, y: -k * y, 1.0, np.array([0.0, 1.0]), **options)[-1]
    assert f(2.0) == pytest.approx(np.exp(-2.0), rel=1e-6)
    assert wg.grad(f)(2.0) == pytest.approx(-np.exp(-2.0), rel=1e-6)
    assert wg.jacfwd(f)(2.0) == pytest.approx(-np.exp(-2.0), rel=1e-6)
    if method == "rk4":
        assert wg.grad(wg.grad(f))(2.0) == pytest.approx(np.exp(-2.0), rel=1e-6)


def test_check_grads():
    def f(y0, k, t):
        rate = lambda t, y: {"x": y["v"], "v": -k * np.sin(y["x"]) - 0.1 * y["v"]}
        return implicit.ode(rate, y0, t, **options)

    args = {"x": 1.0, "v": np.float64(0.0)}, 2.0, np.array([0.0, 0.4, 1.0])
    options = {}
    wg.check_grads(f, args, order=1, rtol=1e-4, atol=1e-6)
    options = {"method": "dopri5"}
    wg.check_grads(f, args, order=1, rtol=1e-4, atol=1e-6)
    options = {"method": "rk4", "steps": 8}
    wg.check_grads(f, args, order=2)


# events ------------------------------------------------------------------------------------------------------------
def fall(t, y):
    return np.stack([y[1], -9.81])


def test_a_fall():
    """t = sqrt(2 h / g), v = -sqrt(2 g h)."""
    f = lambda h: implicit.ode_until(fall, np.stack([h, 0.0]), 0.0, 10.0, lambda t, y: y[0])
    t, y = f(2.0)
    assert t == pytest.approx(np.sqrt(4 / 9.81)) and y == pytest.approx([0.0, -np.sqrt(4 * 9.81)], abs=1e-9)
    for derivative in (wg.jacfwd(f), wg.jacrev(f), wg.jit(wg.jacrev(f))):
        t, y = derivative(2.0)
        assert t == pytest.approx(0.5 / np.sqrt(9.81)) and y == pytest.approx([0.0, -np.sqrt(9.81 / 4)], abs=1e-9)
    time = lambda h: f(h)[0]
    assert wg.grad(wg.grad(time))(2.0) == pytest.approx(-0.125 / np.sqrt(9.81), rel=1e-7)
    np.testing.assert_allclose(wg.vmap(wg.grad(time))(np.array([0.5, 2.0])), [1 / np.sqrt(9.81), 0.5 / np.sqrt(9.81)])


def test_events_that_depend_on_all():
    """y = y0 exp(-k (t - t0)) meets c t at t: differences of the root that brentq finds."""
    from scipy.optimize import brentq

    def f(y0, k, c, t0):
        return implicit.ode_until(lambda t, y, k, c: -k * y, y0, t0, 9.0, lambda t, y, k, c: y - c * t, (k, c))[0]

    truth = lambda y0, k, c, t0: brentq(lambda t: y0 * np.exp(-k * (t - t0)) - c * t, t0, 9.0, xtol=1e-14)
    at = np.array([2.0, 0.7, 0.5, 0.1])
    assert f(*at) == pytest.approx(truth(*at), rel=1e-9)
    slope = [(truth(*(at + h)) - truth(*(at - h))) / 2e-6 for h in 1e-6 * np.eye(4)]
    assert wg.grad(f, (0, 1, 2, 3))(*at) == pytest.approx(tuple(slope), rel=1e-6)


def test_a_ball_that_bounces():
    """Each time it rises with 0.8 of its speed: three flights of 2 v / g."""

    def third(v):
        start, total = np.stack([0.0, v]), 0.0
        for _ in range(3):
            t, y = implicit.ode_until(fall, start, 0.0, 9.0, lambda t, y: y[0], direction=-1)
            start, total = np.stack([0.0, -0.8 * y[1]]), total + t
        return total

    assert third(3.0) == pytest.approx(2 * 3.0 / 9.81 * (1 + 0.8 + 0.64))
    assert wg.grad(third)(3.0) == pytest.approx(2 / 9.81 * (1 + 0.8 + 0.64))


def test_events_refused():
    start, height = np.array([1.0, 0.0]), lambda t, y: y[0]
    with pytest.raises(NotASolutionError, match="no event"):
        implicit.ode_until(fall, start, 0.0, 0.1, height)
    with pytest.raises(ArgumentError, match="no method 'rk4'"):
        implicit.ode_until(fall, start, 0.0, 1.0, height, method="rk4")
    with pytest.raises(ShapeError, match="2 numbers for 1"):
        implicit.ode_until(fall, start, 0.0, 1.0, lambda t, y: y)
    with pytest.raises(ShapeError, match="times"):
        implicit.ode_until(fall, start, np.zeros(2), 1.0, height)
    touching = lambda a: implicit.root(lambda t: (t - a) ** 2, 1.0, solver=lambda f, t: 1.0 + 0.0 * t)
    with pytest.raises(SingularPointError):
        wg.grad(touching)(1.0)


def test_a_schedule_needs_a_bound():
    options = {"method": "dopri5", "checkpoint": "yes"}
    with pytest.raises(UnsupportedFunctionError, match="checkpoint='yes'"):
        wg.grad(lambda k: implicit.ode(lambda t, y: -k * y, 1.0, np.array([0.0, 1.0]), **options)[-1])(1.0)
