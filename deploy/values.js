'use strict';

const { refusal, wrong, isObject, list, object, enabled } = require('./params');

// Values that serverless.yml needs and YAML cannot compute. The framework calls
// each export while it reads the file, and puts its value where the file names it.

// A Region's name, of any partition: eu-west-1, us-gov-east-1, ap-southeast-2.
const regionName = /^[a-z]{2}(-[a-z]+)+-\d{1,2}$/;

const noValue = { Ref: 'AWS::NoValue' };

// texts reads a parameter that is an object of texts.
const texts = async (name, resolveVariable) => {
  const entries = Object.entries(await object(name, resolveVariable));
  return Object.fromEntries(
    entries.map(([key, value]) => {
      if (value === null || typeof value === 'object') throw wrong(name, `a text for ${key}`);
      return [key, String(value)];
    })
  );
};

// here reads what a parameter has for the Region that is deployed to.
const here = async (name, resolveVariable) => {
  const byRegion = await object(name, resolveVariable);
  const unknown = Object.keys(byRegion).filter((region) => !regionName.test(region));
  if (unknown.length > 0) throw wrong(name, `the names of Regions, not ${unknown.join(', ')}`);
  return byRegion[await resolveVariable('self:provider.region')];
};

// vpc is the VpcConfig of the worker in this Region, or undefined.
const vpc = async (resolveVariable) => {
  const found = await here('workerVpc', resolveVariable);
  if (found === undefined) return undefined;
  const { subnets, securityGroups, ...others } = isObject(found) ? found : {};
  const named = (all) => Array.isArray(all) && all.length > 0;
  if (!named(subnets) || !named(securityGroups) || Object.keys(others).length > 0) {
    throw wrong('workerVpc', '{"subnets": ["subnet-1"], "securityGroups": ["sg-1"]} for each Region');
  }
  return { SubnetIds: subnets, SecurityGroupIds: securityGroups };
};

// functionProperties are the properties of a function that it may have or not.
const functionProperties = async (name, resolveVariable) => {
  const properties = {};
  const reserved = String(await resolveVariable(`param:${name}`));
  if (reserved !== 'none') {
    if (!/^\d+$/.test(reserved)) throw wrong(name, `a number, or "none", not "${reserved}"`);
    properties.ReservedConcurrentExecutions = Number(reserved);
  }
  const key = await here('kmsKeys', resolveVariable);
  if (key !== undefined) properties.KmsKeyArn = key;
  return properties;
};

// A coordinator with a store invokes itself to carry a run on. Lambda would take that for a
// mistake and stop it after some 16 invocations; the parameter maxGenerations ends it here. See
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
module.exports.coordinatorProperties = async ({ resolveVariable }) => {
  const properties = await functionProperties('coordinatorConcurrency', resolveVariable);
  return (await enabled('store', resolveVariable)) ? { ...properties, RecursiveLoop: 'Allow' } : properties;
};

module.exports.workerProperties = async ({ resolveVariable }) => {
  const properties = await functionProperties('workerConcurrency', resolveVariable);
  const config = await vpc(resolveVariable);
  return config === undefined ? properties : { ...properties, VpcConfig: config };
};

// networkPolicy is what Lambda needs of the worker's role to put it into a VPC. The
// network interfaces are Lambda's own: there is none that a policy could name before. See
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
module.exports.networkPolicy = async ({ resolveVariable }) => {
  if ((await vpc(resolveVariable)) === undefined) return noValue;
  const actions = [
    'CreateNetworkInterface', 'DescribeNetworkInterfaces', 'DescribeSubnets', 'DeleteNetworkInterface',
    'AssignPrivateIpAddresses', 'UnassignPrivateIpAddresses',
  ];
  return {
    PolicyName: 'network-interfaces',
    PolicyDocument: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: actions.map((action) => `ec2:${action}`), Resource: '*' }],
    },
  };
};

// assumePolicy is what a function needs to assume roles in other accounts: exactly those
// of the parameter. A session with tags needs sts:TagSession on the role, too.
const assumePolicy = async (name, resolveVariable) => {
  const roles = await list(name, resolveVariable);
  if (roles.length === 0) return noValue;
  const resource = (role) => {
    if (/^arn:[^:]+:iam::[^:]+:role\/./.test(role)) return role;
    if (/^[\w+=,.@/-]+$/.test(role)) return { 'Fn::Sub': `arn:\${AWS::Partition}:iam::*:role/${role}` };
    throw wrong(name, `the name of a role, or a pattern such as arn:aws:iam::*:role/meridian-read, not ${role}`);
  };
  return {
    PolicyName: 'account-roles',
    PolicyDocument: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: ['sts:AssumeRole', 'sts:TagSession'], Resource: roles.map(resource) }],
    },
  };
};

module.exports.accountPolicy = ({ resolveVariable }) => assumePolicy('accountRole', resolveVariable);
module.exports.workerAccountPolicy = ({ resolveVariable }) => assumePolicy('workerAccountRole', resolveVariable);

// functionPolicy is what the coordinator needs to invoke the functions that requests may name
// as their worker, in every Region, with each version and alias.
module.exports.functionPolicy = async ({ resolveVariable }) => {
  const functions = await list('workerFunctions', resolveVariable);
  if (functions.length === 0) return noValue;
  const resource = (name) => {
    if (/^arn:[\w-]+:lambda:[\w-]+:\d{12}:function:[\w-]{1,64}$/.test(name)) return [name, `${name}:*`];
    if (/^[\w-]{1,64}$/.test(name)) {
      const arn = `arn:\${AWS::Partition}:lambda:*:\${AWS::AccountId}:function:${name}`;
      return [{ 'Fn::Sub': arn }, { 'Fn::Sub': `${arn}:*` }];
    }
    throw wrong('workerFunctions', `the names of functions, or their ARNs, without :QUALIFIER, not ${name}`);
  };
  return {
    PolicyName: 'invoke-functions',
    PolicyDocument: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: functions.flatMap(resource) }],
    },
  };
};

// workerFunctions is the coordinator's variable with these functions, if there are any.
module.exports.workerFunctions = async ({ resolveVariable }) =>
  (await list('workerFunctions', resolveVariable)).join(',') || noValue;

module.exports.logProperties = async ({ resolveVariable }) => {
  const key = await here('kmsKeys', resolveVariable);
  return key === undefined ? {} : { KmsKeyId: key };
};

// storeEncryption is the encryption of the store's objects: with S3's own key, or with the key
// of this Region. A bucket key saves nearly all requests to KMS.
module.exports.storeEncryption = async ({ resolveVariable }) => {
  const key = await here('kmsKeys', resolveVariable);
  const rule =
    key === undefined
      ? { ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }
      : { ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: key }, BucketKeyEnabled: true };
  return { ServerSideEncryptionConfiguration: [rule] };
};

// storeKeyPolicy is what the coordinator needs to use that key, for the store's objects only.
module.exports.storeKeyPolicy = async ({ resolveVariable }) => {
  const key = await here('kmsKeys', resolveVariable);
  if (key === undefined || !(await enabled('store', resolveVariable))) return noValue;
  return {
    PolicyName: 'runs-key',
    PolicyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
          Resource: key,
          Condition: { StringEquals: { 'kms:EncryptionContext:aws:s3:arn': { 'Fn::GetAtt': ['RunsBucket', 'Arn'] } } },
        },
      ],
    },
  };
};

module.exports.workerPolicies = ({ resolveVariable }) => list('workerPolicies', resolveVariable);
module.exports.tags = ({ resolveVariable }) => texts('tags', resolveVariable);

// callAllow is the worker's variable for the operations that it may call, if there are any.
const callAllow = async (resolveVariable) => {
  const allowed = await list('callAllow', resolveVariable);
  const unknown = allowed.filter((pattern) => pattern !== 'reads' && !/^[^:]+:[^:]+$/.test(pattern));
  if (unknown.length > 0) throw wrong('callAllow', `patterns such as ec2:Describe*, or "reads", not ${unknown.join(', ')}`);
  return allowed.length === 0 ? {} : { MERIDIAN_CALL_ALLOW: allowed.join(',') };
};

// workerEnvironment is the worker's environment: ours, and what the deployment adds to it
// or sets in its place.
module.exports.workerEnvironment = async ({ resolveVariable }) => ({
  // Go reads the system's certificates from their bundle, and then from each of these
  // directories. By default they have the bundle again, twice, and the first handshake
  // takes 5 ms more of CPU time.
  SSL_CERT_DIR: '/var/empty',
  ...(await callAllow(resolveVariable)),
  ...(await texts('workerEnvironment', resolveVariable)),
});

// workerArns lists the functions that the coordinator may invoke: the worker
// beside it, or, with placement "regional", the workers in the listed Regions. It
// builds the ARNs from their parts because GetAtt would make a cycle: the function
// needs the role, and the role would need the function.
module.exports.workerArns = async ({ resolveVariable }) => {
  const placement = await resolveVariable('param:placement');
  const listed = await list('regions', resolveVariable);
  const name = await resolveVariable('self:functions.regionworker.name');
  const arn = (region) => ({
    'Fn::Sub': `arn:\${AWS::Partition}:lambda:${region}:\${AWS::AccountId}:function:${name}`,
  });

  if (placement === 'home') return [arn('${AWS::Region}')];
  if (placement !== 'regional') {
    throw refusal(`param "placement" is "${placement}": want "home" or "regional"`);
  }
  if (listed.length === 0) {
    throw refusal('param "placement" is "regional": param "regions" must list the Regions of the workers');
  }
  const unknown = listed.filter((region) => !regionName.test(region));
  if (unknown.length > 0) {
    throw refusal(`param "regions" has names that are not Regions: ${unknown.join(', ')}`);
  }
  return listed.map(arn);
};

// workerRegions lists the Regions of those workers for the coordinator; it is empty for one
// beside it.
module.exports.workerRegions = async ({ resolveVariable }) => {
  const placement = await resolveVariable('param:placement');
  return placement === 'regional' ? (await list('regions', resolveVariable)).join(',') : '';
};
