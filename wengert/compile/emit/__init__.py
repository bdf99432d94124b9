"""Emission: blocks as LLVM's text."""
