/** Functions of Azure's Node model, version 4, over the published library `@azure/functions`. */

import fs from "node:fs";
import Module from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { asJson, entry, serve } from "./shim.mjs";

const functions = [];
let model;

/** What the library expects of the program that loads it. */
const core = {
  version: "4.0.0",
  hostVersion: "4.0.0",
  Disposable: class {
    dispose() {}
  },
  setProgrammingModel: (set) => (model = set),
  getProgrammingModel: () => model,
  registerFunction: (metadata, callback) => (functions.push({ metadata, callback }), new core.Disposable()),
  registerHook: () => new core.Disposable(),
};

/** The files that `main` of a package means, which may be a pattern. */
function files(root, said) {
  const braces = /\{([^{}]*)\}/.exec(said);
  if (braces) return braces[1].split(",").flatMap((part) => files(root, said.replace(braces[0], part)));
  if (!said.includes("*")) return [path.resolve(root, said)];
  const [directory, name] = [path.resolve(root, path.dirname(said)), path.basename(said)];
  const fits = new RegExp(`^${name.split("*").map((part) => part.replace(/[.+^$()|[\]\\]/g, "\\$&")).join(".*")}$`);
  const all = fs.existsSync(directory) ? fs.readdirSync(directory).sort() : [];
  return all.filter((file) => fits.test(file)).map((file) => path.join(directory, file));
}

/** A route's template as an expression, and how many of its parts are plain. */
function pattern(route) {
  let [text, plain] = ["", 0];
  for (const part of route.split("/").filter(Boolean)) {
    const named = /^\{(\*?)(\w+)(?::[^?}]*)?(\??)\}$/.exec(part);
    if (!named) [text, plain] = [`${text}/${part.replace(/[.*+?^$()|[\]\\]/g, "\\$&")}`, plain + 1];
    else if (named[1]) text += `(?:/(?<${named[2]}>.*))?`;
    else text += named[3] ? `(?:/(?<${named[2]}>[^/]+))?` : `/(?<${named[2]}>[^/]+)`;
  }
  return [new RegExp(`^${text}/?$`, "i"), plain];
}

function prefix(root) {
  try {
    return JSON.parse(fs.readFileSync(`${root}/host.json`)).extensions.http.routePrefix ?? "api";
  } catch {
    return "api";
  }
}

/** A value of the library's, as the value that it carries. */
function plain(data) {
  if (data === undefined || data === null) return null;
  if (data.json !== undefined) return JSON.parse(data.json);
  if (data.bytes !== undefined) return Buffer.from(data.bytes).toString();
  return data.string ?? data.int ?? data.double ?? data;
}

/** What the host says beside an event, as values of the library's. */
const typed = (metadata) =>
  Object.fromEntries(Object.entries(metadata).map(([name, it]) => [name, typeof it === "string" ? { string: it } : { json: JSON.stringify(it) }]));

const bytes = (data) => {
  if (data?.bytes !== undefined) return Buffer.from(data.bytes);
  return Buffer.from(data?.string ?? data?.json ?? "");
};

function cookie({ name, value, domain, path: at, expires, maxAge, secure, httpOnly, sameSite }) {
  const parts = [`${name}=${encodeURIComponent(value)}`];
  if (domain?.value) parts.push(`Domain=${domain.value}`);
  if (at?.value) parts.push(`Path=${at.value}`);
  if (expires?.value?.seconds) parts.push(`Expires=${new Date(expires.value.seconds * 1000).toUTCString()}`);
  if (maxAge?.value !== undefined) parts.push(`Max-Age=${maxAge.value}`);
  if (secure?.value) parts.push("Secure");
  if (httpOnly?.value) parts.push("HttpOnly");
  const site = { lax: "Lax", strict: "Strict", explicitNone: "None" }[sameSite];
  return (site ? [...parts, `SameSite=${site}`] : parts).join("; ");
}

class Registered {
  constructor({ metadata, callback }, before) {
    [this.metadata, this.callback, this.name] = [metadata, callback, metadata.name];
    [this.argument, this.trigger] = Object.entries(metadata.bindings).find(([, it]) => /trigger$/i.test(it.type));
    this.http = this.trigger.type.toLowerCase() === "httptrigger";
    if (!this.http) return;
    [this.pattern, this.plain] = pattern(`${before}/${this.trigger.route ?? this.name}`);
    this.methods = (this.trigger.methods ?? []).map((method) => method.toUpperCase());
    this.output = Object.entries(metadata.bindings).find(([, it]) => it.type.toLowerCase() === "http")?.[0];
  }

  async run(data, headers, metadata = {}) {
    const invocationId = headers["x-azure-functions-invocationid"];
    const log = (level, category, message) => (/^(warning|error|critical)$/.test(level) ? console.error : console.log)(message);
    const traceContext = { traceParent: headers.traceparent, traceState: headers.tracestate, attributes: {} };
    const request = { invocationId, functionId: this.name, inputData: [{ name: this.argument, data }], triggerMetadata: typed(metadata), traceContext };
    const invocation = model.getInvocationModel({ invocationId, metadata: this.metadata, request, state: undefined, log });
    const { context, inputs } = await invocation.getArguments();
    const result = await invocation.invokeFunction(context, inputs, this.callback);
    return invocation.getResponse(context, result);
  }

  /** Asks a function of HTTP's: status, header fields, body. */
  async ask(http, headers) {
    const response = await this.run({ http }, headers);
    const named = response.outputData?.find(({ name }) => name === this.output)?.data;
    const said = (this.output === "$return" ? response.returnValue : named)?.http;
    if (!said) return [204, {}, ""];
    const cookies = (said.cookies ?? []).map(cookie);
    return [Number(said.statusCode ?? 200), cookies.length ? { ...said.headers, "Set-Cookie": cookies } : said.headers, bytes(said.body)];
  }
}

export async function run(root) {
  const load = Module._load;
  Module._load = (name, ...rest) => (name === "@azure/functions-core" ? core : load.call(Module, name, ...rest));
  for (const file of files(root, entry(root))) await import(pathToFileURL(file));
  if (!model) throw new Error("no file of `main` in package.json registers a function");
  await model.getCapabilities({});
  const only = process.env.CASEMATE_HANDLER;
  const found = functions.map((it) => new Registered(it, prefix(root))).filter(({ name }) => !only || name === only);
  if (!found.length) throw new Error(`the application has no function ${only ?? "at all"}`);
  const served = found.filter(({ http }) => http).sort((one, other) => other.plain - one.plain);

  const texts = (headers) => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

  async function asked({ method, path: at, search, query, headers, body }) {
    for (const it of served) {
      const matched = it.pattern.exec(at);
      if (!matched || (it.methods.length && !it.methods.includes(method))) continue;
      const url = `http://${headers.host ?? "localhost"}${at}${search ? `?${search}` : ""}`;
      const params = Object.fromEntries(Object.entries(matched.groups ?? {}).filter(([, value]) => value !== undefined));
      const http = { method, url, headers: texts(headers), query: Object.fromEntries(query), params, body: { bytes: body } };
      return it.ask(http, headers);
    }
    return [404, {}, ""];
  }

  /** The function that an event is for: one with such a trigger, or else the first. */
  function meant(sort) {
    const it = found.find(({ trigger }) => trigger.type === sort) ?? found[0];
    if (sort === "timerTrigger" && it.trigger.type !== sort && !it.http) throw new Error("no function has a timer");
    return it;
  }

  async function told({ headers, body }) {
    const it = meant(headers["x-azure-functions-event"]);
    const { Data, Metadata } = JSON.parse(body);
    let [value] = Object.values(Data);
    try {
      if (typeof value === "string") value = JSON.parse(value);
    } catch {
      // A text is one.
    }
    const answered = (status, said, outputs) => asJson(status >= 500 ? 500 : 200, { Outputs: outputs, Logs: [], ReturnValue: said });
    if (it.http) {
      const own = { "content-type": "application/json" };
      const http = { method: "POST", url: "http://localhost/", headers: own, query: {}, params: {}, body: { bytes: Buffer.from(JSON.stringify(value)) } };
      const [status, , said] = await it.ask(http, headers);
      const text = said.toString();
      try {
        return answered(status, JSON.parse(text), {});
      } catch {
        return answered(status, text, {});
      }
    }
    const data = typeof value === "string" ? { string: value } : { json: JSON.stringify(value) };
    const { returnValue, outputData } = await it.run(data, headers, Metadata ?? {});
    return answered(200, plain(returnValue), Object.fromEntries((outputData ?? []).map(({ name, data }) => [name, plain(data)])));
  }

  serve(async (request) => {
    // Without it, the platform looks whether somebody is there.
    if (!request.headers["x-azure-functions-invocationid"]) return [404, {}, ""];
    try {
      return await (request.headers["x-azure-functions-event"] ? told(request) : asked(request));
    } catch (error) {
      console.error(error);
      return [500, {}, ""];
    }
  }, Number(process.env.FUNCTIONS_CUSTOMHANDLER_PORT));
}
