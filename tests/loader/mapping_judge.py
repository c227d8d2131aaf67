"""The judge of mappings: what becomes of one row, in plain Python and as slow as it likes."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

BLANKS = " \t\n\x0b\x0c\r"
EPOCH = datetime(1970, 1, 1)
STEP = re.compile(r'\.?"([^"]*)"|\.?([^."\[\]]+)|\[(\d+)\]')
ISO = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)? ?(Z|[+-]\d\d:?\d\d)?)?")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
DURATION = re.compile(r"P(?:(\d+)W|(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?)")
PER_MINUTE = {"minutes": Decimal(1), "seconds": Decimal(60), "milliseconds": Decimal(60_000)}


class IgnoredError(Exception):
    """The mapping ignores the row."""


class WrongCellError(Exception):
    """A cell of the row is not what it should be."""


@dataclass
class Judge:
    """Maps rows one by one, as the documentation says; knows events alone."""

    mapping: dict[str, Any]
    nulls: tuple[str, ...] = ()
    days_in: str = "UTC"
    found: set[str] = field(default_factory=set)

    def outcome(self, row: dict[str, Any]) -> str | dict[str, Any]:
        """ "ignored", "rejected", or the columns of raw.events."""
        try:
            texts = self.mapped(row)
        except IgnoredError:
            return "ignored"
        except WrongCellError:
            return "rejected"
        try:
            return self.typed(texts, row)
        except WrongCellError:
            return "rejected"

    def mapped(self, row: dict[str, Any]) -> dict[str, str | None]:
        events = self.mapping["events"]
        for name, texts in events.get("only", {}).items():
            cell = self.cell(row, name)
            if isinstance(cell, dict | list) or cell not in texts:
                raise IgnoredError
        rejected, texts_of = False, {}
        for column, entry in events.items():
            if column == "only":
                continue
            try:
                texts_of[column] = self.text(
                    row, {"from": entry} if isinstance(entry, str) else entry
                )
            except WrongCellError:
                rejected = True
        if rejected:
            raise WrongCellError
        return texts_of

    def text(self, row: dict[str, Any], entry: dict[str, Any]) -> str | None:
        if "hash" in entry:
            return self.hashed(row, entry["hash"])
        names = entry.get("from", [])
        cells = [self.cell(row, name) for name in ([names] if isinstance(names, str) else names)]
        given = next((cell for cell in cells if cell is not None), None)
        if isinstance(given, dict | list):
            if entry.get("missing") == "ignore" and given is None:
                raise IgnoredError
            raise WrongCellError
        text = given
        if given is not None:
            values, others = entry.get("values", {}), entry.get("others")
            if given in values:
                text = values[given]
            elif others == "ignore":
                raise IgnoredError
            elif others == "reject":
                raise WrongCellError
            elif others == "default":
                text = None
            elif others is not None:
                text = others
        text = text or None
        if text is None:
            text = entry.get("default")
        if text is None and entry.get("missing") == "ignore":
            raise IgnoredError
        if text is None and entry.get("missing") == "reject":
            raise WrongCellError
        return text

    def hashed(self, row: dict[str, Any], names: list[str]) -> str | None:
        parts = [self.cell(row, name) for name in names]
        if all(part is None for part in parts):
            return None
        if any(isinstance(part, dict | list) for part in parts):
            raise WrongCellError
        told = "".join(f"{len((part or '').encode())}:{part or ''}" for part in parts)
        return str(int(hashlib.md5(told.encode()).hexdigest()[:16], 16) % 2**63)

    def cell(self, row: dict[str, Any], name: str) -> Any:
        """A trimmed text, None, or the object or list that stands there."""
        value = row[name] if name in row else self.walk(row, name)
        if isinstance(value, dict | list) or value is None:
            return value
        text = value if isinstance(value, str) else json.dumps(value)
        text = text.strip(BLANKS)
        return None if text in ("", "\\N", *self.nulls) else text

    def walk(self, value: Any, name: str) -> Any:
        for in_quotes, plain, position in STEP.findall(name):
            if isinstance(value, str):
                try:
                    value = json.loads(value)
                except ValueError:
                    return None
            if position and isinstance(value, list) and int(position) < len(value):
                value = value[int(position)]
            elif not position and isinstance(value, dict):
                value = value.get(in_quotes or plain)
            else:
                return None
        return value

    def typed(self, texts: dict[str, str | None], row: dict[str, Any]) -> dict[str, Any]:
        entries = self.mapping["events"]
        entry_of = {
            column: {} if isinstance(entry, str) else entry for column, entry in entries.items()
        }
        out: dict[str, Any] = {"course_name": texts.get("course_name")}
        for column, bits in (("event_id", 63), ("user_id", 31)):
            whole = re.fullmatch(r"([+-]?\d+)(\.0*)?", texts.get(column) or "")
            if not whole or not -(2**bits) <= int(whole[1]) < 2**bits:
                raise WrongCellError
            out[column] = int(whole[1])
        if not texts.get("event_type"):
            raise WrongCellError
        out["event_type"] = str(texts["event_type"])
        out["event_time"] = self.time(texts.get("event_time"), entry_of["event_time"])
        minutes = entry_of.get("watch_minutes", {})
        out["watch_minutes"] = self.minutes(texts.get("watch_minutes"), minutes)
        score = entry_of.get("quiz_score", {})
        highest = self.cell(row, score["of"]) if "of" in score else None
        out["quiz_score"] = self.score(texts.get("quiz_score"), score, highest)
        return out

    def time(self, text: str | None, entry: dict[str, Any]) -> datetime:
        if text is None:
            raise WrongCellError
        form = entry.get("format", "iso")
        if form.startswith("epoch"):
            ticks = 10**6 if form == "epoch_seconds" else 10**3
            if not NUMBER.fullmatch(text):
                raise WrongCellError
            micros = (Decimal(text) * ticks).to_integral_value(ROUND_FLOOR)
            if abs(micros) > 10**16:
                raise WrongCellError
            moment = (EPOCH + timedelta(microseconds=int(micros))).replace(tzinfo=UTC)
        else:
            given = self.parsed(text, form)
            if given is None:
                raise WrongCellError
            if isinstance(given, str):
                return self.bounded(datetime.fromisoformat(given))
            moment = given
        zone = ZoneInfo(entry.get("timezone", "UTC"))
        if moment.tzinfo is None:
            moment = local(moment, zone)
        return self.bounded(moment.astimezone(ZoneInfo(self.days_in)).replace(tzinfo=None))

    def bounded(self, moment: datetime) -> datetime:
        if not 1970 <= moment.year <= 2099:
            raise WrongCellError
        return moment

    def parsed(self, text: str, form: str) -> datetime | str | None:
        """A moment, or the text of a day, which is that day in every zone."""
        try:
            if form != "iso":
                return datetime.strptime(text, form)
            if not ISO.fullmatch(text):
                return None
            moment = datetime.fromisoformat(re.sub(" (?=[+Z-])", "", text))
        except ValueError:
            return None
        return text if len(text) == 10 else moment

    def minutes(self, text: str | None, entry: dict[str, Any]) -> float | None:
        if text is None:
            return None
        unit = entry.get("unit", "minutes")
        if unit == "iso8601":
            parts = DURATION.fullmatch(text)
            if not parts or text[-1] in "PT":
                raise WrongCellError
            lengths = (604_800, 86_400, 3_600, 60, 1)
            number = sum(Decimal(p or 0) * n for p, n in zip(parts.groups(), lengths, strict=True))
            per = Decimal(60)
        else:
            number, per = self.number(text), PER_MINUTE[unit]
        return self.rounded(number, per, 1_000_000)

    def score(self, text: str | None, entry: dict[str, Any], highest: Any) -> float | None:
        if text is None:
            return None
        number, per = self.number(text), Decimal(1)
        if "of" in entry:
            if not isinstance(highest, str):
                raise WrongCellError
            per = self.number(highest) / 100
            if per <= 0:
                raise WrongCellError
        elif entry.get("unit") == "fraction":
            per = Decimal("0.01")
        return self.rounded(number, per, 100)

    def number(self, text: str) -> Decimal:
        if not NUMBER.fullmatch(text):
            raise WrongCellError
        return Decimal(text)

    def rounded(self, number: Decimal, per: Decimal, most: int) -> float:
        if not 0 <= number <= most * per:
            raise WrongCellError
        return float((number / per).quantize(Decimal("0.0001"), ROUND_HALF_UP))


def local(moment: datetime, zone: ZoneInfo) -> datetime:
    """The second of an hour that happens twice; one that does not happen moves on by the gap."""
    aware = moment.replace(tzinfo=zone, fold=0)
    utc = aware.astimezone(UTC)
    if utc.astimezone(zone).replace(tzinfo=None) == moment:
        return moment.replace(tzinfo=zone, fold=1)
    return utc
