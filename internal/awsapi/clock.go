package awsapi

import (
	"errors"
	"net/http"
	"time"

	"github.com/aws/smithy-go"
)

// mostSkew is how far off a clock may be before it is a reason for a refusal: AWS accepts
// signatures of five minutes ago, and the SDK allows one for the way.
// Source: skewThreshold in
// https://github.com/aws/aws-sdk-go-v2/blob/main/aws/retry/middleware.go
const mostSkew = 4 * time.Minute

// correctClock reports whether a call is worth making again with the clock set by its
// answer: AWS refused the signature, and the clock that it was signed by, this machine's
// with an offset, was off. Then nothing has been done.
func (c *Client) correctClock(response *http.Response, signed time.Duration, err error) bool {
	refused, ok := errors.AsType[smithy.APIError](err)
	if !ok || response == nil || !aboutSignature(refused.ErrorCode()) || response.Header.Get("Age") != "" { // of a cache
		return false
	}
	date, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return false
	}
	offset := time.Until(date)
	if (offset - signed).Abs() <= mostSkew {
		return false
	}
	c.clockOffset.Store(int64(offset))
	return true
}

// aboutSignature reports whether AWS gives this code to signatures that are too old or
// too new. It gives most of them to other faults, too.
// Source: clockSkewCodes in
// https://github.com/aws/aws-sdk-go-v2/blob/main/aws/retry/middleware.go, and
// https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html
func aboutSignature(code string) bool {
	switch code {
	case "AccessDeniedException", "AuthFailure", "InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch":
		return true
	}
	return false
}
