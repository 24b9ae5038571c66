"""Conservation laws of linear networks: find them, count them, and certify that none is missing.

The laws counted hold for every loss of the end-to-end matrix: functions constant along the gradient field of each
of its entries, hence along everything that brackets of these fields generate. That rank is taken at a random point
modulo a prime, where a rank can only be too small; the rank of the laws found can only be too small as well. Where
the two add up to the dimension both are exact, and no law is missing. Brackets are never multiplied out: their
symbols grow faster than the rank, and a jet at one point holds all that the rank needs.
"""

from __future__ import annotations

from workbench.invariants.counting import Census, census
from workbench.invariants.integrals import estimated_bytes, polynomial_integrals
from workbench.invariants.laws import Law

__all__ = ["Census", "Law", "census", "estimated_bytes", "polynomial_integrals"]
