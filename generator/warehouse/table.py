"""What a table is: its columns, keys and checks as data, and the statements that create it."""

from __future__ import annotations

from dataclasses import dataclass

from generator.warehouse.sql import quoted


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    type: str
    comment: str
    required: bool = True
    is_unique: bool = False
    check: str = ""
    """Condition on the column that the database enforces."""
    references: str = ""
    """Table and column of the foreign key."""

    @property
    def ddl(self) -> str:
        """The column's line in CREATE TABLE."""
        parts = [self.name, self.type]
        if self.required:
            parts.append("not null")
        if self.is_unique:
            parts.append("unique")
        if self.check:
            parts.append(f"check ({self.check})")
        if self.references:
            parts.append(f"references {self.references}")
        return " ".join(parts)


@dataclass(frozen=True)
class Table:
    """One table of the warehouse."""

    name: str
    """Schema and name."""
    key: str
    """Columns of the primary key, between commas; empty for a log without one."""
    comment: str
    columns: tuple[Column, ...]
    checks: tuple[str, ...] = ()
    """Conditions over several columns that the database enforces."""
    key_after_rows: bool = False
    """Whether the primary key is added once the rows are in: faster for a large table, but a
    table that others refer to needs its key at creation."""

    @property
    def key_columns(self) -> list[str]:
        """Names of the columns of the primary key."""
        return self.key.split(", ") if self.key else []

    @property
    def column_names(self) -> list[str]:
        """Names of the columns in order."""
        return [column.name for column in self.columns]

    @property
    def ddl(self) -> str:
        """CREATE TABLE with all constraints, but for a primary key that comes after the rows."""
        lines = [column.ddl for column in self.columns]
        lines += [f"check ({check})" for check in self.checks]
        if self.key and not self.key_after_rows:
            lines.append(f"primary key ({self.key})")
        return f"create table {self.name} (\n    " + ",\n    ".join(lines) + "\n)"

    @property
    def key_ddl(self) -> str:
        """ALTER TABLE that adds the primary key."""
        return f"alter table {self.name} add primary key ({self.key})"

    @property
    def comments_ddl(self) -> list[str]:
        """COMMENT ON for the table and every column."""
        table = f"comment on table {self.name} is {quoted(self.comment)}"
        return [table, *map(self.comment_ddl, self.columns)]

    def comment_ddl(self, column: Column) -> str:
        """Return COMMENT ON for one column."""
        return f"comment on column {self.name}.{column.name} is {quoted(column.comment)}"
