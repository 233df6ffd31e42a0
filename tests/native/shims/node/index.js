/** An event function of Function Compute's, which has an HTTP trigger too. */

exports.handler = (bytes, context, callback) => {
  const event = JSON.parse(bytes);
  const word = event.do ?? event.rawPath.slice(1);
  context.logger.info("asked to", word);
  if (word === "fail") return callback(new Error("it failed"));
  if (word === "slow") return;
  if (event.do) return callback(null, { did: word });
  callback(null, { statusCode: 200, headers: { "Content-Type": "application/json" }, body: JSON.stringify({ did: word }) });
};
