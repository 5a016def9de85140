"""The rules: no HTTP, no SQL, no clock, no randomness and no environment of its own. Start at pipeline.py."""
