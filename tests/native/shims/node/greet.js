/** A function of Kubeless'. */

module.exports = {
  handler: async (event, context) => {
    if (!event["event-id"] || !context.timeout) throw new Error("it was not told");
    const word = event.data?.do ?? event.extensions.request.path.slice(1);
    console.log("asked to", word);
    if (word === "fail") throw new Error("it failed");
    if (word === "slow") await new Promise((resolve) => setTimeout(resolve, 60_000));
    return { did: word };
  },
};
