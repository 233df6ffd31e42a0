/** Function Compute's managed runtime: `handler(event, context, callback)` with the event's bytes. */

import { asJson, find, serve } from "./shim.mjs";

/** What a handler gets beside its event. There are no credentials to be had. */
function contextOf(headers) {
  const said = (name) => headers[`x-fc-${name}`] ?? "";
  return {
    requestId: said("request-id"),
    region: said("region"),
    accountId: said("account-id"),
    qualifier: said("qualifier"),
    versionId: said("version-id"),
    credentials: { accessKeyId: "", accessKeySecret: "", securityToken: "" },
    function: {
      name: said("function-name"),
      handler: said("function-handler"),
      memory: Number(said("function-memory")),
      timeout: Number(said("function-timeout")),
    },
    service: { name: "", logProject: "", logStore: "", qualifier: "", versionId: "" },
    logger: console,
  };
}

/** A request, as the HTTP trigger of a managed runtime tells it. */
function trigger({ method, path, query, headers, body }) {
  const text = body.toString();
  const encoded = !Buffer.from(text).equals(body);
  const domain = headers.host ?? "";
  const own = Object.entries(headers).filter(([name]) => !name.startsWith("x-fc-"));
  return Buffer.from(JSON.stringify({
    version: "v1",
    rawPath: path,
    body: encoded ? body.toString("base64") : text,
    isBase64Encoded: encoded,
    headers: Object.fromEntries(own),
    queryParameters: Object.fromEntries(query),
    requestContext: {
      accountId: headers["x-fc-account-id"] ?? "",
      domainName: domain,
      domainPrefix: domain.split(".")[0],
      http: { method, path, protocol: "HTTP/1.1", sourceIp: headers["x-forwarded-for"] ?? "", userAgent: headers["user-agent"] ?? "" },
      requestId: headers["x-fc-request-id"] ?? "",
      time: new Date().toISOString(),
      timeEpoch: String(Date.now()),
    },
  }));
}

const render = (value) => (Buffer.isBuffer(value) || typeof value === "string" ? value : JSON.stringify(value ?? null));

/** An answer over HTTP, where the result is one. */
function overHttp(result) {
  let found = result;
  try {
    if (typeof result === "string" || Buffer.isBuffer(result)) found = JSON.parse(result);
  } catch {
    // A text is one.
  }
  if (found?.statusCode === undefined) return [200, {}, render(result)];
  const body = found.isBase64Encoded ? Buffer.from(found.body ?? "", "base64") : render(found.body ?? "");
  return [Number(found.statusCode), found.headers ?? {}, body];
}

export async function run(root) {
  const handler = await find(root, process.env.FC_FUNCTION_HANDLER, "index");
  const call = (event, context) => new Promise((resolve, reject) => {
    const called = handler(event, context, (error, value) => (error ? reject(error) : resolve(value)));
    if (called?.then) called.then(resolve, reject);
  });
  serve(async (request) => {
    const path = request.headers["x-fc-control-path"] ?? "";
    const http = path === "/http-invoke";
    const context = contextOf(request.headers);
    if (!http && path !== "/invoke") return [200, {}, ""];
    console.log(`FC Invoke Start RequestId: ${context.requestId}`);
    try {
      const result = await call(http ? trigger(request) : request.body, context);
      return http ? overHttp(result) : [200, {}, render(result)];
    } catch (error) {
      console.error(error);
      const said = { errorMessage: String(error?.message ?? error), errorType: error?.name ?? "Error", stackTrace: String(error?.stack ?? "").split("\n") };
      const [status, headers, body] = asJson(http ? 502 : 200, said);
      return [status, { ...headers, "x-fc-status": "404" }, body];
    } finally {
      console.log(`FC Invoke End RequestId: ${context.requestId}`);
    }
  }, Number(process.env.FC_CUSTOM_LISTEN_PORT));
}
