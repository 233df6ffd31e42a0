// Greets whoever the path names.

addEventListener("fetch", (event) => event.respondWith(answer(event.request)));

async function answer(request) {
  const { pathname } = new URL(request.url);
  // What a function prints is its log.
  console.log(`asked for ${pathname}`);
  const name = pathname.split("/").pop();
  return new Response(`Hello, ${name}!\n`, { headers: { "content-type": "text/plain" } });
}
