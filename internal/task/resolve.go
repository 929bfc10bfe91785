package task

import (
	"context"
	"fmt"

	"meridian/internal/endpoints"
)

var _ = register("resolve", "look up the endpoint of a service in the Region", resolve)

// A ResolveOutput says where a service answers.
type ResolveOutput struct {
	// Message is the line for a person.
	Message string `json:"message"`

	// Host is the endpoint's host name.
	Host string `json:"host"`

	// Partition is the Region's, as in "aws".
	Partition string `json:"partition"`

	// SigningRegion is the Region that requests to it are signed for.
	SigningRegion string `json:"signingRegion"`
}

// resolve looks up the endpoint of the service that the target names.
func resolve(_ context.Context, in Input[struct{}]) (ResolveOutput, error) {
	e, err := endpoints.Resolve(in.Target, in.Region, endpoints.Variant{})
	if err != nil {
		return ResolveOutput{}, err
	}
	return ResolveOutput{
		Message:       fmt.Sprintf("endpoint for %s is %s", in.Region, e.Host),
		Host:          e.Host,
		Partition:     e.Partition,
		SigningRegion: e.SigningRegion,
	}, nil
}
