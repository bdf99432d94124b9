"""Loops: their language, and all that is done to them between lowering and code."""
