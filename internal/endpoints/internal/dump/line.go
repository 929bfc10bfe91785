package main

import (
	"encoding/json"
	"fmt"

	"meridian/internal/endpoints"
)

// A line is one resolution. Error is empty if there is an endpoint.
type line struct {
	Service       string `json:"service"`
	Region        string `json:"region"`
	FIPS          bool   `json:"fips"`
	DualStack     bool   `json:"dualStack"`
	Host          string `json:"host"`
	SigningRegion string `json:"signingRegion"`
	Partition     string `json:"partition"`
	Global        bool   `json:"global"`
	Listed        bool   `json:"listed"`
	Error         string `json:"error"`
}

// dump encodes a line for every service and variant in the Regions.
func dump(enc *json.Encoder, regions []string) error {
	for _, service := range endpoints.AllServices() {
		for _, region := range regions {
			for i := range 4 {
				v := endpoints.Variant{FIPS: i&1 != 0, DualStack: i&2 != 0}

				if err := enc.Encode(resolve(service, region, v)); err != nil {
					return err
				}
			}
		}
	}

	return nil
}

// resolve is one resolution.
func resolve(service, region string, v endpoints.Variant) line {
	l := line{Service: service, Region: region, FIPS: v.FIPS, DualStack: v.DualStack}

	e, err := endpoints.Resolve(service, region, v)
	if err != nil {
		l.Error = fmt.Sprintf("%T", err)

		return l
	}

	l.Host, l.SigningRegion, l.Partition = e.Host, e.SigningRegion, e.Partition
	l.Global, l.Listed = e.Global, e.Listed

	return l
}
