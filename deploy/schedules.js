'use strict';

const fs = require('fs');
const path = require('path');
const { refusal, isObject, enabled } = require('./params');
const { arn: deadLetters } = require('./deadletters');

// The schedules of a deployment. Each is a file, deploy/schedules/NAME.json:
//
//   {"expression": "rate(1 hour)", "request": {"task": "probe"}}
//
// and becomes the schedule meridian-STAGE-NAME, which sends the request with the name NAME.
// The other members are "timezone" (of cron and at; UTC by default), "periodSeconds" (how
// often a cron runs, for its alarm; a day by default) and "missedAfterHours" (in place of the
// parameter). scripts/deploy checks the requests themselves.

const directory = path.join(__dirname, 'schedules');
const members = ['expression', 'timezone', 'periodSeconds', 'missedAfterHours', 'request'];

// Each name is in the coordinator's variable METRICS_NAMES, and an environment may have 4 KB. See
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const mostSchedules = 50;

// The forms of an expression, and the seconds of the units of a rate. See
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
const forms = [/^rate\(([1-9]\d*) (minute|hour|day)s?\)$/, /^cron\(\S+( \S+){5}\)$/, /^at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)$/];
const seconds = { minute: 60, hour: 3600, day: 86400 };

const isWhole = (value, least, most) => Number.isInteger(value) && value >= least && value <= most;

const isTimezone = (name) => {
  try {
    return typeof name === 'string' && Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
};

// isTime reports whether the text of an at(...) is a time that exists.
const isTime = (text) => {
  const time = new Date(`${text}Z`);
  return !Number.isNaN(time.valueOf()) && time.toISOString().startsWith(text);
};

// period returns the seconds between two runs, or undefined for a schedule that runs once.
const period = ({ expression, periodSeconds }) => {
  const rate = forms[0].exec(expression);
  if (rate) return Number(rate[1]) * seconds[rate[2]];
  return expression.startsWith('cron(') ? periodSeconds ?? seconds.day : undefined;
};

// inexact returns a whole number in a value that JavaScript does not keep, or undefined.
const inexact = (value) => {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value) ? value : undefined;
  return value === null || typeof value !== 'object' ? undefined : Object.values(value).map(inexact).find(Boolean);
};

// check returns what is wrong with the content of a file: the member, and what it must be.
const check = (name, content) => {
  if (!isObject(content)) return 'want an object with "expression" and "request"';
  const unknown = Object.keys(content).find((member) => !members.includes(member));
  if (unknown !== undefined) return `"${unknown}": no such member; there are ${members.join(', ')}`;
  const { expression, timezone, periodSeconds, missedAfterHours, request } = content;
  if (typeof expression !== 'string' || !forms.some((form) => form.test(expression)) ||
      expression.startsWith('at(') && !isTime(expression.slice('at('.length, -1))) {
    return '"expression": want rate(5 minutes), cron(0 8 * * ? *) or at(2026-11-30T08:00:00)';
  }
  if (timezone !== undefined && !isTimezone(timezone)) return '"timezone": want a name such as Europe/Berlin';
  if (periodSeconds !== undefined) {
    if (!expression.startsWith('cron(')) return '"periodSeconds": only a cron has it';
    if (!isWhole(periodSeconds, 60, 604800) || periodSeconds % 60 !== 0) {
      return '"periodSeconds": want a multiple of 60, up to 604800';
    }
  }
  if (missedAfterHours !== undefined) {
    if (!isWhole(missedAfterHours, 1, 168)) return '"missedAfterHours": want 1 to 168';
    if (expression.startsWith('at(')) return '"missedAfterHours": a schedule that runs once has none';
  }
  if (!isObject(request)) return '"request": want an object';
  if ('key' in request) return '"request.key": remove it: the schedule sets it';
  if ('keep' in request) return '"request.keep": remove it: with a store each run is kept';
  if ('name' in request && request.name !== name) return `"request.name": want ${name}, as the file, or none`;
  const number = inexact(request);
  if (number !== undefined) return `"request": the number ${number} has too many digits: write a text, or a smaller number`;
  return undefined;
};

// one reads a file. The name of the schedule, with its stage, has at most 64 characters. See
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
const one = (file, stage) => {
  const refuse = (what) => refusal(`deploy/schedules/${file}: ${what}`);
  const name = file.slice(0, -'.json'.length);
  const title = `meridian-${stage}-${name}`;
  if (!/^[\w.-]+$/.test(name) || title.length > 64) {
    throw refuse(`the name: want A-Z a-z 0-9 . _ -, and at most 64 characters in ${title}`);
  }
  if (name === 'sweep') throw refuse('the name is that of the schedule that carries on runs: rename the file');
  let content;
  try {
    content = JSON.parse(fs.readFileSync(path.join(directory, file), 'utf8'));
  } catch (error) {
    throw refuse(error.message);
  }
  const fault = check(name, content);
  if (fault !== undefined) throw refuse(fault);
  // A logical ID has letters and digits only. Its prefix, ScheduleOf, is that of no other resource.
  const id = name.replace(/[._-]/g, (c) => ({ '.': 'Dot', _: 'Underscore', '-': 'Dash' })[c]);
  return { ...content, file, name, title, id: id[0].toUpperCase() + id.slice(1), period: period(content) };
};

// all reads every schedule of a stage, in the order of their names.
const all = (stage) => {
  const files = fs.existsSync(directory) ? fs.readdirSync(directory).filter((f) => f.endsWith('.json')).sort() : [];
  if (files.length > mostSchedules) throw refusal(`deploy/schedules has ${files.length} files: want at most ${mostSchedules}`);
  const schedules = files.map((file) => one(file, stage));
  schedules.forEach(({ id, file }, i) => {
    const twin = schedules.slice(0, i).find((other) => other.id === id);
    if (twin) throw refusal(`deploy/schedules/${file}: the name is too similar to ${twin.file}: rename one of them`);
  });
  return schedules;
};
module.exports.all = all;

// input is the request that a schedule sends, as the text that EventBridge Scheduler expects.
// With a store it gets a key, so that a request that is delivered twice is run once: the
// scheduler puts in the time that it is for. See
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
const input = ({ title, name, request }, isStored) =>
  JSON.stringify({ ...(isStored ? { key: `${title}-<aws.scheduler.scheduled-time>` } : {}), ...request, name });

module.exports.resources = async ({ resolveVariable }) => {
  const isStored = await enabled('store', resolveVariable);
  const State = (await enabled('schedule', resolveVariable)) ? 'ENABLED' : 'DISABLED';
  const DeadLetterConfig = await deadLetters(resolveVariable);
  const retries = await resolveVariable(`file(deploy/store.yml):retries.${isStored ? 'ENABLED' : 'DISABLED'}`);
  const resource = (schedule) => ({
    Type: 'AWS::Scheduler::Schedule',
    Properties: {
      Name: schedule.title,
      Description: `Starts the run of deploy/schedules/${schedule.file}.`,
      State,
      ScheduleExpression: schedule.expression,
      ...(schedule.timezone ? { ScheduleExpressionTimezone: schedule.timezone } : {}),
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: {
        Arn: { 'Fn::GetAtt': ['CoordinatorLambdaFunction', 'Arn'] },
        RoleArn: { 'Fn::GetAtt': ['ScheduleRole', 'Arn'] },
        Input: input(schedule, isStored),
        // As for the function's asynchronous calls: with a store the request has a key, and
        // its run starts once.
        RetryPolicy: { MaximumRetryAttempts: retries.attempts, MaximumEventAgeInSeconds: retries.scheduleSeconds },
        ...(DeadLetterConfig ? { DeadLetterConfig: { Arn: DeadLetterConfig } } : {}),
      },
    },
  });
  const schedules = all(await resolveVariable('sls:stage'));
  return { Resources: Object.fromEntries(schedules.map((schedule) => [`ScheduleOf${schedule.id}`, resource(schedule)])) };
};

// names is the coordinator's variable with the names that have metrics of their own.
module.exports.names = async ({ resolveVariable }) =>
  all(await resolveVariable('sls:stage')).map(({ name }) => name).join(',');
