"""The warehouse: its tables, its file, its history and its dataset version."""
