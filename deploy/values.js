'use strict';

// Values that serverless.yml needs and YAML cannot compute. The framework calls
// each export while it reads the file, and puts its value where the file names it.

// A Region's name, of any partition: eu-west-1, us-gov-east-1, ap-southeast-2.
const regionName = /^[a-z]{2}(-[a-z]+)+-\d{1,2}$/;

// workerArns lists the functions that the coordinator may invoke: the worker
// beside it, or, with placement "regional", the workers in the listed Regions. It
// builds the ARNs from their parts because GetAtt would make a cycle: the function
// needs the role, and the role would need the function.
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
    throw new Error(`param "regions" has names that are not Regions: ${wrong.join(', ')}`);
  }
  return [...new Set(listed)].map(arn);
};

// scheduleInput is the request that the schedule sends, as the text that
// EventBridge Scheduler expects. It comes from events/, so that the deployment,
// the tests and the documentation use the same request.
module.exports.scheduleInput = () => JSON.stringify(require('../events/schedule.json'));
