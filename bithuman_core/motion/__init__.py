"""Idle life and the mixer that blends it with speech."""
