package probe

import (
	"cmp"
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

// network returns the resolver's name for the family.
func (f Family) network() string {
	switch f {
	case IPv4:
		return "ip4"
	case IPv6:
		return "ip6"
	}
	return "ip"
}

// maxAddresses is the number of addresses that are tried for a name. With more, each
// would get less time than the retransmission of a lost packet needs.
const maxAddresses = 3

// resolve looks up the addresses of the host, in the order to try them.
func (h *hop) resolve(ctx context.Context) error {
	host, family := h.url.Hostname(), h.request.Family
	found := []netip.Addr{}
	if literal, err := netip.ParseAddr(host); err == nil {
		found = append(found, literal)
	} else if found, err = h.settings.Resolver.LookupNetIP(ctx, family.network(), host); err != nil {
		err = lookupError(err)
		if family == "" || !errors.Is(err, errNoSuchHost) {
			return err
		}
		// The resolver does not say whether the name has addresses of the other family.
		if _, other := h.settings.Resolver.LookupNetIP(ctx, Family("").network(), host); other != nil {
			return lookupError(other)
		}
	}
	for i := range found {
		found[i] = found[i].Unmap()
	}
	found = slices.DeleteFunc(found, func(a netip.Addr) bool { return family != "" && FamilyOf(a) != family })
	if len(found) == 0 {
		return fmt.Errorf("it has no %saddress", map[Family]string{IPv4: "IPv4 ", IPv6: "IPv6 "}[family])
	}
	h.addresses = alternate(found)
	return nil
}

var (
	errNoSuchHost = errors.New("no such host")
	errResolver   = errors.New("the resolver did not answer with addresses")
)

// lookupError returns why there are no addresses, without the resolver's address.
func lookupError(err error) error {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return errNoSuchHost
	}
	return errResolver
}

// alternate returns the addresses to try: those of the two families in turn, beginning
// with the family of the first address. So a family without connectivity costs one try.
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

// connect connects to the first address that accepts. It tries one after the other: a
// race between them would measure none. Each gets an equal share of the remaining time.
// The error is that of the first address.
func (h *hop) connect(ctx context.Context) error {
	var first error
	for i, a := range h.addresses {
		conn, err := h.dial(ctx, a, len(h.addresses)-i)
		if err == nil {
			h.conn, h.sample.Address = conn, a
			return nil
		}
		first = cmp.Or(first, err)
	}
	return first
}

// dial connects to one address. Left is the number of addresses left to try, with it.
func (h *hop) dial(ctx context.Context, a netip.Addr, left int) (net.Conn, error) {
	share := ctx
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		limit := time.Until(deadline) / time.Duration(left)
		limited, cancel := context.WithTimeoutCause(ctx, limit, &slowError{limit})
		defer cancel()
		share = limited
	}
	conn, err := h.settings.Dial(share, "tcp", net.JoinHostPort(a.String(), portOf(h.url)))
	switch {
	case err == nil:
		return conn, nil
	case ended(ctx):
		return nil, context.Cause(ctx)
	case ended(share):
		err = context.Cause(share)
	default:
		err = redact(err)
	}
	if _, refused := errors.AsType[*refusedError](err); refused {
		return nil, err
	}
	return nil, fmt.Errorf("%v: %w", a, err)
}
