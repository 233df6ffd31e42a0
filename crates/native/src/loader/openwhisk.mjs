/** OpenWhisk's runtime: `POST /init` once, then `POST /run` for each activation. */

import { asJson, entry, find, serve } from "./shim.mjs";

const SENTINEL = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX";
const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));
const surround = (fields, name) => {
  for (const [key, value] of Object.entries(fields)) process.env[name(key)] = text(value);
};

export async function run(root) {
  let action;
  // `__OW_*` are of one activation.
  let turn = Promise.resolve();

  /** The code is there already: the package. */
  async function init(value) {
    if (action) return asJson(403, { error: "Cannot initialize the action more than once." });
    surround(value.env ?? {}, (key) => key);
    try {
      action = await find(root, value.main || "main", entry(root));
    } catch (error) {
      console.error(error);
      return asJson(502, { error: "Initialization has failed due to: " + error });
    }
    return asJson(200, { ok: true });
  }

  async function activate({ value, ...rest }) {
    if (!action) return asJson(502, { error: "The action is not initialized." });
    surround(rest, (key) => `__OW_${key.toUpperCase()}`);
    try {
      const result = (await action(value ?? {})) ?? {};
      if (typeof result !== "object") return asJson(502, { error: "The action did not return a dictionary." });
      return asJson(200, result);
    } catch (error) {
      console.error(error);
      // As its runtime does: what was thrown is the error, not the runtime's.
      return asJson(200, { error: error?.message ?? (error === undefined ? {} : error) });
    } finally {
      console.log(SENTINEL);
      console.error(SENTINEL);
    }
  }

  async function answer({ method, path, body }) {
    const way = { "/init": (said) => init(said.value ?? {}), "/run": activate }[path];
    if (method !== "POST" || !way) return asJson(404, { error: "There is /init and /run." });
    let said;
    try {
      said = JSON.parse(body);
    } catch {
      return asJson(400, { error: "The request is no JSON." });
    }
    if (said === null || typeof said !== "object") return asJson(400, { error: "The request is no object." });
    if (path === "/init" && action) return init({});
    const before = turn;
    let done;
    turn = new Promise((resolve) => (done = resolve));
    await before;
    try {
      return await way(said);
    } finally {
      done();
    }
  }

  serve(answer, 8080);
}
