// Says hello, and how long a posted body was: WASI 0.3 as it is, without a layer of ours.
import types from "wasi:http/types@0.3.0";

const { Fields, Request, Response } = types;

export const handler = {
  async handle(request) {
    const method = request.getMethod();
    const [contents] = Request.consumeBody(request, Promise.resolve({ tag: "ok", val: null }));
    let length = 0;
    for await (const part of contents) {
      length += part.length ?? 1;
    }
    const size = method.tag === "get" ? "" : `, ${length} bytes`;
    const fields = Fields.fromList([["content-type", bytes("text/plain")]]);
    const end = Promise.resolve({ tag: "ok", val: null });
    const [response] = Response.new(fields, once(`hello from QuickJS${size}\n`), end);
    return response;
  },
};

async function* once(text) {
  yield bytes(text);
}

// QuickJS has no TextEncoder.
function bytes(text) {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
