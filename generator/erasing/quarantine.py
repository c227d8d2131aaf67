"""Rows of the quarantine that are a user's, by the text of the cell or of an unreadable line."""

from __future__ import annotations

import json
import re

import pyarrow as pa

from generator.loader.text_format import BLANKS
from generator.warehouse.private import PrivateFile
from generator.warehouse.sql import quoted
from generator.warehouse.tables import REJECTED_ROWS

# "+7", "007" and "7.0" give the id 7; of a text key every character counts.
_AS_NUMBER = r"'^\+?(-?)0*([0-9]+)(\.0*)?$', '\1\2'"
_NO_WORD = r"[^\p{L}\p{N}_]"
_ESCAPE = re.compile(r"\\u([0-9a-f]{4})")


def rows_of(private: PrivateFile, texts: list[str], is_text_key: bool) -> dict[int, set[str]]:
    """Return the rows of the quarantine that are somebody's.

    Parameters
    ----------
    private
        The private file.
    texts
        The ids or keys of users, as texts.
    is_text_key
        Whether they are keys.

    Returns
    -------
    The texts that each row gives or holds, by the row's number in the stored table.
    """
    if not private.has(REJECTED_ROWS) or not texts:
        return {}
    forms = [(text, form) for text in texts for form in sorted(_forms(text))]
    private.register(
        "wanted_texts",
        pa.table(
            {
                "text": pa.array([text for text, _ in forms], pa.string()),
                "form": pa.array([form for _, form in forms], pa.string()),
            }
        ),
    )
    given = f"trim(coalesce(user_text, {_cell('user_id')}), {quoted(BLANKS)})"
    if not is_text_key:
        given = f"regexp_replace({given}, {_AS_NUMBER})"
    word = f"'(^|{_NO_WORD})' || regexp_escape(form) || '($|{_NO_WORD})'"
    found = private.rows(
        f"""
        with quarantine as (
            select rowid as number, {given} as given,
                case when user_text is null then {_cell("line")} end as line
            from {REJECTED_ROWS.name}
        )
        select number, text from quarantine inner join wanted_texts on given = text
        union
        select number, text from quarantine inner join wanted_texts on contains(line, form)
        where regexp_matches(line, {word})
        """
    )
    rows: dict[int, set[str]] = {}
    for number, text in found:
        rows.setdefault(number, set()).add(text)
    return rows


def _forms(text: str) -> set[str]:
    r"""Return how files write a text: CSV doubles quotes; JSON escapes them, and may é and /."""
    escaped = {json.dumps(text, ensure_ascii=ascii_alone)[1:-1] for ascii_alone in (True, False)}
    escaped |= {_ESCAPE.sub(lambda found: rf"\u{found[1].upper()}", form) for form in escaped}
    escaped |= {form.replace("/", r"\/") for form in escaped}
    return {text, text.replace('"', '""'), *escaped}


def _cell(name: str) -> str:
    # A row of JSON lines stands as the file had it, which may be no JSON at all.
    return f'case when json_valid("row") then "row" ->> \'$.{name}\' end'
