'use strict';

const {
  S3Client, ListObjectVersionsCommand, DeleteObjectsCommand, DeleteBucketCommand,
} = require('@aws-sdk/client-s3'); // the framework's
const outputs = require('./outputs');

// empty deletes all objects of a bucket, a page of at most 1,000 at a time. It returns what
// went wrong, or undefined.
const empty = async (client, Bucket) => {
  for (;;) {
    const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }));
    const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
    if (Objects.length === 0) return undefined;
    const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
    if (Errors.length > 0) return `delete ${Errors[0].Key} in bucket ${Bucket}: ${Errors[0].Message}`;
  }
};

// This plugin deals with the bucket of the kept runs when the stack is removed. The bucket
// stays, and the plugin prints its name. With PURGE=1 in the environment it deletes the bucket,
// after the functions that write to it.
module.exports = class Runs {
  constructor(serverless, options, { writeText }) {
    const aws = serverless.getProvider('aws');
    let bucket;
    this.hooks = {
      'before:remove:remove': async () => {
        bucket = (await outputs(aws)).RunsBucket;
      },
      'after:remove:remove': async () => {
        if (bucket === undefined) return;
        if (process.env.PURGE !== '1') {
          writeText(`The bucket ${bucket} stays, with all kept runs. To delete it: aws s3 rb --force s3://${bucket}`);
          return;
        }
        const client = new S3Client(await aws.getAwsSdkV3Config());
        const failed = await empty(client, bucket);
        if (failed !== undefined) throw new serverless.classes.Error(failed);
        await client.send(new DeleteBucketCommand({ Bucket: bucket }));
        writeText(`The bucket ${bucket} is deleted, with all kept runs`);
      },
    };
  }
};
