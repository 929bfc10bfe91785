package endpoints

// enabledByDefault says whether every account of the commercial partition can
// use a Region at once. All others must be enabled first.
//
// botocore does not know this. The list is complete and closed: "Regions
// launched before March 20, 2019 are enabled by default" and later ones never
// are, so that a Region that AWS adds tomorrow is rightly taken for one that
// needs opt-in. Source: AWS Account Management Reference Guide, "Enable or
// disable AWS Regions in your account",
// https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
// and the table at
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
func enabledByDefault(region string) bool {
	switch region {
	case "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
		"ap-south-1", "ap-southeast-1", "ap-southeast-2",
		"ca-central-1",
		"eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3",
		"sa-east-1",
		"us-east-1", "us-east-2", "us-west-1", "us-west-2":
		return true
	default:
		return false
	}
}
