/** Kubeless' runtime: every request but `/healthz` calls `handler(event, context)`. */

import { asJson, find, serve } from "./shim.mjs";

const NAMES = ["event-id", "event-type", "event-time", "event-namespace"];

export async function run(root) {
  const env = process.env;
  const handler = await find(root, `${env.MOD_NAME}.${env.FUNC_HANDLER}`);
  const context = {
    "function-name": env.FUNC_HANDLER,
    timeout: env.FUNC_TIMEOUT,
    runtime: env.FUNC_RUNTIME,
    "memory-limit": env.FUNC_MEMORY_LIMIT,
  };
  serve(async (request) => {
    if (request.path === "/healthz") return [200, {}, "OK"];
    try {
      let data = request.body.toString();
      if (data && /json/.test(request.headers["content-type"] ?? "")) data = JSON.parse(data);
      const event = Object.fromEntries(NAMES.map((name) => [name, request.headers[name]]));
      const result = await handler({ ...event, data, extensions: { request } }, context);
      if (result !== null && typeof result === "object" && !Buffer.isBuffer(result)) return asJson(200, result);
      return [200, {}, Buffer.isBuffer(result) ? result : String(result ?? "")];
    } catch (error) {
      console.error(error);
      return [500, {}, "Internal Server Error"];
    }
  }, Number(env.FUNC_PORT));
}
