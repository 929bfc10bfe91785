package probe

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// A guard refuses connections to addresses that are neither on the public Internet nor
// allowed.
type guard struct{ allow, deny []netip.Prefix }

// control is called by a dialer with the address that it is about to connect to. So the
// result of a second look-up of the name cannot get around it.
func (g guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return &refusedError{"no address and port"}
	}
	if kind := g.refuses(to.Addr()); kind != "" {
		return &refusedError{kind}
	}
	return nil
}

// refuses returns the kind of a if it is refused, or "".
func (g guard) refuses(a netip.Addr) string {
	a = a.Unmap().WithZone("") // ::ffff:10.0.0.1 reaches 10.0.0.1
	four, translated := embedded(a)
	if contains(g.deny, a) || translated && contains(g.deny, four) {
		return denied
	}
	if translated && wellKnownNAT64.Contains(a) { // it reaches exactly what its IPv4 address reaches
		return g.refuses(four)
	}
	b := blockOf(a)
	if b.kind == "" {
		return ""
	}
	if translated && !b.own && blockOf(four).own {
		return b.kind
	}
	for _, network := range g.allow {
		if network.Contains(a) && (!b.own || network.Bits() >= b.Bits()) {
			return ""
		}
	}
	return b.kind
}

func contains(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(a) })
}

// embedded returns the IPv4 address that a translator or a tunnel makes of a: the last 32
// bits of a NAT64 address (RFC 6052, 2.2) or of an IPv4-compatible one, or those behind
// the prefix of 6to4.
func embedded(a netip.Addr) (four netip.Addr, ok bool) {
	if !a.Is6() {
		return a, false
	}
	bytes := a.As16()
	switch {
	case wellKnownNAT64.Contains(a), localNAT64.Contains(a), compatible.Contains(a):
		return netip.AddrFrom4([4]byte(bytes[12:])), true
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(bytes[2:6])), true
	}
	return a, false
}

// denied is the kind of an address in a network that the operator denies.
const denied = "denied"

// A refusedError names the kind of the refused address. It hides the address itself,
// from which a caller could map a private network.
type refusedError struct{ kind string }

func (e *refusedError) Error() string {
	if e.kind == denied {
		return "its address is refused: the worker's operator denies its network"
	}
	return fmt.Sprintf("its address is refused: %s; the worker's operator can allow it", e.kind)
}

// A block is a network with a special purpose. Own says that its addresses reach the
// machine itself or the services that hand out its credentials. A network that is allowed
// opens such a block only from inside it.
type block struct {
	netip.Prefix
	kind string
	own  bool
}

// blockOf returns the block of an address, or one without a kind for an address on the
// public Internet: an address outside all blocks, which for IPv6 is also in the range
// allocated as global unicast, 2000::/3. Blocks inside others come first.
//
// Sources: https://www.iana.org/assignments/iana-ipv4-special-registry,
// https://www.iana.org/assignments/iana-ipv6-special-registry. AWS's metadata
// services are at 169.254.169.254, 169.254.170.2 and fd00:ec2::254; Azure's is at
// 168.63.129.16, Google's at fd20:ce::254, Alibaba's at 100.100.100.200, Oracle's at
// 192.0.0.192.
func blockOf(a netip.Addr) block {
	for _, b := range blocks {
		if b.Contains(a) {
			return b
		}
	}
	if a.Is6() && !globalUnicast.Contains(a) {
		return block{kind: "not global"}
	}
	return block{}
}

//nolint:gochecknoglobals // Go has no constants of these types
var (
	globalUnicast  = netip.MustParsePrefix("2000::/3")
	wellKnownNAT64 = netip.MustParsePrefix("64:ff9b::/96")
	localNAT64     = netip.MustParsePrefix("64:ff9b:1::/48")
	compatible     = netip.MustParsePrefix("::/96")
	sixToFour      = netip.MustParsePrefix("2002::/16")

	blocks = []block{
		{netip.MustParsePrefix("100.100.100.200/32"), "metadata", true},
		{netip.MustParsePrefix("168.63.129.16/32"), "metadata", true},
		{netip.MustParsePrefix("192.0.0.192/32"), "metadata", true},
		{netip.MustParsePrefix("fd00:ec2::/32"), "metadata", true},
		{netip.MustParsePrefix("fd20:ce::254/128"), "metadata", true},
		{netip.MustParsePrefix("0.0.0.0/8"), "unspecified", true},
		{netip.MustParsePrefix("10.0.0.0/8"), "private", false},
		{netip.MustParsePrefix("100.64.0.0/10"), "shared by a carrier's NAT", false},
		{netip.MustParsePrefix("127.0.0.0/8"), "loopback", true},
		{netip.MustParsePrefix("169.254.0.0/16"), "link-local", true},
		{netip.MustParsePrefix("172.16.0.0/12"), "private", false},
		{netip.MustParsePrefix("192.0.0.0/24"), "for protocols", false},
		{netip.MustParsePrefix("192.0.2.0/24"), "documentation", false},
		{netip.MustParsePrefix("192.88.99.0/24"), "6to4", false},
		{netip.MustParsePrefix("192.168.0.0/16"), "private", false},
		{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking", false},
		{netip.MustParsePrefix("198.51.100.0/24"), "documentation", false},
		{netip.MustParsePrefix("203.0.113.0/24"), "documentation", false},
		{netip.MustParsePrefix("224.0.0.0/4"), "multicast", false},
		{netip.MustParsePrefix("240.0.0.0/4"), "reserved", false},
		{netip.MustParsePrefix("::/128"), "unspecified", true},
		{netip.MustParsePrefix("::1/128"), "loopback", true},
		{localNAT64, "NAT64", false},
		{netip.MustParsePrefix("2001::/23"), "for protocols", false}, // includes Teredo and benchmarking
		{netip.MustParsePrefix("2001:db8::/32"), "documentation", false},
		{sixToFour, "6to4", false},
		{netip.MustParsePrefix("3fff::/20"), "documentation", false},
		{netip.MustParsePrefix("fc00::/7"), "private", false},
		{netip.MustParsePrefix("fe80::/10"), "link-local", true},
		{netip.MustParsePrefix("fec0::/10"), "private", false},
		{netip.MustParsePrefix("ff00::/8"), "multicast", false},
	}
)

// ParseNetworks parses networks in CIDR notation, separated by commas, as in
// "10.1.0.0/16, fd00:1::/64". Empty means none. An IPv4 network mapped into IPv6 is an
// error, because addresses are unmapped before they are compared.
func ParseNetworks(list string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, text := range fields(list) {
		network, err := netip.ParsePrefix(text)
		if err != nil || network.Addr().Is4In6() || network != network.Masked() {
			return nil, fmt.Errorf("%q is not a network; want one such as 10.1.0.0/16", text)
		}
		networks = append(networks, network)
	}
	return networks, nil
}
