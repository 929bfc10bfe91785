package awsapi

import (
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// leastSecret is shorter than any key or token of AWS's.
const leastSecret = 16

// usedCredentials are the last two credentials that a client has signed with: after a renewal,
// answers may still quote the credentials before it.
type usedCredentials struct {
	last atomic.Pointer[[2]aws.Credentials]
}

// note adds credentials.
func (u *usedCredentials) note(credentials aws.Credentials) {
	for {
		last := u.last.Load()
		both := [2]aws.Credentials{credentials}
		if last != nil {
			if last[0].SessionToken == credentials.SessionToken && last[0].SecretAccessKey == credentials.SecretAccessKey {
				return
			}
			both[1] = last[0]
		}
		if u.last.CompareAndSwap(last, &both) {
			return
		}
	}
}

// Conceal returns a text without the secrets of the credentials that c has signed with. A
// service that refuses a signature quotes the headers of the request, the session token
// among them.
func (c *Client) Conceal(text string) string {
	last := c.used.last.Load()
	if last == nil {
		return text
	}
	for _, credentials := range last {
		for _, secret := range []string{credentials.SecretAccessKey, credentials.SessionToken} {
			if len(secret) >= leastSecret {
				text = strings.ReplaceAll(text, secret, "(secret)")
			}
		}
	}
	return text
}
