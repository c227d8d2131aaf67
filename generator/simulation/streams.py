"""Named random streams: one for each decision, so that a new decision leaves the others alone.

The idea is that of starsim's ``Dists`` and dbldatagen's per-column seeds. A stream is keyed by
the seed, the name of what it decides and the number of the user block. A block is always drawn
whole, so neither the number of users nor the order of computing can move a number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

BLOCK_USERS = 512
"""Users in a block; part of the simulation's definition, as other blocks draw other numbers."""

Streams = Callable[[str], np.random.Generator]
"""Gives the generator of a named decision, at the start of its stream."""


def streams_of(seed: int, block: int) -> Streams:
    """Return the named streams of one block of users.

    Parameters
    ----------
    seed
        The seed of the settings.
    block
        Number of the block, from 0; user ids are ``block * BLOCK_USERS + 1`` and on.
    """

    def stream(decision: str) -> np.random.Generator:
        # hashlib, not hash(): the latter changes with PYTHONHASHSEED
        digest = hashlib.sha256(decision.encode()).digest()
        key = (int.from_bytes(digest[:8], "big"), block)
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))

    return stream
