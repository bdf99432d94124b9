"""Wengert differentiates the NumPy program that you already have: exactly, in the cheapest mode, to any order.

>>> import numpy as np
>>> import wengert as wg
>>> wg.grad(lambda x: np.sum(np.exp(x)))(np.zeros(3))
array([1., 1., 1.])
"""

from . import convolution, debug, errors, numpy, optimize, scipy
from .api import (
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    linearize,
    trace,
    value_and_grad,
    vjp,
    vmap,
)
from .compile.jit import jit
from .compile.machine.pool import get_threads, set_threads
from .control import cond, fori_loop, map, scan, switch, while_loop
from .core.program import Program
from .core.tree import register as register_structure
from .core.tree import tree_map
from .core.types import ArrayType
from .custom import custom_jvp, custom_vjp
from .derivatives import checkpointing, curvature, elimination, implicit, numeric, sparse, symbolic
from .derivatives.taylor import derivative_tensor, derivatives, mixed_derivative, taylor
from .explain import explain
from .python import print
from .recompute import checkpoint, remat, stop_gradient
from .testing import check_grads

__version__ = "0.1.0"

__all__ = [
    "ArrayType",
    "Program",
    "check_grads",
    "checkpoint",
    "checkpointing",
    "cond",
    "convolution",
    "curvature",
    "custom_jvp",
    "custom_vjp",
    "debug",
    "derivative_tensor",
    "derivatives",
    "elementwise_grad",
    "elimination",
    "errors",
    "explain",
    "fori_loop",
    "get_threads",
    "grad",
    "hessian",
    "hvp",
    "implicit",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jit",
    "jvp",
    "linearize",
    "map",
    "mixed_derivative",
    "numeric",
    "numpy",
    "optimize",
    "print",
    "register_structure",
    "remat",
    "scan",
    "scipy",
    "set_threads",
    "sparse",
    "stop_gradient",
    "switch",
    "symbolic",
    "taylor",
    "trace",
    "tree_map",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
]
