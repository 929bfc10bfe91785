'use strict';

const fs = require('fs');
const path = require('path');

// A plugin, because the framework skips a deployment in which nothing changed
// only if it built the zips itself: it compares what was deployed with the zips
// it finds in .serverless, and never sees one named by package.artifact. Put
// there, they are compared.
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
