"""How fast values and gradients are, beside JAX, PyTorch, autograd and C. One thread, whatever is imported after."""

from benchmarks import timing

timing.one_thread()
