package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/regionworker"
	"meridian/internal/runs"
	"meridian/internal/store"
	"meridian/internal/task"
	"meridian/internal/trigger"
	"meridian/pkg/protocol"
)

// coordinators are coordinators that keep runs, by their names. Each has a store of its own.
type coordinators struct {
	directory string
	running   sync.WaitGroup

	mu     sync.Mutex
	byName map[string]*trigger.Handler
}

func newCoordinators(t *testing.T) *coordinators {
	t.Helper()
	c := &coordinators{directory: t.TempDir(), byName: map[string]*trigger.Handler{}}
	t.Cleanup(c.running.Wait)
	return c
}

// named returns the coordinator with a name. It carries each run on in a goroutine, as Lambda
// does in another invocation.
func (c *coordinators) named(ctx context.Context, name string) *trigger.Handler {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h, ok := c.byName[name]; ok {
		return h
	}
	worker := &regionworker.Worker{Tasks: task.Builtin()}
	k := &runs.Keeper{
		Coordinator: &coordinator.Coordinator{Invoker: invoke.InProcess{Handle: worker.Handle}, Tasks: task.Builtin()},
		Store:       &store.Dir{Path: filepath.Join(c.directory, name)},
	}
	k.Next = func(_ context.Context, runID string) error {
		c.running.Go(func() { _ = k.Continue(context.WithoutCancel(ctx), runID) })
		return nil
	}
	c.byName[name] = &trigger.Handler{Runner: k, Keeper: k}
	return c.byName[name]
}

// ServeHTTP answers an invocation of the coordinator in the path. The one with the name "keeper-late"
// answers a second after it has started a run.
func (c *coordinators) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx := context.WithoutCancel(r.Context())
	answer, err := c.named(ctx, r.PathValue("function")).Handle(ctx, payload)
	if err != nil {
		functionError(protocol.ErrorInvalidRequest, err.Error())(w, r)
		return
	}
	var asked protocol.Command
	if _ = json.Unmarshal(payload, &asked); asked.Command == protocol.CommandStart && r.PathValue("function") == "keeper-late" {
		<-time.After(time.Second)
	}
	_, _ = w.Write(answer)
}

// A bucketServer answers like S3, for one bucket.
type bucketServer struct {
	mu      sync.Mutex
	objects map[string][]byte
}

func (s *bucketServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := r.PathValue("key")
	data, exists := s.objects[key]
	switch {
	case r.Method == http.MethodPut && exists:
		w.WriteHeader(http.StatusPreconditionFailed)
		_, _ = io.WriteString(w, "<Error><Code>PreconditionFailed</Code></Error>")
	case r.Method == http.MethodPut:
		s.objects[key], _ = io.ReadAll(r.Body)
	case r.Method == http.MethodDelete:
		delete(s.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case key != "" && !exists:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "<Error><Code>NoSuchKey</Code></Error>")
	case key != "":
		_, _ = w.Write(data)
	default:
		s.list(w, r.URL.Query().Get("prefix"), r.URL.Query().Get("start-after"))
	}
}

// list answers with all keys that begin with prefix, after another one.
func (s *bucketServer) list(w io.Writer, prefix, after string) {
	var keys []string
	for key := range s.objects {
		if strings.HasPrefix(key, prefix) && key > after {
			keys = append(keys, "<Contents><Key>"+key+"</Key></Contents>")
		}
	}
	slices.Sort(keys)
	_, _ = fmt.Fprintf(w, "<ListBucketResult><IsTruncated>false</IsTruncated>%s</ListBucketResult>", strings.Join(keys, ""))
}
