"""Telling other servers of events: signed, tried again, and written down."""
