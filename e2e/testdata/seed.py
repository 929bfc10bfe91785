"""Creates resources in an emulator, several of each kind, so that the reads of
answers.py have something to answer. Writes how many, and which kinds the emulator refused.

    python3 seed.py endpoint region
"""

import io
import json
import sys
import zipfile

import botocore.session
import jmespath
from botocore.config import Config

# As many of each kind as make several of the small pages of answers.py.
COUNT = 5


def code():
    """A function's code as a ZIP file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w') as z:
        z.writestr(zipfile.ZipInfo('f.py'), 'def handler(event, context):\n    return event\n')
    return out.getvalue()


POLICY = json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 's3:*', 'Resource': '*'}]})
TRUST = json.dumps(
    {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Principal': {'Service': 'lambda.amazonaws.com'}, 'Action': 'sts:AssumeRole'}]}
)
TEMPLATE = json.dumps({'Resources': {'Queue': {'Type': 'AWS::SQS::Queue'}}})
STATES = json.dumps({'StartAt': 'A', 'States': {'A': {'Type': 'Pass', 'End': True}}})
PATTERN = json.dumps({'source': ['a.b']})
ROLE = 'arn:aws:iam::{account}:role/seed-{region}-0'
TAGS = [{'Key': 'é', 'Value': 'a "b"'}]

# A service, an operation and an input. Where there is more: names for parts of the answer,
# as JMESPath, and how many to create. In an input {i} is the number of the resource, {last}
# the highest, {region} the Region, and a name the part that the last answer had.
SEEDS = [
    ('sts', 'GetCallerIdentity', {}, {'account': 'Account'}),
    ('iam', 'CreateRole', {'RoleName': 'seed-{region}-{i}', 'AssumeRolePolicyDocument': TRUST, 'Description': 'é', 'Tags': [{'Key': 'é', 'Value': 'a b'}]}),
    ('iam', 'CreateUser', {'UserName': 'seed-{region}-{i}', 'Path': '/a/'}),
    ('iam', 'CreateGroup', {'GroupName': 'seed-{region}-{i}'}),
    ('iam', 'CreatePolicy', {'PolicyName': 'seed-{region}-{i}', 'PolicyDocument': POLICY}),
    ('iam', 'CreateInstanceProfile', {'InstanceProfileName': 'seed-{region}-{i}'}),
    ('iam', 'PutUserPolicy', {'UserName': 'seed-{region}-{i}', 'PolicyName': 'a', 'PolicyDocument': POLICY}),
    ('iam', 'AddUserToGroup', {'UserName': 'seed-{region}-{i}', 'GroupName': 'seed-{region}-{i}'}),
    ('iam', 'CreateVirtualMFADevice', {'VirtualMFADeviceName': 'seed-{region}-{i}'}),
    ('iam', 'CreateAccessKey', {'UserName': 'seed-{region}-{i}'}),
    ('ec2', 'CreateVpc', {'CidrBlock': '10.{i}.0.0/16', 'TagSpecifications': [{'ResourceType': 'vpc', 'Tags': TAGS}]}, {'vpc': 'Vpc.VpcId'}),
    ('ec2', 'CreateSubnet', {'VpcId': '{vpc}', 'CidrBlock': '10.{last}.{i}.0/24', 'AvailabilityZone': '{region}a'}, {'subnet': 'Subnet.SubnetId'}),
    ('ec2', 'CreateSubnet', {'VpcId': '{vpc}', 'CidrBlock': '10.{last}.1{i}.0/24', 'AvailabilityZone': '{region}b'}, {'subnet2': 'Subnet.SubnetId'}),
    ('ec2', 'CreateSecurityGroup', {'GroupName': 'seed-{i}', 'Description': 'a', 'VpcId': '{vpc}'}, {'group': 'GroupId'}),
    ('ec2', 'CreateInternetGateway', {}),
    ('ec2', 'CreateRouteTable', {'VpcId': '{vpc}'}),
    ('ec2', 'CreateNetworkAcl', {'VpcId': '{vpc}'}),
    ('ec2', 'CreateNetworkInterface', {'SubnetId': '{subnet}'}),
    ('ec2', 'AllocateAddress', {'Domain': 'vpc'}, {'address': 'AllocationId'}),
    ('ec2', 'CreateNatGateway', {'SubnetId': '{subnet}', 'AllocationId': '{address}'}, {}, 1),
    ('ec2', 'CreateVolume', {'AvailabilityZone': '{region}a', 'Size': 1}, {'volume': 'VolumeId'}),
    ('ec2', 'CreateSnapshot', {'VolumeId': '{volume}', 'Description': 'é'}),
    ('ec2', 'CreateKeyPair', {'KeyName': 'seed-{i}'}),
    ('ec2', 'RunInstances', {'ImageId': 'ami-12c6146b', 'MinCount': 1, 'MaxCount': 1, 'InstanceType': 't3.micro'}, {'instance': 'Instances[0].InstanceId'}),
    ('ec2', 'CreateImage', {'InstanceId': '{instance}', 'Name': 'seed-{i}'}),
    ('ec2', 'CreateLaunchTemplate', {'LaunchTemplateName': 'seed-{i}', 'LaunchTemplateData': {'InstanceType': 't3.micro'}}),
    ('ec2', 'CreateVpcEndpoint', {'VpcId': '{vpc}', 'ServiceName': 'com.amazonaws.{region}.s3'}),
    ('ec2', 'CreateDhcpOptions', {'DhcpConfigurations': [{'Key': 'domain-name', 'Values': ['example.com']}]}),
    ('ec2', 'CreateCustomerGateway', {'Type': 'ipsec.1', 'PublicIp': '192.0.2.{i}', 'BgpAsn': 65000}),
    ('ec2', 'CreateVpnGateway', {'Type': 'ipsec.1'}),
    ('ec2', 'CreateTransitGateway', {'Description': 'seed'}),
    ('ec2', 'CreateManagedPrefixList', {'PrefixListName': 'seed-{i}', 'MaxEntries': 2, 'AddressFamily': 'IPv4'}),
    ('ec2', 'CreateEgressOnlyInternetGateway', {'VpcId': '{vpc}'}),
    ('ec2', 'CreateFlowLogs', {'ResourceIds': ['{vpc}'], 'ResourceType': 'VPC', 'TrafficType': 'ALL', 'LogDestinationType': 's3', 'LogDestination': 'arn:aws:s3:::seed-{region}-{i}'}),
    ('s3', 'CreateBucket', {'Bucket': 'seed-{region}-{i}', 'CreateBucketConfiguration': {'LocationConstraint': 'eu-west-1'}}),
    ('sqs', 'CreateQueue', {'QueueName': 'seed-{i}'}),
    ('sns', 'CreateTopic', {'Name': 'seed-{i}'}, {'topic': 'TopicArn'}),
    ('sns', 'Subscribe', {'TopicArn': '{topic}', 'Protocol': 'sqs', 'Endpoint': 'arn:aws:sqs:{region}:{account}:seed-{i}'}),
    ('sns', 'CreatePlatformApplication', {'Name': 'seed-{i}', 'Platform': 'GCM', 'Attributes': {'PlatformCredential': 'x'}}),
    ('dynamodb', 'CreateTable', {
        'TableName': 'seed-{i}', 'BillingMode': 'PAY_PER_REQUEST',
        'AttributeDefinitions': [{'AttributeName': 'k', 'AttributeType': 'S'}], 'KeySchema': [{'AttributeName': 'k', 'KeyType': 'HASH'}],
        'StreamSpecification': {'StreamEnabled': True, 'StreamViewType': 'NEW_IMAGE'},
    }),
    ('dynamodb', 'CreateBackup', {'TableName': 'seed-{i}', 'BackupName': 'seed-{i}'}),
    ('lambda', 'CreateFunction', {'FunctionName': 'seed-{i}', 'Runtime': 'python3.12', 'Role': ROLE, 'Handler': 'f.handler', 'Code': {'ZipFile': code()}, 'Environment': {'Variables': {'a': 'é'}}}),
    ('lambda', 'CreateEventSourceMapping', {'FunctionName': 'seed-{i}', 'EventSourceArn': 'arn:aws:sqs:{region}:{account}:seed-{i}', 'BatchSize': 1}),
    ('lambda', 'PublishLayerVersion', {'LayerName': 'seed-{i}', 'Content': {'ZipFile': code()}}),
    ('logs', 'CreateLogGroup', {'logGroupName': '/seed/{i}'}),
    ('logs', 'PutMetricFilter', {'logGroupName': '/seed/{i}', 'filterName': 'f', 'filterPattern': 'x', 'metricTransformations': [{'metricName': 'm', 'metricNamespace': 'n', 'metricValue': '1', 'defaultValue': 0.5}]}),
    ('logs', 'PutResourcePolicy', {'policyName': 'seed-{i}', 'policyDocument': POLICY}),
    ('logs', 'PutDestination', {'destinationName': 'seed-{i}', 'targetArn': 'arn:aws:kinesis:{region}:{account}:stream/seed-{i}', 'roleArn': ROLE}),
    ('kms', 'CreateKey', {'Description': 'seed é'}, {'key': 'KeyMetadata.KeyId'}),
    ('kms', 'CreateAlias', {'AliasName': 'alias/seed-{i}', 'TargetKeyId': '{key}'}),
    ('rds', 'CreateDBSubnetGroup', {'DBSubnetGroupName': 'seed-{i}', 'DBSubnetGroupDescription': 'a', 'SubnetIds': ['{subnet}', '{subnet2}']}),
    ('rds', 'CreateDBInstance', {'DBInstanceIdentifier': 'seed-{i}', 'DBInstanceClass': 'db.t3.micro', 'Engine': 'mysql', 'AllocatedStorage': 20, 'MasterUsername': 'a', 'MasterUserPassword': 'password1'}, {}, 21),
    ('rds', 'CreateDBCluster', {'DBClusterIdentifier': 'cluster-{i}', 'Engine': 'aurora-mysql', 'MasterUsername': 'a', 'MasterUserPassword': 'password1'}),
    ('rds', 'CreateDBParameterGroup', {'DBParameterGroupName': 'seed-{i}', 'DBParameterGroupFamily': 'mysql8.0', 'Description': 'a'}),
    ('rds', 'CreateDBSnapshot', {'DBSnapshotIdentifier': 'seed-{i}', 'DBInstanceIdentifier': 'seed-{i}'}),
    ('elbv2', 'CreateLoadBalancer', {'Name': 'seed-{i}', 'Subnets': ['{subnet}', '{subnet2}']}, {'balancer': 'LoadBalancers[0].LoadBalancerArn'}),
    ('elbv2', 'CreateTargetGroup', {'Name': 'seed-{i}', 'Protocol': 'HTTP', 'Port': 80, 'VpcId': '{vpc}'}),
    ('elb', 'CreateLoadBalancer', {'LoadBalancerName': 'seed-{i}', 'AvailabilityZones': ['{region}a'], 'Listeners': [{'Protocol': 'HTTP', 'LoadBalancerPort': 80, 'InstancePort': 80}]}),
    ('route53', 'CreateHostedZone', {'Name': 'seed{i}.example.com', 'CallerReference': '{region}-{i}'}),
    ('route53', 'CreateHealthCheck', {'CallerReference': '{region}-{i}', 'HealthCheckConfig': {'IPAddress': '192.0.2.1', 'Port': 80, 'Type': 'HTTP', 'ResourcePath': '/é'}}),
    ('ssm', 'PutParameter', {'Name': '/seed/{i}', 'Value': 'x', 'Type': 'String', 'Description': 'é'}),
    ('ssm', 'CreateDocument', {'Name': 'seed-{i}', 'DocumentType': 'Command', 'Content': json.dumps({'schemaVersion': '2.2', 'description': 'a', 'mainSteps': []})}),
    ('ssm', 'CreateMaintenanceWindow', {'Name': 'seed-{i}', 'Schedule': 'rate(1 day)', 'Duration': 2, 'Cutoff': 1, 'AllowUnassociatedTargets': True}),
    ('ssm', 'CreatePatchBaseline', {'Name': 'seed-{i}'}),
    ('secretsmanager', 'CreateSecret', {'Name': 'seed-{i}', 'SecretString': 'x', 'Description': 'é'}),
    ('events', 'PutRule', {'Name': 'seed-{i}', 'EventPattern': PATTERN}),
    ('events', 'CreateEventBus', {'Name': 'bus-{i}'}),
    ('events', 'CreateArchive', {'ArchiveName': 'seed-{i}', 'EventSourceArn': 'arn:aws:events:{region}:{account}:event-bus/default'}),
    ('events', 'CreateConnection', {'Name': 'seed-{i}', 'AuthorizationType': 'API_KEY', 'AuthParameters': {'ApiKeyAuthParameters': {'ApiKeyName': 'a', 'ApiKeyValue': 'b'}}}),
    ('cloudwatch', 'PutMetricAlarm', {'AlarmName': 'seed-{i}', 'ComparisonOperator': 'GreaterThanThreshold', 'EvaluationPeriods': 1, 'MetricName': 'm', 'Namespace': 'n', 'Period': 60, 'Statistic': 'Average', 'Threshold': 0.1}),
    ('cloudwatch', 'PutDashboard', {'DashboardName': 'seed-{i}', 'DashboardBody': '{"widgets": []}'}),
    ('cloudwatch', 'PutMetricData', {'Namespace': 'seed', 'MetricData': [{'MetricName': 'm{i}', 'Value': 0.5, 'Dimensions': [{'Name': 'a', 'Value': 'é'}]}]}),
    ('kinesis', 'CreateStream', {'StreamName': 'seed-{i}', 'ShardCount': 1}),
    ('firehose', 'CreateDeliveryStream', {'DeliveryStreamName': 'seed-{i}', 'S3DestinationConfiguration': {'RoleARN': ROLE, 'BucketARN': 'arn:aws:s3:::seed-{region}-0'}}),
    ('stepfunctions', 'CreateStateMachine', {'name': 'seed-{i}', 'definition': STATES, 'roleArn': ROLE}),
    ('stepfunctions', 'CreateActivity', {'name': 'seed-{i}'}),
    ('cloudformation', 'CreateStack', {'StackName': 'seed-{i}', 'TemplateBody': TEMPLATE}),
    ('ecr', 'CreateRepository', {'repositoryName': 'seed/{i}'}),
    ('ecs', 'CreateCluster', {'clusterName': 'seed-{i}'}),
    ('ecs', 'RegisterTaskDefinition', {'family': 'seed-{i}', 'containerDefinitions': [{'name': 'a', 'image': 'b', 'memory': 128}]}),
    ('eks', 'CreateCluster', {'name': 'seed-{i}', 'roleArn': ROLE, 'resourcesVpcConfig': {'subnetIds': ['{subnet}', '{subnet2}']}}),
    ('efs', 'CreateFileSystem', {'CreationToken': 'seed-{i}'}),
    ('elasticache', 'CreateCacheCluster', {'CacheClusterId': 'seed-{i}', 'Engine': 'redis', 'CacheNodeType': 'cache.t3.micro', 'NumCacheNodes': 1}),
    ('redshift', 'CreateCluster', {'ClusterIdentifier': 'seed-{i}', 'NodeType': 'dc2.large', 'MasterUsername': 'a', 'MasterUserPassword': 'Password1'}),
    ('autoscaling', 'CreateLaunchConfiguration', {'LaunchConfigurationName': 'seed-{i}', 'ImageId': 'ami-12c6146b', 'InstanceType': 't3.micro'}),
    ('autoscaling', 'CreateAutoScalingGroup', {'AutoScalingGroupName': 'seed-{i}', 'LaunchConfigurationName': 'seed-{i}', 'MinSize': 0, 'MaxSize': 1, 'AvailabilityZones': ['{region}a']}),
    ('acm', 'RequestCertificate', {'DomainName': 'seed{i}.example.com'}),
    ('cognito-idp', 'CreateUserPool', {'PoolName': 'seed-{i}'}),
    ('cognito-identity', 'CreateIdentityPool', {'IdentityPoolName': 'seed-{i}', 'AllowUnauthenticatedIdentities': True}),
    ('apigateway', 'CreateRestApi', {'name': 'seed-{i}'}),
    ('apigateway', 'CreateApiKey', {'name': 'seed-{i}'}),
    ('apigateway', 'CreateUsagePlan', {'name': 'seed-{i}', 'throttle': {'burstLimit': 1, 'rateLimit': 0.5}}),
    ('apigatewayv2', 'CreateApi', {'Name': 'seed-{i}', 'ProtocolType': 'HTTP'}),
    ('cloudfront', 'CreateDistribution', {'DistributionConfig': {
        'CallerReference': '{region}-{i}', 'Comment': 'é', 'Enabled': True, 'Origins': {'Quantity': 1, 'Items': [{'Id': 'a', 'DomainName': 'example.com', 'CustomOriginConfig': {'HTTPPort': 80, 'HTTPSPort': 443, 'OriginProtocolPolicy': 'http-only'}}]},
        'DefaultCacheBehavior': {'TargetOriginId': 'a', 'ViewerProtocolPolicy': 'allow-all', 'ForwardedValues': {'QueryString': False, 'Cookies': {'Forward': 'none'}}, 'MinTTL': 0},
    }}),
    ('glue', 'CreateDatabase', {'DatabaseInput': {'Name': 'seed-{i}'}}),
    ('glue', 'CreateCrawler', {'Name': 'seed-{i}', 'Role': ROLE, 'Targets': {'S3Targets': [{'Path': 's3://a'}]}, 'DatabaseName': 'seed-{i}'}),
    ('glue', 'CreateJob', {'Name': 'seed-{i}', 'Role': ROLE, 'Command': {'Name': 'glueetl'}}),
    ('athena', 'CreateWorkGroup', {'Name': 'seed-{i}', 'Description': 'é'}),
    ('athena', 'CreateNamedQuery', {'Name': 'seed-{i}', 'Database': 'd', 'QueryString': 'select 1'}),
    ('ses', 'VerifyEmailIdentity', {'EmailAddress': 'seed{i}@example.com'}),
    ('sesv2', 'CreateConfigurationSet', {'ConfigurationSetName': 'seed-{i}'}),
    ('scheduler', 'CreateSchedule', {'Name': 'seed-{i}', 'ScheduleExpression': 'rate(1 day)', 'FlexibleTimeWindow': {'Mode': 'OFF'}, 'Target': {'Arn': 'arn:aws:sqs:{region}:{account}:seed-{i}', 'RoleArn': ROLE}}),
    ('scheduler', 'CreateScheduleGroup', {'Name': 'seed-{i}'}),
    ('organizations', 'CreateOrganization', {}, {}, 1),
    ('organizations', 'CreateAccount', {'AccountName': 'seed{i}', 'Email': 'seed{i}@example.com'}),
    ('codebuild', 'CreateProject', {'name': 'seed-{i}', 'source': {'type': 'S3', 'location': 'a/b'}, 'artifacts': {'type': 'NO_ARTIFACTS'}, 'environment': {'type': 'LINUX_CONTAINER', 'image': 'a', 'computeType': 'BUILD_GENERAL1_SMALL'}, 'serviceRole': ROLE}),
    ('codecommit', 'CreateRepository', {'repositoryName': 'seed-{i}'}),
    ('batch', 'CreateComputeEnvironment', {'computeEnvironmentName': 'seed-{i}', 'type': 'UNMANAGED', 'serviceRole': ROLE}),
    ('backup', 'CreateBackupVault', {'BackupVaultName': 'seed-{i}'}),
    ('wafv2', 'CreateIPSet', {'Name': 'seed-{i}', 'Scope': 'REGIONAL', 'IPAddressVersion': 'IPV4', 'Addresses': ['192.0.2.0/24']}),
    ('iot', 'CreateThing', {'thingName': 'seed-{i}', 'attributePayload': {'attributes': {'a': 'b'}}}),
    ('iot', 'CreateThingType', {'thingTypeName': 'seed-{i}'}),
    ('iot', 'CreatePolicy', {'policyName': 'seed-{i}', 'policyDocument': POLICY}),
    ('mq', 'CreateBroker', {'BrokerName': 'seed-{i}', 'DeploymentMode': 'SINGLE_INSTANCE', 'EngineType': 'ACTIVEMQ', 'EngineVersion': '5.17.6', 'HostInstanceType': 'mq.t3.micro', 'PubliclyAccessible': False, 'AutoMinorVersionUpgrade': True, 'Users': [{'Username': 'admin', 'Password': 'password1234'}]}),
    ('servicediscovery', 'CreateHttpNamespace', {'Name': 'seed-{i}'}),
    ('transfer', 'CreateServer', {}),
    ('appconfig', 'CreateApplication', {'Name': 'seed-{i}'}),
    ('appsync', 'CreateGraphqlApi', {'name': 'seed-{i}', 'authenticationType': 'API_KEY'}),
    ('opensearch', 'CreateDomain', {'DomainName': 'seed-{i}'}),
    ('emr', 'RunJobFlow', {'Name': 'seed-{i}', 'Instances': {'MasterInstanceType': 'm5.xlarge', 'SlaveInstanceType': 'm5.xlarge', 'InstanceCount': 1, 'KeepJobFlowAliveWhenNoSteps': True}, 'JobFlowRole': 'a', 'ServiceRole': 'b', 'ReleaseLabel': 'emr-6.10.0'}),
    ('sagemaker', 'CreateModel', {'ModelName': 'seed-{i}', 'ExecutionRoleArn': ROLE, 'PrimaryContainer': {'Image': 'a'}}),
    ('sagemaker', 'CreateNotebookInstance', {'NotebookInstanceName': 'seed-{i}', 'InstanceType': 'ml.t2.medium', 'RoleArn': ROLE}),
    ('resource-groups', 'CreateGroup', {'Name': 'seed-{i}', 'ResourceQuery': {'Type': 'TAG_FILTERS_1_0', 'Query': json.dumps({'ResourceTypeFilters': ['AWS::AllSupported'], 'TagFilters': [{'Key': 'a', 'Values': ['b']}]})}}),
    ('budgets', 'CreateBudget', {'AccountId': '{account}', 'Budget': {'BudgetName': 'seed-{region}-{i}', 'TimeUnit': 'MONTHLY', 'BudgetType': 'COST', 'BudgetLimit': {'Amount': '1.5', 'Unit': 'USD'}}}),
    ('cloudtrail', 'CreateTrail', {'Name': 'seed-{i}', 'S3BucketName': 'seed-{region}-{i}'}),
    ('config', 'PutConfigurationRecorder', {'ConfigurationRecorder': {'name': 'seed', 'roleARN': ROLE}}, {}, 1),
    ('config', 'PutConfigRule', {'ConfigRule': {'ConfigRuleName': 'seed-{i}', 'Source': {'Owner': 'AWS', 'SourceIdentifier': 'S3_BUCKET_VERSIONING_ENABLED'}}}),
    ('guardduty', 'CreateDetector', {'Enable': True}, {}, 1),
    ('dms', 'CreateReplicationInstance', {'ReplicationInstanceIdentifier': 'seed-{i}', 'ReplicationInstanceClass': 'dms.t3.micro'}),
    ('datasync', 'CreateLocationS3', {'S3BucketArn': 'arn:aws:s3:::seed-{i}', 'S3Config': {'BucketAccessRoleArn': ROLE}}),
    ('memorydb', 'CreateUser', {'UserName': 'seed-{i}', 'AuthenticationMode': {'Type': 'iam'}, 'AccessString': 'on ~* +@all'}),
    ('kafka', 'CreateCluster', {'ClusterName': 'seed-{i}', 'KafkaVersion': '3.5.1', 'NumberOfBrokerNodes': 2, 'BrokerNodeGroupInfo': {'ClientSubnets': ['{subnet}', '{subnet2}'], 'InstanceType': 'kafka.t3.small'}}),
    ('polly', 'PutLexicon', {'Name': 'seed{i}', 'Content': '<lexicon version="1.0" xmlns="http://www.w3.org/2005/01/pronunciation-lexicon" alphabet="ipa" xml:lang="en-US"><lexeme><grapheme>W3C</grapheme><alias>é</alias></lexeme></lexicon>'}),
    ('signer', 'PutSigningProfile', {'profileName': 'seed{i}', 'platformId': 'AWSLambda-SHA384-ECDSA'}),
    ('pipes', 'CreatePipe', {'Name': 'seed-{i}', 'Source': 'arn:aws:sqs:{region}:{account}:seed-{i}', 'Target': 'arn:aws:sqs:{region}:{account}:seed-0', 'RoleArn': ROLE}),
]  # fmt: skip


def filled(value, names):
    """An input with the names in braces filled in."""
    if isinstance(value, dict):
        return {k: filled(v, names) for k, v in value.items()}
    if isinstance(value, list):
        return [filled(v, names) for v in value]
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace('{' + name + '}', str(text))
    return value


def main():
    endpoint, region = sys.argv[1:]
    session = botocore.session.get_session()
    session.set_credentials('test', 'test')
    clients, names = {}, {'region': region, 'last': COUNT - 1}
    made, refused = 0, set()
    for service, operation, given, *more in SEEDS:
        parts, count = [*more, *({}, COUNT)[len(more) :]]
        if service not in clients:
            config = Config(retries={'total_max_attempts': 1}, inject_host_prefix=False, read_timeout=30)
            clients[service] = session.create_client(service, region, endpoint_url=endpoint, config=config)
        if region == 'us-east-1':  # which S3 does not take as a constraint
            given = {k: v for k, v in given.items() if k != 'CreateBucketConfiguration'}
        for i in range(count):
            try:
                answer = clients[service]._make_api_call(operation, filled(given, names | {'i': i}))
            except Exception:  # an emulator's answer can be anything
                refused.add(f'{service}:{operation}')
                continue
            made += 1
            names |= {name: jmespath.search(path, answer) for name, path in parts.items()}
    print(json.dumps({'made': made, 'refused': sorted(refused)}))


if __name__ == '__main__':
    main()
