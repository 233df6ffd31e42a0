// Says hello, and how long a posted body was.
addEventListener("fetch", (event) => event.respondWith(answer(event.request)));

async function answer(request) {
  if (request.method === "GET") {
    return text("hello from JavaScript\n");
  }
  const body = await request.arrayBuffer();
  return text(`hello from JavaScript, ${body.byteLength} bytes\n`);
}

function text(body) {
  return new Response(body, { headers: { "content-type": "text/plain" } });
}
