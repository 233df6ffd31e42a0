// Stands between the runtime and a Worker's own module, in the same isolate and with the same rights.
//
// Requests go to the Worker's default export as they are. What it hands to `ctx.waitUntil` is counted,
// so that the platform knows when an invocation is over. Events come to an entrypoint of their own,
// which is a socket's that no request reaches.

import * as worker from "CASEMATE_MAIN";

const own = worker.default;
if (own === undefined || own === null) {
  throw new Error("the main module has no default export: write the Worker as an ES module, `export default { fetch }`");
}

// How many promises were handed over that are not settled yet.
let pending = 0;

function counted(ctx, failures) {
  const waitUntil = ctx.waitUntil.bind(ctx);
  ctx.waitUntil = (promise) => {
    pending += 1;
    const settled = Promise.resolve(promise).finally(() => {
      pending -= 1;
    });
    failures?.push(settled);
    waitUntil(settled);
  };
  return ctx;
}

function wrapped() {
  if (typeof own === "function") {
    return class extends own {
      constructor(ctx, env) {
        super(counted(ctx), env);
      }
    };
  }
  if (typeof own.fetch !== "function") return {};
  return {
    fetch(request, env, ctx) {
      return own.fetch(request, env, counted(ctx));
    },
  };
}

export default wrapped();

async function scheduled(request, env, ctx) {
  const time = Date.parse(request.headers.get("ce-time") ?? "");
  const controller = {
    scheduledTime: Number.isNaN(time) ? Date.now() : time,
    cron: request.headers.get("ce-cron") ?? "",
    noRetry() {},
  };
  const failures = [];
  counted(ctx, failures);
  if (typeof own === "function") {
    const entrypoint = new own(ctx, env);
    if (typeof entrypoint.scheduled !== "function") return missing("scheduled");
    await entrypoint.scheduled(controller);
  } else {
    if (typeof own.scheduled !== "function") return missing("scheduled");
    await own.scheduled(controller, env, ctx);
  }
  // One of them may hand over more. The first that fails is what went wrong.
  for (let at = 0; at < failures.length; at += 1) await failures[at];
  return new Response(null, { status: 204 });
}

// What a message holds, as its sender's content type says.
function content(kind, body) {
  if (kind !== "bytes") return body;
  return Uint8Array.from(atob(body), (character) => character.charCodeAt(0)).buffer;
}

async function queue(request, env, ctx) {
  const said = await request.json();
  // What the handler says of each message, and of all of them. The first word counts.
  const words = new Map();
  let all;
  const say = (id, word) => {
    if (!words.has(id)) words.set(id, word);
  };
  const batch = {
    queue: said.queue,
    messages: said.messages.map(({ id, timestamp, attempts, kind, body }) => ({
      id,
      timestamp: new Date(timestamp),
      attempts,
      body: content(kind, body),
      ack: () => say(id, "ack"),
      retry: () => say(id, "retry"),
    })),
    ackAll() {
      all ??= "ack";
    },
    retryAll() {
      all ??= "retry";
    },
  };
  const failures = [];
  counted(ctx, failures);
  let usual = "ack";
  try {
    if (typeof own === "function") {
      const entrypoint = new own(ctx, env);
      if (typeof entrypoint.queue !== "function") return missing("queue");
      await entrypoint.queue(batch);
    } else {
      if (typeof own.queue !== "function") return missing("queue");
      await own.queue(batch, env, ctx);
    }
    for (let at = 0; at < failures.length; at += 1) await failures[at];
  } catch (error) {
    // What was acknowledged before stays done.
    if (all !== "ack" && ![...words.values()].includes("ack")) throw error;
    console.error(error?.stack ?? String(error));
    usual = "retry";
  }
  const failed = said.messages.filter(({ id }) => (words.get(id) ?? all ?? usual) === "retry");
  return Response.json({ batchItemFailures: failed.map(({ id }) => ({ itemIdentifier: id })) });
}

function missing(handler) {
  console.error(`the Worker has no \`${handler}\` handler`);
  return new Response(null, { status: 501 });
}

export const casemateEvents = {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (pathname === "/settled") {
      while (pending > 0) await scheduler.wait(1);
      return new Response(null, { status: 204 });
    }
    if (pathname === "/queue") return await queue(request, env, ctx);
    if (pathname === "/scheduled") return await scheduled(request, env, ctx);
    return new Response(null, { status: 404 });
  },
};
