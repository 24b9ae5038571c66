"""Sweeps: many runs in one store, resumed where they were left and shared by the processes that carry them.

`specification` says which runs, `runs` what a run is, `claims` who carries which. `execution` carries them on this
machine, `remote` through the workers of an executor that share no disk: those of `cluster` or the jobs of `slurm`.
`outcomes` says how each ended, `results` tabulates them, `trajectories` writes what they recorded.
"""

from __future__ import annotations
