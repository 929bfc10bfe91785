'use strict';

const fs = require('fs');
const path = require('path');

// The framework skips a deployment in which nothing changed, but it compares what
// was deployed with the zips in .serverless only, and does not copy a zip named by
// package.artifact there. This plugin does.
module.exports = class Unchanged {
  constructor(serverless) {
    this.hooks = {
      'after:package:finalize': () => {
        for (const name of serverless.service.getAllFunctions()) {
          const { artifact } = serverless.service.getFunction(name).package;
          fs.copyFileSync(
            path.resolve(serverless.serviceDir, artifact),
            path.join(serverless.serviceDir, '.serverless', path.basename(artifact))
          );
        }
      },
    };
  }
};
