"""Every benchmark against its yardstick, in one table: see ``tests.benchmarks.table``."""

if __name__ == "__main__":  # the processes that are measured import this module, and nothing more
    from tests.benchmarks.table import main

    main()
