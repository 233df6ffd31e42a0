// Functions for the Functions Framework.
const functions = require('@google-cloud/functions-framework');

const act = async word => {
  console.log('asked to', word);
  if (word === 'fail') throw new Error('it failed');
  if (word === 'slow') await new Promise(resolve => setTimeout(resolve, 60_000));
  return {did: word};
};

functions.http('asked', async (request, response) => {
  response.json(await act(request.path.slice(1) || request.body.do));
});

functions.cloudEvent('told', event => act(event.data.do));
