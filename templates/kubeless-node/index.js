/** A function of Kubeless'. */

exports.handler = async (event, context) => {
  const { request } = event.extensions;
  console.log("asked for", request.path);
  const name = decodeURIComponent(request.path.split("/").at(-1));
  return `Hello, ${name}!\n`;
};
