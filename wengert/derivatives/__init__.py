"""Derivatives built of the transformations: Jacobians, Hessians, numerical differences."""
