"""Starts the command line: ``python -m touchline``."""

from touchline.cli import main

if __name__ == "__main__":
    main()
