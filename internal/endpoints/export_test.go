package endpoints

// Decode decodes a catalogue and resolves everything in it, and returns the
// hosts.
func Decode(text string) ([]string, error) {
	t, err := decode(text)
	if err != nil {
		return nil, err
	}

	var hosts []string

	for s := range t.services {
		for r := range t.regions {
			for i := range variants {
				v := Variant{FIPS: i&1 != 0, DualStack: i&2 != 0}
				if e, ok := t.endpoint(&t.services[s], &t.regions[r], v); ok {
					hosts = append(hosts, e.Host)
				}

				t.services[s].offered(r)
			}
		}
	}

	return hosts, nil
}

// DecodeOnly decodes a catalogue as the first use of the package does.
func DecodeOnly(text string) error {
	_, err := decode(text)

	return err
}

// Embedded is the catalogue in the binary.
func Embedded() string { return embedded }
