"""stub"""
def estimated_bytes(*a): return 0
def polynomial_integrals(*a): return []
