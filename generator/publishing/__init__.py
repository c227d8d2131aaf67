"""dbt, the last build whose every test passed, and what leaves the warehouse after it."""
