package probe

import "net/netip"

// Refuses returns the kind of a if it is refused, or "".
func Refuses(allow, deny []netip.Prefix, a netip.Addr) string { return guard{allow, deny}.refuses(a) }
