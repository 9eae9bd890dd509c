"""``python -m bithuman_core``: the command line."""

from bithuman_core.cli import main

main()
