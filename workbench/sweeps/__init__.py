"""Sweeps: many runs in one store, resumed where they were left and shared by the processes that carry them.

`specification` says which runs, `claims` who carries which, `execution` carries them, `results` tabulates them.
"""

from __future__ import annotations
