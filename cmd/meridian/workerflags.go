package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"meridian/pkg/protocol"
)

// workerFlags are the flags of a function of the caller's own that does the work.
type workerFlags struct {
	function, placement, payload string
	protocol, idempotent         bool
}

// register adds the flags to cmd.
func (f *workerFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.function, "worker-function", "", "the `name` of a Lambda function of your own, name:qualifier or its ARN; it does the work instead of a task")
	flags.StringVar(&f.placement, "worker-placement", "", "`where` that function is: home for one function that works for every Region, regional for one of the same name in each Region (default home)")
	flags.StringVar(&f.payload, "payload", "", "what that function is invoked with for each target, as `JSON`; {region}, {target}, {target.input}, a member such as {target.input.path}, {account}, {run} and {attempt} in its texts are replaced (default an object with them)")
	flags.BoolVar(&f.protocol, "worker-protocol", false, "that function speaks Meridian's protocol, see docs/worker.md: --task and --parameters are its own")
	flags.BoolVar(&f.idempotent, "worker-idempotent", false, "let an invocation of that function that may have run be repeated, as --target-retry says: its work may be done twice")
	complete(cmd, "worker-placement", func(string) []cobra.Completion {
		return []cobra.Completion{
			cobra.CompletionWithDesc(string(protocol.PlacementHome), "one function works for every Region"),
			cobra.CompletionWithDesc(string(protocol.PlacementRegional), "each Region has a function of the same name"),
		}
	})
}

// settings returns the flags, which set fields of the request's worker.
func (f *workerFlags) settings() []setting {
	set := func(flag, field string, apply func(w *protocol.Worker) protocol.Faults) setting {
		return setting{flag, "worker." + field, func(r *protocol.Request) protocol.Faults {
			if r.Worker == nil {
				r.Worker = &protocol.Worker{}
			}
			return apply(r.Worker).Within("worker")
		}}
	}
	return []setting{
		set("worker-function", "function", func(w *protocol.Worker) protocol.Faults { w.Function = f.function; return nil }),
		set("worker-placement", "placement", func(w *protocol.Worker) protocol.Faults {
			w.Placement = protocol.Placement(f.placement)
			return nil
		}),
		set("payload", "payload", func(w *protocol.Worker) protocol.Faults {
			if !json.Valid([]byte(f.payload)) {
				return protocol.Faults{protocol.NewFault("payload", f.payload, `is not JSON; a plain text is quoted as JSON, too: '"{target.input}"'`)}
			}
			return protocol.DecodeStrict(fmt.Appendf(nil, `{"payload":%s}`, f.payload), w)
		}),
		set("worker-protocol", "protocol", func(w *protocol.Worker) protocol.Faults { w.Protocol = f.protocol; return nil }),
		set("worker-idempotent", "idempotent", func(w *protocol.Worker) protocol.Faults { w.Idempotent = f.idempotent; return nil }),
	}
}

// check returns the error of flags for a function that neither they nor a file name.
func (f *workerFlags) check(r protocol.Request, changed func(flag string) bool) error {
	if changed("worker-function") || r.Worker == nil || r.Worker.Function != "" {
		return nil
	}
	for _, s := range f.settings() {
		if changed(s.flag) {
			return usage("--%s is for --worker-function, which is missing", s.flag)
		}
	}
	return nil
}
