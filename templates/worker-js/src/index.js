/** A Worker. */
export default {
  /** Answers a request. */
  async fetch(request, env, ctx) {
    const name = new URL(request.url).pathname.split("/").pop();
    return new Response(`Hello, ${decodeURIComponent(name)}!\n`);
  },
};
