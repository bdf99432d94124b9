"""The core: types, structures, primitives, programs, tracers. Knows neither NumPy's names nor derivatives."""
