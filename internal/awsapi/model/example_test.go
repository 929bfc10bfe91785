package model_test

import (
	"fmt"

	"meridian/internal/awsapi/model"
)

// An operation is known by its model: what it takes, whether it only reads, and how its
// pages are read.
func ExampleLookup() {
	op, err := model.Lookup("ec2", "DescribeVpcs")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(op.Service, op.Name, "reads:", op.ReadOnly(), "pages:", op.Pages.InputTokens, op.Pages.Results)
	for _, field := range op.InputFields(1) {
		fmt.Println(" ", field.Name, field.Type)
	}
	_, err = model.Lookup("ec2", "DescribeVPC")
	fmt.Println(err)
	// Output:
	// ec2 DescribeVpcs reads: true pages: [NextToken] [Vpcs]
	//   Filters list of structure
	//   VpcIds list of string
	//   NextToken string
	//   MaxResults integer
	//   DryRun boolean
	// ec2 has no operation "DescribeVPC"; did you mean "DescribeVpcs"?
}

// Each fault has the path of the value, and says what is allowed.
func ExampleOperation_Check() {
	op, err := model.Lookup("dynamodb", "Query")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, fault := range op.Check(map[string]any{"Tablename": "t", "Limit": "ten"}) {
		fmt.Println(fault)
	}
	// Output:
	// Limit: "ten": want a whole number of at most 32 bits
	// Tablename: is not a member; did you mean TableName?
	// TableName: is required
}
