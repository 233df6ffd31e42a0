/** A function of Fn Project's. */

const fdk = require("@fnproject/fdk");

fdk.handle((input, ctx) => {
  const { requestURL } = ctx.httpGateway;
  const name = decodeURIComponent(requestURL.split("?")[0].split("/").at(-1));
  ctx.responseContentType = "text/plain; charset=utf-8";
  return fdk.rawResult(`Hello, ${name}!\n`);
});
