"""Rows as a store hands them out, for the tests of the registry's side."""

from typing import Any

from oneai.core import codes
from oneai.types import Row


def row(code: str = "op1", **changes: Any) -> Row:
    """A sound row of `models`; domain and role as the code says, where it is one."""
    parsed = codes.parse(code if codes.is_code(code) else "op1")
    return {
        "model_code": code,
        "domain": parsed.domain.value,
        "role": parsed.role.value,
        "provider": "any",
        "endpoint": "http://gpu.example:8000/v1/chat/completions",
        "timeout_ms": 120_000,
        "max_tokens": 8192,
        "active": True,
        "fallback_model_code": None,
        "meta": {},
        "created_at": "2026-01-01T00:00:00+00:00",
        "updated_at": "2026-01-01T00:00:00+00:00",
    } | changes


def key_row(key_hash: str, **changes: Any) -> Row:
    """A sound row of `api_keys` that may call all."""
    return {
        "key_hash": key_hash,
        "name": "n8n",
        "allow": None,
        "admin": False,
        "expires_at": None,
        "max_in_flight": None,
        "revoked_at": None,
        "created_at": "2026-01-01T00:00:00+00:00",
    } | changes


def todays_rows() -> list[Row]:
    """The five models of the hand-run system that this gateway takes over."""
    table = [
        ("op1", "DeepSeek-OCR", "deepseek", 8000, "op2", "Primary OCR"),
        ("op2", "GOT-OCR-2", "got-ocr", 8001, "op3", "General OCR"),
        ("op3", "olmOCR-2-7B", "olmocr", 8002, "op4", "Qwen2.5-VL based"),
        ("op4", "PaddleOCR-VL", "paddle", 8003, "op5", "Document understanding"),
        ("op5", "MinerU-2.5", "mineru", 8004, None, "Fast lightweight"),
    ]
    return [
        row(
            code,
            provider=provider,
            endpoint=f"http://spark.example:{port}/v1/chat/completions",
            fallback_model_code=fallback,
            meta={"name": name, "description": description},
        )
        for code, name, provider, port, fallback, description in table
    ]
