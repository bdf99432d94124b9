"""Maps from distances alone: multidimensional scaling with gradients and without."""

import os

# One thread for matrix products, which are small here: the demo counts in the time of one call. Before NumPy loads.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
