// A Worker of a project that is imported: what it finds, it says.

import { greeting } from "./greeting.js";

export default {
  async fetch(request, env) {
    const { pathname, host } = new URL(request.url);
    await env.CARTS.put("last", pathname);
    const { STAGE, LIMITS, RETRIES, API_TOKEN } = env;
    const last = await env.CARTS.get("last");
    const self = env.SELF === undefined ? null : typeof env.SELF.fetch;
    return Response.json({ greeting, host, pathname, STAGE, LIMITS, RETRIES, API_TOKEN, last, self });
  },
  async scheduled(controller) {
    console.log(`at ${controller.cron}`);
  },
};
