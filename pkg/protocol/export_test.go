package protocol

// ReadsQuickly reports whether an answer is read without encoding/json.
func ReadsQuickly(answer []byte) bool { return (&quick{data: answer}).regionResult(new(RegionResult)) }
