"""``python -m generator`` is the same as ``elearn``."""

from generator.cli import main

if __name__ == "__main__":
    main()
