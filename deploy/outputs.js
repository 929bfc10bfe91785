'use strict';

const { CloudFormationClient, DescribeStacksCommand } = require('@aws-sdk/client-cloudformation'); // the framework's

// outputs returns those of the deployed stack: none if there is no stack yet.
module.exports = async (aws) => {
  try {
    const client = new CloudFormationClient(await aws.getAwsSdkV3Config());
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: aws.naming.getStackName() }));
    return Object.fromEntries((Stacks[0].Outputs ?? []).map((o) => [o.OutputKey, o.OutputValue]));
  } catch (error) {
    if (/does not exist/.test(error.message)) return {};
    throw error;
  }
};
