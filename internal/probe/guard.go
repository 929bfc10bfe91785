package probe

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
)

// A guard refuses connections to addresses that are neither on the public Internet nor
// allowed.
type guard struct{ allow []netip.Prefix }

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
	a = a.Unmap() // ::ffff:10.0.0.1 reaches 10.0.0.1
	kind := kindOf(a)
	if kind == "" {
		return ""
	}
	for _, network := range g.allow {
		if network.Contains(a.WithZone("")) {
			return ""
		}
	}
	return kind
}

// A refusedError names the kind of the refused address. It hides the address itself,
// from which a caller could map a private network.
type refusedError struct{ kind string }

func (e *refusedError) Error() string {
	return fmt.Sprintf("its address is refused: %s; the worker's operator can allow it", e.kind)
}

// A block is a network with a special purpose.
type block struct {
	netip.Prefix
	kind string
}

// kindOf returns the special purpose of an address, or "" for one on the public
// Internet: an address outside all blocks, which for IPv6 is also in the range allocated
// as global unicast, 2000::/3.
//
// Sources: https://www.iana.org/assignments/iana-ipv4-special-registry,
// https://www.iana.org/assignments/iana-ipv6-special-registry. AWS's metadata
// services are at 169.254.169.254, 169.254.170.2 and fd00:ec2::254, all link-local
// or private; Azure's is at 168.63.129.16.
func kindOf(a netip.Addr) string {
	for _, b := range blocks {
		if b.Contains(a.WithZone("")) {
			return b.kind
		}
	}
	if a.Is6() && !globalUnicast.Contains(a.WithZone("")) {
		return "not global"
	}
	return ""
}

//nolint:gochecknoglobals // Go has no constants of these types
var (
	globalUnicast = netip.MustParsePrefix("2000::/3")
	blocks        = []block{
		{netip.MustParsePrefix("0.0.0.0/8"), "unspecified"},
		{netip.MustParsePrefix("10.0.0.0/8"), "private"},
		{netip.MustParsePrefix("100.64.0.0/10"), "shared by a carrier's NAT"},
		{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
		{netip.MustParsePrefix("168.63.129.16/32"), "metadata"},
		{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
		{netip.MustParsePrefix("172.16.0.0/12"), "private"},
		{netip.MustParsePrefix("192.0.0.0/24"), "for protocols"},
		{netip.MustParsePrefix("192.0.2.0/24"), "documentation"},
		{netip.MustParsePrefix("192.88.99.0/24"), "6to4"},
		{netip.MustParsePrefix("192.168.0.0/16"), "private"},
		{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking"},
		{netip.MustParsePrefix("198.51.100.0/24"), "documentation"},
		{netip.MustParsePrefix("203.0.113.0/24"), "documentation"},
		{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
		{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},
		{netip.MustParsePrefix("::/128"), "unspecified"},
		{netip.MustParsePrefix("::1/128"), "loopback"},
		{netip.MustParsePrefix("64:ff9b::/96"), "NAT64"},
		{netip.MustParsePrefix("64:ff9b:1::/48"), "NAT64"},
		{netip.MustParsePrefix("2001::/23"), "for protocols"}, // includes Teredo and benchmarking
		{netip.MustParsePrefix("2001:db8::/32"), "documentation"},
		{netip.MustParsePrefix("2002::/16"), "6to4"},
		{netip.MustParsePrefix("3fff::/20"), "documentation"},
		{netip.MustParsePrefix("fc00::/7"), "private"},
		{netip.MustParsePrefix("fe80::/10"), "link-local"},
		{netip.MustParsePrefix("fec0::/10"), "private"},
		{netip.MustParsePrefix("ff00::/8"), "multicast"},
	}
)

// ParseNetworks parses networks in CIDR notation, separated by commas, as in
// "10.1.0.0/16, fd00:1::/64". Empty means none. An IPv4 network mapped into IPv6 is an
// error, because addresses are unmapped before they are compared.
func ParseNetworks(list string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for text := range strings.SplitSeq(list, ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil || network.Addr().Is4In6() || network != network.Masked() {
			return nil, fmt.Errorf("%q is not a network; want one such as 10.1.0.0/16", text)
		}
		networks = append(networks, network)
	}
	return networks, nil
}
