'use strict';

const outputs = require('./outputs');
const { all: allSchedules } = require('./schedules');

const text = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

// shown leaves out an object: it may be long, and an environment is nobody's business.
const shown = (name, value) => (text(value).startsWith('{') ? name : `${name}=${text(value)}`);

// A deployment says its settings by --param or by its stage's section of "params"; the
// rest is default. This plugin writes what was said into the stack, as the output
// Settings, and refuses a later deployment that says nothing about one of them: it
// would fall back to the default, which nobody asked for. So a setting is never lost
// because a checkout of this repository does not have it. The plugin also refuses
// names that no parameter has, which the framework ignores, and prints the URL of the
// API.
module.exports = class Settings {
  constructor(serverless, options, { log, writeText }) {
    const aws = serverless.getProvider('aws');
    const stack = aws.naming.getStackName();
    const { params } = serverless.configurationInput;
    const said = { ...params[aws.getStage()] };
    for (const param of serverless.processedInput.options.param ?? []) {
      const at = param.indexOf('=');
      said[param.slice(0, at)] = param.slice(at + 1).trimEnd();
    }

    // The times of the schedule were a parameter.
    const toFile = 'it has become "expression" in deploy/schedules/reachable.json, beside its "request"';

    // known refuses names that no parameter has.
    const known = () => {
      if ('scheduleExpression' in said) {
        throw new serverless.classes.Error(
          `no such param: scheduleExpression: ${toFile}; write it there, and remove it ` +
            `from deploy/stages/${aws.getStage()}.params`
        );
      }
      const unknown = Object.keys(said).filter((name) => !(name in params.default));
      if (unknown.length > 0) {
        throw new serverless.classes.Error(
          `no such param: ${unknown.join(', ')}; there are ${Object.keys(params.default).join(', ')}`
        );
      }
    };

    // moved refuses a deployment that would run the schedule at other times than the stack's
    // last one, whose times were a parameter.
    const moved = ({ scheduleExpression }) => {
      const isOn = text(said.schedule ?? params.default.schedule) === 'ENABLED';
      if (scheduleExpression === undefined || !isOn) return;
      if (allSchedules(aws.getStage()).some(({ expression }) => expression === scheduleExpression)) return;
      throw new serverless.classes.Error(
        `${stack} was deployed with scheduleExpression=${scheduleExpression}: ${toFile}; write it there, ` +
          'or deploy once with --param schedule=DISABLED'
      );
    };

    // all refuses a deployment that lacks a setting of the deployed stack, and returns
    // what the stack was deployed with.
    const all = async () => {
      const before = JSON.parse((await outputs(aws)).Settings ?? '{}');
      moved(before);
      const lost = Object.keys(before).filter(
        (name) => name in params.default && !(name in said) && text(before[name]) !== text(params.default[name])
      );
      if (lost.length > 0) {
        throw new serverless.classes.Error(
          `${stack} was deployed with ${lost.map((name) => shown(name, before[name])).join(', ')}, ` +
            `which this deployment does not set: add it to deploy/stages/${aws.getStage()}.params, ` +
            `or say with --param what it is to be. The stack's output Settings has all of it`
        );
      }
      return before;
    };

    // The command "check" makes every check before anything is built, and prints the
    // architecture to build for.
    this.commands = { check: { usage: 'Check the settings of a deployment', lifecycleEvents: ['check'] } };

    this.hooks = {
      'check:check': async () => {
        known();
        await all();
        writeText(serverless.service.provider.architecture);
      },
      'before:package:initialize': known,
      'before:package:finalize': () => {
        serverless.service.resources.Outputs.Settings = {
          Description: 'What the last deployment set; the next one must set it too.',
          Value: JSON.stringify(said),
        };
      },
      'before:deploy:deploy': async () => {
        const before = await all();
        for (const [name, value] of Object.entries(before)) {
          if (text(value) !== text(said[name] ?? params.default[name])) {
            log.warning(`${shown(name, value)} until now, in this deployment ${shown(name, said[name])}`);
          }
        }
      },
      'finalize': async () => {
        if (serverless.processedInput.commands.join(' ') !== 'deploy') return;
        const { RunsUrl } = await outputs(aws);
        if (RunsUrl) writeText(`POST requests to ${RunsUrl}`);
      },
    };
  }
};
