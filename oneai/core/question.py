"""A cheap question to a model server, with the credential that it asks for: what it serves, whether it is well."""

from collections.abc import Mapping

from oneai.core import endpoint
from oneai.types import Model, Request

MODELS = "/v1/models"


def asking(model: Model, path: str, credentials: Mapping[str, str]) -> Request:
    """GET of a path from the server's base; `credentials` go by the variable that a row's `credential_env` names."""
    secret = credentials.get(model.credential_env or "")
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return Request(method="GET", url=f"{endpoint.base_of(model.endpoint)}{path}", body=b"", headers=headers)
