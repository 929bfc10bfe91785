'use strict';

const { wrong, enabled } = require('./params');
const { metrics } = require('./alarms');
const { all } = require('./schedules');

// The dashboard of a deployment: what its runs did, and what its functions did. See
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html

// graph is a widget with the sums of some metrics every five minutes.
const graph = (title, series, more) => ({
  type: 'metric',
  width: 12,
  height: 6,
  properties: {
    title, region: '${AWS::Region}', view: 'timeSeries', stat: 'Sum', period: 300, yAxis: { left: { min: 0 } },
    metrics: series, ...more,
  },
});

// ofRuns are the graphs of the coordinator's metrics.
const ofRuns = (coordinator, names) => {
  const of = (metric, label, more) => ['Meridian', metric, 'Function', coordinator, { label, ...more }];
  const named = (metric, name, label) =>
    ['Meridian', metric, 'Function', coordinator, 'Name', name, { label: `${name}: ${label}` }];
  return [
    graph('Runs by status', [
      [{ expression: 'runs - notSucceeded', label: 'succeeded', id: 'succeeded' }],
      of('Runs', 'runs', { id: 'runs', visible: false }),
      of('RunsNotSucceeded', 'not succeeded', { id: 'notSucceeded', visible: false }),
      of('RunsFailed', 'failed'), of('RunsTimedOut', 'timed out'), of('RunsAborted', 'aborted'),
    ], { stacked: true }),
    graph('Duration of runs', [of('Duration', 'median', { stat: 'p50' }), of('Duration', 'longest', { stat: 'Maximum' })]),
    graph('Regions that did not succeed', [
      of('RegionsFailed', 'failed'), of('RegionsTimedOut', 'timed out'),
      of('RegionsAborted', 'aborted'), of('RegionsNotStarted', 'not started'),
    ], { stacked: true }),
    graph('Retries and throttles', [of('Retries', 'retries'), of('Throttles', 'throttles')]),
    graph('Cost in dollars', [of('CostUSD', 'runs')]),
    ...(names.length === 0 ? [] : [
      graph('Targets that began to fail, and that recovered',
        names.flatMap((name) => [named('NewlyFailing', name, 'newly failing'), named('Recovered', name, 'recovered')])),
    ]),
  ];
};

// ofFunctions are the graphs of Lambda's metrics.
const ofFunctions = (functions) => {
  const of = (metric, what, more) =>
    functions.map(([role, name]) => ['AWS/Lambda', metric, 'FunctionName', name, { label: `${role}: ${what}`, ...more }]);
  return [
    graph('Errors and throttles of the functions', [...of('Errors', 'errors'), ...of('Throttles', 'throttles')]),
    graph('Duration of the functions', [...of('Duration', 'median', { stat: 'p50' }), ...of('Duration', 'longest', { stat: 'Maximum' })]),
    graph('Concurrent executions', of('ConcurrentExecutions', 'most at once', { stat: 'Maximum' })),
  ];
};

// failures is a table of the last Regions that did not succeed, from the coordinator's log.
const failures = (coordinator) => ({
  type: 'log',
  width: 24,
  height: 8,
  properties: {
    title: 'Regions that did not succeed, the last first',
    region: '${AWS::Region}',
    view: 'table',
    query: `SOURCE '/aws/lambda/${coordinator}' | fields @timestamp, runId, account, region, status, error, cause ` +
      `| filter message = 'region did not succeed' | sort @timestamp desc | limit 20`,
  },
});

module.exports.resources = async ({ resolveVariable }) => {
  if (!(await enabled('dashboard', resolveVariable))) return { Resources: {} };
  if ((await metrics({ resolveVariable })) === 'NONE') throw wrong('dashboard', 'DISABLED with metrics=NONE: it shows metrics');
  const stage = await resolveVariable('sls:stage');
  const coordinator = await resolveVariable('self:functions.coordinator.name');
  const worker = await resolveVariable('self:functions.regionworker.name');
  const widgets = [
    ...ofRuns(coordinator, all(stage).map(({ name }) => name)),
    ...ofFunctions([['coordinator', coordinator], ['worker', worker]]),
    failures(coordinator),
  ];
  // CloudWatch puts widgets without a place side by side, in this order.
  const body = { start: '-P1D', widgets };
  return {
    Resources: {
      Dashboard: {
        Type: 'AWS::CloudWatch::Dashboard',
        Properties: { DashboardName: `meridian-${stage}`, DashboardBody: { 'Fn::Sub': JSON.stringify(body) } },
      },
    },
  };
};
