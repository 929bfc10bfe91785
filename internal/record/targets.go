package record

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// PutTargets keeps the outcomes of an answer's targets beside the log of a run, and returns their
// key, for the answer's StoredAs. The name is for people who look into the store. The key has a
// hash of data too: attempts of two holders may have the same name.
func (r *Runs) PutTargets(ctx context.Context, id, name string, data []byte) (key string, err error) {
	if err := checkID(id); err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	key = outputsPrefix(id) + segment(name+"-"+hex.EncodeToString(sum[:16])) + ".json"
	return key, r.ensure(ctx, key, data)
}

// Targets returns what PutTargets has kept for a run. The key of anything else is an error.
func (r *Runs) Targets(ctx context.Context, id, key string) ([]byte, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	if name, ok := strings.CutPrefix(key, outputsPrefix(id)); !ok || strings.Contains(name, "/") {
		return nil, fmt.Errorf("%.200q is not the key of outcomes of run %s", key, id)
	}
	return r.Store.Read(ctx, key, maxObject)
}
