package probe

import "net/netip"

// Refuses says what kind of address a is when it is refused, else "".
func Refuses(allow []netip.Prefix, a netip.Addr) string { return guard{allow}.refuses(a) }
