'use strict';

// Calls the files of deploy/ as the framework does, without it, for many cases at once. It reads
// a list of cases from standard input, {"params", "files"}: parameters of serverless.yml that are
// not at their default, and contents of deploy/schedules. For each it writes the resources, or
// {"error"}. Its directory is that of a deployment.

const fs = require('fs');
const path = require('path');
const yaml = require(path.resolve('node_modules/js-yaml')); // the framework's

const tags = ['scalar', 'sequence', 'mapping'].map((kind) => new yaml.Type('!', { kind, multi: true, construct: (data) => data }));
const load = (file) => yaml.load(fs.readFileSync(file, 'utf8'), { schema: yaml.DEFAULT_SCHEMA.extend(tags) });
const defaults = load('serverless.yml').params.default;
const [schedules, deadletters, alarms, dashboard] = ['schedules', 'deadletters', 'alarms', 'dashboard'].map((name) =>
  require(path.resolve('deploy', `${name}.js`)));

const resolve = (params) => async (variable) => {
  if (variable.startsWith('param:')) return { ...defaults, ...params }[variable.slice('param:'.length)];
  const [, file, keys] = /^file\((.*)\):(.*)$/.exec(variable) ?? [];
  if (file) return keys.split('.').reduce((value, key) => value[key], load(file));
  return { 'sls:stage': 'dev', 'self:functions.coordinator.name': 'meridian-dev-coordinator',
    'self:functions.regionworker.name': 'meridian-dev-regionworker' }[variable];
};

const one = async ({ params, files }) => {
  if (files) {
    fs.rmSync('deploy/schedules', { recursive: true });
    fs.mkdirSync('deploy/schedules');
    for (const [name, content] of Object.entries(files)) fs.writeFileSync(path.join('deploy/schedules', name), content);
  }
  const resolveVariable = resolve(params);
  const all = {};
  for (const part of [schedules, deadletters, alarms, dashboard]) {
    Object.assign(all, (await part.resources({ resolveVariable })).Resources);
  }
  return { resources: all };
};

(async () => {
  const results = [];
  for (const c of JSON.parse(fs.readFileSync(0, 'utf8'))) results.push(await one(c).catch((error) => ({ error: error.message })));
  process.stdout.write(JSON.stringify(results));
})();
