"""The REST API: one small router a family of calls."""
