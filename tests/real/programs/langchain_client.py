"""langchain-openai, whose users never see the openai client underneath."""

import asyncio
from typing import Any

import openai
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from tests.real.programs import scenario
from tests.real.programs.scenario import Given


def _chat(given: Given) -> Any:
    return ChatOpenAI(base_url=f"{scenario.url()}/v1", api_key=scenario.key(given), **given["ask"])


def invoke(given: Given) -> Any:
    return _message(_chat(given).invoke(given["text"]))


def tools(given: Given) -> Any:
    return _message(_chat(given).bind_tools(given["tools"]).invoke(given["text"]))


def stream(given: Given) -> Any:
    return _gathered(list(_chat(given).stream(given["text"])))


def astream(given: Given) -> Any:
    async def gather() -> Any:
        return [chunk async for chunk in _chat(given).astream(given["text"])]

    return _gathered(asyncio.run(gather()))


def embeddings(given: Given) -> Any:
    # check_embedding_ctx_length=False: it would count tokens with a table that is downloaded first.
    client = OpenAIEmbeddings(
        base_url=f"{scenario.url()}/v1",
        api_key=scenario.key(given),
        check_embedding_ctx_length=False,
        **given["ask"],
    )
    return {"documents": client.embed_documents(given["texts"]), "query": client.embed_query(given["text"])}


def _gathered(chunks: list[Any]) -> Any:
    return {"texts": [chunk.text for chunk in chunks if chunk.text], "whole": _message(sum(chunks[1:], chunks[0]))}


def _message(message: Any) -> Any:
    return {
        "text": message.text,
        "tool_calls": message.tool_calls,
        "usage": message.usage_metadata,
        "model": message.response_metadata.get("model_name"),
    }


def _told(error: Any) -> Given:
    return {"classes": [kind.__name__ for kind in type(error).__mro__], "message": str(error)}


if __name__ == "__main__":
    scenario.play(
        {"astream": astream, "embeddings": embeddings, "invoke": invoke, "stream": stream, "tools": tools},
        openai.APIError,
        _told,
    )
