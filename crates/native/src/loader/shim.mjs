/**
 * Serves handlers of platforms whose own runtimes are servers: `node shim.mjs PLATFORM`.
 *
 * This file is the server, and a file beside it, named like the platform, is what that platform's
 * runtime does with a request.
 */

import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

/** An answer that is JSON. */
export const asJson = (status, value) => [status, { "Content-Type": "application/json" }, JSON.stringify(value)];

/** A file of the package that a module's name means. */
function locate(root, name) {
  const at = path.resolve(root, name);
  for (const end of ["", ".js", ".mjs", ".cjs", "/index.js", "/index.mjs"]) {
    if (fs.existsSync(at + end) && fs.statSync(at + end).isFile()) return at + end;
  }
  return createRequire(`${root}/`).resolve(name);
}

/** All that a module of the package exports, whatever kind it is. */
export async function load(root, name) {
  const loaded = await import(pathToFileURL(locate(root, name)));
  return { ...loaded, ...(loaded.default ?? {}), default: loaded.default };
}

/** What the package says that it is: the file of `main`, or `index.js`. */
export function entry(root) {
  try {
    return JSON.parse(fs.readFileSync(`${root}/package.json`)).main ?? "index.js";
  } catch {
    return "index.js";
  }
}

/** The function that `MODULE.FUNCTION` means. */
export async function find(root, name, module, fallback = "handler") {
  const at = (name ?? "").lastIndexOf(".");
  const [file, rest] = at > 0 ? [name.slice(0, at), name.slice(at + 1)] : [module, name || fallback];
  const found = (await load(root, file))[rest];
  if (typeof found !== "function") throw new TypeError(`${file} exports no function ${rest}`);
  return found;
}

/** Answers whatever is asked with `answer`, for ever. */
export function serve(answer, port) {
  const server = http.createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const url = new URL(request.url, "http://localhost");
    const [status, headers, body] = await answer({
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      search: url.search.slice(1),
      headers: request.headers,
      body: Buffer.concat(pieces),
    });
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body ?? "");
    response.statusCode = status;
    for (const [name, value] of Object.entries(headers ?? {})) {
      if (!/^(content-length|transfer-encoding|connection)$/i.test(name)) response.setHeader(name, value);
    }
    response.setHeader("Content-Length", bytes.length);
    response.end(bytes);
  });
  server.keepAliveTimeout = 0;
  server.listen(port, "127.0.0.1");
}

// Not awaited here: the other file imports this one.
import(new URL(`${process.argv[2]}.mjs`, import.meta.url)).then((platform) => platform.run(process.cwd()));
