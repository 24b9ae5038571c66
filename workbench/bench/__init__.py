"""Benchmarks against named peers: medians and ratios measured in one run, each with the floor that was promised."""
