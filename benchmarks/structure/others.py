"""The other libraries, ready for double precision and one thread; None where they are not installed."""

from __future__ import annotations

import functools
from typing import Any

from benchmarks.libraries import installed


@functools.cache
def jax() -> Any:
    """The module jax, or None."""
    if not installed("JAX"):
        return None
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


@functools.cache
def torch() -> Any:
    """The module torch, or None."""
    if not installed("PyTorch"):
        return None
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    return torch
