package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Size returns the bytes of the objects whose keys begin with prefix.
func (d *Dir) Size(ctx context.Context, prefix string) (bytes int64, err error) {
	for after := ""; ; {
		keys, err := d.List(ctx, prefix, after, DefaultLimit)
		if err != nil {
			return 0, err
		}
		for _, key := range keys {
			info, err := os.Stat(d.file(key))
			switch {
			case err == nil:
				bytes += info.Size()
			case !errors.Is(err, fs.ErrNotExist): // deleted meanwhile
				return 0, fmt.Errorf("size of %s: %w", key, err)
			}
			after = key
		}
		if len(keys) < DefaultLimit {
			return bytes, nil
		}
	}
}
