"""Limits: meters, the line, and calls that wait for their turn."""
