/** Functions of Azure's Node model, version 4. */

const { app } = require("@azure/functions");

async function act(word, context) {
  context.log("asked to", word);
  if (word === "fail") throw new Error("it failed");
  if (word === "slow") await new Promise((resolve) => setTimeout(resolve, 60_000));
  return { did: word };
}

app.http("order", {
  methods: ["GET", "POST"],
  route: "{word?}",
  handler: async (request, context) => {
    const word = request.params.word ?? (await request.json()).do;
    const jsonBody = await act(word, context);
    return { jsonBody, headers: { "X-Name": request.query.get("name") ?? "" }, cookies: [{ name: "a", value: "b", path: "/" }] };
  },
});

app.storageQueue("note", { queueName: "notes", connection: "c", handler: (message, context) => act(message.do, context) });
