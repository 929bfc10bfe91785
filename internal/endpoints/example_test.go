package endpoints_test

import (
	"fmt"
	"slices"

	"meridian/internal/endpoints"
)

func ExampleResolve() {
	e, err := endpoints.Resolve("dynamodb", "eu-west-1", endpoints.Variant{})
	fmt.Println(e.Host, e.SigningRegion, e.Global, err)

	e, err = endpoints.Resolve("iam", "eu-west-1", endpoints.Variant{})
	fmt.Println(e.Host, e.SigningRegion, e.Global, err)

	_, err = endpoints.Resolve("lightsail", "cn-north-1", endpoints.Variant{})
	fmt.Println(err)
	// Output:
	// dynamodb.eu-west-1.amazonaws.com eu-west-1 false <nil>
	// iam.amazonaws.com us-east-1 true <nil>
	// lightsail is not listed in cn-north-1
}

func ExamplePartitions() {
	for _, p := range endpoints.Partitions()[:3] {
		fmt.Println(p.ID, p.Name, p.DNSSuffix)
	}
	// Output:
	// aws AWS Standard amazonaws.com
	// aws-cn AWS China amazonaws.com.cn
	// aws-us-gov AWS GovCloud (US) amazonaws.com
}

func ExamplePartitionOf() {
	p, known := endpoints.PartitionOf("cn-north-1")
	fmt.Println(p.ID, known)

	_, known = endpoints.PartitionOf("aws-global")
	fmt.Println(known)
	// Output:
	// aws-cn true
	// false
}

func ExampleRegions() {
	for _, r := range endpoints.Regions("aws-cn") {
		fmt.Println(r.Name, r.Description)
	}
	// Output:
	// cn-north-1 China (Beijing)
	// cn-northwest-1 China (Ningxia)
}

func ExampleRegionsOf() {
	first := endpoints.RegionsOf("iam")[0]
	fmt.Println(first.Name, first.Partition, first.OptIn)
	// Output: af-south-1 aws true
}

func ExampleServices() {
	services := endpoints.Services("eu-west-1")
	// AWS publishes no list of Regions for aiops.
	fmt.Println(slices.Contains(services, "dynamodb"), slices.Contains(services, "aiops"))
	// Output: true false
}

func ExampleAllServices() {
	fmt.Println(slices.Contains(endpoints.AllServices(), "aiops"))
	// Output: true
}

func ExampleServiceID() {
	id, known := endpoints.ServiceID("monitoring")
	fmt.Println(id, known)
	// Output: cloudwatch true
}

func ExampleDataSource() {
	s := endpoints.DataSource()
	fmt.Println(s.Botocore != "", s.Released > "2026-01-01")
	// Output: true true
}
