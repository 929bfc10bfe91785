package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"
)

// A Family is a kind of address.
type Family string

// The families of addresses. The zero Family is any of them.
const (
	IPv4 Family = "ipv4"
	IPv6 Family = "ipv6"
)

// FamilyOf returns the family of an address.
func FamilyOf(a netip.Addr) Family {
	if a.Unmap().Is4() {
		return IPv4
	}
	return IPv6
}

// network is what a resolver calls the addresses of the family.
func (f Family) network() string {
	switch f {
	case IPv4:
		return "ip4"
	case IPv6:
		return "ip6"
	}
	return "ip"
}

// maxAddresses is how many addresses of a name are tried. More would leave each
// of them less time than a lost packet takes.
const maxAddresses = 3

// resolve looks up the addresses of the host, in the order to try them.
func (t *trip) resolve(ctx context.Context) error {
	host, family := t.at.Hostname(), t.request.Family
	found := []netip.Addr{}
	if literal, err := netip.ParseAddr(host); err == nil {
		found = append(found, literal)
	} else if found, err = t.settings.Resolver.LookupNetIP(ctx, family.network(), host); err != nil {
		return lookupError(err)
	}
	for i := range found {
		found[i] = found[i].Unmap()
	}
	found = slices.DeleteFunc(found, func(a netip.Addr) bool { return family != "" && FamilyOf(a) != family })
	if len(found) == 0 {
		return fmt.Errorf("it has no address%s", map[Family]string{IPv4: " of IPv4", IPv6: " of IPv6"}[family])
	}
	t.addresses = alternate(found)
	return nil
}

var (
	errNoSuchHost = errors.New("no such host")
	errResolver   = errors.New("the resolver did not answer, or not with addresses")
)

// lookupError says why there are no addresses, without saying who was asked.
func lookupError(err error) error {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return errNoSuchHost
	}
	return errResolver
}

// alternate returns the first addresses to try: those of the first one's family
// and those of the other in turn, so that a family that is not connected costs one
// try.
func alternate(found []netip.Addr) []netip.Addr {
	families := []Family{IPv4, IPv6}
	if FamilyOf(found[0]) == IPv6 {
		families = []Family{IPv6, IPv4}
	}
	byFamily := map[Family][]netip.Addr{}
	for _, a := range found {
		byFamily[FamilyOf(a)] = append(byFamily[FamilyOf(a)], a)
	}
	var turns []netip.Addr
	for i := range found {
		for _, family := range families {
			if i < len(byFamily[family]) {
				turns = append(turns, byFamily[family][i])
			}
		}
	}
	return turns[:min(len(turns), maxAddresses)]
}

// connect connects to the first address that accepts. One after the other: a race
// between them would not measure any. Each has an equal share of the time that is
// left; the error is the first one's.
func (t *trip) connect(ctx context.Context) error {
	var first error
	for i, a := range t.addresses {
		conn, err := t.dial(ctx, a, len(t.addresses)-i)
		if err == nil {
			t.conn, t.sample.Address = conn, a
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// dial connects to one address, of as many that are left to try.
func (t *trip) dial(ctx context.Context, a netip.Addr, left int) (net.Conn, error) {
	share := ctx
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		least := time.Until(deadline) / time.Duration(left)
		slow, cancel := context.WithTimeoutCause(ctx, least, &slowError{least})
		defer cancel()
		share = slow
	}
	conn, err := t.settings.Dial(share, "tcp", net.JoinHostPort(a.String(), portOf(t.at)))
	switch {
	case err == nil:
		return conn, nil
	case ended(ctx):
		return nil, context.Cause(ctx)
	case ended(share):
		err = context.Cause(share)
	default:
		err = plainly(err)
	}
	if _, refused := errors.AsType[*refusedError](err); refused {
		return nil, err
	}
	return nil, fmt.Errorf("%v: %w", a, err)
}
