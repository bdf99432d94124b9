"""The truth to 50 digits: against closed forms in mpmath, and honest about what it could not do."""

import mpmath
import numpy as np
import pytest

import textbook_functions as functions
import wengert as wg
from wengert.explain import explain
from wengert.scipy import special

mp = mpmath.mp


def digits(made, k, exact):
    """How many digits of the truth agree with an exact value."""
    with mp.workdps(100):
        error = abs(made.truth.values[k] - exact)
        return 100 if error == 0 else int(-mp.log10(error / abs(exact)))


def test_fifty_digits_of_the_gaussian():
    made = explain(functions.gaussian, 2.0, 0.5)
    with mp.workdps(100):
        e = mp.exp(-mp.mpf(17) / 8)
        assert digits(made, 0, -3 * e) >= 50 and digits(made, 1, -e) >= 50
        assert made.truth.texts[0] == mp.nstr(-3 * e, 50)
    assert made.truth.digits == 50 and made.truth.reason == ""


def test_inputs_are_the_exact_values_of_their_doubles():
    made = explain(lambda x: np.sin(x) * 0.1, 0.1)
    with mp.workdps(100):
        assert digits(made, 0, mp.cos(mp.mpf(0.1)) * mp.mpf(0.1)) >= 50


CLOSED = [
    (lambda x: np.log(x) * np.sqrt(x), lambda x: mp.sqrt(x) / x + mp.log(x) / (2 * mp.sqrt(x)), 2.5),
    (lambda x: np.arctan2(x, 2.0), lambda x: 2 / (4 + x * x), 0.7),
    (lambda x: np.tanh(x) / np.cosh(x), lambda x: (1 - mp.sinh(x) ** 2) / mp.cosh(x) ** 3, 0.3),
    (lambda x: x**2.5, lambda x: mp.mpf(2.5) * x**1.5, 1.7),
    (lambda x: 2.0**x, lambda x: mp.log(2) * mp.mpf(2) ** x, 1.7),
    (lambda x: np.maximum(x, 1.0) * np.abs(x), lambda x: 2 * x, 1.7),
    (lambda x: special.erf(x), lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x), 0.4),
    (lambda x: special.gammaln(x), mp.digamma, 3.3),
    (lambda x: special.expit(x), lambda x: mp.exp(-x) / (1 + mp.exp(-x)) ** 2, 0.4),
    (lambda x: np.where(x > 1, x**3, np.nan), lambda x: 3 * x * x, 1.7),
    (lambda x: np.linalg.det(np.array([[1.0, 2.0], [3.0, 4.0]]) * x), lambda x: -4 * x, 1.7),
    (lambda x: special.gammainc(2.0, x), lambda x: x * mp.exp(-x), 1.7),
    (lambda x: special.logsumexp(np.array([1.0, 2.0]) * x), lambda x: 1 + 1 / (1 + mp.exp(-x)), 1.7),
    (lambda x: np.linalg.cholesky(np.array([[2.0, 1.0], [1.0, 2.0]]) * x)[0, 0], lambda x: mp.sqrt(2 / x) / 2, 1.7),
    (lambda x: np.sum(np.ones(3)[np.array([0, 0, 2])] * x**2), lambda x: 6 * x, 1.7),
    (lambda x: np.logaddexp(x, 1.0), lambda x: 1 / (1 + mp.exp(1 - x)), 0.2),
    (lambda x: np.remainder(x, 0.75) * x, lambda x: 2 * x - mp.mpf("1.5"), 1.7),
]


@pytest.mark.parametrize("k", range(len(CLOSED)))
def test_closed_forms(k):
    f, slope, x = CLOSED[k]
    made = explain(f, x)
    with mp.workdps(100):
        assert made.truth.digits == 50
        assert digits(made, 0, slope(mp.mpf(x))) >= 49


def test_linear_algebra_in_many_digits():
    A, b = np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([1.0, 2.0])
    made = explain(lambda b: np.sum(np.linalg.solve(A, b)), b)
    with mp.workdps(100):  # the sums of the columns of the inverse: (2 - 1)/5, (3 - 1)/5
        assert digits(made, 0, mp.mpf(1) / 5) >= 50 and digits(made, 1, mp.mpf(2) / 5) >= 50


def test_loops_run_in_many_digits():
    """The loop of 100 rounds, differentiated by hand along with its values."""
    made = explain(functions.loop, 1.0, 2.0)
    with mp.workdps(120):
        a, b, z, da, db = mp.mpf(1), mp.mpf(2), mp.mpf(0), mp.mpf(0), mp.mpf(0)
        for i in range(100):
            c, s, slope = mp.cos(z + i), mp.sin(b - i), -a * mp.sin(z + i) + mp.sin(b - i)
            da, db = c + slope * da, slope * db + z * mp.cos(b - i)
            z = a * c + z * s
        assert digits(made, 0, da) >= 50 and digits(made, 1, db) >= 50


def test_a_loop_until_a_condition_fails():
    made = explain(functions.halved, 9.0)  # 9/16 after four rounds, squared: slope 2 (9/16)/16
    with mp.workdps(100):
        assert digits(made, 0, mp.mpf(9) / 128) >= 50


def test_the_users_rules_take_no_part():
    @wg.custom_jvp
    def wrong(x):
        return np.sin(x)

    wrong.defjvp(lambda primals, tangents: (np.sin(primals[0]), 1.001 * np.cos(primals[0]) * tangents[0]))
    made = explain(wrong, 0.5)
    with mp.workdps(100):
        assert digits(made, 0, mp.cos(mp.mpf(0.5))) >= 50
    assert 9e-4 < made.methods.rows[-1].relative < 1.1e-3  # which the comparison brings to light


def test_complex_results():
    made = explain(lambda z: np.exp(z) * z, 0.5 + 1j)
    with mp.workdps(100):
        z = mp.mpc(0.5, 1)
        assert digits(made, 0, mp.exp(z) * (z + 1)) >= 50


def test_what_mpmath_does_not_have_is_said():
    truth = explain(lambda x: special.dawsn(x), 1.5).truth
    assert "Ridders" in truth.reference and "dawsn" in truth.reason and truth.digits < 50
    np.testing.assert_allclose(float(truth.values[0]), 1 - 3 * special.dawsn(1.5), rtol=1e-10)


def test_programs_that_are_too_long_are_said_to_be():
    truth = explain(lambda x: np.sum(np.sin(x)), np.linspace(0.0, 1.0, 100_000)).truth
    assert "longdouble" in truth.reference and "operations" in truth.reason
    np.testing.assert_allclose(float(truth.values[0]), np.sum(np.cos(np.linspace(0.0, 1.0, 100_000))), rtol=1e-12)
