"""Primitives: each a contiguous block of implementation, type, derivative, batching and samples; its tests follow."""
