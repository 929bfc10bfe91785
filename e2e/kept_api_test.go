//go:build e2e

package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"meridian/pkg/protocol"
)

// An apiAnswer is an answer of the HTTP API to the test itself.
type apiAnswer struct {
	status int
	header http.Header
	body   string
}

// state returns the state of a run in the answer.
func (a apiAnswer) state(t *testing.T) protocol.RunState {
	t.Helper()
	state, err := protocol.DecodeRunState([]byte(a.body))
	if err != nil {
		t.Fatalf("status %d: %v: %.2000s", a.status, err, a.body)
	}
	return state
}

// send sends one request to the HTTP API, signed as root, with headers of the form "Name: value".
func (k *kept) send(ctx context.Context, t *testing.T, method, path, body string, header ...string) apiAnswer {
	t.Helper()
	answer, err := k.try(ctx, method, path, body, header...)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s %s %v = %d", method, path, header, answer.status)
	return answer
}

// try is send for goroutines.
func (k *kept) try(ctx context.Context, method, path, body string, header ...string) (a apiAnswer, err error) {
	request, err := http.NewRequestWithContext(ctx, method, k.aws.url()+path, strings.NewReader(body))
	if err != nil {
		return a, err
	}
	_, port, _ := net.SplitHostPort(k.aws.host)
	request.Host = k.apiID + ".execute-api.localhost:" + port
	request.Header.Set("Content-Type", "application/json")
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Set(name, value)
	}
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(ctx, root, request, hex.EncodeToString(sum[:]), "execute-api", home, time.Now()); err != nil {
		return a, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return a, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	return apiAnswer{response.StatusCode, response.Header, string(answer)}, err
}

// encoded returns a message as JSON.
func encoded(t *testing.T, message any) string {
	t.Helper()
	data, err := json.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// command invokes the coordinator directly with a command.
func (k *kept) command(ctx context.Context, t *testing.T, c protocol.Command) string {
	t.Helper()
	answer, functionError := k.aws.invoke(ctx, t, coordinator, encoded(t, c))
	if functionError != "" {
		t.Fatalf("command %s: %s: %s", c.Command, functionError, answer)
	}
	return answer
}

// start starts a run directly.
func (k *kept) start(ctx context.Context, t *testing.T, r protocol.Request) (runID string) {
	t.Helper()
	answer := k.command(ctx, t, protocol.Command{Command: protocol.CommandStart, Request: []byte(encoded(t, r))})
	return apiAnswer{body: answer}.state(t).RunID
}

// show asks the coordinator directly for the state of a run.
func (k *kept) show(ctx context.Context, t *testing.T, runID string) protocol.RunState {
	t.Helper()
	return apiAnswer{body: k.command(ctx, t, protocol.Command{Command: protocol.CommandShow, RunID: runID})}.state(t)
}

// ended waits for the end of a run over the HTTP API, and returns its state.
func (k *kept) ended(ctx context.Context, t *testing.T, runID string) protocol.RunState {
	t.Helper()
	return k.poll(ctx, t, runID, protocol.MaxWaitSeconds, func(protocol.RunState) bool { return false })
}

// poll asks the HTTP API for the state of a run until it is as it should be, or until the run has
// ended, and returns the state. Each answer comes after a number of seconds, or when the run has ended.
func (k *kept) poll(ctx context.Context, t *testing.T, runID string, seconds int, done func(protocol.RunState) bool) protocol.RunState {
	t.Helper()
	for {
		answer, err := k.try(ctx, "GET", "/runs/"+runID, "", fmt.Sprintf("Prefer: wait=%d", seconds))
		if err != nil {
			t.Fatalf("run %s: %v", runID, err)
		}
		state := answer.state(t)
		if done(state) || state.Status != protocol.StatusRunning {
			return state
		}
	}
}
