// A web application with Express, on the port or the address that it is told.
const express = require('express');

const endpoint = process.env.AWS_LAMBDA_HTTP_ENDPOINT || `0.0.0.0:${process.env.PORT}`;
const [host, port] = endpoint.split(':');
const app = express();
app.use(express.text({type: '*/*'}));
app.all('/hello', (request, response) => {
  response.set('X-Seen', JSON.stringify(request.headers));
  response.send(`${request.method} ${request.originalUrl} ${request.body || ''}`);
});
app.post(['/', '/events'], (request, response) => response.json({took: request.body}));
app.get('/fail', () => {
  throw new Error('it failed');
});
const server = app.listen(Number(port), host);
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
});
