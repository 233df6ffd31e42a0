// Runs a Node function of AWS Lambda's contract.
//
// Started before it is known for whom: it imports what every function needs, then waits for one line
// of JSON on standard input with the process's environment and the handler. A package that brings
// `aws-lambda-ric` is run by that, unmodified.

import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import { createRequire, Module } from "node:module";
import path from "node:path";
import { Writable } from "node:stream";
import { pathToFileURL } from "node:url";
import { format } from "node:util";

const API = "/2018-06-01/runtime";
const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const PRELUDE = "application/vnd.awslambda.http-integration-response";
// Free sockets of an agent do not keep the process alive, which empty event loops depend on.
const agent = new http.Agent({ keepAlive: true, noDelay: true });
let running = "";
let parallel = 1;

/** An error of the function's that has a name of AWS's. */
class Fault extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

/** Begins a request to the Runtime API. */
function begin(method, target, headers) {
  const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
  return http.request({ agent, host, port, method, path: API + target, headers });
}

/** The response to a request, read to its end. */
function finished(request) {
  return new Promise((resolve, reject) => {
    request.on("error", reject).on("response", (response) => {
      const pieces = [];
      response.on("data", (piece) => pieces.push(piece)).on("error", reject);
      response.on("end", () => resolve([response, Buffer.concat(pieces)]));
    });
  });
}

function ask(method, target, body, headers = {}) {
  const length = body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) };
  const request = begin(method, target, { ...headers, ...length });
  request.end(body);
  return finished(request);
}

/** An error as AWS words it. */
function describe(error) {
  if (!(error instanceof Error)) {
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  }
  const trace = (error.stack || "").split("\n");
  return { errorType: error.name || "Error", errorMessage: error.message, trace };
}

function report(target, error) {
  const said = describe(error);
  console.error("Invoke Error", JSON.stringify(said));
  const headers = { "Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": encodeURI(said.errorType) };
  return ask("POST", target, JSON.stringify(said), headers);
}

/** What a handler gets beside its event. */
function contextOf(headers, settle) {
  const field = (name) => headers[`lambda-runtime-${name}`];
  const parsed = (name) => (field(name) ? JSON.parse(field(name)) : undefined);
  const deadline = Number(field("deadline-ms"));
  const env = process.env;
  return {
    awsRequestId: field("aws-request-id"),
    invokedFunctionArn: field("invoked-function-arn"),
    tenantId: field("aws-tenant-id"),
    clientContext: parsed("client-context"),
    identity: parsed("cognito-identity"),
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    done: (error, value) => settle(error, value, false),
    fail: (error) => settle(error ?? new Error("handled"), undefined, false),
    succeed: (value) => settle(null, value, false),
  };
}

/** Calls a handler that returns a promise, calls back, or does neither until nothing is left to do. */
function call(handler, event, headers) {
  return new Promise((resolve, reject) => {
    let answered = false;
    const settle = (error, value, wait) => {
      if (answered) return;
      answered = true;
      const done = () => {
        process.removeAllListeners("beforeExit");
        if (error !== null && error !== undefined) reject(error);
        else resolve(value);
      };
      if (wait) process.once("beforeExit", done);
      else done();
    };
    const context = contextOf(headers, settle);
    // With several invocations at a time the loop is never empty.
    const waits = () => parallel === 1 && context.callbackWaitsForEmptyEventLoop;
    const callback = (error, value) => settle(error, value, waits());
    const returned = handler(event, context, callback);
    if (typeof returned?.then === "function") {
      returned.then((value) => settle(null, value, false), (error) => settle(error ?? new Error(), undefined, false));
    } else {
      process.once("beforeExit", () => settle(null, undefined, false));
    }
  });
}

/** An answer that is sent while it is written. */
class ResponseStream extends Writable {
  #request;
  #target;
  #kind = "application/octet-stream";

  constructor(target) {
    super();
    this.#target = target;
  }

  get begun() {
    return this.#request !== undefined;
  }

  setContentType(kind) {
    this.#kind = kind;
  }

  #line() {
    if (!this.#request) {
      this.#request = begin("POST", this.#target, {
        "Content-Type": this.#kind,
        "Lambda-Runtime-Function-Response-Mode": "streaming",
        "Transfer-Encoding": "chunked",
        Trailer: "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
      });
      this.sent = finished(this.#request);
      this._onBeforeFirstWrite?.((bytes) => this.#request.write(bytes));
    }
    return this.#request;
  }

  _write(chunk, _encoding, next) {
    if (this.#line().write(chunk)) next();
    else this.#request.once("drain", next);
  }

  _final(next) {
    this.#line().end(next);
  }

  /** Ends with an error behind what was written. */
  fail(error) {
    const said = describe(error);
    const body = Buffer.from(JSON.stringify(said)).toString("base64");
    const kind = encodeURI(said.errorType);
    this.#line().addTrailers({ "Lambda-Runtime-Function-Error-Type": kind, "Lambda-Runtime-Function-Error-Body": body });
    this.#request.end();
  }
}

async function stream(handler, event, headers, target) {
  const response = new ResponseStream(`${target}/response`);
  const ended = new Promise((resolve, reject) => response.on("finish", resolve).on("error", reject));
  ended.catch(() => {});
  try {
    await handler(event, response, contextOf(headers, () => {}));
    if (!response.writableEnded) response.end();
    await ended;
  } catch (error) {
    if (!response.begun) return report(`${target}/error`, error);
    response.fail(error);
  }
  await response.sent;
}

async function serve(handler) {
  for (;;) {
    const [response, body] = await ask("GET", "/invocation/next");
    if (response.statusCode !== 200) throw new Error(`no next invocation: ${response.statusCode} ${body}`);
    const { headers } = response;
    running = headers["lambda-runtime-aws-request-id"];
    const trace = headers["lambda-runtime-trace-id"];
    if (trace) process.env._X_AMZN_TRACE_ID = trace;
    else delete process.env._X_AMZN_TRACE_ID;
    const target = `/invocation/${running}`;
    try {
      const event = JSON.parse(body);
      if (handler[STREAMING]) {
        await stream(handler, event, headers, target);
        continue;
      }
      const value = await call(handler, event, headers);
      await ask("POST", `${target}/response`, JSON.stringify(value) ?? "null", { "Content-Type": "application/json" });
    } catch (error) {
      await report(`${target}/error`, error);
    }
  }
}

/** The file that a handler's module is in, looked for as AWS does. */
function locate(task, module) {
  const base = path.resolve(task, module);
  const file = ["", ".js", ".mjs", ".cjs"].map((end) => base + end).find((file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile());
  if (file) return file;
  try {
    return createRequire(`${task}/`).resolve(module.startsWith(".") ? module : `./${module}`);
  } catch {
    try {
      return createRequire(`${task}/`).resolve(module);
    } catch (error) {
      throw new Fault("Runtime.ImportModuleError", `Error: ${error.message}`);
    }
  }
}

/** Whether a file is a module of ECMAScript's: what its name does not say, the nearest `package.json` does. */
function isModule(file) {
  if (!file.endsWith(".js")) return file.endsWith(".mjs");
  for (let place = path.dirname(file); ; place = path.dirname(place)) {
    const manifest = `${place}/package.json`;
    if (fs.existsSync(manifest)) return JSON.parse(fs.readFileSync(manifest)).type === "module";
    if (place === "/") return false;
  }
}

/** The function that a handler's name means. */
async function load(task, name) {
  const [, directory, module, rest] = /^(.*\/)?([^./]+)\.(.+)$/.exec(name) ?? [];
  if (!module || name.includes("..")) throw new Fault("Runtime.MalformedHandlerName", "Bad handler");
  const file = locate(task, (directory ?? "") + module);
  let loaded;
  try {
    loaded = isModule(file) ? await import(pathToFileURL(file)) : createRequire(`${task}/`)(file);
  } catch (error) {
    if (error instanceof SyntaxError) throw new Fault("Runtime.UserCodeSyntaxError", String(error));
    if (/^(ERR_)?MODULE_NOT_FOUND$/.test(error?.code)) throw new Fault("Runtime.ImportModuleError", `Error: ${error.message}`);
    throw error;
  }
  const find = (root) => rest.split(".").reduce((value, part) => value?.[part], root);
  const handler = find(loaded) ?? find(loaded?.default);
  if (handler === undefined) throw new Fault("Runtime.HandlerNotFound", `${name} is undefined or not exported`);
  if (typeof handler !== "function") throw new Fault("Runtime.HandlerNotFound", `${name} is not a function`);
  return handler;
}

/** Does once what every function's first steps do, so that they find it compiled. */
async function rehearse() {
  const server = http.createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(202, { "Content-Type": "application/json" }).end("{}"));
  });
  await new Promise((resolve, reject) => server.on("error", reject).listen(0, "127.0.0.1", resolve));
  process.env.AWS_LAMBDA_RUNTIME_API = `127.0.0.1:${server.address().port}`;
  for (let round = 0; round < 3; round += 1) {
    await ask("GET", "/invocation/next");
    await ask("POST", "/invocation/0/response", "{}", { "Content-Type": "application/json" });
  }
  delete process.env.AWS_LAMBDA_RUNTIME_API;
  agent.destroy();
  await new Promise((resolve) => server.close(resolve));
  await import("data:text/javascript,");
  new Module("/rehearsal.js")._compile("", "/rehearsal.js");
  try {
    createRequire("/rehearsal/").resolve("rehearsal/package.json");
  } catch {
    // There is none: looking for what is not there is a first step, too.
  }
}

/** Waits for what to run. */
function assigned() {
  const pieces = [];
  const piece = Buffer.alloc(1 << 16);
  for (let end = false; !end; ) {
    const count = fs.readSync(0, piece);
    if (count === 0) process.exit(0);
    pieces.push(Buffer.from(piece.subarray(0, count)));
    end = piece.subarray(0, count).includes(10);
  }
  return JSON.parse(Buffer.concat(pieces).toString());
}

/** Runs a program of the function's own, as `node WORDS` would. */
function become(words, directory) {
  process.chdir(directory);
  process.argv = [process.argv[0], path.resolve(words[0]), ...words.slice(1)];
  Module._initPaths();
  Module.runMain();
}

function surround(said) {
  // Only what differs: each time that TZ is taken away, the time zone is looked for in every file there is.
  for (const name of Object.keys(process.env)) if (!Object.hasOwn(said.environment, name)) delete process.env[name];
  for (const [name, value] of Object.entries(said.environment)) if (process.env[name] !== value) process.env[name] = value;
}

function prepare(layers) {
  const task = process.env.LAMBDA_TASK_ROOT;
  process.chdir(task);
  const major = process.versions.node.split(".")[0];
  process.env.NODE_PATH ??= `${layers}/nodejs/node${major}/node_modules:${layers}/nodejs/node_modules:${task}`;
  Module._initPaths();
  const extensions = `${layers}/extensions`;
  for (const name of fs.existsSync(extensions) ? fs.readdirSync(extensions).sort() : []) {
    spawn(`${extensions}/${name}`, { stdio: ["ignore", "inherit", "inherit"] }).unref();
  }
  return task;
}

/** The program of `aws-lambda-ric`, if package or layers bring it. */
function published(task, layers) {
  try {
    const manifest = createRequire(`${task}/`).resolve("aws-lambda-ric/package.json");
    if (!manifest.startsWith(`${task}/`) && !manifest.startsWith(`${layers}/`)) return undefined;
    return path.resolve(path.dirname(manifest), JSON.parse(fs.readFileSync(manifest)).bin["aws-lambda-ric"]);
  } catch {
    return undefined;
  }
}

/** Makes `console` begin each record with its time and its invocation. */
function tellTimes() {
  const level = (name, word, to) => {
    console[name] = (...words) => {
      const text = format(...words).replaceAll("\n", "\r");
      to.write(`${new Date().toISOString()}\t${running}\t${word}\t${text}\n`);
    };
  };
  for (const [name, word] of [["log", "INFO"], ["info", "INFO"], ["debug", "DEBUG"], ["trace", "TRACE"]]) level(name, word, process.stdout);
  for (const [name, word] of [["warn", "WARN"], ["error", "ERROR"]]) level(name, word, process.stderr);
}

/** Runs a handler of the function's. */
async function handle(said) {
  const layers = said.layers ?? "/opt";
  const task = prepare(layers);
  const client = published(task, layers);
  if (client) {
    process.argv = [process.argv[0], client, said.handler];
    await import(pathToFileURL(client));
    return;
  }
  globalThis.awslambda = {
    streamifyResponse: (handler) => Object.assign(handler, { [STREAMING]: "response" }),
    HttpResponseStream: {
      from: (stream, prelude) => {
        stream.setContentType(PRELUDE);
        stream._onBeforeFirstWrite = (write) => {
          write(JSON.stringify(prelude));
          write(Buffer.alloc(8));
        };
        return stream;
      },
    },
  };
  tellTimes();
  let handler;
  try {
    handler = await load(task, said.handler);
  } catch (error) {
    await report("/init/error", error);
    process.exit(1);
  }
  // What nobody caught ends the process, and whoever called hears why.
  const last = (name, code) => (error) => {
    const said = name ? new Fault(name, String(error?.stack ?? error)) : error;
    report(running ? `/invocation/${running}/error` : "/init/error", said).finally(() => process.exit(code));
  };
  process.on("uncaughtException", last(undefined, 129));
  process.on("unhandledRejection", last("Runtime.UnhandledPromiseRejection", 128));
  parallel = Number(process.env.AWS_LAMBDA_MAX_CONCURRENCY ?? 1);
  await Promise.all(Array.from({ length: parallel }, () => serve(handler)));
}

// A rehearsal that fails costs the first call its time, and nothing else.
if (process.argv.splice(2).includes("rehearse")) await rehearse().catch(() => {});
const said = assigned();
surround(said);
if (said.run) become(said.run, said.directory);
else await handle(said);
