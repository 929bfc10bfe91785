'use strict';

const { refusal, wrong, choice, enabled, optional, number } = require('./params');
const { all } = require('./schedules');

// The alarms of a deployment, and the topic that they publish to. docs/alarms.md has a table.

// metrics is the level of metrics that the coordinator writes.
const metrics = ({ resolveVariable }) => choice('metrics', ['NONE', 'RUNS', 'REGIONS', 'TARGETS'], resolveVariable);
module.exports.metrics = metrics;

module.exports.failedRunIsError = ({ resolveVariable }) =>
  choice('failedRunIsError', ['ENABLED', 'DISABLED'], resolveVariable);

// runs reads the parameter alarmRuns: m of n.
const runs = async (resolveVariable) => {
  const text = String(await resolveVariable('param:alarmRuns'));
  const [, m, n] = (/^([1-9]\d*) of ([1-9]\d*)$/.exec(text) ?? []).map(Number);
  if (!(m <= n)) throw wrong('alarmRuns', `"m of n", such as 2 of 3, with m at most n, not "${text}"`);
  return { m, n };
};

// email reads the parameter alarmEmail.
const email = async (resolveVariable) => {
  const text = await optional('alarmEmail', resolveVariable);
  if (text !== undefined && !/^[^\s@,;<>"]+@[^\s@,;<>"]+\.[^\s@,;<>".]+$/.test(text)) {
    throw wrong('alarmEmail', 'an address of email, such as on-call@example.com');
  }
  return text;
};

// read reads and checks the parameters, whether or not there are alarms.
const read = async (resolveVariable) => {
  const regions = await number('alarmRegions', 'a whole number', Number.isInteger, resolveVariable);
  if (regions === undefined) throw wrong('alarmRegions', 'a whole number, not "none"');
  const given = {
    alarmEmail: await email(resolveVariable),
    missedAfterHours: await number('missedAfterHours', '1 to 168, or "none"',
      (hours) => Number.isInteger(hours) && hours >= 1 && hours <= 168, resolveVariable),
    alarmCostUsd: await number('alarmCostUsd', 'dollars, such as 0.5, or "none"', Number.isFinite, resolveVariable),
  };
  const settings = {
    ...given, regions, ...(await runs(resolveVariable)),
    tellsFailedRun: await enabled('alarmFailedRun', resolveVariable),
    isScheduled: await enabled('schedule', resolveVariable),
    hasDeadLetters: await enabled('scheduleDeadLetters', resolveVariable),
    failedIsError: await enabled('failedRunIsError', resolveVariable),
    stage: await resolveVariable('sls:stage'),
    coordinator: await resolveVariable('self:functions.coordinator.name'),
  };
  if (await enabled('alarms', resolveVariable)) {
    if ((await metrics({ resolveVariable })) === 'NONE') throw wrong('alarms', 'DISABLED with metrics=NONE: alarms need metrics');
    return settings;
  }
  const idle = Object.keys(given).find((name) => given[name] !== undefined);
  if (idle !== undefined) throw wrong(idle, '"none" without alarms: set alarms=ENABLED');
  return undefined;
};

const topic = { Ref: 'AlarmTopic' };

// The topic is not encrypted with a key of KMS: an alarm cannot publish to a topic with AWS's
// own key, whose policy cannot be changed, and would fail silently. What it publishes has the
// names of schedules and numbers. See
// https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
//
// Its policy takes the place of SNS's default, which lets every identity of the account publish:
// only alarms of this stage may, and identities that a policy of their own allows it.
const topicResources = ({ stage, alarmEmail }) => ({
  AlarmTopic: { Type: 'AWS::SNS::Topic', Properties: { TopicName: `meridian-${stage}-alarms` } },
  AlarmTopicPolicy: {
    Type: 'AWS::SNS::TopicPolicy',
    Properties: {
      Topics: [topic],
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [{
          Effect: 'Allow',
          Principal: { Service: 'cloudwatch.amazonaws.com' },
          Action: 'sns:Publish',
          Resource: topic,
          Condition: {
            StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
            ArnLike: {
              'aws:SourceArn': { 'Fn::Sub': `arn:\${AWS::Partition}:cloudwatch:\${AWS::Region}:\${AWS::AccountId}:alarm:meridian-${stage}-*` },
            },
          },
        }],
      },
    },
  },
  ...(alarmEmail && {
    AlarmEmail: { Type: 'AWS::SNS::Subscription', Properties: { TopicArn: topic, Protocol: 'email', Endpoint: alarmEmail } },
  }),
});

// alarm is an alarm of a metric that publishes when it rings. Without data it is not breaching:
// the metrics have data only when something has run.
const alarm = (AlarmName, AlarmDescription, [Namespace, MetricName, dimensions], properties) => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: {
    AlarmName, AlarmDescription, Namespace, MetricName,
    Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
    AlarmActions: [topic],
    Statistic: 'Sum',
    Period: 300,
    EvaluationPeriods: 1,
    ComparisonOperator: 'GreaterThanThreshold',
    Threshold: 0,
    TreatMissingData: 'notBreaching',
    ...properties,
  },
});

// functionAlarms are the alarms of the whole deployment.
const functionAlarms = ({ stage, coordinator, tellsFailedRun, alarmCostUsd, hasDeadLetters, failedIsError }) => ({
  ...(tellsFailedRun && {
    RunAlarm: alarm(`meridian-${stage}-run`, 'A run did not succeed: the log of the coordinator has its id.',
      ['Meridian', 'RunsNotSucceeded', { Function: coordinator }]),
  }),
  ...(alarmCostUsd !== undefined && {
    CostAlarm: alarm(`meridian-${stage}-cost`, `The runs of a day cost more than $${alarmCostUsd}.`,
      ['Meridian', 'CostUSD', { Function: coordinator }], { Period: 86400, Threshold: alarmCostUsd }),
  }),
  ...(hasDeadLetters && {
    DeadLettersAlarm: alarm(`meridian-${stage}-dead-letters`, 'The queue of dead letters has messages.',
      ['AWS/SQS', 'ApproximateNumberOfMessagesVisible', { QueueName: { 'Fn::GetAtt': ['DeadLetters', 'QueueName'] } }],
      { Statistic: 'Maximum', OKActions: [topic] }),
  }),
  ...(failedIsError && {
    ErrorsAlarm: alarm(`meridian-${stage}-errors`, 'The coordinator ended with a function error.',
      ['AWS/Lambda', 'Errors', { FunctionName: coordinator }]),
  }),
});

// lists is the command that lists the runs of a schedule, for the description of its alarms.
const lists = ({ coordinator }, name) => `meridian runs --name ${name} --function ${coordinator}`;

// regionsAlarm rings after m of the last n runs of a schedule in which more than k Regions did
// not succeed. Each period has one run, so the alarm looks back over n of them: CloudWatch
// allows 7 days, and one day with periods below an hour. See
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
//
// Missing data is ignored. A period may have no run, because one was late; CloudWatch then looks
// at older runs. Where it finds none, the alarm keeps its state: a run that is missing has not
// repaired anything. That it is missing is what missedAlarm tells. See
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
const regionsAlarm = (settings, { name, file, period }) => {
  const { stage, coordinator, m, n, regions } = settings;
  const most = period < 3600 ? 86400 : 604800;
  if (period * n > most) {
    const fits = Math.floor(most / period);
    throw refusal(`deploy/schedules/${file}: ${n} runs take ${period * n} s, and an alarm looks back at most ${most} s: ` +
      (fits > 0 ? `set alarmRuns to "m of n" with n up to ${fits}` : 'use a cron with "periodSeconds"'));
  }
  return alarm(`meridian-${stage}-${name}-regions`,
    `More than ${regions} Regions did not succeed in ${m} of the last ${n} runs: ${lists(settings, name)}`,
    ['Meridian', 'RegionsNotSucceeded', { Function: coordinator, Name: name }],
    {
      Statistic: 'Maximum', Period: period, EvaluationPeriods: n, DatapointsToAlarm: m, Threshold: regions,
      TreatMissingData: 'ignore', OKActions: [topic],
    });
};

// missedAlarm rings after hours in which a schedule had no run. A new schedule rings too, until its
// first run. FILL makes 0 of an hour without a run: if that were missing data, CloudWatch would
// look at older hours too, and ring some hours late. See
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
//
// The window slides, and the runs of a schedule may be a minute late, so it must be longer than
// the time between two runs.
const missedAlarm = (settings, { name, file, period }, hours) => {
  const { stage, coordinator } = settings;
  if (hours * 3600 <= period) {
    throw refusal(`deploy/schedules/${file}: "missedAfterHours": ${hours} hours are not more than the ${period} s ` +
      'between two runs: write more into the file');
  }
  const { Type, Properties } = alarm(`meridian-${stage}-${name}-missed`, `No run has ended for ${hours} hours: ${lists(settings, name)}`,
    ['Meridian', 'Runs', { Function: coordinator, Name: name }],
    {
      Period: 3600, EvaluationPeriods: hours, ComparisonOperator: 'LessThanThreshold', Threshold: 1,
      TreatMissingData: 'breaching', OKActions: [topic],
    });
  const { Namespace, MetricName, Dimensions, Statistic, Period, ...properties } = Properties;
  const runs = { Metric: { Namespace, MetricName, Dimensions }, Period, Stat: Statistic };
  return {
    Type,
    Properties: {
      ...properties,
      Metrics: [
        { Id: 'runs', MetricStat: runs, ReturnData: false },
        { Id: 'filled', Expression: 'FILL(runs, 0)', Label: MetricName, ReturnData: true },
      ],
    },
  };
};

// scheduleAlarms are the alarms of each schedule that runs again and again.
const scheduleAlarms = (settings) => {
  const resources = {};
  if (!settings.isScheduled) return resources;
  for (const schedule of all(settings.stage).filter(({ period }) => period !== undefined)) {
    resources[`RegionsAlarm${schedule.id}`] = regionsAlarm(settings, schedule);
    const hours = schedule.missedAfterHours ?? settings.missedAfterHours;
    if (hours !== undefined) resources[`MissedAlarm${schedule.id}`] = missedAlarm(settings, schedule, hours);
  }
  return resources;
};

module.exports.resources = async ({ resolveVariable }) => {
  const settings = await read(resolveVariable);
  if (settings === undefined) return { Resources: {} };
  return {
    Resources: { ...topicResources(settings), ...functionAlarms(settings), ...scheduleAlarms(settings) },
    Outputs: { AlarmTopic: { Description: 'The topic of the alarms.', Value: topic } },
  };
};
