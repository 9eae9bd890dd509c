"""The mouth: where its lips end, what lies behind them, and how this person opens it."""
