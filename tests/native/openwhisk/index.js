/** An action of OpenWhisk's in JavaScript. */

exports.main = async (params) => {
  const word = params.do ?? params.__ow_path.replaceAll("/", "");
  console.log("asked to", word);
  if (word === "fail") throw new Error("it failed");
  if (word === "slow") await new Promise((resolve) => setTimeout(resolve, 60_000));
  return { did: word };
};
