"""Random Python functions of numbers and an array, with nested control flow: text, and the function made of it.

Every function ends, and all its values stay small. `x`, `y`, `z` are floats, `k` an integer, `a` an array.
"""

import linecache
import random

import numpy as np

EXPRESSIONS = (
    "{x} * 0.5 + {y}", "np.sin({x})", "{x} - {y} * 0.3", "np.tanh({x} + k)", "a[k % 4] * {x}", "{x} if {c} else {y}",
    "({x} + 0.1 * k) * 0.7", "float(np.sum(a) * 0.1)", "-{x}", "f({x}, {y})", "max({x}, {y}, 0.1)", "0.25",
    "min({x}, 1.5)", "abs({x}) * 0.9", "g({x})",
)  # fmt: skip
CONDITIONS = (
    "{x} > {y}", "{x} > 0.2", "k % 2 == 0", "k % 3", "a[k % 4] < {x}", "not {x} < 0.1", "{x} > 0 and {y} > 0",
    "{x} > 0.5 or k > 3", "-0.5 < {x} <= 0.6", "k in (1, 2, 5)", "np.any(a > 0.7)",
)  # fmt: skip
HEAD = """def f(x, y):
    if x > y:
        return x - y
    return y * 0.5


def g(v):
    total = 0.0
    for i in range({inner}):
        if v > i:
            total += v * 0.1
        else:
            break
    return total


def random_function(x, y, a):
    z, k = 0.3, 1
    a = a.copy()
"""
TAIL = "    return x + 2.0 * y - z + np.sum(a * a) + 0.01 * k\n"


class Writer:
    """Writes one function from one seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.count = 0

    def text(self):
        head = HEAD.replace("{inner}", self.random.choice(["3", "12"]))
        return "\n".join([head, *self.block(1, "function", 3), TAIL])

    def fill(self, templates):
        r = self.random
        text = r.choice(templates)
        while "{c}" in text:
            text = text.replace("{c}", self.fill(CONDITIONS), 1)
        return text.replace("{x}", r.choice("xyz")).replace("{y}", r.choice("xyz"))

    def block(self, indent, inside, depth):
        lines = []
        for _ in range(self.random.randint(1, 3)):
            lines += self.statement(indent, inside, depth)
        return lines

    def statement(self, indent, inside, depth):
        r, pad = self.random, "    " * indent
        kinds = ["set", "set", "aug", "element", "count"]
        kinds += ["if", "if", "for", "while", "rows", "elements"] if depth else []
        kinds += ["leave", "leave"] if inside == "loop" else []
        kinds += ["return"] if r.random() < 0.3 and depth < 3 else []
        kind = r.choice(kinds)
        if kind == "set":
            return [f"{pad}{r.choice('xyz')} = {self.fill(EXPRESSIONS)}"]
        if kind == "aug":
            change = r.choice(["+= 0.9", "*= 0.1 * k", "-= np.cos(x)", "*= 0.7"])
            return [f"{pad}{r.choice('xyz')} {change}"]
        if kind == "element":
            place = r.choice(["k % 4", "1", "-1", "k % 2"])
            return [f"{pad}a[{place}] {r.choice(['=', '+=', '*='])} np.sin({r.choice('xyz')})"]
        if kind == "count":
            return [f"{pad}k = (k + {r.randint(1, 3)}) % 7"]
        if kind == "return":
            return [f"{pad}if {self.fill(CONDITIONS)}:", f"{pad}    return {self.fill(EXPRESSIONS)} * np.sum(a)"]
        if kind == "leave":
            return [f"{pad}if {self.fill(CONDITIONS)}:", f"{pad}    {r.choice(['break', 'continue'])}"]
        return getattr(self, {"if": "if_", "for": "for_", "while": "while_"}.get(kind, kind))(indent, inside, depth - 1)

    def body(self, indent, inside, depth):
        return self.block(indent + 1, inside, depth)

    def orelse(self, indent, inside, depth, word="else"):
        if self.random.random() < 0.6:
            return []
        return ["    " * indent + word + ":", *self.body(indent, inside, depth)]

    # named after the kinds of statements
    def if_(self, indent, inside, depth):
        pad = "    " * indent
        lines = [f"{pad}if {self.fill(CONDITIONS)}:", *self.body(indent, inside, depth)]
        if self.random.random() < 0.3:
            lines += [f"{pad}elif {self.fill(CONDITIONS)}:", *self.body(indent, inside, depth)]
        return lines + self.orelse(indent, inside, depth)

    def for_(self, indent, inside, depth):
        n = self.random.choice(["3", "12", "k + 2", "len(a)", "k, k + 11"])
        self.count += 1
        lines = ["    " * indent + f"for i{self.count} in range({n}):", *self.body(indent, "loop", depth)]
        return lines + self.orelse(indent, inside, depth)

    def while_(self, indent, inside, depth):
        self.count += 1
        n, pad = f"n{self.count}", "    " * indent
        limit = self.random.choice([3, 12])
        lines = [f"{pad}{n} = 0", f"{pad}while ({self.fill(CONDITIONS)}) and {n} < {limit}:", f"{pad}    {n} += 1"]
        return lines + self.body(indent, "loop", depth) + self.orelse(indent, inside, depth)

    def rows(self, indent, inside, depth):
        self.count += 1
        v = f"v{self.count}"
        lines = ["    " * indent + f"for {v} in b:", "    " * (indent + 1) + f"x = x * 0.5 + {v}"]
        return lines + self.body(indent, "loop", depth) + self.orelse(indent, inside, depth)

    def elements(self, indent, inside, depth):
        self.count += 1
        k, v = f"j{self.count}", f"u{self.count}"
        lines = ["    " * indent + f"for {k}, {v} in enumerate(zip(b, reversed(b))):"]
        lines += ["    " * (indent + 1) + f"z = z * 0.5 + {v}[0] * {v}[1] - 0.1 * {k}"]
        return lines + self.body(indent, "loop", depth)


def random_function(seed):
    """The function of a seed, and its text."""
    text = Writer(seed).text()
    file = f"<random function {seed}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    space = {"np": np, "b": np.linspace(-0.5, 0.9, 11)}
    exec(compile(text, file, "exec"), space)
    return space["random_function"], text
