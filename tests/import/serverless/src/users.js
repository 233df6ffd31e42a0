exports.get = async (event) => ({
  statusCode: 200,
  body: JSON.stringify({
    path: event.rawPath,
    table: process.env.TABLE,
    token: process.env.TOKEN,
    bucket: process.env.BUCKET_ARN ?? null,
  }),
});
exports.cleanup = async () => "clean";
