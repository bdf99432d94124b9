"""What structure saves: sparse, eliminated, checkpointed and higher derivatives, beside JAX and PyTorch by hand.

A module here is one part of the table: its docstring's first line is the heading, and it has one function,

    rows() -> list[Row]

which checks that all ways agree on the values before any is timed. `python -m benchmarks.structure` runs each in a
fresh process of its own.
"""

NAMES = ("elimination", "sparse_jacobian", "sparse_hessian", "taylor", "curvature", "estimates", "loops", "plan")
NAMES += ("budget",)
