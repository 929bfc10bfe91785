package main

import (
	"errors"
	"fmt"
	"os"

	"meridian/internal/endpoints/internal/botocore"
	"meridian/internal/endpoints/internal/catalogue"
)

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
