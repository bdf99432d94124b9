r"""GPT-2: what its training step keeps, planned from shapes alone.

Reverse mode keeps what each layer computed. Rajbhandari and others (ZeRO, section 3.2) count 12 values for each hidden
unit, token and layer; for the model of 1.5 billion parameters at a sequence of 1024 and a batch of 32, in half
precision, that is 60 GB. Here the model is written in NumPy and recorded on types, so that no array of that size is
made; `wg.checkpoint(loss, kept="8 GB").plan(...)` then says what to keep. A tiny one is trained on a text, and what its
gradient takes is measured.
"""

import tracemalloc
from pydoc_data import topics
from typing import Any, NamedTuple

import numpy as np
import optree
from pictures import BLUE, GREY, VERMILION, canvas, save

import wengert as wg


class Config(NamedTuple):
    """The sizes of a model."""

    layers: int
    heads: int
    hidden: int
    vocabulary: int = 50257
    context: int = 1024


CONFIGS = {
    "tiny": Config(4, 2, 32, 128, 32),
    "124M": Config(12, 12, 768),
    "355M": Config(24, 16, 1024),
    "774M": Config(36, 20, 1280),
    "1.5B": Config(48, 25, 1600),
}


# the model -------------------------------------------------------------------------------------------------------
def shapes(c: Config) -> dict[str, Any]:
    """The shapes of all parameters; the output shares the embedding of tokens."""
    h = c.hidden
    layer = {
        "norm1": {"scale": (h,), "shift": (h,)},
        "attend": {"w": (h, 3 * h), "b": (3 * h,)},
        "project": {"w": (h, h), "b": (h,)},
        "norm2": {"scale": (h,), "shift": (h,)},
        "widen": {"w": (h, 4 * h), "b": (4 * h,)},
        "narrow": {"w": (4 * h, h), "b": (h,)},
    }
    tokens = {"tokens": (c.vocabulary, h), "places": (c.context, h)}
    return {**tokens, "layers": [layer] * c.layers, "norm": {"scale": (h,), "shift": (h,)}}


def each(make: Any, shape: Any, name: str = "") -> Any:
    """The same structure, of what `make` makes of a name and a shape."""
    if isinstance(shape, dict):
        return {k: each(make, v, k) for k, v in shape.items()}
    return [each(make, s) for s in shape] if isinstance(shape, list) else make(name, shape)


@wg.checkpoint
def norm(x: Any, p: Any) -> Any:
    """Layer normalisation; of what it computes only x is kept."""
    x = x - np.mean(x, axis=-1, keepdims=True)
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-5) * p["scale"] + p["shift"]


@wg.checkpoint
def gelu(x: Any) -> Any:
    """x Phi(x), by the formula with tanh that GPT-2 uses."""
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi).astype(x.dtype) * (x + 0.044715 * x * x * x)))


@wg.custom_jvp
def softmax(x: Any) -> Any:
    """Positive numbers with the sum one, in each row; its derivative keeps nothing but them."""
    y = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return y / np.sum(y, axis=-1, keepdims=True)


@softmax.defjvp
def softmax_jvp(primals: Any, tangents: Any) -> Any:
    """y_dot = y (x_dot - y . x_dot)."""
    y, (x_dot,) = softmax(*primals), tangents
    return y, y * (x_dot - np.sum(y * x_dot, axis=-1, keepdims=True))


def linear(x: Any, p: Any) -> Any:
    """x w + b, for all tokens as the rows of one matrix: then so is the product that gives the adjoint of w."""
    rows = np.reshape(x, (-1, x.shape[-1])) @ p["w"] + p["b"]
    return np.reshape(rows, (*x.shape[:-1], -1))


def attention(x: Any, p: Any, heads: int) -> Any:
    """Each place looks at those before it: softmax(q k^T / sqrt(d)) v, in so many heads."""
    b, s, h = x.shape
    qkv = np.transpose(np.reshape(linear(x, p["attend"]), (b, s, 3, heads, h // heads)), (2, 0, 3, 1, 4))
    q, k, v = qkv[0], qkv[1], qkv[2]
    scores = q @ np.swapaxes(k, -1, -2) * x.dtype.type((h // heads) ** -0.5)
    weights = softmax(np.where(np.tri(s, dtype=bool), scores, x.dtype.type(-1e4)))
    return linear(np.reshape(np.transpose(weights @ v, (0, 2, 1, 3)), (b, s, h)), p["project"])


def trunk(p: Any, text: Any, heads: int) -> Any:
    """What the last layer says at each place."""
    x = p["tokens"][text] + p["places"][: text.shape[1]]
    for layer in p["layers"]:
        x = x + attention(norm(x, layer["norm1"]), layer, heads)
        x = x + linear(gelu(linear(norm(x, layer["norm2"]), layer["widen"])), layer["narrow"])
    return norm(x, p["norm"])


def loss_with(heads: int, pieces: int = 1) -> Any:
    """The mean of -log p(next token), the vocabulary's logits made for one piece of the batch after another."""

    def loss(p: Any, text: Any, following: Any) -> Any:
        x, total = trunk(p, text, heads), 0.0
        rows = text.shape[0] // pieces
        for k in range(pieces):
            part = slice(k * rows, (k + 1) * rows)
            logits = x[part] @ p["tokens"].T
            logits = logits - np.max(logits, axis=-1, keepdims=True)
            chosen = np.take_along_axis(logits, following[part][..., None], axis=-1)[..., 0]
            total = total + np.sum(np.log(np.sum(np.exp(logits), axis=-1)) - chosen)
        return total / text.size

    return loss


# the plan --------------------------------------------------------------------------------------------------------
def zero_bytes(c: Config, sequence: int, batch: int, itemsize: int = 2) -> int:
    """ZeRO, section 3.2: 12 values for each hidden unit, token and layer."""
    return 12 * c.hidden * batch * sequence * c.layers * itemsize


def score_bytes(c: Config, sequence: int, batch: int, itemsize: int = 2) -> int:
    """The weights of the attention, which that count leaves out."""
    return c.layers * c.heads * batch * sequence**2 * itemsize


def planned(name: str, batch: int, sequence: int, kept: Any, dtype: Any = np.float16, pieces: int = 1) -> Any:
    """What the gradient takes where so many bytes of values may be kept, from types alone."""
    c = CONFIGS[name]
    parameters = each(lambda _, shape: wg.ArrayType(shape, dtype), shapes(c))
    text = wg.ArrayType((batch, sequence), np.int64)
    return wg.checkpoint(loss_with(c.heads, pieces), kept=kept).plan(parameters, text, text)


# a tiny one, trained ---------------------------------------------------------------------------------------------
def initial(c: Config, rng: Any) -> Any:
    """Parameters as GPT-2 draws them: normal with deviation 0.02, scales one, shifts zero."""

    def make(name: str, shape: Any) -> Any:
        if name in ("scale", "shift", "b"):
            return np.full(shape, float(name == "scale"))
        return 0.02 * rng.normal(size=shape)

    return each(make, shapes(c))


def corpus() -> Any:
    """The text of Python's own help, as numbers of ASCII characters."""
    text = "".join(topics.topics[k] for k in sorted(topics.topics)).encode("ascii", "replace")
    return np.frombuffer(text, np.uint8).astype(np.int64)


def batch_of(text: Any, size: int, sequence: int, rng: Any) -> tuple[Any, Any]:
    """Pieces of the text, and the same one character on."""
    starts = rng.integers(0, len(text) - sequence - 1, size)[:, None] + np.arange(sequence)
    return text[starts], text[starts + 1]


def trained(steps: int = 60, size: int = 8) -> Any:
    """The losses of some steps of Adam."""
    c, rng, text = CONFIGS["tiny"], np.random.default_rng(0), corpus()
    step = wg.jit(wg.value_and_grad(wg.checkpoint(loss_with(c.heads), segments=4)))
    p, losses = initial(c, rng), []
    m = v = wg.tree_map(np.zeros_like, p)
    for k in range(1, steps + 1):
        value, slope = step(p, *batch_of(text, size, c.context, rng))
        m = wg.tree_map(lambda a, g: 0.9 * a + 0.1 * g, m, slope)
        v = wg.tree_map(lambda a, g: 0.99 * a + 0.01 * g * g, v, slope)
        rate = 3e-3 * np.sqrt(1 - 0.99**k) / (1 - 0.9**k)
        p = wg.tree_map(lambda x, a, b: x - rate * a / (np.sqrt(b) + 1e-8), p, m, v)  # noqa: B023
        losses.append(value)
    return np.array(losses)


def measured(size: int = 16) -> tuple[Any, Any]:
    """For the tiny one, within less and less bytes: the budget, and the peak of the compiled gradient."""
    c = CONFIGS["tiny"]
    parameters = each(lambda _, shape: wg.ArrayType(shape, np.float64), shapes(c))
    text = wg.ArrayType((size, c.context), np.int64)
    whole = wg.checkpoint(loss_with(c.heads)).plan(parameters, text, text).unlimited
    budgets = np.array([1.0, 0.75, 0.5]) * whole
    losses = [wg.checkpoint(loss_with(c.heads), budget=budget) for budget in budgets]
    return budgets, np.array([wg.jit(wg.grad(f)).memory(parameters, text, text).peak for f in losses])


def law() -> Any:
    """Sizes against measured bytes: batch, layers, ZeRO's 12 values, scores, planned peak, peak while NumPy runs it."""
    rng, text, rows = np.random.default_rng(0), corpus(), []
    for batch, layers in ((8, 2), (16, 2), (32, 2), (16, 4), (16, 8)):
        c = CONFIGS["tiny"]._replace(layers=layers)
        args = initial(c, rng), *batch_of(text, batch, c.context, rng)
        loss = wg.checkpoint(loss_with(c.heads), policy="everything")
        gradient = wg.grad(loss)
        gradient(*args)
        tracemalloc.start()
        gradient(*args)
        peak = tracemalloc.get_traced_memory()[1] + sum(x.nbytes for x in optree.tree_leaves(args))
        tracemalloc.stop()
        counts = zero_bytes(c, c.context, batch, 8), score_bytes(c, c.context, batch, 8)
        rows.append((batch, layers, *counts, loss.plan(*args).peak, peak))
    return np.array(rows)


def data() -> dict[str, Any]:
    """The plan of the largest model, the training of the smallest, and its memory."""
    c, plans, found = CONFIGS["1.5B"], *measured()
    return {
        "zero": zero_bytes(c, 1024, 32),
        "scores": score_bytes(c, 1024, 32),
        "plan": planned("1.5B", 32, 1024, "8 GB", pieces=16),
        "losses": trained(),
        "planned": plans,
        "measured": found,
        "law": law(),
    }


def picture(data: dict[str, Any]) -> Any:
    """Gigabytes of the largest model; the loss of the smallest."""
    figure, (left, right) = canvas(8.0, 3.4, ncols=2)
    plan = data["plan"]
    names = ("ZeRO, 12 values", "exactly", "of which scores", "planned")
    sizes = np.array([data["zero"], plan.unlimited_kept, data["scores"], plan.kept]) / 1e9
    left.barh(names[::-1], sizes[::-1], color=[VERMILION, GREY, GREY, BLUE])
    for k, x in enumerate(sizes[::-1]):
        left.text(x, k, f" {x:.1f}", va="center")
    left.set(xlabel="gigabytes", xlim=(0, 1.2 * sizes.max()), title=f"1.5B: {100 * plan.extra:.0f}% more work")
    right.plot(data["losses"], color=BLUE)
    right.set(xlabel="step of Adam", ylabel="nats for a character", title="tiny, on Python's help")
    return figure


if __name__ == "__main__":
    found = data()
    print(found["plan"])
    print("batch layers   12 values     scores    planned   measured  (bytes)")
    for row in found["law"].astype(int):
        print("{:5} {:6} {:11,} {:10,} {:10,} {:10,}".format(*row))
    save(picture(found), __file__)
