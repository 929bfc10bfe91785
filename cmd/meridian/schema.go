package main

import (
	"github.com/spf13/cobra"

	"meridian/pkg/protocol"
	"meridian/pkg/protocol/schema"
)

func (c *cli) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [name]",
		Short: "Print the JSON Schema of a message, or the OpenAPI document of the HTTP API",
		Long: `Prints the JSON Schema 2020-12 of a message, or the OpenAPI 3.1 document of the HTTP
API. Without a name, lists the names.`,
		Example: `  meridian schema request > request.schema.json
  meridian schema openapi`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return schema.Names(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				for _, name := range schema.Names() {
					if err := c.print("%s\n", name); err != nil {
						return err
					}
				}
				return nil
			}
			text, err := schema.Read(args[0])
			if err != nil {
				return usage("%s", protocol.UnknownFault("", args[0], "a schema", schema.Names())).
					hint("run `meridian schema` to list the schemas")
			}
			return c.print("%s", text)
		},
	}
}
