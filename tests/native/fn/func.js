/** A function of Fn's in JavaScript, with its published FDK. */

const fdk = require("@fnproject/fdk");

fdk.handle(async (input, ctx) => {
  const word = input?.do ?? new URL(ctx.httpGateway.requestURL, "http://a").pathname.slice(1);
  console.log("asked to", word);
  if (word === "fail") throw new Error("it failed");
  if (word === "slow") await new Promise((resolve) => setTimeout(resolve, 60_000));
  return { did: word };
});
