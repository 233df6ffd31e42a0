// A function of AWS Lambda's in Node: what it is asked stands in the path, or in the event.
exports.handler = async event => {
  const word = event.do || event.rawPath.slice(1);
  console.log('asked to', word);
  if (word === 'fail') throw new RangeError('it failed');
  if (word === 'slow') await new Promise(resolve => setTimeout(resolve, 60_000));
  return {did: word};
};
