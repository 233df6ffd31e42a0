/** Answers a request, which comes as the event of a function URL. */
export const handler = async (event) => {
  const name = decodeURIComponent(event.rawPath.split("/").at(-1));
  return {
    statusCode: 200,
    headers: { "content-type": "text/plain; charset=utf-8" },
    body: `Hello, ${name}!\n`,
  };
};
