package protocol

// An EnabledRegionsOutput is the output of the task [EnabledRegionsTask].
type EnabledRegionsOutput struct {
	// Message tells a person how many there are.
	Message string `json:"message"`

	// Regions are the names of the enabled Regions, sorted.
	Regions []string `json:"regions"`

	// Source is the operation that listed them.
	Source string `json:"source"`
}
