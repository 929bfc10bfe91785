package main

import (
	"github.com/spf13/cobra"

	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

// A partitionListing is one partition in the output of "regions -o json".
type partitionListing struct {
	Partition string          `json:"partition"`
	DNSSuffix string          `json:"dnsSuffix"`
	Regions   []regionListing `json:"regions"`
}

// A regionListing is one Region of a partition.
type regionListing struct {
	Region      string `json:"region"`
	OptIn       bool   `json:"optIn"`
	Description string `json:"description,omitzero"`
}

func (c *cli) regionsCommand() *cobra.Command {
	var partition, service string
	var output format
	cmd := &cobra.Command{
		Use:   "regions",
		Short: "List the Regions that a request can name, by partition",
		Example: `  meridian regions
  meridian regions --service apprunner
  meridian regions --partition aws-cn -o json`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			listing, err := listRegions(partition, service)
			if err != nil {
				return err
			}
			if output == formatJSON {
				return c.printJSON(listing)
			}
			return c.printRegions(listing)
		},
	}
	cmd.Flags().StringVar(&partition, "partition", "", "list only the partition with this `id` (default all)")
	cmd.Flags().StringVar(&service, "service", "", "list only the Regions that AWS lists for the service with this `id`")
	complete(cmd, "partition", completePartitions)
	complete(cmd, "service", completeServices)
	addOutput(cmd, &output)
	return cmd
}

// listRegions returns the partition with an id, or all partitions when id is empty.
// It keeps the Regions that AWS lists for a service, or all Regions when service is
// empty.
func listRegions(id, service string) ([]partitionListing, error) {
	offered := map[string]bool{}
	if service != "" {
		if _, known := endpoints.ServiceID(service); !known {
			return nil, usage("%s", protocol.UnknownFault("--service", service, "a service", endpoints.AllServices())).
				hint("run `meridian services` to list the services")
		}
		for _, r := range endpoints.RegionsOf(service) {
			offered[r.Name] = true
		}
		if len(offered) == 0 {
			return nil, failure("AWS lists no Regions for %s: it may be available in any Region", service)
		}
	}
	var listing []partitionListing
	var known []string
	for _, p := range endpoints.Partitions() {
		known = append(known, p.ID)
		if id != "" && id != p.ID {
			continue
		}
		l := partitionListing{Partition: p.ID, DNSSuffix: p.DNSSuffix, Regions: []regionListing{}}
		for _, r := range endpoints.Regions(p.ID) {
			if service == "" || offered[r.Name] {
				l.Regions = append(l.Regions, regionListing{r.Name, r.OptIn, r.Description})
			}
		}
		listing = append(listing, l)
	}
	if listing == nil {
		return nil, usage("%s", protocol.UnknownFault("--partition", id, "a partition", known)).
			hint("run `meridian regions` to list the partitions")
	}
	return listing, nil
}

func (c *cli) printRegions(listing []partitionListing) error {
	rows := [][]string{{"PARTITION", "REGION", "OPT-IN", "DESCRIPTION"}}
	for _, p := range listing {
		for _, r := range p.Regions {
			optIn := ""
			if r.OptIn {
				optIn = "yes"
			}
			rows = append(rows, []string{p.Partition, r.Region, optIn, r.Description})
		}
	}
	return c.printColumns(rows)
}
