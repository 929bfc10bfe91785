// Package botocore reads the endpoint data that botocore, the core of the AWS
// SDK for Python, ships, and resolves endpoints from it as botocore does.
//
// The generator of the catalogue calls it; no function is deployed with it. It
// is an implementation of its own: the comparison with the real botocore is
// worth something only because the two share data and no code.
//
// # What it promises
//
// Everything it returns is in a fixed order. A rule that uses a function which
// is not implemented here, or a parameter without a value, is an error and
// never a guess.
package botocore

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Data is an installed botocore.
type Data struct {
	// Version is its version, such as "1.44.5".
	Version string

	// Partitions are in the order of its endpoints.json.
	Partitions []Partition

	root  *os.Root
	rules []rulePartition
}

// Open reads the data of the botocore package in a directory, the one that
// holds its __init__.py.
func Open(dir string) (*Data, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open botocore: %w", err)
	}

	d := &Data{root: root}

	if err := errors.Join(d.readVersion(), d.readPartitions()); err != nil {
		return nil, errors.Join(err, root.Close())
	}

	return d, nil
}

// Close ends the use of the data.
func (d *Data) Close() error { return d.root.Close() }

// readVersion reads the version out of __init__.py.
func (d *Data) readVersion() error {
	text, err := d.root.ReadFile("__init__.py")
	if err != nil {
		return fmt.Errorf("read the version: %w", err)
	}

	m := regexp.MustCompile(`(?m)^__version__ = ['"]([0-9.]+)['"]$`).FindSubmatch(text)
	if m == nil {
		return errors.New("read the version: __init__.py has none")
	}

	d.Version = string(m[1])

	return nil
}

// Services returns the names of all services, sorted. They are the names that
// create_client takes.
func (d *Data) Services() ([]string, error) {
	dirs, err := fs.ReadDir(d.root.FS(), "data")
	if err != nil {
		return nil, fmt.Errorf("list services: %w", err)
	}

	var names []string

	for _, dir := range dirs {
		if !dir.IsDir() {
			continue
		}

		if _, err := d.latest(dir.Name(), "service-2"); err == nil {
			names = append(names, dir.Name())
		}
	}

	slices.Sort(names)

	return names, nil
}

// Service reads one service.
func (d *Data) Service(name string) (*Service, error) {
	s := &Service{Name: name, data: d}

	file, err := d.latest(name, "service-2")
	if err != nil {
		return nil, err
	}

	if s.Prefix, err = d.endpointPrefix(file); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}

	if file, err = d.latest(name, "endpoint-rule-set-1"); err != nil {
		return nil, err
	}

	if err := d.readJSON(file, &s.rules); err != nil {
		return nil, err
	}

	return s, nil
}

// latest returns the file of a kind in the newest API version that has one.
func (d *Data) latest(service, kind string) (string, error) {
	found, err := fs.Glob(d.root.FS(), "data/"+service+"/*/"+kind+".json*")
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("service %s has no %s", service, kind)
	}

	return slices.Max(found), nil
}

// endpointPrefix returns the endpointPrefix of a service model, which stands
// near its beginning. The models are large: the rest is not read.
func (d *Data) endpointPrefix(file string) (string, error) {
	r, err := d.open(file)
	if err != nil {
		return "", err
	}
	defer r.Close() //nolint:errcheck // nothing was written

	dec := json.NewDecoder(r)
	if _, err := dec.Token(); err != nil {
		return "", err
	}

	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return "", err
		}

		if key != "metadata" {
			if err := dec.Decode(new(json.RawMessage)); err != nil {
				return "", err
			}

			continue
		}

		var metadata struct {
			EndpointPrefix string `json:"endpointPrefix"`
		}

		return metadata.EndpointPrefix, dec.Decode(&metadata)
	}

	return "", errors.New("it has no metadata")
}

// readJSON reads a whole file.
func (d *Data) readJSON(file string, into any) error {
	r, err := d.open(file)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // nothing was written

	if err := json.NewDecoder(r).Decode(into); err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}

	return nil
}

// open opens a file, and unpacks it if its name says that it is packed.
func (d *Data) open(file string) (io.ReadCloser, error) {
	f, err := d.root.Open(filepath.FromSlash(file))
	if err != nil || !strings.HasSuffix(file, ".gz") {
		return f, err
	}

	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("unpack %s: %w", file, err), f.Close())
	}

	return packed{Reader: z, file: f}, nil
}

// packed closes the file under an unpacker.
type packed struct {
	*gzip.Reader

	file io.Closer
}

// Close closes the file.
func (p packed) Close() error { return p.file.Close() }
