"""What ``make docs`` writes: the page of queries, the diagrams and dbt's page."""
