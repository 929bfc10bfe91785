package faults_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"meridian/internal/awsapi"
	"meridian/internal/invoke/invoketest"
	"meridian/internal/record"
	"meridian/internal/runs"
	"meridian/internal/store"
	"meridian/internal/store/storetest"
	"meridian/internal/trigger"
	"meridian/pkg/protocol"
)

// A mortal is the store of a coordinator that dies at one of its calls, before or after it is
// carried out.
type mortal struct {
	record.Store

	mu    sync.Mutex
	left  int // calls until its death; 0 means never, below 0 that it is dead
	after bool
	die   context.CancelFunc
}

var errDead = errors.New("the coordinator is dead")

// Create implements record.Store.
func (m *mortal) Create(ctx context.Context, key string, data []byte) error {
	made, err := m.step()
	if made {
		err = errors.Join(m.Store.Create(ctx, key, data), err)
	}
	return err
}

// Read implements record.Store.
func (m *mortal) Read(ctx context.Context, key string, most int64) ([]byte, error) {
	if _, err := m.step(); err != nil {
		return nil, err
	}
	return m.Store.Read(ctx, key, most)
}

// step counts a call. It returns whether the call is carried out, and an error if the coordinator is dead.
func (m *mortal) step() (made bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.left < 0:
		return false, errDead
	case m.left == 1:
		m.left = -1
		m.die()
		return m.after, errDead
	case m.left > 1:
		m.left--
	}
	return true, nil
}

// Lambda repeats an asynchronous invocation whose coordinator has died, after one minute and after two, with the same
// request id. The repetition carries the run on: nothing is lost, and work that may not be
// done twice is not.
func TestARepeatedInvocationCarriesItsRunOn(t *testing.T) {
	t.Parallel()
	for _, idempotent := range []bool{true, false} {
		for seed := range uint64(20) {
			t.Run(fmt.Sprintf("idempotent %t, %d", idempotent, seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { repeatInvocation(t, idempotent, rand.New(rand.NewPCG(seed, 1))) })
			})
		}
	}
}

// repeatInvocation invokes a coordinator that dies twice, at random calls of its store.
func repeatInvocation(t *testing.T, idempotent bool, random *rand.Rand) {
	t.Helper()
	function := &caller{runs: map[echo]int{}}
	server := invoketest.NewMemoryServer(t, function.run)
	server.Decide(func(invoketest.Call) invoketest.Fault {
		return invoketest.After(invoketest.Fixed(time.Second), invoketest.Work)
	})
	bucket := &store.Bucket{
		Name: "kept", Region: "eu-west-1",
		Client: awsapi.New(storetest.Memory{Server: storetest.NewS3(t)}, credentials.NewStaticCredentialsProvider("key", "secret", "")),
	}
	targets := []string{"a", "b", "c", "d", "e"}
	payload, err := json.Marshal(protocol.Request{
		Keep: true, Worker: &protocol.Worker{Function: "my-check", Idempotent: idempotent}, MaxConcurrency: 3,
		Regions: []string{"us-east-1", "us-east-2", "us-west-2", "eu-west-1"}, Targets: protocol.Targets(targets...),
		ToleratedFailurePercentage: new(100.0),
	})
	if err != nil {
		t.Fatal(err)
	}
	var answer []byte
	for try := range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 29*time.Second)
		m := &mortal{Store: bucket, after: random.IntN(2) == 0, die: cancel}
		if try < 2 {
			m.left = 1 + random.IntN(20)
		}
		k := &runs.Keeper{Coordinator: coordinatorOf(server), Store: m, Next: func(context.Context, string) error {
			t.Error("the run is handed over")
			return nil
		}}
		ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "8a1f4c3e"})
		answer, err = (&trigger.Handler{Runner: k, Keeper: k}).Handle(ctx, payload)
		dead := m.left < 0
		cancel()
		if !dead {
			break // else its answer is lost
		}
		time.Sleep(time.Duration(1+try) * time.Minute)
	}
	result, decoded := protocol.DecodeResult(answer)
	if err != nil || decoded != nil {
		t.Fatalf("the last invocation failed: %v", errors.Join(err, decoded))
	}
	for _, region := range result.Regions {
		for i, o := range region.Targets {
			n := function.runs[echo{region.Region, o.Target}]
			interrupted := o.Error == protocol.ErrorInterrupted && !idempotent
			if o.Target != targets[i] || n > 1 && !idempotent || o.Status != protocol.StatusSucceeded && !interrupted || n == 0 && !interrupted {
				t.Errorf("%s in %s is %s (%s) and has run %d times", o.Target, region.Region, o.Status, o.Error, n)
			}
		}
	}
	if got := result.Summary.Targets.Total; got != 20 {
		t.Errorf("the result has %d targets, want 20", got)
	}
}
