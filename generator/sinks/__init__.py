"""Where a simulation goes: into the warehouse at once or day by day, into files, by Spark."""
