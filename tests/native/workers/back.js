// A Worker that is a class, and is called by another.

import { WorkerEntrypoint } from "cloudflare:workers";

export default class extends WorkerEntrypoint {
  async fetch(request) {
    this.ctx.waitUntil(scheduler.wait(20).then(() => console.log("and later")));
    const { pathname, search } = new URL(request.url);
    const { method, headers } = request;
    const mine = headers.get("x-mine");
    return Response.json({ method, pathname, search, mine, body: await request.text() });
  }
}
