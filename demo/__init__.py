"""Maps from distances alone: multidimensional scaling with gradients and without."""
