"""Functions that the tests of `explain` look at; their lines are part of what is tested."""

import numpy as np


def gaussian(x1, x2):
    """x1 exp(-(x1^2 + x2^2)/2), node by node."""
    a = x1**2
    b = x2**2
    c = a + b
    d = -c / 2
    e = np.exp(d)
    return x1 * e


def logarithms(w1, w2):
    """w2 log w1 + sqrt(w2 log w1), node by node."""
    v1 = np.log(w1)
    v2 = w2 * v1
    v3 = np.sqrt(v2)
    return v2 + v3


def polynomial(x, y):
    return x**2 * y + y + 2


def sine(x1, x2, x3):
    return np.sin(x1 * x2) + x3**2


def loop(a, b):
    """The loop of 100 rounds that has no readable expression."""
    z = 0
    for i in range(100):
        z = a * np.cos(z + i) + z * np.sin(b - i)
    return z


def network(params, x):
    """v_k = tanh(v_{k-1} w_k + b_k), and the sum of squares."""
    for layer in params:
        x = np.tanh(x @ layer["w"] + layer["b"])
    return np.sum(x**2)


def halved(x):
    """A loop that runs until its data say so, and a branch."""
    n = 0
    while x > 1:
        x = x / 2
        n += 1
    if x > 0.6:
        return x * n
    return x * x
