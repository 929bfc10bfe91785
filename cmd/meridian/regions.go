package main

import (
	"fmt"
	"strings"

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

// A regionListing is one Region of it.
type regionListing struct {
	Region      string `json:"region"`
	Description string `json:"description,omitzero"`
}

func (c *cli) regionsCommand() *cobra.Command {
	var partition string
	var output format
	cmd := &cobra.Command{
		Use:   "regions",
		Short: "List the Regions that a request can name, by partition",
		Example: `  meridian regions
  meridian regions --partition aws-cn -o json`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			listing, err := list(partition)
			if err != nil {
				return err
			}
			if output == formatJSON {
				return c.printJSON(listing)
			}
			return c.printListing(listing)
		},
	}
	cmd.Flags().StringVar(&partition, "partition", "", "only the partition with this `id` (default all)")
	complete(cmd, "partition", completePartitions)
	addOutput(cmd, &output)
	return cmd
}

// list returns the partition called id, or all of them when id is empty.
func list(id string) ([]partitionListing, error) {
	var listing []partitionListing
	var known []string
	for _, p := range endpoints.Partitions() {
		known = append(known, p.ID)
		if id != "" && id != p.ID {
			continue
		}
		l := partitionListing{Partition: p.ID, DNSSuffix: p.DNSSuffix}
		for _, r := range endpoints.Regions(p.ID) {
			l.Regions = append(l.Regions, regionListing{r.Name, r.Description})
		}
		listing = append(listing, l)
	}
	if listing == nil {
		return nil, usage("%s", protocol.UnknownFault("--partition", id, "a partition", known)).
			hint("partitions are %s", strings.Join(known, ", "))
	}
	return listing, nil
}

func (c *cli) printListing(listing []partitionListing) error {
	rows := [][3]string{{"PARTITION", "REGION", "DESCRIPTION"}}
	for _, p := range listing {
		for _, r := range p.Regions {
			rows = append(rows, [3]string{p.Partition, r.Region, r.Description})
		}
	}
	var partition, region int
	for _, row := range rows {
		partition, region = max(partition, len(row[0])), max(region, len(row[1]))
	}
	var b strings.Builder
	for _, row := range rows {
		line := fmt.Sprintf("%-*s  %-*s  %s", partition, row[0], region, row[1], row[2])
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return c.print("%s", b.String())
}
