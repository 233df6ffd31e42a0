/** Triggers of Azure's Node model, version 4, each printing what it is given. */

const { app } = require("@azure/functions");

const saw = (what, said) => console.log("SAW " + JSON.stringify({ what, ...said }));

app.eventGrid("grid", {
  handler: (event) => saw("grid", { id: event.id, topic: event.topic, kind: event.eventType, data: event.data, time: event.eventTime }),
});

app.storageQueue("order", {
  queueName: "orders",
  connection: "c",
  handler: (message, { triggerMetadata }) => {
    const { id, dequeueCount: count, popReceipt: receipt, insertionTime, expirationTime, nextVisibleTime } = triggerMetadata;
    const [put, next, end] = [insertionTime, nextVisibleTime, expirationTime].map(Date.parse);
    if (!(put < next && next < end)) throw new Error(`${insertionTime} ${nextVisibleTime} ${expirationTime}`);
    saw("order", { body: JSON.stringify(message), id, count, receipt });
    if (message.what === "poison") throw new Error("no such order");
  },
});

app.timer("nightly", {
  schedule: "0 0 2 * * *",
  handler: ({ isPastDue, schedule, scheduleStatus }) => saw("nightly", { late: isPastDue, schedule, status: scheduleStatus }),
});
