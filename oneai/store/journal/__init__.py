"""Usage rows on disk from the moment an attempt ends until the store has them."""

from oneai.store.journal.journal import Journal, JournalState
from oneai.store.journal.lock import home_lock
from oneai.store.journal.segment import Batch, Segment

__all__ = ["Batch", "Journal", "JournalState", "Segment", "home_lock"]
