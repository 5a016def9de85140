"""The part of PostgREST that the Supabase store speaks, on loopback and strict, written from its documentation."""

from tests.fakes.postgrest.project import project
from tests.fakes.postgrest.refusal import Refusal
from tests.fakes.postgrest.server import Asking, Broken, Postgrest, token

__all__ = ["Asking", "Broken", "Postgrest", "Refusal", "project", "token"]
