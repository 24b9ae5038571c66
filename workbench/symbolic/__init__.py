"""Exact calculus of matrix words: networks, losses, gradients, flows, identities and their printing."""
