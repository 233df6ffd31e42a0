// Functions for the Functions Framework.
const functions = require('@google-cloud/functions-framework');

functions.http('hello', (request, response) => {
  if (request.path === '/fail') throw new Error('it failed');
  response.set('X-Id', request.get('Function-Execution-Id'));
  response.send(`Hello ${request.query.name || 'world'}: ${JSON.stringify(request.body)}`);
});

functions.cloudEvent('stored', event => {
  if (event.subject === 'fail') throw new Error('it failed');
  console.log(event.type, event.data.name);
});
