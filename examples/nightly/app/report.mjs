// Writes a report for each day of which there are counts. A run that is tried again, or that makes
// up for several nights, writes the same as each of them would have.

import { get, keys, put, remove } from "./store.mjs";

const DAY = 24 * 60 * 60 * 1000;

export const handler = async ({ keep_days }) => {
  const first = new Date(Date.now() - keep_days * DAY).toISOString().slice(0, 10);
  const reports = {};
  for (const key of await keys("views")) {
    const [day, page] = [key.slice(0, 10), key.slice(11)];
    if (day < first) {
      await remove("views", key);
      continue;
    }
    reports[day] ??= {};
    reports[day][page] = Number(await get("views", key));
  }
  for (const [day, pages] of Object.entries(reports)) {
    const report = JSON.stringify(pages);
    await put("reports", day, report);
    console.log(`${day}: ${report}`);
  }
};
