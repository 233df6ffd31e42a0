// An application of Spin's in JavaScript, as its users write one.

async function handle(request) {
  const url = new URL(request.url);
  if (url.pathname === "/send") {
    try {
      const reply = await fetch(await request.text());
      return new Response(`${reply.status}: ${await reply.text()}\n`);
    } catch (error) {
      return new Response(`${error}\n`, { status: 500 });
    }
  }
  return new Response(`${request.headers.get("spin-path-info")}\n`);
}

addEventListener("fetch", (event) => event.respondWith(handle(event.request)));
