"""Loops stand after what they need, also where what they need was begun for somebody else."""

import numpy as np

import wengert as wg


def test_an_array_that_waits_is_placed_for_its_first_user(rng: np.random.Generator) -> None:
    """The gather reads x * x, which another sum needs first: it comes after the loop in which x * x is made."""
    x = rng.normal(size=(11, 11))
    rows = np.array([[0], [10]])

    def f(x):
        squares = x * x
        picked = squares[rows]
        return np.sum(np.tanh(0.5 * x)) + np.sum(np.tanh(0.5 * squares)) + np.sum(np.tanh(0.5 * picked))

    np.testing.assert_allclose(wg.jit(f)(x), f(x), rtol=1e-13)


def test_arrays_that_wait_are_placed_with_a_user_that_waits_no_longer(rng: np.random.Generator) -> None:
    """0.3 * x waits for the sum, whose other term follows 0.5 * y, which is placed already."""
    x, y = rng.normal(size=(3, 3)), rng.normal(size=3)

    def f(x, y):
        p = 0.5 * np.tanh(x - 0.5 * y) + 0.3 * x
        q = 0.5 * np.tanh(x) + 0.3 * x
        return sum(np.sum(np.tanh(0.5 * z)) for z in (x, y, p, q))

    np.testing.assert_allclose(wg.jit(f)(x, y), f(x, y), rtol=1e-13)


def test_what_is_written_out_on_both_sides_of_a_loop(rng: np.random.Generator) -> None:
    """x / (2 + x * x) is written out, the loop over all elements reads it, and what is written out reads that loop."""
    x, rows, columns = rng.normal(size=(5, 7)), np.array([0, 4]), np.array([6, 0])

    def f(x):
        y = np.ravel(x / (2 + x * x))
        return np.sum(np.tanh(x[rows, columns])) + np.sum(np.tanh(y)) + np.sum(np.tanh(1.1 * np.ravel(x)))

    np.testing.assert_allclose(wg.jit(wg.grad(f))(x), wg.grad(f)(x), rtol=1e-12)
