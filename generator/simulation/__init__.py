"""The simulated platform: pure NumPy from settings to arrays, no input and no output."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pandas as pd

from generator.settings import Settings
from generator.simulation.frames import Frames, block_frames
from generator.simulation.history import simulate_block
from generator.simulation.streams import BLOCK_USERS


def simulate(settings: Settings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simulate the platform in memory.

    Parameters
    ----------
    settings
        What the simulation depends on.

    Returns
    -------
    users, events : pandas.DataFrame
        The columns of ``raw.users`` and ``raw.events``: users in order of user_id, events in
        order of event_id, which is the order of time within a user. Dates are timestamps at
        midnight, missing texts and numbers NaN.

    Examples
    --------
    >>> users, events = simulate(Settings(n_users=10, days=30, seed=42))
    >>> len(users)
    10
    """
    frames = list(simulate_blocks(settings, workers=1))
    users = pd.concat([block.users for block in frames], ignore_index=True)
    events = pd.concat([block.events for block in frames], ignore_index=True)
    return _plain_texts(users), _plain_texts(events)


def simulate_blocks(settings: Settings, workers: int) -> Iterator[Frames]:
    """Yield the simulation block by block in order of user_id, a few blocks ahead at most.

    Threads are enough: NumPy gives up the interpreter lock where the time goes, and the rows do
    not depend on which thread draws them.
    """
    blocks = range(-(-settings.n_users // BLOCK_USERS))

    def simulate_one(block: int) -> Frames:
        return block_frames(settings, simulate_block(settings, block))

    if workers == 1:
        yield from map(simulate_one, blocks)
        return
    with ThreadPoolExecutor(workers) as pool:
        ahead: deque[Future[Frames]] = deque()
        try:
            for block in blocks:
                ahead.append(pool.submit(simulate_one, block))
                if len(ahead) > workers + 1:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _plain_texts(frame: pd.DataFrame) -> pd.DataFrame:
    texts = frame.select_dtypes("category").columns
    return frame.astype(dict.fromkeys(texts, "str"))
