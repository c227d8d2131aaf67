"""What ``make docs`` writes: the pages of queries and tables, and dbt's page."""
