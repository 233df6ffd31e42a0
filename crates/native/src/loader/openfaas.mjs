/** What OpenFaaS' templates for Node have around a `handler.js`: `async (event, context) => …`. */

import { load, serve } from "./shim.mjs";

export async function run(root) {
  const loaded = await load(root, process.env.CASEMATE_HANDLER ?? "handler");
  const handle = typeof loaded.default === "function" ? loaded.default : (loaded.handler ?? loaded.handle);
  if (typeof handle !== "function") throw new TypeError("handler.js exports no function");
  serve(async (request) => {
    if (request.path === "/_/health") return [200, {}, "OK"];
    let status = 200;
    let headers = {};
    let said;
    const done = new Promise((resolve, reject) => {
      const answered = (value) => (resolve((said = value)), context);
      const context = {
        status: (code) => (code === undefined ? status : ((status = code), context)),
        headers: (fields) => (fields === undefined ? headers : ((headers = fields), context)),
        succeed: answered,
        fail: (error) => reject(error),
      };
      const { body, method, path } = request;
      const kind = request.headers["content-type"] ?? "";
      let read = body.toString();
      if (read && /json/.test(kind)) read = JSON.parse(read);
      const event = { body: read, headers: request.headers, method, path, query: Object.fromEntries(request.query) };
      const callback = (error, value) => (error ? reject(error) : resolve(value));
      const called = handle(event, context, callback);
      if (called?.then) called.then((value) => resolve(value === context ? said : value), reject);
      else if (called !== undefined && called !== context) resolve(called);
    });
    try {
      const value = await done;
      if (value === undefined || value === null) return [status, headers, ""];
      if (typeof value === "string" || Buffer.isBuffer(value)) return [status, headers, value];
      const kind = Object.keys(headers).some((name) => name.toLowerCase() === "content-type");
      return [status, kind ? headers : { ...headers, "Content-Type": "application/json" }, JSON.stringify(value)];
    } catch (error) {
      console.error(error);
      return [500, {}, String(error?.message ?? error)];
    }
  }, Number(process.env.PORT));
}
