"""API secrets: who may ask for what, how often, and what they did."""
