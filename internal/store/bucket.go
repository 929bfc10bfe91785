package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"meridian/internal/awsapi"

	"github.com/aws/smithy-go"
)

// A Bucket is a store in a bucket of S3 or of an S3-compatible server that supports
// If-None-Match. The bucket's own settings say how objects are encrypted. A Bucket may be
// used from several goroutines.
type Bucket struct {
	// Name is the name of a general purpose bucket. Required.
	Name string

	// Region is where the bucket is. Required.
	Region string

	// Client signs and sends the requests. Required.
	Client *awsapi.Client

	// Endpoints say where S3 answers. The bucket's name is in the host of AWS's endpoints, and
	// in the path of an endpoint that is set. Zero means AWS's.
	Endpoints awsapi.Endpoints

	operations sync.Map // *model.Operation by name
}

// Create stores data under a new key. See the package comment.
func (b *Bucket) Create(ctx context.Context, key string, data []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if err := b.create(ctx, key, data); err != nil {
		return fmt.Errorf("create %s in bucket %s: %w", key, b.Name, err)
	}
	return nil
}

// create creates an object. If the key is taken, and an earlier request may have created it,
// create compares the object.
func (b *Bucket) create(ctx context.Context, key string, data []byte) error {
	input := map[string]any{"Bucket": b.Name, "Key": key, "IfNoneMatch": "*"}
	if strings.HasSuffix(key, ".json") {
		input["ContentType"] = "application/json" // for browsers
	}
	doubt, err := b.send(ctx, &exchange{operation: "PutObject", input: input, body: data})
	if statusOf(err) != http.StatusPreconditionFailed {
		return err
	}
	if !doubt {
		return ErrExists
	}
	found, err := b.read(ctx, key, int64(len(data)))
	switch {
	case errors.Is(err, ErrTooLarge) || err == nil && !bytes.Equal(found, data):
		return ErrExists
	case err != nil:
		return fmt.Errorf("read the object that exists: %w", err)
	}
	return nil
}

// Read returns the object under a key. One of more than most bytes is [ErrTooLarge].
func (b *Bucket) Read(ctx context.Context, key string, most int64) (data []byte, err error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if data, err = b.read(ctx, key, most); err != nil {
		return nil, fmt.Errorf("read %s in bucket %s: %w", key, b.Name, err)
	}
	return data, nil
}

// read reads an object.
func (b *Bucket) read(ctx context.Context, key string, most int64) ([]byte, error) {
	x := &exchange{
		operation: "GetObject", input: map[string]any{"Bucket": b.Name, "Key": key}, content: &content{most: most},
	}
	_, err := b.send(ctx, x)
	if refused, ok := errors.AsType[smithy.APIError](err); ok && refused.ErrorCode() == "NoSuchKey" { // a missing bucket is a 404, too
		return nil, ErrNotFound
	}
	return x.content.data, err
}

// List returns the first keys that begin with prefix and are greater than after, in byte
// order. Fewer than limit means that there are no more. A limit of zero means
// [DefaultLimit].
func (b *Bucket) List(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	if err := checkPrefix(prefix); err != nil {
		return nil, err
	}
	limit = cmp.Or(limit, DefaultLimit)
	var keys []string
	for more := true; more && len(keys) < limit; {
		var err error
		if keys, after, more, err = b.page(ctx, prefix, after, keys, limit); err != nil {
			return nil, fmt.Errorf("list %s in bucket %s: %w", prefix, b.Name, err)
		}
	}
	return keys, nil
}

// page appends a page to keys. It returns the last name in the page, and whether there are
// more.
func (b *Bucket) page(ctx context.Context, prefix, after string, keys []string, limit int) (all []string, last string, more bool, err error) {
	input := map[string]any{"Bucket": b.Name, "Prefix": prefix, "MaxKeys": min(limit-len(keys), DefaultLimit)}
	if after != "" {
		input["StartAfter"] = after
	}
	x := &exchange{operation: "ListObjectsV2", input: input}
	if _, err = b.send(ctx, x); err != nil {
		return nil, "", false, err
	}
	contents, _ := x.answer["Contents"].([]any)
	for _, item := range contents {
		object, _ := item.(map[string]any)
		if last, _ = object["Key"].(string); checkKey(last) == nil {
			keys = append(keys, last)
		}
	}
	more, _ = x.answer["IsTruncated"].(bool)
	if more && last <= after {
		return nil, "", false, errors.New("S3 answers that there are more keys, but lists none")
	}
	return keys, last, more, nil
}

// Delete removes the object under a key, if there is one.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if _, err := b.send(ctx, &exchange{operation: "DeleteObject", input: map[string]any{"Bucket": b.Name, "Key": key}}); err != nil {
		return fmt.Errorf("delete %s in bucket %s: %w", key, b.Name, err)
	}
	return nil
}
