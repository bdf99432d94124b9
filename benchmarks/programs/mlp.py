"""A training step of a multilayer perceptron: value and gradient of the cross-entropy of a batch, and gradient descent.

784 - 512 - 256 - 10 with rectified linear units, a batch of 128 (the sizes of MNIST; the numbers are random).
"""

from itertools import pairwise

import numpy as np

from benchmarks import quick
from benchmarks.program import Data, Program, Subject

SIZES, BATCH, RATE = (784, 512, 256, 10), 128, 0.1


def data() -> Data:
    rng = np.random.default_rng(0)
    numbers: Data = {}
    for i, (m, n) in enumerate(pairwise(SIZES)):
        numbers[f"w{i}"] = rng.standard_normal((m, n)) * np.sqrt(2.0 / m)
        numbers[f"b{i}"] = 0.1 * rng.standard_normal(n)
    return numbers | {"x": rng.uniform(size=(BATCH, SIZES[0])), "labels": rng.integers(0, SIZES[-1], BATCH)}


def parameters(data: Data) -> list[tuple]:
    """[(weights, biases), ...]"""
    return [(data[f"w{i}"], data[f"b{i}"]) for i in range(len(SIZES) - 1)]


def slope(data: Data):
    """(loss, new parameters) -> (loss, gradient): what libraries must agree on to many digits."""

    def canonical(result):
        loss, new = result
        old = [np.asarray(a) for layer in parameters(data) for a in layer]
        return [loss, *((a - np.asarray(b)) / RATE for a, b in zip(old, (b for l in new for b in l), strict=True))]

    return canonical


# NumPy -----------------------------------------------------------------------------------------------------------
def loss(parameters, x, labels):
    for w, b in parameters[:-1]:
        x = np.maximum(x @ w + b, 0.0)
    w, b = parameters[-1]
    logits = x @ w + b
    logits = logits - np.max(logits, axis=1, keepdims=True)
    chosen = logits[np.arange(len(labels)), labels]
    return np.mean(np.log(np.sum(np.exp(logits), axis=1)) - chosen)


def wengert(data: Data) -> Subject:
    import wengert as wg

    def step(parameters, x, labels):
        value, gradient = wg.value_and_grad(loss)(parameters, x, labels)
        return value, wg.tree_map(lambda p, g: p - RATE * g, parameters, gradient)

    return Subject(loss, (parameters(data), data["x"], data["labels"]), derivative=step, canonical=slope(data))


# JAX -------------------------------------------------------------------------------------------------------------
def jax(data: Data) -> Subject:
    import jax
    import jax.numpy as jnp

    def loss(parameters, x, labels):
        for w, b in parameters[:-1]:
            x = jax.nn.relu(x @ w + b)
        w, b = parameters[-1]
        logits = jax.nn.log_softmax(x @ w + b)
        return -jnp.mean(logits[jnp.arange(len(labels)), labels])

    def step(parameters, x, labels):
        value, gradient = jax.value_and_grad(loss)(parameters, x, labels)
        return value, jax.tree.map(lambda p, g: p - RATE * g, parameters, gradient)

    args = jax.tree.map(jnp.asarray, (parameters(data), data["x"], data["labels"]))
    return Subject(loss, args, derivative=step, canonical=slope(data))


# PyTorch ---------------------------------------------------------------------------------------------------------
def torch(data: Data) -> Subject:
    import torch
    from torch.nn.functional import cross_entropy

    def loss(parameters, x, labels):
        for w, b in parameters[:-1]:
            x = torch.relu(x @ w + b)
        w, b = parameters[-1]
        return cross_entropy(x @ w + b, labels)

    def step(parameters, x, labels):
        gradient, value = torch.func.grad_and_value(loss)(parameters, x, labels)
        pairs = zip(parameters, gradient, strict=True)
        return value, [(w - RATE * dw, b - RATE * db) for (w, b), (dw, db) in pairs]

    layers = [(torch.from_numpy(w), torch.from_numpy(b)) for w, b in parameters(data)]
    args = (layers, torch.from_numpy(data["x"]), torch.from_numpy(data["labels"]))
    return Subject(loss, args, derivative=step, canonical=slope(data))


# autograd --------------------------------------------------------------------------------------------------------
def autograd(data: Data) -> Subject:
    import autograd
    import autograd.numpy as anp
    from autograd.scipy.special import logsumexp

    def loss(parameters, x, labels):
        for w, b in parameters[:-1]:
            x = anp.maximum(anp.dot(x, w) + b, 0.0)
        w, b = parameters[-1]
        logits = anp.dot(x, w) + b
        return anp.mean(logsumexp(logits, axis=1) - logits[np.arange(len(labels)), labels])

    def step(parameters, x, labels):
        value, gradient = autograd.value_and_grad(loss)(parameters, x, labels)
        pairs = zip(parameters, gradient, strict=True)
        return value, [(w - RATE * dw, b - RATE * db) for (w, b), (dw, db) in pairs]

    return Subject(loss, (parameters(data), data["x"], data["labels"]), derivative=step, canonical=slope(data))


PROGRAM = Program(
    name="mlp",
    title=f"MLP training step, {'-'.join(map(str, SIZES))}, batch {BATCH}",
    kind="array",
    data=data,
    families={"wengert": wengert, "jax": jax, "torch": torch, "autograd": autograd},
)

if __name__ == "__main__":
    quick.main(PROGRAM)
