package endpoints

// enabledByDefault reports whether a Region of the commercial partition is
// enabled in every account. An account must enable all others first.
//
// botocore's data does not say this. The list is complete and stays as it is:
// "Regions launched before March 20, 2019 are enabled by default", later ones are
// not. A Region that AWS adds in the future needs opt-in.
//
// Sources: AWS Account Management Reference Guide, "Enable or disable AWS Regions
// in your account",
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
