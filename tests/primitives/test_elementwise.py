"""Elementwise derivatives against 50 digits of mpmath, at extreme magnitudes, at kinks and singular points."""

import mpmath
import numpy as np
import pytest

import wengert as wg

mpmath.mp.dps = 50
m = mpmath

# NumPy's function: mpmath's derivative, points in the domain (ordinary, then extreme), relative error allowed
UNARY = {
    np.sin: (m.cos, [0.3, -2.1, 1e5]),
    np.cos: (lambda x: -m.sin(x), [0.3, -2.1, 1e5]),
    np.tan: (lambda x: m.sec(x) ** 2, [0.3, -1.2, 1.5707963]),
    np.arcsin: (lambda x: 1 / m.sqrt(1 - x * x), [0.3, -0.9, 1 - 1e-15, 1e-300]),
    np.arccos: (lambda x: -1 / m.sqrt(1 - x * x), [0.3, -0.9, 1 - 1e-15, 1e-300]),
    np.arctan: (lambda x: 1 / (1 + x * x), [0.3, -2.0, 1e8, 1e150]),
    np.sinh: (m.cosh, [0.3, -2.0, 700.0]),
    np.cosh: (m.sinh, [0.3, -2.0, 700.0, 1e-10]),
    np.tanh: (lambda x: m.sech(x) ** 2, [0.3, -1.5, 1e-10]),
    np.arcsinh: (lambda x: 1 / m.sqrt(1 + x * x), [0.3, -2.0, 1e8, 1e200, -1e300]),
    np.arccosh: (lambda x: 1 / m.sqrt(x * x - 1), [1.3, 2.0, 1 + 1e-15, 1e200]),
    np.arctanh: (lambda x: 1 / (1 - x * x), [0.3, -0.9, 1 - 1e-15]),
    np.exp: (m.exp, [0.3, -2.0, 700.0, -700.0]),
    np.exp2: (lambda x: m.log(2) * m.power(2, x), [0.3, -2.0, 1000.0]),
    np.expm1: (m.exp, [0.3, -2.0, 1e-20, -40.0, 700.0]),
    np.log: (lambda x: 1 / x, [0.3, 2.0, 1e-300, 1e300]),
    np.log2: (lambda x: 1 / (x * m.log(2)), [0.3, 2.0, 1e-300, 1e300]),
    np.log10: (lambda x: 1 / (x * m.log(10)), [0.3, 2.0, 1e-300, 1e300]),
    np.log1p: (lambda x: 1 / (1 + x), [0.3, 2.0, 1e-20, -1 + 1e-15, 1e300]),
    np.sqrt: (lambda x: 0.5 / m.sqrt(x), [0.3, 2.0, 1e-300, 1e300]),
    np.cbrt: (lambda x: 1 / (3 * m.cbrt(abs(x)) ** 2), [0.3, -2.0, 1e-300, -1e300]),
    np.square: (lambda x: 2 * x, [0.3, -2.0, 1e-300]),
    np.reciprocal: (lambda x: -1 / x**2, [0.3, -2.0, 1e100, 1e-100]),
    np.deg2rad: (lambda x: m.pi / 180, [0.3]),
    np.rad2deg: (lambda x: 180 / m.pi, [0.3]),
    np.absolute: (m.sign, [0.3, -2.0]),
    np.fabs: (m.sign, [0.3, -2.0]),
    np.i0: (lambda x: m.besseli(1, x), [0.3, -2.0, 1e-10, 100.0]),
    np.sinc: (lambda x: m.diff(m.sincpi, x), [0.3, -2.5, 1e-10, 0.9, 7.3]),
}


@pytest.mark.parametrize("f", UNARY, ids=lambda f: f.__name__)
def test_slopes_are_right_to_the_last_digits(f) -> None:
    truth, points = UNARY[f]
    for x in points:
        expected = truth(m.mpf(x))
        for found in (wg.grad(f)(x), wg.jvp(f, (x,), (1.0,))[1], wg.grad(f)(np.array(x))):
            assert abs(found - expected) <= 2e-14 * abs(expected), (x, found, expected)


BINARY = {
    np.arctan2: (m.atan2, [(0.3, 0.7), (-2.0, -0.1), (1e200, 1e200), (1e-200, 3e-200)]),
    np.hypot: (m.hypot, [(0.3, 0.7), (-2.0, 0.1), (3e200, 4e200), (3e-200, 4e-200)]),
    np.logaddexp: (
        lambda a, b: m.log(m.exp(a) + m.exp(b)),
        [(0.3, 0.7), (1000.0, 999.0), (-1000.0, -1001.5), (700.0, 0.0)],
    ),
    np.logaddexp2: (lambda a, b: m.log(2**a + 2**b, 2), [(0.3, 0.7), (3000.0, 2999.0), (-3000.0, -3001.5)]),
    np.true_divide: (lambda a, b: a / b, [(0.3, 0.7), (-2.0, 1e100), (0.0, 3.0)]),
    np.power: (lambda a, b: a**b, [(0.3, 0.7), (2.0, -3.0), (1e-100, 2.0), (7.5, 0.0)]),
    np.multiply: (lambda a, b: a * b, [(0.3, 0.7), (0.0, 2.0)]),
    np.copysign: (lambda a, b: abs(a) * m.sign(b), [(0.3, -0.7), (-0.3, -0.2), (-0.3, 0.2)]),
    np.maximum: (max, [(0.3, 0.7), (2.0, -1.0)]),
    np.fmin: (min, [(0.3, 0.7), (2.0, -1.0)]),
}


@pytest.mark.parametrize("f", BINARY, ids=lambda f: f.__name__)
def test_partial_derivatives_are_right_to_the_last_digits(f) -> None:
    truth, points = BINARY[f]
    for a, b in points:
        found = wg.grad(f, (0, 1))(a, b)
        for i in (0, 1):
            expected = m.diff(
                truth,
                (m.mpf(a), m.mpf(b)),
                tuple(int(i == j) for j in (0, 1)),
                h=m.mpf(10) ** -20 * max(abs(a), abs(b)),
            )
            assert abs(found[i] - expected) <= 1e-12 * abs(expected) + 1e-300, (a, b, i, found[i], expected)


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [(np.cosh, 1000.0, np.inf), (np.cosh, -1000.0, -np.inf), (np.sinh, -1000.0, np.inf), (np.tanh, 1000.0, 0.0)]
    + [(np.tanh, -1000.0, 0.0), (np.exp, -1000.0, 0.0), (np.arctan, 1e300, 0.0), (np.expm1, -1000.0, 0.0)],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_slopes_beyond_the_range_of_floats(f, x, slope) -> None:
    assert wg.grad(f)(x) == slope
    assert wg.jvp(f, (x,), (1.0,))[1] == slope


# conventions -------------------------------------------------------------------------------------------------------
def test_at_a_kink_the_slope_is_the_mean_of_both_sides() -> None:
    assert wg.grad(np.abs)(0.0) == 0
    assert wg.grad(np.fabs)(0.0) == 0
    for f in (np.maximum, np.minimum, np.fmax, np.fmin):
        assert wg.grad(f, (0, 1))(2.0, 2.0) == (0.5, 0.5)
    assert wg.grad(lambda x: np.clip(x, 0, 1))(0.0) == 0.5
    assert wg.grad(lambda x: np.clip(x, 0, 1))(0.5) == 1.0
    assert wg.grad(lambda x: np.clip(x, 0, 1))(1.5) == 0.0


def test_fmax_ignores_nan_and_maximum_does_not() -> None:
    assert wg.grad(np.fmax, (0, 1))(np.nan, 2.0) == (0.0, 1.0)
    assert wg.grad(np.fmin, (0, 1))(1.0, np.nan) == (1.0, 0.0)
    assert np.isnan(np.maximum(np.nan, 2.0))


@pytest.mark.parametrize("f", [np.hypot, np.arctan2], ids=lambda f: f.__name__)
def test_at_the_origin_a_slope_that_depends_on_the_direction_is_zero(f) -> None:
    assert wg.grad(f, (0, 1))(0.0, 0.0) == (0.0, 0.0)


def test_complex_modulus_and_sign_at_zero() -> None:
    assert wg.grad(lambda z: np.abs(z))(0j) == 0
    assert wg.grad(lambda z: np.real(np.sign(z)))(0j) == 0


@pytest.mark.parametrize("f", [np.logaddexp, np.logaddexp2], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("a", "b", "shares"),
    [(-np.inf, -np.inf, (0.5, 0.5)), (np.inf, np.inf, (0.5, 0.5)), (-np.inf, 3.0, (0.0, 1.0))]
    + [(np.inf, 3.0, (1.0, 0.0)), (2.0, -np.inf, (1.0, 0.0)), (2.0, 2.0, (0.5, 0.5))],
)
def test_shares_of_logaddexp_at_infinity(f, a, b, shares) -> None:
    np.testing.assert_allclose(wg.grad(f, (0, 1))(a, b), shares, rtol=1e-15)


POWERS = [  # x, n, first and second derivative of x**n
    (0.0, 2, 0.0, 2.0), (0.0, 0, 0.0, 0.0), (0.0, 1, 1.0, 0.0), (0.0, 1.0, 1.0, 0.0), (0.0, 3, 0.0, 0.0),
    (0.0, 0.5, np.inf, -np.inf), (-2.0, 3, 12.0, -12.0), (-2.0, 2.0, -4.0, 2.0), (-2.0, -1, -0.25, -0.25),
    (2.0, 2.5, 2.5 * 2**1.5, 3.75 * 2**0.5), (-3.0, 0, 0.0, 0.0), (np.inf, 1, 1.0, 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("x", "n", "first", "second"), POWERS)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_powers(x, n, first, second) -> None:
    for point in (x, np.array(x)):
        np.testing.assert_allclose(wg.grad(lambda t: t**n)(point), first, rtol=1e-15)
        np.testing.assert_allclose(wg.grad(wg.grad(lambda t: t**n))(point), second, rtol=1e-15)
    np.testing.assert_allclose(wg.jvp(lambda t: t**n, (x,), (1.0,))[1], first, rtol=1e-15)


@pytest.mark.parametrize("n", [0.0, 1.0, 2.0, 3.0])
def test_powers_with_an_exponent_in_an_array(n) -> None:
    """An exponent of which the rule does not know the value gives the same slopes, also at zero and below."""
    x = np.array([0.0, -2.0, 1.5])
    slope = wg.grad(lambda t: np.sum(t ** np.full(3, n)))(x)
    np.testing.assert_allclose(slope, n * x ** max(n - 1, 0), rtol=1e-15)
    traced = wg.grad(lambda t: np.sum(wg.jvp(lambda b: t**b, (np.full(3, n),), (np.zeros(3),))[0]))(x)
    np.testing.assert_allclose(traced, slope, rtol=1e-15)


def test_slope_in_the_exponent() -> None:
    assert wg.grad(lambda b: 0.0**b)(2.0) == 0
    assert wg.grad(lambda b: 0.0**b)(0.0) == 0
    assert wg.grad(np.power, 1)(0.0, 2.0) == 0
    np.testing.assert_allclose(wg.grad(lambda b: 2.0**b)(3.0), 8 * np.log(2))
    slope = wg.grad(lambda b: np.sum(2.0**b))(np.ones(2, np.float32))
    assert slope.dtype == np.float32


def test_derivatives_of_sinc_at_zero() -> None:
    """sinc(x) = sum_k (-1)^k (pi x)^(2k) / (2k + 1)!."""
    f, expected = np.sinc, [1.0, 0.0, -(np.pi**2) / 3, 0.0, np.pi**4 / 5, 0.0, -(np.pi**6) / 7]
    for value in expected[:5]:
        np.testing.assert_allclose(f(0.0), value, rtol=1e-14)
        f = wg.grad(f)


@pytest.mark.parametrize("x", [1e-9, 0.01, 0.8, 1.3, 2.2, 4.6])
def test_higher_derivatives_of_sinc(x) -> None:
    f = np.sinc
    for n in range(1, 5):
        f = wg.grad(f)
        expected = m.pi**n * m.quad(
            lambda t, n=n: t**n * m.cos(m.pi * x * t + n * m.pi / 2), np.linspace(0, 1, 8).tolist()
        )
        assert abs(f(x) - expected) < 1e-13 * np.pi**n


def test_derivatives_of_i0() -> None:
    """I0'' = I0 - I1/x, which is 1/2 at 0."""
    assert wg.grad(wg.grad(np.i0))(0.0) == pytest.approx(0.5, rel=1e-15)
    np.testing.assert_allclose(
        wg.grad(wg.grad(np.i0))(1.3), float(m.diff(lambda x: m.besseli(0, x), 1.3, 2)), rtol=1e-13
    )


# zero times infinity -----------------------------------------------------------------------------------------------
@pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero")
@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda x: np.where(x > 0, np.sqrt(x), 0.0), [0.0, 0.0, 0.25]),
        (lambda x: np.where(x > 0, np.log(x), 0.0), [0.0, 0.0, 0.25]),
        (lambda x: np.where(x > 0, x**0.5, x), [1.0, 1.0, 0.25]),
        (lambda x: np.where(x > 0, 1 / x, 0.0), [0.0, 0.0, -0.0625]),
        (lambda x: np.where(x > 0, np.arctanh(x / 8), 0.0), [0.0, 0.0, 1 / 6]),
    ],
)
def test_a_branch_not_taken_adds_nothing(f, slope) -> None:
    x = np.array([-1.0, 0.0, 4.0])
    np.testing.assert_allclose(wg.grad(lambda t: np.sum(f(t)))(x), slope)
    np.testing.assert_allclose(wg.jvp(f, (x,), (np.ones(3),))[1], slope)
    np.testing.assert_allclose(wg.vmap(wg.grad(f))(x), slope)
    second = wg.grad(lambda t: np.sum(wg.grad(lambda s: np.sum(f(s)))(t)))(x)
    assert np.isfinite(second).all()


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_the_same_at_python_numbers() -> None:
    assert wg.grad(lambda x: np.where(x > 0, np.sqrt(x), 0.0))(0.0) == 0
    assert wg.grad(lambda x: 1 / x)(0.0) == -np.inf
    assert wg.grad(lambda x: np.log(x))(0.0) == np.inf
    assert wg.grad(lambda x: np.arctanh(x))(1.0) == np.inf


# complex numbers -----------------------------------------------------------------------------------------------------
HOLOMORPHIC = [
    np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.sqrt, np.square, np.reciprocal, np.sin, np.cos,
    np.tan, np.arcsin, np.arccos, np.arctan, np.sinh, np.cosh, np.tanh, np.arcsinh, np.arccosh, np.arctanh, np.sinc,
    lambda z: z**3, lambda z: z**2.5, lambda z: 2.0**z, lambda z: (-2.0) ** z, lambda z: z ** (1 + 2j),
    lambda z: z**z, lambda z: (z + 1) / (z - 2j), lambda z: 1j - z * z,
]  # fmt: skip


@pytest.mark.parametrize("f", HOLOMORPHIC)
def test_holomorphic_functions(f) -> None:
    """The derivative is the same in all directions, and the adjoint is not conjugated."""
    for z in (0.3 + 0.7j, -1.2 + 0.4j, -0.6 - 1.1j, 2.0 - 0.5j):
        h = 1e-6
        expected = (f(z + h) - f(z - h)) / (2 * h)
        for dz in (1.0 + 0j, 1j, 0.6 - 0.8j):
            np.testing.assert_allclose(wg.jvp(f, (z,), (dz,))[1], expected * dz, rtol=1e-8)
        np.testing.assert_allclose(wg.grad(f, holomorphic=True)(z), expected, rtol=1e-8)


REAL_OF_COMPLEX = [
    np.abs, np.real, np.imag, np.angle, lambda z: np.real(np.conj(z) * z * z), lambda z: np.abs(np.sign(z) - 1),
    lambda z: np.imag(np.sign(z)), lambda z: np.angle(z, deg=True), lambda z: abs(z) ** 3,
]  # fmt: skip


@pytest.mark.parametrize("f", REAL_OF_COMPLEX)
def test_real_functions_of_complex_numbers(f) -> None:
    """grad f = df/dx - i df/dy, also of the derivative again."""
    h = 1e-6
    for z in (0.3 + 0.7j, -1.2 + 0.4j):
        slopes = [(f(z + e) - f(z - e)) / (2 * h) for e in (h, 1j * h)]
        np.testing.assert_allclose(wg.grad(f)(z), slopes[0] - 1j * slopes[1], rtol=1e-7, atol=1e-9)
        dz = 0.6 - 0.8j
        np.testing.assert_allclose(wg.jvp(f, (z,), (dz,))[1], slopes[0] * 0.6 - slopes[1] * 0.8, rtol=1e-7, atol=1e-9)
        second = (wg.grad(f)(z + h * dz) - wg.grad(f)(z - h * dz)) / (2 * h)
        np.testing.assert_allclose(wg.jvp(wg.grad(f), (z,), (dz,))[1], second, rtol=1e-6, atol=1e-8)
