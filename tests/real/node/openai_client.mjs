// openai for Node. Each scenario prints what tests/real/programs/openai_client.py prints for it; scenario.py says how
// it is asked.

import { readFileSync } from "node:fs";

import OpenAI from "openai";

const CLASSES = { APIConnectionTimeoutError: "APITimeoutError" }; // the same error under the name that Python gives it

const SCENARIOS = {
  chat: (client, given) => raw(client.chat.completions.create(given.ask)),
  completion: (client, given) => raw(client.completions.create(given.ask)),
  response: (client, given) => raw(client.responses.create(given.ask)),
  embeddings: (client, given) => raw(client.embeddings.create(given.ask)),
  models: async (client) => {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    return { ids };
  },
  model: async (client, given) => ({ answer: await client.models.retrieve(given.ask.model) }),
  chat_stream: (client, given) => stream(client.chat.completions.create({ ...given.ask, stream: true }), given),
  completion_stream: (client, given) => stream(client.completions.create({ ...given.ask, stream: true }), given),
  response_stream: (client, given) => stream(client.responses.create({ ...given.ask, stream: true }), given),
  gathered: async (client, given) => ({
    answer: await client.chat.completions.stream(given.ask).finalChatCompletion(),
  }),
};

async function raw(promise) {
  const { data, response, request_id } = await promise.withResponse();
  return { headers: Object.fromEntries(response.headers), request_id, answer: data };
}

async function stream(promise, given) {
  const { data, response } = await promise.withResponse();
  const document = { headers: Object.fromEntries(response.headers), chunks: [], error: null };
  try {
    for await (const chunk of data) {
      document.chunks.push(chunk);
      if (document.chunks.length === given.then_call?.after) await (await fetch(given.then_call.url)).text();
      if (document.chunks.length === given.leave_after) break;
    }
  } catch (error) {
    document.error = told(error);
  }
  return document;
}

function told(error) {
  if (!(error instanceof OpenAI.APIError)) throw error;
  const name = error.constructor.name;
  return {
    class: CLASSES[name] ?? name,
    status: error.status ?? null,
    message: error.message,
    code: error.code ?? null,
    type: error.type ?? null,
    param: error.param ?? null,
    request_id: error.requestID ?? null,
    headers: error.headers ? Object.fromEntries(error.headers) : {},
  };
}

async function main(name, given) {
  const chosen = given.client ?? {};
  const client = new OpenAI({
    baseURL: `${process.env.ONEAI_URL}/v1`,
    apiKey: chosen.key ?? process.env.ONEAI_API_KEY,
    timeout: (chosen.timeout_s ?? 30) * 1000,
    maxRetries: chosen.max_retries ?? 2,
    defaultHeaders: chosen.headers ?? {},
  });
  const document = await SCENARIOS[name](client, given).catch((error) => ({ error: told(error) }));
  process.stdout.write(JSON.stringify(document));
}

await main(process.argv[2], JSON.parse(readFileSync(0, "utf8")));
