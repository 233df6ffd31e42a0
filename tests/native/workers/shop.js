// A Worker as people write them: variables, a store, another function, requests to outside, times.

import { connect } from "cloudflare:sockets";
import bytes from "./data.bin";
import table from "./table.json";
import { double } from "./lib/double.mjs";
import note from "./note.txt";
import add from "./add.wasm";

async function told(promise) {
  try {
    return await promise;
  } catch (error) {
    return { error: String(error) };
  }
}

const ways = {
  variables(request, env) {
    const names = ["GREETING", "LIMITS", "psp", "PSP", "db", "HOME", "PATH"];
    const found = Object.fromEntries(names.map((name) => [name, env[name] ?? null]));
    const own = ["cf-connecting-ip", "cf-ray", "x-mine"];
    const fields = Object.fromEntries(own.map((name) => [name, request.headers.get(name)]));
    return { ...found, fields, url: request.url, all: Object.keys(env).sort() };
  },
  async modules() {
    const wasm = await WebAssembly.instantiate(add);
    return { note, table, double: double(21), bytes: bytes.byteLength, sum: wasm.exports.add(2, 3) };
  },
  async store(request, env) {
    const said = { missing: await env.CARTS.get("none") };
    await env.CARTS.put("a/b c?&é", "one");
    await env.CARTS.put("bytes", new Uint8Array([0, 255]));
    await env.CARTS.put("json", JSON.stringify({ a: [1] }));
    await env.CARTS.put("stream", new Response("streamed").body);
    said.text = await env.CARTS.get("a/b c?&é");
    said.bytes = [...new Uint8Array(await env.CARTS.get("bytes", "arrayBuffer"))];
    said.json = await env.CARTS.get("json", { type: "json", cacheTtl: 60 });
    said.stream = await new Response(await env.CARTS.get("stream", "stream")).text();
    said.with = await env.CARTS.getWithMetadata("stream");
    said.many = Object.fromEntries(await env.CARTS.get(["json", "none"], "json"));
    const first = await env.CARTS.list({ limit: 3 });
    const second = await env.CARTS.list({ limit: 3, cursor: first.cursor });
    said.pages = [first, second].map((page) => [page.keys.map((key) => key.name), page.list_complete]);
    said.prefix = (await env.CARTS.list({ prefix: "a/" })).keys;
    await env.CARTS.delete("bytes");
    said.gone = await env.CARTS.get("bytes");
    said.metadata = await told(env.CARTS.put("k", "v", { metadata: { a: 1 } }));
    said.expires = await told(env.CARTS.put("k", "v", { expirationTtl: 60 }));
    said.kept = await env.CARTS.get("k");
    said.large = await told(env.CARTS.put("k", new Uint8Array(2 << 20)));
    said.denied = await told(env.OTHERS.get("a"));
    return said;
  },
  async service(request, env) {
    const answer = await env.BACK.fetch("https://whatever.example/back/hello?a=b", {
      method: "PUT",
      body: "text",
      headers: { "x-mine": "1" },
    });
    const said = { status: answer.status, said: await answer.json() };
    said.denied = (await env.NOBODY.fetch("https://x/")).status;
    return said;
  },
  async fetch(request, env) {
    const url = new URL(request.url).searchParams.get("url");
    const authorization = new URL(request.url).searchParams.has("secret") && `Bearer ${env.psp}`;
    const answer = await fetch(url, authorization ? { headers: { authorization } } : {});
    return { status: answer.status, body: await answer.text() };
  },
  async connect(request) {
    const to = new URL(request.url).searchParams.get("to");
    const socket = connect(to);
    const writer = socket.writable.getWriter();
    await writer.write(new TextEncoder().encode(`GET / HTTP/1.1\r\nhost: ${to}\r\n\r\n`));
    const read = async () => {
      const { value } = await socket.readable.getReader().read();
      return value ? new TextDecoder().decode(value) : "";
    };
    return { said: await told(read()) };
  },
  async files() {
    const { readFileSync, readdirSync } = await import("node:fs");
    const read = (path) => {
      try {
        return readFileSync(path, "utf8");
      } catch (error) {
        return { error: String(error) };
      }
    };
    const paths = ["/etc/passwd", "/var/runtime/worker.capnp", "/proc/self/environ", "/workspace/shop.js"];
    return { root: readdirSync("/"), read: paths.map(read) };
  },
  later(request, env, ctx) {
    const later = async () => {
      await scheduler.wait(300);
      await env.CARTS.put("later", "done");
      console.log("it was done later");
    };
    ctx.waitUntil(later());
    return { said: "at once" };
  },
  spin() {
    for (;;);
  },
  hang() {
    return new Promise(() => {});
  },
  async wait() {
    await scheduler.wait(600_000);
  },
  throws() {
    throw new TypeError("a mistake");
  },
};

export default {
  async fetch(request, env, ctx) {
    const way = new URL(request.url).pathname.split("/")[2];
    console.log(`way ${way}`);
    if (!(way in ways)) return new Response("no such way", { status: 404 });
    return Response.json(await ways[way](request, env, ctx));
  },
  async scheduled(controller, env, ctx) {
    const { cron, scheduledTime } = controller;
    console.log(`scheduled ${cron} ${new Date(scheduledTime).toISOString()}`);
    if (cron.startsWith("59")) throw new Error("a bad time");
    ctx.waitUntil(env.CARTS.put("tick", cron).then(() => console.log("put")));
  },
};
