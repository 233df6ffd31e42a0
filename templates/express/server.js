import express from "express";

const app = express();

app.get("/my-function/:name", (request, response) => {
  response.type("text/plain").send(`Hello, ${request.params.name}!\n`);
});

app.listen(process.env.PORT);
