package main

import (
	"github.com/spf13/cobra"

	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

// A serviceListing is one service in the output of "services".
type serviceListing struct {
	Service string `json:"service"`

	// Host is the host of its endpoint in the Region of --region.
	Host string `json:"host,omitzero"`
}

func (c *cli) servicesCommand() *cobra.Command {
	var region string
	var output format
	cmd := &cobra.Command{
		Use:   "services",
		Short: "List the services that can be targets, in all Regions or in one",
		Example: `  meridian services
  meridian services --region eu-west-1`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			listing, err := listServices(region)
			if err != nil {
				return err
			}
			if output == formatJSON {
				return c.printJSON(listing)
			}
			rows := [][]string{{"SERVICE", "HOST"}}
			if region == "" {
				rows[0][1] = "" // without a Region there are no hosts
			}
			for _, s := range listing {
				rows = append(rows, []string{s.Service, s.Host})
			}
			return c.printColumns(rows)
		},
	}
	cmd.Flags().StringVar(&region, "region", "", "list only the services of the Region with this `name`, with their hosts")
	complete(cmd, "region", completeRegions)
	addOutput(cmd, &output)
	return cmd
}

// listServices returns every service, or the services that AWS lists in a Region.
func listServices(region string) ([]serviceListing, error) {
	listing := []serviceListing{}
	if region == "" {
		for _, id := range endpoints.AllServices() {
			listing = append(listing, serviceListing{Service: id})
		}
		return listing, nil
	}
	if _, known := endpoints.PartitionOf(region); !known {
		return nil, usage("%s", protocol.UnknownFault("--region", region, "a Region", endpoints.Names(endpoints.AllRegions()))).
			hint("run `meridian regions` to list the Regions")
	}
	for _, id := range endpoints.Services(region) {
		s := serviceListing{Service: id}
		if e, err := endpoints.Resolve(id, region, endpoints.Variant{}); err == nil {
			s.Host = e.Host // a few services have only hosts of single resources
		}
		listing = append(listing, s)
	}
	return listing, nil
}
