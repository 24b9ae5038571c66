"""Benchmarks against named peers, ratios in one run: one suite, one module."""
