'use strict';

// What serverless.yml needs and YAML cannot compute. Each export is called by
// the framework while it reads the file, and its value stands where the file
// names it.

// A Region's name, of any partition: eu-west-1, us-gov-east-1, ap-southeast-2.
const regionName = /^[a-z]{2}(-[a-z]+)+-\d{1,2}$/;

// workerArns lists the functions that the coordinator may invoke: the worker
// beside it, or, with placement "regional", the worker of exactly the Regions
// listed. They are built from their parts because a GetAtt would make a circle:
// the function needs the role, and the role would need the function.
module.exports.workerArns = async ({ resolveVariable }) => {
  const placement = await resolveVariable('param:placement');
  const listed = (await resolveVariable('param:regions')).split(/[\s,]+/).filter(Boolean);
  const name = await resolveVariable('self:functions.regionworker.name');
  const arn = (region) => ({
    'Fn::Sub': `arn:\${AWS::Partition}:lambda:${region}:\${AWS::AccountId}:function:${name}`,
  });

  if (placement === 'home') return [arn('${AWS::Region}')];
  if (placement !== 'regional') {
    throw new Error(`param "placement" is "${placement}": want "home" or "regional"`);
  }
  if (listed.length === 0) {
    throw new Error('param "placement" is "regional": param "regions" must list the Regions of the workers');
  }
  const wrong = listed.filter((region) => !regionName.test(region));
  if (wrong.length > 0) {
    throw new Error(`param "regions" has what is no Region: ${wrong.join(', ')}`);
  }
  return [...new Set(listed)].map(arn);
};

// scheduleInput is the request that the schedule sends, as the text that
// EventBridge Scheduler wants. It is read from events/, so that what is deployed
// is what the tests and the README use.
module.exports.scheduleInput = () => JSON.stringify(require('../events/schedule.json'));
