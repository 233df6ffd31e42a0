import functions from "@google-cloud/functions-framework";

// Request and response are Express's.
functions.http("hello", (request, response) => {
  const name = decodeURIComponent(request.path.split("/").at(-1));
  response.type("text/plain").send(`Hello, ${name}!\n`);
});
