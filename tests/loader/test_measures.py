"""Measures are rounded as they are written down."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from hypothesis import strategies as st

from tests.drawing import drawn
from tests.loader.desk import EVENT, Desk

NUMBERS = st.one_of(
    st.decimals(0, 1_000_000, places=5).map(str),
    st.floats(0, 1_000_000).map(repr),
    st.builds("{}e{}".format, st.floats(0, 100).map(lambda x: f"{x:.6f}"), st.integers(-9, 3)),
)


@drawn(few=5, many=15, texts=st.lists(NUMBERS, min_size=50, max_size=50))
def test_measures_are_rounded_half_away_from_zero(tmp_path: Path, texts: list[str]) -> None:
    desk = Desk(tmp_path)
    desk.load([EVENT | {"event_id": str(n), "watch_minutes": x} for n, x in enumerate(texts)])
    stored = desk.query("select watch_minutes from raw.events order by event_id")
    quantum = Decimal("0.0001")
    # With an exponent, it is the double that is rounded, written as short as it can be.
    exact = [Decimal(repr(float(text)) if "e" in text else text) for text in texts]
    rounded = [float(number.quantize(quantum, ROUND_HALF_UP)) for number in exact]
    assert [row[0] for row in stored] == rounded
