package invoketest

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// A Fault answers a request in the function's place. The request has been read
// up to its headers.
type Fault func(w http.ResponseWriter, r *http.Request)

// Refuse answers with an error of Lambda's: a status, a code and a message.
func Refuse(status int, code, message string) Fault {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Amzn-Errortype", code+":http://internal.amazon.com/coral/com.amazonaws.awsgirapi/")
		answerJSON(w, r, status, map[string]string{"Message": message, "Type": "User"})
	}
}

// Throttle answers 429 with a reason, and with the seconds to wait unless they
// are 0.
func Throttle(reason string, wait time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request) {
		if wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
		}
		w.Header().Set("X-Amzn-Errortype", "TooManyRequestsException")
		answerJSON(w, r, http.StatusTooManyRequests,
			map[string]string{"Reason": reason, "Type": "User", "message": "Rate Exceeded."})
	}
}

// Answer answers with any status, headers (in pairs of name and value) and body.
func Answer(status int, body string, headers ...string) Fault {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// unhandled is how functions in Go fail, see FunctionError.
const unhandled = "Unhandled"

// FunctionError answers 200 for a function that failed; kind is "Handled" or
// "Unhandled".
func FunctionError(kind, payload string) Fault {
	return Answer(http.StatusOK, payload, "X-Amz-Function-Error", kind)
}

// Hang does not answer until the client is gone.
func Hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// CutInRequest resets the connection after n bytes of the request's body.
func CutInRequest(n int64) Fault {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, n)
		reset(hijack(w))
	}
}

// CutAfterRequest resets the connection after the whole request has been read,
// when the function may have run.
func CutAfterRequest(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	reset(hijack(w))
}

// CloseAfterRequest is CutAfterRequest by an orderly close: what the client sees
// when a connection was idle for too long.
func CloseAfterRequest(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	_ = hijack(w).Close()
}

// CutInAnswer promises an answer of length bytes and resets the connection after
// n of them.
func CutInAnswer(length, n int) Fault {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Length", strconv.Itoa(length))
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(make([]byte, n))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler) // net/http's way to close a connection here
	}
}

func answerJSON(w http.ResponseWriter, r *http.Request, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		panic("invoketest: " + err.Error())
	}
	Answer(status, string(data), "Content-Type", "application/json")(w, r)
}

func hijack(w http.ResponseWriter) net.Conn {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic("invoketest: " + err.Error())
	}
	return c
}

// A hangingUp is a listener that does what Server.HangUp says.
type hangingUp struct {
	net.Listener
	server *Server
}

// Accept returns the next connection, a hungUp one if it is its turn.
func (l hangingUp) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	if err != nil || l.server.hangUps == 0 {
		return c, err
	}
	l.server.hangUps--
	return hungUp{c}, nil
}

// A hungUp is a connection that resets itself when there is something to read.
// Resetting it at once would race with the other side's connecting.
type hungUp struct{ net.Conn }

// Read waits for a byte and ends the connection.
func (c hungUp) Read(p []byte) (int, error) {
	_, _ = c.Conn.Read(p[:1])
	reset(c.Conn)
	return 0, io.EOF
}

// reset closes a connection in a way that the other side notices at once.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
