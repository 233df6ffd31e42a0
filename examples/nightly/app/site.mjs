// Counts views of pages, and shows the reports.

import { add, get } from "./store.mjs";

export const handler = async (event) => {
  const [, what, name] = event.rawPath.split("/");
  if (what === "reports") {
    const report = await get("reports", name);
    return report ? { statusCode: 200, body: report } : { statusCode: 404 };
  }
  // Days are those of UTC.
  const day = new Date().toISOString().slice(0, 10);
  await add("views", `${day}.${name}`, 1);
  return { statusCode: 204 };
};
