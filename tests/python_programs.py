"""Programs as a user would write them, with Python's own control flow: what tests/python runs in every way."""

import dataclasses
import functools
import math

import numpy as np
from numpy import sin

RATE = 0.3
TABLE = np.linspace(1.0, 2.0, 12)
RNG = np.random.default_rng(7)
MATRIX = RNG.normal(size=(4, 4)) * 0.3


# branches ----------------------------------------------------------------------------------------------------------
def if_else(x):
    if x > 1:
        y = x * 2
    else:
        y = -x
    return y


def if_only(x):
    y = x
    if x > 1.0:
        y = y * x
    return y


def elif_chain(x):
    if x < 0:
        y = -x
    elif x < 1:
        y = x**2
    elif x < 2:
        y = sin(x)
    else:
        y = 1.0
    return y * x


def early_return(x):
    if x > 1:
        return x * 2
    if x < 0:
        return -x
    y = x * x
    return y + 1


def nested_if(x, y):
    if x > 0:
        if y > 0:
            return x * y
        x = x + 1
    else:
        y = y - 1
    return x - y


def maybe_leaves(x, y):
    if x > 0:
        if y > 0:
            return x * y
        z = x + y
    else:
        z = x - y
    return z * z


def conditional_expression(x):
    return (x if x > 0 else x * x) + (1 if x > 2 else 0.5) * x


def boolean_operators(x, y):
    if (x > 0 and y > 0) or not x < 2:
        return x * y
    return x + y


def chained_comparison(x):
    return x**2 if 0 < x <= 1.5 < 2 else -x


def guard(x):
    n = len(x)
    i = 0
    while i < n and x[i] > 0:
        i += 1
    return np.sum(x) * i


def or_value(x):
    y = (x > 0 and x) or 1.0
    return y * 3.0 * x


def undefined_in_one(x):
    if x > 0:
        t = x * 2
        y = t + 1
    else:
        y = x
    return y


def tuple_targets(x, y):
    if x > y:
        x, (y, z) = y, (x, 2.0)
    else:
        z = 3.0
    return x + 2 * y + z * x


def text_and_none(x):
    kind = None
    if x > 0:
        kind = "a"
        y = x
    else:
        kind = "a"
        y = x * 3
    return y if kind == "a" else None


def math_functions(x):
    if math.sin(x) > 0:
        return math.exp(x) + math.log(x, 2.0) + math.hypot(x, 3.0) + math.erf(x) * math.lgamma(x + 1.5)
    return math.sqrt(abs(x)) + math.atan2(x, 2.0) + math.pi


def match_static(x, mode="b"):
    match mode:
        case "a":
            return x
        case "b":
            if x > 1:
                return x * 2
            y = x + 1
        case _:
            y = x
    return y * 3


def with_blocks(x):
    with np.errstate(all="ignore"):
        y = x * 2
        if y > 3:
            return y * y
        y = y + 1
    return y


def try_blocks(x, d=None):
    d = {"k": x}
    try:
        y = d["missing"]
    except KeyError:
        if x > 1:
            y = x * 2
        else:
            return x
    finally:
        x = x + 1
    return y * x


# while -------------------------------------------------------------------------------------------------------------
def newton(x):
    c = x
    while abs(c * c - x) > 1e-9:
        c = 0.5 * (c + x / c)
    return c


def newton_true(x):
    c = x
    n = 0
    while True:
        step = (c * c - x) / (2 * c)
        c = c - step
        n += 1
        if abs(step) < 1e-12:
            break
        if n > 50:
            break
    return c + step


def newton_error(x):
    c, err = x, 1.0
    while err > 1e-10:
        new = 0.5 * (c + x / c)
        err = abs(new - c)
        c = new
    return c


def while_else(x):
    n = 0
    while x < 100:
        x = x * 1.5
        n += 1
        if n > 5:
            break
    else:
        x = -x
    return x + n


def walrus(x):
    total = 0.0
    while (y := x * 0.5) > 0.1:
        total += y
        x = y
    return total + y


def while_continue(x):
    k = 0
    total = 0.0
    while k < 12:
        k += 1
        if k % 3 == 0:
            continue
        if x * k > 20:
            break
        total = total + x * k
    return total


def power_iteration(a):
    v = np.ones(a.shape[0])
    old = 0.0
    while True:
        w = a @ v
        new = np.sqrt(np.sum(w * w))
        v = w / new
        if np.abs(new - old) < 1e-9:
            break
        old = new
    return new


def while_return(x):
    while True:
        x = x * 2
        if x > 10:
            return x * x


# for ---------------------------------------------------------------------------------------------------------------
def bisection(x):
    a, b = 0.0, x + 1
    for _ in range(60):
        m = (a + b) / 2
        fm = m * m - x
        if abs(fm) < 1e-12:
            break
        if fm < 0:
            a = m
        else:
            b = m
    return m * x


def skips(x):
    s = 0.0
    for i in range(20):
        if i % 3 == 0:
            continue
        s = s + x * i
    return s


def trajectory(x):
    y = np.zeros(50)
    for i in range(50):
        x = x + 0.01 * math.sin(x)
        y[i] = x
    return np.sum(y * y)


def rows(x):
    acc = 0.0
    for row in x:
        acc = acc + row * row[0]
    return np.sum(acc)


def find_row(x):
    for row in x:
        if row[0] > 0.5:
            return row[1] * 2
    return np.sum(x)


def found_or_else(x):
    for v in x:
        if v > 0.9:
            found = v
            break
    else:
        found = -np.sum(x)
    return found * found


def pairs(x, y):
    s = 0.0
    for i, (a, b) in enumerate(zip(x, y, strict=True)):
        s += a * b * i
    return s


def backwards(x):
    y = 0.0
    for a in reversed(x):
        y = y * 0.9 + a
    for i in reversed(range(len(x))):
        y = y + x[i] * i
    return y


def steps(x):
    y = 0.0
    for i in range(30, 2, -2):
        y = y + x / i
    return y


def horner(x):
    y = 0.0
    for c in (1.0, -2.0, 3.0, 0.5):
        y = y * x + c
    return y


def table(x):
    y = 0.0
    for i in range(12):
        y = y + TABLE[i] * x**2
    return y


def static_index(x):
    parts = [x, x * 2, x * 3]
    y = 0.0
    for i in range(12):
        y = y + parts[i % 3] * i
    return y


def list_grows(x):
    found = []
    for i in range(10):
        found.append(x * i)
    return sum(found)


def named_weights(x):
    params = {f"w{i}": 0.1 * i for i in range(10)}
    for i in range(10):
        x = np.tanh(x * params[f"w{i}"] + 0.5)
    return x


def nested_loops(x):
    s = 0.0
    for i in range(10):
        for j in range(12):
            if j > i:
                break
            if (i + j) % 2:
                continue
            s = s + x * i * j
        else:
            s = s + x
        if s > 1000.0:
            break
    return s


def returns_from_nested(x):
    for i in range(10):
        for j in range(10):
            if x * i * j > 20:
                return x * (i + j)
    return x


def fills_matrix(x):
    a = np.zeros((10, 3))
    for i in range(10):
        for j in range(3):
            a[i, j] += x * i + j
    a[2:4] *= 2.0
    return np.sum(a * a)


def in_place_views(x):
    a = np.zeros((12, 2))
    for i in range(12):
        row = a[i]
        row[0] = x * i
        row[1:] += x
    return np.sum(a**2)


def two_arrays(x):
    a, b = np.zeros(10), np.ones(10)
    for i in range(1, 10):
        a[i] = b[i - 1] * x
        b[i] = a[i - 1] + x
    return np.sum(a * b)


def swaps(x):
    y = x.copy()
    n = len(y)
    for _ in range(n):
        for j in range(n - 1):
            if y[j] > y[j + 1]:
                y[j], y[j + 1] = y[j + 1], y[j]
    return np.sum(y * np.arange(n))


def number_becomes_array(x):
    total = 0
    for _ in range(10):
        total = total + x
    return np.sum(total)


def previous(x):
    last = None
    total = 0.0
    for v in x:
        if last is not None:
            total = total + (v - last) ** 2
        last = v
    return total


def loop_variable_after(x):
    for i in range(11):
        y = x * i
    return y + i


def deletes(x):
    for i in range(10):
        t = x * i
        x = x + t
        del t
    return x


def starred(x):
    first, *others = x
    total = first
    for v in others:
        if v > 0:
            total = total * v
    return total


# structures --------------------------------------------------------------------------------------------------------
def dict_state(x):
    state = {"x": x, "v": 0.0}
    for _ in range(20):
        state = {"x": state["x"] + 0.1 * state["v"], "v": state["v"] - 0.1 * state["x"]}
    return state["x"]


def dict_in_place(x):
    state = {"x": x, "v": 0.0}
    for _ in range(20):
        state["v"] = state["v"] - 0.1 * state["x"]
        state["x"] += 0.1 * state["v"]
    return state["x"]


def list_in_place(x):
    p = [x, x + 1]
    while p[0] < 10:
        p[0], p[1] = p[1], p[0] + p[1]
    return p[1]


@dataclasses.dataclass
class Point:
    x: float
    y: float

    def moved(self, d):
        if d > 0.5:
            return Point(self.x + d, self.y)
        return Point(self.x, self.y + d)


def dataclass_state(x):
    p = Point(x, 0.0)
    for i in range(12):
        p = p.moved(x * i * 0.1)
    return p.x * p.y


class Counter:
    def __init__(self, start):
        if start > 0:
            self.value = start
        else:
            self.value = -start
        self.calls = 0

    def __call__(self, x):
        self.calls += 1
        if x > self.value:
            self.value = x
        return self.value

    def __step(self, x):
        return x + 1 if x > 0 else x

    def step(self, x):
        return self.__step(x)


class Doubled(Counter):
    def step(self, x):
        if x > 1:
            return super().step(x) * 2
        return super().step(x)


def objects(x):
    c = Doubled(x)
    total = 0.0
    for i in range(12):
        total = total + c(x * math.sin(i)) * c.step(x)
    return total * c.value + c.calls


def nested_state(x):
    a, b = (x, [x * 2, {"k": 1.0}]), 0.0
    for _ in range(10):
        a = (a[0] * 0.5, [a[1][0] + a[0], {"k": a[1][1]["k"] * 1.1}])
        b += a[1][0] * a[1][1]["k"]
    return b


# functions ---------------------------------------------------------------------------------------------------------
def clip(v, low=0.0, high=1.0):
    if v < low:
        return low
    elif v > high:
        return high
    return v


def calls_function(x):
    return clip(x) * x + clip(x, high=5.0)


def keyword_only(x, *, scale=2.0, flag=True):
    if flag and x > 0:
        return scale * x
    return x


def inner_functions(x):
    def f(v, n=2):
        if v > 1:
            return v**n
        return v * RATE

    g = lambda v: v if v > 0 else -v
    return f(x) + g(x) * f(x * 2, 3)


def recursion(x, n=5):
    if n == 0:
        return 1.0
    if x > 0.5:
        return x * recursion(x, n - 1)
    return 2.0 + recursion(x, n - 1)


def logged(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return f(*args, **kwargs) * 2

    return wrapper


@logged
def decorated(x):
    if x > 1:
        return x
    return x * x


@functools.lru_cache
def cached(n):
    if n < 2:
        return 1.0
    return cached(n - 1) + cached(n - 2)


def uses_cache(x):
    return x * cached(6) if x > 0 else x


power = functools.partial(lambda n, x: x**n if x > 0 else x, 3)


def uses_partial(x):
    return power(x) + functools.reduce(lambda a, b: a * b if a > b else b, [x, x * 2, x * 3])


def comprehensions(x):
    values = [v * i if v > 0 else -v for i, v in enumerate(x)]
    return sum(v for v in values) + np.sum(np.array([math.sin(v) for v in x if v is not None]))


def builtins(x, y):
    low, high = min(x, y, 0.5), max([x, y])
    flag = any([x > 3, y > 3]) or all((x > 0, y > 0))
    z = float(x) + int(y) + abs(x)
    if isinstance(x, float) and flag:
        z = z + round(y * 10) / 10
    return z * low + high


def generator_of_static(x):
    def evens(n):
        for i in range(n):
            if i % 2 == 0:
                yield i

    total = 0.0
    for k in evens(10):
        if x > 0:
            total = total + x * k
    return total


pair = (lambda x: x if x > 0 else -x, lambda x: x * x if x > 1 else x)


def lambdas_on_a_line(x):
    return pair[0](x) + pair[1](x)


class Shape:
    scale = 3.0

    @staticmethod
    def area(x):
        return x * x if x > 0 else x

    @classmethod
    def make(cls, x):
        return cls.area(x) * cls.scale if x < 2 else x

    @property
    def half(self):
        return 0.5


def class_methods(x):
    s = Shape()
    return s.area(x) + Shape.make(x) * s.half


# larger ------------------------------------------------------------------------------------------------------------
def lorenz(p):
    def f(s):
        return np.array([10.0 * (s[1] - s[0]), s[0] * (p[0] - s[2]) - s[1], s[0] * s[1] - p[1] * s[2]])

    dt, n = 0.01, 40
    out = np.empty((n, 3))
    s = np.array([1.0, 1.0, 1.0])
    for i in range(n):
        k1 = f(s)
        k2 = f(s + 0.5 * dt * k1)
        k3 = f(s + 0.5 * dt * k2)
        k4 = f(s + dt * k3)
        s = s + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        out[i] = s
    return np.sum(out**2)


def lstm(w):
    layers, hidden = 2, 4
    h, c = np.zeros((layers, hidden)), np.zeros((layers, hidden))
    total = 0.0
    for t in range(12):
        x = TABLE[t] * np.ones(hidden)
        for k in range(layers):
            z = w[k] @ np.concatenate([x, h[k]])
            gate = 1 / (1 + np.exp(-z[:hidden]))
            c[k] = gate * c[k] + (1 - gate) * np.tanh(z[hidden:])
            h[k] = np.tanh(c[k])
            x = h[k]
        total = total + np.sum(x**2)
    return total


def mandelbrot(x):
    z = 0j
    n = 0
    while abs(z) < 2 and n < 30:
        z = z * z + complex(x, 0.3)
        n += 1
    return n + 0 * x


def gcd(a, b):
    while b:
        a, b = b, a % b
    return a


def collatz(n):
    k = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        k += 1
    return k


def range_of(n, x):
    s = x
    for i in range(1, n + 1, 2):
        if i % 5 == 0:
            continue
        s = s + x * i
    return s


def search(n, x):
    for i in range(n):
        if x[i] > 0.8:
            return x[i] * i
    return x[0]


def sieve(n):
    prime = np.ones(50, dtype=bool)
    prime[:2] = False
    for i in range(2, 50):
        if prime[i]:
            j = i * i
            while j < 50:
                prime[j] = False
                j += i
    return np.sum(prime[:n] if isinstance(n, slice) else prime) + n


def wide(x):
    """Everything at once."""
    total, best = 0.0, x[0]
    for i, v in enumerate(x):
        if v > best:
            best = v
        elif v < 0:
            continue
        w = v
        while w > 0.1:
            w = w * 0.5
            if w * i > 3:
                total += w
                break
        else:
            total -= w
        total += best * w if i % 2 else v
    return total


A, B, C = RNG.normal(size=6), RNG.random((11, 2)), RNG.random(12)

# Each program, with the points at which it is run.
CASES = {
    if_else: [(2.0,), (0.3,)],
    if_only: [(2.0,), (0.3,)],
    elif_chain: [(-1.0,), (0.5,), (1.5,), (3.0,)],
    early_return: [(2.0,), (-1.0,), (0.5,)],
    nested_if: [(1.0, 2.0), (1.0, -2.0), (-1.0, 2.0)],
    maybe_leaves: [(1.0, 2.0), (1.0, -2.0), (-1.0, 2.0)],
    conditional_expression: [(-1.0,), (1.0,), (3.0,)],
    boolean_operators: [(1.0, 2.0), (1.0, -2.0), (3.0, -1.0)],
    chained_comparison: [(-1.0,), (1.0,), (1.7,)],
    guard: [(np.array([1.0, 2.0, -1.0]),), (np.array([1.0, 2.0, 1.0]),)],
    or_value: [(2.0,), (-2.0,)],
    undefined_in_one: [(2.0,), (-2.0,)],
    tuple_targets: [(2.0, 1.0), (1.0, 2.0)],
    text_and_none: [(2.0,), (-2.0,)],
    math_functions: [(2.0,), (4.0,)],
    match_static: [(2.0,), (0.5,)],
    with_blocks: [(2.0,), (0.5,)],
    try_blocks: [(2.0,), (0.5,)],
    newton: [(2.0,), (30.0,)],
    newton_true: [(2.0,), (30.0,)],
    newton_error: [(2.0,), (30.0,)],
    while_else: [(2.0,), (90.0,), (200.0,)],
    walrus: [(2.0,), (0.1,)],
    while_continue: [(2.1,), (0.1,)],
    power_iteration: [(MATRIX @ MATRIX.T + np.eye(4),)],
    while_return: [(2.0,), (0.3,)],
    bisection: [(2.0,), (9.0,)],
    skips: [(2.0,)],
    trajectory: [(2.0,)],
    rows: [(B,)],
    find_row: [(B,), (B * 0.1,)],
    found_or_else: [(C,), (C * 0.1,)],
    pairs: [(C, C[::-1].copy())],
    backwards: [(C,)],
    steps: [(2.0,)],
    horner: [(2.0,)],
    table: [(2.0,)],
    static_index: [(2.0,)],
    list_grows: [(2.0,)],
    named_weights: [(2.0,)],
    nested_loops: [(2.0,), (20.0,)],
    returns_from_nested: [(2.1,), (0.1,)],
    fills_matrix: [(2.0,)],
    in_place_views: [(2.0,)],
    two_arrays: [(0.9,)],
    swaps: [(A,)],
    number_becomes_array: [(A,)],
    previous: [(C,)],
    loop_variable_after: [(2.0,)],
    deletes: [(0.1,)],
    starred: [(A,)],
    dict_state: [(1.0,)],
    dict_in_place: [(1.0,)],
    list_in_place: [(1.0,)],
    dataclass_state: [(1.03,)],
    objects: [(1.5,), (-0.5,)],
    nested_state: [(1.5,)],
    calls_function: [(0.5,), (-1.0,), (2.0,)],
    keyword_only: [(0.5,), (-1.0,)],
    inner_functions: [(0.7,), (-1.0,), (2.0,)],
    recursion: [(0.7,), (0.2,)],
    decorated: [(0.7,), (1.2,)],
    uses_cache: [(0.7,), (-1.2,)],
    uses_partial: [(0.7,), (-1.2,)],
    comprehensions: [(A,)],
    builtins: [(0.7, 2.3), (3.5, -0.2)],
    generator_of_static: [(0.7,), (-0.7,)],
    lambdas_on_a_line: [(0.7,), (-1.2,), (2.0,)],
    class_methods: [(0.7,), (-1.2,), (3.0,)],
    lorenz: [(np.array([28.0, 8.0 / 3.0]),)],
    lstm: [(RNG.normal(size=(2, 8, 8)) * 0.3,)],
    mandelbrot: [(0.1,), (1.0,)],
    wide: [(A,), (C,)],
}
DISCRETE = {
    gcd: [(48, 36), (7, 5)],
    collatz: [(27,), (1,)],
    range_of: [(20, 0.5), (0, 0.5)],
    search: [(12, C), (0, C)],
    sieve: [(3,)],
}
