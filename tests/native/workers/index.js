// A Worker that does what it is told, as the rows of the contracts want it.

export default {
  async fetch(request) {
    const word =
      request.method === "POST" ? (await request.json()).do : new URL(request.url).pathname.slice(1);
    console.log(`asked to ${word}`);
    if (word === "fail") throw new Error("told to");
    if (word === "slow") await scheduler.wait(60_000);
    return Response.json({ did: word });
  },
};
