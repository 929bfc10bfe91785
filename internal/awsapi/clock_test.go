package awsapi_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"meridian/internal/awsapi"
)

// A clocked is a Sender that accepts signatures of the last five minutes by a clock of
// its own, as AWS does.
type clocked struct {
	mu     sync.Mutex
	ahead  time.Duration // of this machine's clock
	code   string        // of a refusal; "" means InvalidSignatureException
	header http.Header   // of a refusal, beside its date
	sent   int
	taken  int
}

func (c *clocked) Send(_ context.Context, r *http.Request, ready func(*http.Request) error) (*http.Response, error) {
	if err := ready(r); err != nil {
		return nil, err
	}
	time.Sleep(time.Second) // so that calls are in flight together
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent++
	signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return nil, err
	}
	now := time.Now().Add(c.ahead)
	answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`3`))}
	if now.Sub(signed).Abs() > 5*time.Minute || c.code != "" {
		code := c.code
		if code == "" {
			code = "InvalidSignatureException"
		}
		answer.StatusCode = http.StatusForbidden
		answer.Header = http.Header{"X-Amzn-Errortype": {code}, "Date": {now.UTC().Format(http.TimeFormat)}}
		maps.Copy(answer.Header, c.header)
		answer.Body = io.NopCloser(strings.NewReader(`{"message":"Signature expired: it is now earlier than it was"}`))
		return answer, nil
	}
	c.taken++
	return answer, nil
}

// A call whose signature is refused because this machine's clock is off is made again
// once, by the clock of the answer. Later calls are signed by that clock at once.
func TestDoCorrectsAClockThatIsOff(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{10 * time.Minute, -10 * time.Minute, 400 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			server := &clocked{ahead: ahead}
			client := awsapi.New(server, keys())
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() { do(t, client, true) })
			}
			wg.Wait()
			if server.sent != 40 || server.taken != 20 {
				t.Errorf("%d requests for 20 calls at once, %d accepted; want 40, 20", server.sent, server.taken)
			}
			do(t, client, true)
			server.ahead = 0 // the clock has been set
			do(t, client, true)
			do(t, client, true)
			if server.sent != 44 || server.taken != 23 {
				t.Errorf("%d requests, %d accepted; want 44, 23", server.sent, server.taken)
			}
		})
	}
}

// do makes a call and checks whether it succeeds.
func do(t *testing.T, client *awsapi.Client, succeeds bool) {
	t.Helper()
	var out lambda.InvokeOutput
	_, err := client.Do(t.Context(), awsapi.Call{Request: serialize(t, `{}`), Output: &out}) //nolint:bodyclose // Do closes it
	if (err == nil) != succeeds || succeeds && string(out.Payload) != `3` {
		t.Errorf("Do = %s, %v; want success: %v", out.Payload, err, succeeds)
	}
}

// Any other refusal is an error after one request, and one that stays after two.
func TestDoDoesNotRetryARefusalThatIsNotOfTheClock(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		ahead time.Duration
		code  string
		other http.Header
		want  int
	}{
		{"the secret key is wrong", 0, "InvalidSignatureException", nil, 1},
		{"the clock is off by a little", 3 * time.Minute, "InvalidSignatureException", nil, 1},
		{"the error is not of the signature", time.Hour, "ResourceNotFoundException", nil, 1},
		{"the answer is of a cache", time.Hour, "InvalidSignatureException", http.Header{"Age": {"3600"}}, 1},
		{"the answer has no date", time.Hour, "InvalidSignatureException", http.Header{"Date": nil}, 1},
		{"the answer's date is none", time.Hour, "InvalidSignatureException", http.Header{"Date": {"today"}}, 1},
		{"the secret key is wrong, too", time.Hour, "SignatureDoesNotMatch", nil, 2},
		{"not allowed, and the clock is off", time.Hour, "AccessDeniedException", nil, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &clocked{ahead: test.ahead, code: test.code, header: test.other}
				do(t, awsapi.New(server, keys()), false)
				if server.sent != test.want {
					t.Errorf("%d requests, want %d", server.sent, test.want)
				}
			})
		})
	}
}
