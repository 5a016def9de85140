"""The part of PostgREST that the Supabase store speaks, on loopback and strict, written from its documentation."""

from tests.fakes.postgrest.project import OCR_MODELS, on, project, todays
from tests.fakes.postgrest.refusal import Refusal
from tests.fakes.postgrest.server import Asking, Broken, Postgrest, token

__all__ = ["OCR_MODELS", "Asking", "Broken", "Postgrest", "Refusal", "on", "project", "todays", "token"]
