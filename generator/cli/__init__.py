"""The command line: the application, its console and options, and one module a kind of command."""
