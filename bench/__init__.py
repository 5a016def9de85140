"""Load against the gateway and the floor that it stands on: one command, one table. See README.md."""
