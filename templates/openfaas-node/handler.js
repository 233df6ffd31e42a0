/** A handler of OpenFaaS' templates for Node. */

module.exports = async (event, context) => {
  const name = decodeURIComponent(event.path.split("/").at(-1));
  return context
    .status(200)
    .headers({ "Content-Type": "text/plain; charset=utf-8" })
    .succeed(`Hello, ${name}!\n`);
};
