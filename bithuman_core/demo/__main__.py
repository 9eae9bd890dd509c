"""``python -m bithuman_core.demo``: the page, from an installed package; ``app.py`` of the source does the same."""

from __future__ import annotations

from bithuman_core.demo.run import main

if __name__ == "__main__":
    main()
