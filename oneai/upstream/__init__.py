"""HTTP out: client.py sends one attempt, names.py and probe.py ask a model server cheap questions."""
