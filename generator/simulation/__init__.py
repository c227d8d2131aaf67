"""The simulated platform: pure NumPy from settings to arrays, no input and no output."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pandas as pd
import pyarrow as pa

from generator.settings import Settings
from generator.simulation.history import simulate_block
from generator.simulation.rows import Rows, block_rows, joined
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
    rows = joined(simulate_blocks(settings, workers=1))
    return _frame(rows["raw.users"]), _frame(rows["raw.events"])


AHEAD_CELLS = 2**18
"""User-days that are simulated ahead of the consumer, so that threads work while it writes."""


def simulate_blocks(
    settings: Settings,
    workers: int,
    user_ids: range | None = None,
    finish: Callable[[Rows], Rows] = lambda rows: rows,
) -> Iterator[Rows]:
    """Yield the simulation block by block in order of user_id, a few blocks ahead at most.

    Threads are enough: NumPy gives up the interpreter lock where the time goes, and the rows do
    not depend on which thread draws them.

    Parameters
    ----------
    settings
        What to simulate.
    workers
        Number of threads.
    user_ids
        Consecutive users to keep; all when None.
    finish
        What else to do with the rows of each block, in the thread that drew them.
    """
    wanted = range(1, settings.n_users + 1) if user_ids is None else user_ids
    blocks = range((wanted.start - 1) // BLOCK_USERS, -(-(wanted.stop - 1) // BLOCK_USERS))

    def simulate_one(block: int) -> Rows:
        return finish(block_rows(settings, simulate_block(settings, block), wanted))

    if workers == 1:
        yield from map(simulate_one, blocks)
        return
    most_ahead = workers + 1 + AHEAD_CELLS // (BLOCK_USERS * settings.days)
    with ThreadPoolExecutor(workers) as pool:
        ahead: deque[Future[Rows]] = deque()
        try:
            for block in blocks:
                ahead.append(pool.submit(simulate_one, block))
                if len(ahead) > most_ahead:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _frame(rows: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = rows.to_pandas(date_as_object=False)
    texts = frame.select_dtypes("category").columns
    return frame.astype(dict.fromkeys(texts, "str"))
