"""x sin(x) of one number: the cost of a call of a compiled function, and of its gradient."""

import numpy as np

from benchmarks import quick
from benchmarks.program import Data, Program, Subject


def data() -> Data:
    return {"x": 0.5}


def x_sin_x(x):
    return x * np.sin(x)


def wengert(data: Data) -> Subject:
    return Subject(x_sin_x, (data["x"],), (0,))


def jax(data: Data) -> Subject:
    import jax.numpy as jnp

    return Subject(lambda x: x * jnp.sin(x), (jnp.asarray(data["x"]),), (0,))


def torch(data: Data) -> Subject:
    import torch

    return Subject(lambda x: x * torch.sin(x), (torch.tensor(data["x"]),), (0,))


def autograd(data: Data) -> Subject:
    import autograd.numpy as anp

    return Subject(lambda x: x * anp.sin(x), (data["x"],), (0,))


PROGRAM = Program(
    name="scalar",
    title="x sin(x) of one number",
    kind="call",
    data=data,
    families={"wengert": wengert, "jax": jax, "torch": torch, "autograd": autograd},
)

if __name__ == "__main__":
    quick.main(PROGRAM)
