package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"meridian/internal/store"
)

// An object is created once.
func ExampleDir() {
	ctx := context.Background()
	path, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(path) }()
	d := &store.Dir{Path: path}

	fmt.Println(d.Create(ctx, "runs/7/plan.json", []byte(`{"regions":2}`)))
	fmt.Println(errors.Is(d.Create(ctx, "runs/7/plan.json", []byte(`{"regions":3}`)), store.ErrExists))

	plan, err := d.Read(ctx, "runs/7/plan.json", 1<<20)
	fmt.Println(string(plan), err)
	keys, err := d.List(ctx, "runs/", "", 0)
	fmt.Println(keys, err)
	// Output:
	// <nil>
	// true
	// {"regions":2} <nil>
	// [runs/7/plan.json] <nil>
}
