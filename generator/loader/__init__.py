"""A real export into ``raw``: from the files that an option names to rows, or to the quarantine."""
