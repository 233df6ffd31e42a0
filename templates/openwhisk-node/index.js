/** An action of Apache OpenWhisk's. */

exports.main = async (params) => {
  const name = decodeURIComponent(params.__ow_path.split("/").at(-1));
  const headers = { "Content-Type": "text/plain; charset=utf-8" };
  return { statusCode: 200, headers, body: `Hello, ${name}!\n` };
};
