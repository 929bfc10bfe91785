'use strict';

const { enabled } = require('./params');

// The dead-letter queue, with scheduleDeadLetters=ENABLED. After all retries it gets requests that
// a schedule could not deliver, and asynchronous invocations of the coordinator that failed or
// that Lambda dropped. See
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html and
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html

const name = 'scheduleDeadLetters';
const queue = { 'Fn::GetAtt': ['DeadLetters', 'Arn'] };

// arn returns the ARN of the queue, or undefined if there is none.
module.exports.arn = async (resolveVariable) => ((await enabled(name, resolveVariable)) ? queue : undefined);

module.exports.resources = async ({ resolveVariable }) => {
  if (!(await enabled(name, resolveVariable))) return { Resources: {} };
  return {
    Resources: {
      DeadLetters: {
        Type: 'AWS::SQS::Queue',
        Properties: {
          QueueName: `meridian-${await resolveVariable('sls:stage')}-dead-letters`,
          // 14 days, the most that SQS keeps a message.
          MessageRetentionPeriod: 1209600,
          SqsManagedSseEnabled: true,
        },
      },
    },
    Outputs: {
      DeadLettersUrl: { Description: 'The dead-letter queue of the schedules and the coordinator.', Value: { Ref: 'DeadLetters' } },
    },
  };
};

// sendPolicy lets a role send to the queue. The schedules' role needs it, and the coordinator's:
// Lambda sends with the role of the function.
module.exports.sendPolicy = async ({ resolveVariable }) => {
  if (!(await enabled(name, resolveVariable))) return { Ref: 'AWS::NoValue' };
  return {
    PolicyName: 'dead-letters',
    PolicyDocument: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: queue }],
    },
  };
};

// eventProperties are what the queue adds to the configuration of asynchronous invocations.
module.exports.eventProperties = async ({ resolveVariable }) =>
  (await enabled(name, resolveVariable)) ? { DestinationConfig: { OnFailure: { Destination: queue } } } : {};
