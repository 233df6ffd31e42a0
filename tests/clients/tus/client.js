// Uploads a file with tus-js-client, stops in the middle, and goes on from where it was.
//
//   node client.js MODULES URL TOKEN FILE
//
// Prints, as JSON, how far it was when it stopped and what the last answer was.
const [modules, url, token, file] = process.argv.slice(2);
const tus = require(`${modules}/node_modules/tus-js-client`);
const fs = require("fs");

const size = fs.statSync(file).size;
let stopped = 0;

function upload(from) {
  return new Promise((resolve, reject) => {
    let answer;
    const options = {
      endpoint: url,
      uploadUrl: from,
      uploadSize: size,
      chunkSize: 1 << 20,
      retryDelays: [100, 500, 1000],
      headers: { authorization: `Bearer ${token}` },
      metadata: { filename: "größe.bin", kind: "test" },
      onAfterResponse: (request, response) => {
        answer = { method: request.getMethod(), status: response.getStatus(), body: response.getBody() };
      },
      onError: reject,
      onChunkComplete: (_, accepted) => {
        if (!from && accepted >= size / 2) {
          stopped = accepted;
          task.abort().then(() => resolve({ url: task.url }), reject);
        }
      },
      onSuccess: () => resolve({ url: task.url, answer }),
    };
    const task = new tus.Upload(fs.createReadStream(file, { start: 0 }), options);
    task.start();
  });
}

async function main() {
  const first = await upload(null);
  const second = await upload(first.url);
  console.log(JSON.stringify({ stopped, size, url: second.url, answer: second.answer }));
}

main().catch((error) => {
  console.error(String(error));
  process.exit(1);
});
