"""How fast the gradient is, beside autograd, PyTorch and JAX."""
