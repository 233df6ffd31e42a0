"use strict";

// A function of AWS Lambda's contract that asks others, with Node's own client.

const https = require("https");

exports.handler = async (event) => {
  const { url, secret } = event.queryStringParameters;
  const headers = secret ? { authorization: `Bearer ${process.env[secret]}` } : {};
  const said = await new Promise((good, bad) => {
    const request = https.get(url, { headers }, (reply) => {
      let body = "";
      reply.on("data", (piece) => (body += piece));
      reply.on("end", () => good({ status: reply.statusCode, body }));
    });
    request.on("error", (error) => good({ error: String(error) }));
  });
  return { statusCode: 200, body: JSON.stringify(said) };
};
