/** A handler of OpenFaaS' template for Node. */

module.exports = async (event, context) => {
  const word = event.body?.do ?? event.path.slice(1);
  console.log("asked to", word);
  if (word === "fail") throw new Error("it failed");
  if (word === "slow") await new Promise((resolve) => setTimeout(resolve, 60_000));
  return context.status(200).headers({ "X-Query": JSON.stringify(event.query) }).succeed({ did: word });
};
