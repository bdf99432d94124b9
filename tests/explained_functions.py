"""Functions whose explanations the tests draw: small, structured, with a loop, of some sixty nodes, of thousands."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from wengert.explain import explain
from wengert.explain.explanation import Explanation


def bell(x1, x2):
    r = x1**2 + x2**2
    w = np.exp(-r / 2)
    return x1 * w


def perceptron(params, x):
    h = x
    for layer in params:
        h = np.tanh(h @ layer["w"] + layer["b"])
    return np.sum(h**2)


def rounds(a, b):
    z = a
    for i in range(100):
        z = a * np.cos(z + i) + z * np.sin(b - i)
    return z


def pendulum(x, y):
    for _ in range(6):
        u = np.sin(x) * y + 0.3
        v = np.exp(-u * u)
        x = x + 0.1 * v
        y = y * np.cos(v) - u
    return x * y


def sixty(x, y):
    a = np.sin(x) * y + 0.3
    b = np.exp(-a * a)
    c = x + 0.1 * b
    d = y * np.cos(b) - a
    e = np.log(1 + c * c) / (2 + np.sin(d))
    p = np.tanh(e - c) + a * d
    q = np.sqrt(1 + p * p) - np.cos(b * e)
    r = (p + q) / (3 + a * a) + np.exp(-c * c)
    s = np.sin(r) * np.cos(q) - np.tanh(p * e)
    t = s * s + r * r - 0.5 * (q - d)
    return t * np.exp(-s) + np.log(2 + e * e) * b


def long(x):
    s = 0.0
    for i in range(500):
        s = s + np.sin(x * i) * np.cos(s)
        if i % 7 == 3:
            s = s * 0.5 + x
    return s


def layers() -> tuple[Any, Any]:
    """Parameters of a perceptron, and inputs."""
    rng = np.random.default_rng(0)
    params = [{"w": rng.normal(size=s), "b": np.zeros(s[1])} for s in ((2, 4), (4, 3))]
    return params, rng.normal(size=(3, 2))


@functools.cache
def explanation(name: str) -> Explanation:
    """The explanation of one of these functions, made once."""
    if name == "bell":
        return explain(bell, 2.0, 0.5)
    if name == "perceptron":
        return explain(perceptron, *layers())
    if name == "rounds":
        return explain(rounds, 1.0, 2.0)
    if name == "pendulum":
        return explain(pendulum, 1.0, 2.0, unroll=True)
    if name == "sixty":
        return explain(sixty, 1.0, 2.0)
    return explain(long, 0.3, unroll=True)


NAMES = ("bell", "perceptron", "rounds", "pendulum", "sixty", "long")
