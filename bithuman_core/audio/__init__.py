"""Samples in and out: any-rate input to 16 kHz ticks, log-mel, files."""
