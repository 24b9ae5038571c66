"""Descent and heavy ball on small networks in one launch of many steps, for CUDA devices, in Triton.

A program carries a few networks; their layers, prefixes and two suffixes lie in global memory, small enough for the
cache next to the processor, and entry (n, i, j) of a product is summed in a register. Every width is a power of two,
padded with zeros. Triton comes with PyTorch on CUDA, so this path needs no package and no compiler of its own; its
interpreter (TRITON_INTERPRET=1) runs the same source on the CPU, which is how it is tested.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit  # type: ignore[untyped-decorator]
def descend(  # type: ignore[no-untyped-def]
    layers, velocities, prefixes, suffixes, targets, rates, states, ended_at,
    beta, scale, level, largest, first, count, members,
    WIDTH: tl.constexpr, DEPTH: tl.constexpr, NETWORKS: tl.constexpr, MOMENTUM: tl.constexpr,
):  # fmt: skip
    """Take some steps; none judge only.

    Layers, velocities and prefixes have the shape (members, DEPTH, WIDTH, WIDTH), suffixes (members, 2, WIDTH, WIDTH),
    targets (members, WIDTH, WIDTH), rates, states and ended_at (members,).
    """
    area: tl.constexpr = WIDTH * WIDTH
    chain: tl.constexpr = DEPTH * area
    n = (tl.program_id(0) * NETWORKS + tl.arange(0, NETWORKS)).to(tl.int64)
    alive = n < members
    i, j = tl.arange(0, WIDTH)[None, :, None], tl.arange(0, WIDTH)[None, None, :]
    entry, here = i * WIDTH + j, alive[:, None, None]
    own, pair = n[:, None, None] * chain, n[:, None, None] * 2 * area
    target = tl.load(targets + n[:, None, None] * area + entry, mask=here, other=0)
    rate, state = tl.load(rates + n, mask=alive, other=0), tl.load(states + n, mask=alive, other=1)
    ended = tl.load(ended_at + n, mask=alive, other=0)
    for step in range(first, first + tl.maximum(count, 1)):
        product = tl.load(layers + own + entry, mask=here, other=0)
        tl.store(prefixes + own + entry, product, mask=here)
        tl.debug_barrier()
        for layer in range(1, DEPTH):
            product = tl.zeros_like(product)
            for k in range(WIDTH):
                a = tl.load(layers + own + layer * area + i * WIDTH + k, mask=here, other=0)
                product += a * tl.load(prefixes + own + (layer - 1) * area + k * WIDTH + j, mask=here, other=0)
            tl.store(prefixes + own + layer * area + entry, product, mask=here)
            tl.debug_barrier()
        gap = product - target
        loss = scale / 2 * tl.sum(tl.sum(gap * gap, axis=2), axis=1)
        running = state == 0
        reached = running & (loss <= level)
        over = running & (loss > level) & (loss <= largest)
        gone = running & (over == 0) & (reached == 0)
        ended = tl.where(reached | gone, step, ended)
        state = tl.where(reached, 1, tl.where(gone, 3, state))
        rate = tl.where(state == 0, rate, 0.0)
        held = (state == 0)[:, None, None]
        if count > 0:
            suffix = tl.where(held, gap * (-scale * rate)[:, None, None], 0.0)
            tl.store(suffixes + pair + ((DEPTH - 1) % 2) * area + entry, suffix, mask=here)
            tl.debug_barrier()
            for turn in range(DEPTH - 1):
                layer = DEPTH - 1 - turn
                ahead, behind = suffixes + pair + (layer % 2) * area, suffixes + pair + ((layer - 1) % 2) * area
                pulled, moved = tl.zeros_like(gap), tl.zeros_like(gap)
                for k in range(WIDTH):
                    a = tl.load(layers + own + layer * area + k * WIDTH + i, mask=here, other=0)
                    pulled += a * tl.load(ahead + k * WIDTH + j, mask=here, other=0)
                    s = tl.load(ahead + i * WIDTH + k, mask=here, other=0)
                    moved += s * tl.load(prefixes + own + (layer - 1) * area + j * WIDTH + k, mask=here, other=0)
                tl.debug_barrier()
                place = own + layer * area + entry
                if MOMENTUM:
                    moved += beta * tl.load(velocities + place, mask=here, other=0)
                    moved = tl.where(held, moved, 0.0)
                    tl.store(velocities + place, moved, mask=here)
                tl.store(layers + place, tl.load(layers + place, mask=here, other=0) + moved, mask=here)
                tl.store(behind + entry, pulled, mask=here)
                tl.debug_barrier()
            moved = tl.load(suffixes + pair + entry, mask=here, other=0)
            if MOMENTUM:
                moved += beta * tl.load(velocities + own + entry, mask=here, other=0)
                moved = tl.where(held, moved, 0.0)
                tl.store(velocities + own + entry, moved, mask=here)
            tl.store(layers + own + entry, tl.load(layers + own + entry, mask=here, other=0) + moved, mask=here)
            tl.debug_barrier()
    tl.store(rates + n, rate, mask=alive)
    tl.store(states + n, state, mask=alive)
    tl.store(ended_at + n, ended, mask=alive)
