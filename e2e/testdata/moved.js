'use strict';

// Runs the check of deploy/settings.js for a stack that has the output Settings. Its arguments
// are these settings and the parameters of the deployment, as JSON. It writes the refusal, or
// "fine". Its directory is that of a deployment.

const path = require('path');

const [settings, params] = process.argv.slice(2).map((text) => JSON.parse(text));
const outputs = path.resolve('deploy/outputs.js');
require.cache[outputs] = { id: outputs, filename: outputs, loaded: true, exports: async () => ({ Settings: JSON.stringify(settings) }) };
const Settings = require(path.resolve('deploy/settings.js'));

const aws = { getStage: () => 'prod', naming: { getStackName: () => 'meridian-prod' } };
const plugin = new Settings(
  {
    getProvider: () => aws,
    configurationInput: { params: { default: { schedule: 'DISABLED', apiRate: 2 } } },
    processedInput: { options: { param: Object.entries(params).map(([name, value]) => `${name}=${value}`) } },
    service: { provider: { architecture: 'fine' } },
    classes: { Error },
  },
  {},
  { log: {}, writeText: (text) => process.stdout.write(text) }
);
plugin.hooks['check:check']().catch((error) => process.stdout.write(error.message));
