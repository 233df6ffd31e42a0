// The stores that both functions use: a request to this address is an ask of the platform.

const STORES = "http://host.casemate.internal/keyvalue";

async function ask(path, options) {
  const reply = await fetch(`${STORES}/${path}`, options);
  if (!reply.ok && reply.status !== 404) {
    throw new Error(`${reply.status}: ${await reply.text()}`);
  }
  return reply;
}

const place = (store, key) => `${store}/${encodeURIComponent(key)}`;

/** Adds to a counter, whoever else does at the same time. */
export const add = (store, key, many) =>
  ask(`${place(store, key)}?add=${many}`, { method: "POST" });

/** The text of a key; nothing if there is none. */
export async function get(store, key) {
  const reply = await ask(place(store, key));
  return reply.ok ? reply.text() : undefined;
}

export const put = (store, key, text) => ask(place(store, key), { method: "PUT", body: text });

export const remove = (store, key) => ask(place(store, key), { method: "DELETE" });

/** All keys. */
export async function keys(store) {
  const found = [];
  for (let more = true; more; ) {
    const after = found.length > 0 ? `?after=${encodeURIComponent(found.at(-1))}` : "";
    const page = await (await ask(store + after)).json();
    found.push(...page.keys);
    more = page.more;
  }
  return found;
}
