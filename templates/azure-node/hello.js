/** Functions of Azure's, in its model for Node, version 4. */

const { app } = require("@azure/functions");

app.http("hello", {
  methods: ["GET"],
  authLevel: "anonymous",
  route: "my-function/{name}",
  handler: async (request) => ({
    headers: { "Content-Type": "text/plain; charset=utf-8" },
    body: `Hello, ${request.params.name}!\n`,
  }),
});
