// A web application with Express, on the port or the address that it is told.
const express = require('express');

const endpoint = process.env.AWS_LAMBDA_HTTP_ENDPOINT || `0.0.0.0:${process.env.PORT}`;
const [host, port] = endpoint.split(':');
const app = express();
app.use(express.json());
const act = async (word, response) => {
  console.log('asked to', word);
  if (word === 'fail') throw new Error('it failed');
  if (word === 'slow') await new Promise(resolve => setTimeout(resolve, 60_000));
  response.json({did: word});
};
app.get('/healthz', (request, response) => response.send('OK'));
app.get('/:word', (request, response) => act(request.params.word, response));
app.post(['/', '/events'], (request, response) => act(request.body.do, response));
const server = app.listen(Number(port), host);
process.on('SIGTERM', () => server.close(() => process.exit(0)));
