// Command generate writes the catalogue of package endpoints from an installed
// botocore, or checks that it is up to date.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"meridian/internal/endpoints/internal/botocore"
	"meridian/internal/endpoints/internal/catalogue"
)

// main reads the flags.
func main() {
	dir := flag.String("botocore", "", "the `directory` of the botocore package")
	pin := flag.String("pin", "botocore.pin", "the `file` with the version and the date it was built")
	out := flag.String("out", "catalogue.txt", "the `file` to write")
	check := flag.Bool("check", false, "write nothing, and fail if the file would change")
	flag.Parse()

	if err := run(*dir, *pin, *out, *check); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// run writes or checks the catalogue.
func run(dir, pinFile, out string, check bool) (err error) {
	if dir == "" {
		return errors.New("-botocore is empty: set BOTOCORE to the directory of an installed botocore")
	}

	text, err := os.ReadFile(pinFile)
	if err != nil {
		return err
	}

	pin, err := catalogue.ParsePin(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", pinFile, err)
	}

	data, err := botocore.Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.Close()) }()

	want, err := catalogue.Format(data, pin)
	if err != nil {
		return err
	}

	if !check {
		return os.WriteFile(out, []byte(want), 0o644)
	}

	if got, err := os.ReadFile(out); err != nil || string(got) != want {
		return errors.Join(err, fmt.Errorf("%s is not what botocore %s gives: run go generate", out, pin.Version))
	}

	return nil
}
