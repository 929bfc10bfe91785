package probe_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"meridian/internal/probe"
)

// refused are addresses that need the permission of the operator.
func refused() map[string]string {
	return map[string]string{
		"0.0.0.0": "unspecified", "0.1.2.3": "unspecified", "10.0.0.1": "private", "10.255.255.255": "private",
		"100.64.0.1": "shared by a carrier's NAT", "100.127.255.255": "shared by a carrier's NAT",
		"127.0.0.1": "loopback", "127.255.255.254": "loopback", "168.63.129.16": "metadata",
		"169.254.169.254": "link-local", "169.254.170.2": "link-local", "169.254.0.1": "link-local",
		"172.16.0.1": "private", "172.31.255.255": "private", "192.0.0.8": "for protocols",
		"192.0.2.1": "documentation", "192.88.99.1": "6to4", "192.168.1.1": "private",
		"198.18.0.1": "benchmarking", "198.19.255.255": "benchmarking", "198.51.100.7": "documentation",
		"203.0.113.7": "documentation", "224.0.0.1": "multicast", "239.255.255.255": "multicast",
		"240.0.0.1": "reserved", "255.255.255.255": "reserved",

		"::": "unspecified", "::1": "loopback", "::ffff:127.0.0.1": "loopback", "::ffff:169.254.169.254": "link-local",
		"::ffff:10.0.0.1": "private", "::127.0.0.1": "not global", "64:ff9b::7f00:1": "loopback",
		"64:ff9b::a9fe:a9fe": "link-local", "64:ff9b::10.0.0.1": "private", "64:ff9b:1::1": "NAT64", "100::1": "not global",
		"2001::1": "for protocols", "2001:2::1": "for protocols", "2001:10::1": "for protocols",
		"2001:db8::1": "documentation", "2002:7f00:1::": "6to4", "2002:a9fe:a9fe::1": "6to4",
		"3fff::1": "documentation", "4000::1": "not global", "5f00::1": "not global",
		"fc00::1": "private", "fd00:ec2::254": "metadata", "fd20:ce::254": "metadata", "100.100.100.200": "metadata", "192.0.0.192": "metadata", "fe80::1": "link-local",
		"fe80::1%eth0": "link-local", "fec0::1": "private", "ff02::1": "multicast",
	}
}

func TestAnAddressThatIsNotOnThePublicInternetIsRefused(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for address := range refused() {
		got[address] = probe.Refuses(nil, nil, netip.MustParseAddr(address))
	}
	if diff := cmp.Diff(refused(), got); diff != "" {
		t.Errorf("Refuses (-want +got):\n%s", diff)
	}
	for _, address := range addresses(
		"1.1.1.1", "9.255.255.255", "11.0.0.0", "52.94.24.1", "100.63.255.255", "100.128.0.0", "128.0.0.1",
		"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.169.0.0", "198.17.255.255",
		"198.20.0.0", "223.255.255.255", "2001:200::1", "2400::1", "2600:1f18::1", "2a05:d018::1", "::ffff:1.1.1.1",
		"64:ff9b::36f0:fb6a", "64:ff9b::101:101", // NAT64 of public addresses
	) {
		if kind := probe.Refuses(nil, nil, address); kind != "" {
			t.Errorf("Refuses(%v) = %q, want it to be public", address, kind)
		}
	}
}

// An IPv4 address mapped into IPv6 is treated as the IPv4 address.
func TestAMappedAddressIsTreatedAsIPv4(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		four := [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address"))
		a := netip.AddrFrom4(four)
		if got, want := probe.Refuses(nil, nil, netip.AddrFrom16(a.As16())), probe.Refuses(nil, nil, a); got != want {
			t.Errorf("Refuses(::ffff:%v) = %q, want %q", a, got, want)
		}
	})
}

func TestTheOperatorAllowsNetworks(t *testing.T) {
	t.Parallel()
	allow, err := probe.ParseNetworks("10.1.0.0/16, ::1/128,fd00:1::/64,")
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"10.1.2.3": "", "::ffff:10.1.2.3": "", "10.2.0.0": "private", "::1": "", "127.0.0.1": "loopback",
		"fd00:1::5": "", "fd00:2::5": "private", "169.254.169.254": "link-local",
	} {
		if got := probe.Refuses(allow, nil, netip.MustParseAddr(address)); got != want {
			t.Errorf("Refuses(%s) = %q, want %q", address, got, want)
		}
	}
}

// An allowed network opens link-local, loopback, unspecified and metadata addresses only
// if it lies inside their blocks.
func TestALargeNetworkDoesNotOpenTheMachineItself(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		allow, address, want string
	}{
		{"0.0.0.0/0", "10.1.2.3", ""},
		{"0.0.0.0/0", "169.254.169.254", "link-local"},
		{"169.0.0.0/8", "169.254.170.2", "link-local"},
		{"169.254.0.0/16", "169.254.170.2", ""},
		{"169.254.169.254/32", "169.254.169.254", ""},
		{"0.0.0.0/0", "127.0.0.1", "loopback"},
		{"0.0.0.0/0", "0.0.0.0", "unspecified"},
		{"0.0.0.0/0", "168.63.129.16", "metadata"},
		{"100.64.0.0/10", "100.100.100.200", "metadata"},
		{"100.64.0.0/10", "100.100.100.201", ""},
		{"fc00::/7", "fd00:ec2::254", "metadata"},
		{"fd00:ec2::254/128", "fd00:ec2::254", ""},
		{"::/0", "fe80::1", "link-local"},
		{"::/0", "::1", "loopback"},
		{"::1/128", "::1", ""},
		{"::/0", "::ffff:169.254.169.254", "link-local"},
		{"64:ff9b::/96", "64:ff9b::a9fe:a9fe", "link-local"},
		{"64:ff9b::/96", "64:ff9b::10.0.0.1", "private"},
		{"10.0.0.0/8", "64:ff9b::10.0.0.1", ""},
		{"64:ff9b:1::/48", "64:ff9b:1::10.0.0.1", ""},
		{"64:ff9b:1::/48", "64:ff9b:1::169.254.169.254", "NAT64"},
		{"2002::/16", "2002:a9fe:a9fe::1", "6to4"},
	} {
		allow := []netip.Prefix{netip.MustParsePrefix(tt.allow)}
		if got := probe.Refuses(allow, nil, netip.MustParseAddr(tt.address)); got != tt.want {
			t.Errorf("Refuses(%s) with %s allowed = %q, want %q", tt.address, tt.allow, got, tt.want)
		}
	}
}

// A denied network is refused even if it is public or allowed, however its addresses are
// written.
func TestADeniedNetworkWinsOverAnAllowedOne(t *testing.T) {
	t.Parallel()
	allow, deny := networks(t, "10.0.0.0/8,64:ff9b:1::/48"), networks(t, "10.1.0.0/16,2600:1f18::/56,8.8.8.0/24")
	for address, want := range map[string]string{
		"10.1.2.3": "denied", "::ffff:10.1.2.3": "denied", "64:ff9b::10.1.2.3": "denied", "64:ff9b:1::10.1.2.3": "denied",
		"10.2.0.0": "", "2600:1f18::1": "denied", "2600:1f19::1": "", "8.8.8.8": "denied", "64:ff9b::8.8.8.8": "denied", "8.8.4.4": "",
	} {
		if got := probe.Refuses(allow, deny, netip.MustParseAddr(address)); got != want {
			t.Errorf("Refuses(%s) = %q, want %q", address, got, want)
		}
	}
}

func networks(t *testing.T, list string) []netip.Prefix {
	t.Helper()
	parsed, err := probe.ParseNetworks(list)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestParseNetworks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, list string
		want       []netip.Prefix
		error      string
	}{
		{"none", "", nil, ""},
		{"only a comma", " , ", nil, ""},
		{"both families", "10.0.0.0/8,fd00::/8", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}, ""},
		{"an address", "10.0.0.1", nil, `"10.0.0.1" is not a network; want one such as 10.1.0.0/16`},
		{"bits beyond the network", "10.0.0.1/8", nil, `"10.0.0.1/8" is not a network; want one such as 10.1.0.0/16`},
		{"mapped", "::ffff:10.0.0.0/104", nil, `"::ffff:10.0.0.0/104" is not a network; want one such as 10.1.0.0/16`},
		{"words", "all", nil, `"all" is not a network; want one such as 10.1.0.0/16`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := probe.ParseNetworks(tt.list)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" || text != tt.error {
				t.Errorf("ParseNetworks(%q) = %v, %q; want %v, %q", tt.list, got, text, tt.want, tt.error)
			}
		})
	}
}

// The dialer itself refuses an address, without sending a packet, whether it is in the
// URL or one of the addresses of a name.
func TestARefusedAddressIsNotConnectedTo(t *testing.T) {
	t.Parallel()
	for address, kind := range refused() {
		a := netip.MustParseAddr(address)
		urls := map[string]string{"a name": "https://" + name + "/"}
		if a.Zone() == "" {
			urls["an address"] = "http://" + netip.AddrPortFrom(a, 80).String() + "/"
		}
		for way, text := range urls {
			t.Run(way+" "+address, func(t *testing.T) {
				t.Parallel()
				if a.Unmap().Is6() {
					_ = listen(t, "::1").Close() // without IPv6 there is no socket to guard
				}
				p := probe.New(probe.Settings{Resolver: names{name: {a}}})
				_, err := p.Probe(t.Context(), get(t, text))
				host := name
				if way == "an address" {
					host = a.String()
				}
				want := "connect to " + host + ": its address is refused: " + kind + "; the worker's operator can allow it"
				if e, ok := errors.AsType[*probe.Error](err); !ok || e.ErrorName() != probe.ErrorConnect || err.Error() != want {
					t.Errorf("Probe(%s) = %v, want %s: %s", text, err, probe.ErrorConnect, want)
				}
			})
		}
	}
}
