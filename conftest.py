"""What pytest needs before it collects anything, in tests/ or in the doctests of wengert/."""

# Whole, before pytest imports single files: else it puts the packages explain and derivatives where functions are.
import wengert  # noqa: F401
