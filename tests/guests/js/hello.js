// Says hello, and how long a posted body was. `/count` counts in a key-value store.
import { open } from "wasi:keyvalue/store@0.2.0-draft";
import { increment } from "wasi:keyvalue/atomics@0.2.0-draft";

addEventListener("fetch", (event) => event.respondWith(answer(event.request)));

async function answer(request) {
  if (new URL(request.url).pathname.endsWith("/count")) {
    return text(count());
  }
  if (request.method === "GET") {
    return text("hello from JavaScript\n");
  }
  const body = await request.arrayBuffer();
  return text(`hello from JavaScript, ${body.byteLength} bytes\n`);
}

function count() {
  try {
    return `${increment(open("default"), "count", 1n)}\n`;
  } catch (error) {
    return `${error.payload?.tag}\n`;
  }
}

function text(body) {
  return new Response(body, { headers: { "content-type": "text/plain" } });
}
